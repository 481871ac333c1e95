"""The table of planted bugs fits the code as it is; and the soak sees one of them within a moment."""

from collections import Counter

import pytest
from tests.soak.plant import ROOT, hunt
from tests.soak.planted import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=[bug.id for bug in BUGS])
def test_its_place_is_there_once(bug: Bug) -> None:
    assert (ROOT / "daemon" / "retrowalk" / bug.file).read_text().count(bug.old) == 1
    assert bug.old != bug.new


def test_no_two_have_one_name_and_there_are_enough() -> None:
    assert max(Counter(bug.id for bug in BUGS).values()) == 1
    assert len(BUGS) >= 25


def test_a_planted_bug_is_caught() -> None:
    (bug,) = (bug for bug in BUGS if bug.id == "an offer starts the belt")
    assert hunt(bug, seed=1, most_s=3600).law == "forbidden"
