"""What a daemon has done is in its journal."""

from tests.scenarios.conftest import Room, Stand

from retrowalk.core.model import Connected, Notified, Phase, Replied, Request
from retrowalk.journal.lines import Header, Step, read


def steps_of(room: Room, name: str = "tm-000001.jsonl") -> list[Step]:
    with (room.state / "journal" / name).open(newline="") as lines:
        entries = [entry for _, entry in read(lines)]
    assert isinstance(entries[0], Header)
    return [entry for entry in entries if isinstance(entry, Step)]


async def test_a_whole_session_with_every_frame(room: Room, spec: Stand) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        async with room.person(daemon):
            await daemon.offered()
            await daemon.phase(Phase.ENDED, within=300)
    steps = steps_of(room)
    came = [step.got for step in steps]
    assert sum(isinstance(got, Connected) for got in came) == 1
    assert sum(isinstance(got, Notified) for got in came) > 100
    assert [frame.octets for step in steps for frame in step.frames] == [f for _, f in spec.machine.written]
    assert any(isinstance(got, Request) for got in came)
    assert any(isinstance(effect, Replied) for step in steps for effect in step.effects)
    assert sorted(steps, key=lambda step: step.t) == steps
