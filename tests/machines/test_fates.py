"""One session on every machine of config/treadmills: it ends as the document says, and never in danger.

And on every real machine as if no file were about it: then it may end earlier, but in no danger either.
"""

from collections.abc import Iterator

import pytest
import structlog
from tests.machines.fate import End, Fate, fate_of
from tests.machines.table import row, written

from retrowalk.machines import MachineFile, list_machines

RUNS_AWAY = {"runaway": 400}
"""How fast a belt gets before it is stopped, in 0.01 km/h, where it does not do as it is told."""
TOLD = 120


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


def stranger(file: MachineFile) -> MachineFile:
    """The same machine, as a daemon meets it that has no file about it."""
    shown = {"name": "STRANGER", "manufacturer": "nobody", "model": "none", "firmware": "0"}
    return file.model_copy(update={"sim": {**file.sim, "link": {**file.sim.get("link", {}), **shown}}})


def in_no_danger(name: str, fate: Fate) -> bool:
    """It rests, and its belt never ran faster than the fastest target and a bit, not even told in miles."""
    return fate.at_rest and fate.fastest_kmh * 100 <= RUNS_AWAY.get(name, TOLD * 1.1)


@pytest.mark.parametrize("name", list_machines())
def test_a_session_ends_as_the_document_says(name: str) -> None:
    file = list_machines()[name]
    fate = fate_of(file)
    assert row(file, fate) in written("simulated" if file.is_simulated else "real"), "make machines"
    assert in_no_danger(name, fate)
    if file.daemon.watch_only:
        assert (fate.end, fate.fastest_kmh) == (End.REFUSED, 0.0)
        assert file.daemon.watch_only in fate.why


@pytest.mark.parametrize("name", [name for name, file in list_machines().items() if not file.is_simulated])
def test_a_session_on_a_machine_that_no_file_is_about_ends_in_no_danger(name: str) -> None:
    fate = fate_of(stranger(list_machines()[name]))
    assert in_no_danger(name, fate), fate


def test_the_document_has_no_other_machines() -> None:
    assert len(written("real")) + len(written("simulated")) == len(list_machines())
