"""The safety case says what is true: its tests exist, its sentences are those that are said."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from retrowalk.core import guard
from retrowalk.core.faults import FAULTS, Reaction

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "safety-case.md").read_text()
WAYS = {"not done", "done", "too early, too late", "too long, too short"}
LAWS = [f"G{number}" for number in range(1, 17)]
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FOLLOWS = {
    Reaction.STOP: "stop",
    Reaction.PAUSE: "pause",
    Reaction.SLOW: "slow to the end",
    Reaction.HOLD: "no raises",
    Reaction.NOTE: "a note",
}


def cells(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    part = re.split(r"^##+ ", TEXT.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


ACTIONS = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
ROWS = {row[0]: row for action in ACTIONS for row in cells(action)}
PROOFS = dict(re.findall(r"^- (\w\d): ((?:`[^`]+`,?\s*)+)", TEXT, re.MULTILINE))


@cache
def named_in(path: str) -> frozenset[str]:
    """The names of the tests that pytest would collect there."""
    tree = ast.parse((ROOT / path).read_text())
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    found = (
        node for body in bodies for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(node.name for node in found if node.name.startswith("test_"))


@pytest.mark.parametrize(("path", "name"), sorted(set(NODE.findall(TEXT))))
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    assert name in named_in(path)


@pytest.mark.parametrize("row", ROWS)
def test_every_hazard_has_a_test(row: str) -> None:
    assert NODE.findall(PROOFS[row])


def test_every_proof_is_of_a_hazard_and_there_are_as_many_as_can_be_seen() -> None:
    assert PROOFS.keys() == ROWS.keys()
    assert len(ROWS) == len(re.findall(r"^\| [A-Z]\d \| (?:not done|done|too )", TEXT, re.MULTILINE))


@pytest.mark.parametrize("action", ACTIONS)
def test_of_every_action_all_four_questions_are_asked(action: str) -> None:
    assert {row[1] for row in cells(action)} == WAYS


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_whole_and_leads_to_a_known_hazard_or_says_that_there_is_none(row: str) -> None:
    _, _, dangerous, *rest = ROWS[row]
    assert len(rest) == 4
    known = {cell.split()[0] for cell, _ in cells("Losses and hazards") if cell.startswith("B")}
    assert set(re.findall(r"\bB\d", dangerous)) <= known
    assert re.search(r"\(B\d", dangerous) or dangerous.startswith("no danger")
    assert all(rest) or dangerous.startswith("no danger")


@pytest.mark.parametrize("law", LAWS)
def test_every_law_has_its_tests_and_is_asked_for_by_a_hazard(law: str) -> None:
    paths = [
        re.findall(r"\(\.\./(tests/[^)]+)\)", row[1])
        for row in cells("Laws and their tests")
        if row[0] == law
    ]
    assert paths
    assert all(named_in(path) for path in paths[0])
    number = int(law[1:])
    held = " ".join(row[4] for row in ROWS.values())
    spans = [(int(a), int(b)) for a, b in re.findall(r"G(\d+) to G(\d+)", held)]
    assert re.search(rf"\b{law}\b", held) or any(a <= number <= b for a, b in spans)


def test_the_laws_are_those_of_the_guard() -> None:
    assert re.findall(r"^(G\d+) ", guard.__doc__ or "", re.MULTILINE) == LAWS


def test_every_fault_is_there_in_its_rank_with_what_is_said() -> None:
    rows = cells("Faults, and what is said")
    assert rows == [
        [
            f"`{fault.id}`",
            fault.cause,
            FOLLOWS[fault.reaction],
            fault.clears.value,
            f"**{fault.sentence}**" if fault.alarm else fault.sentence,
        ]
        for fault in FAULTS
    ]


def test_a_fault_that_a_hazard_names_is_one() -> None:
    named = {name for row in ROWS.values() for name in re.findall(r"`(\w+)`", row[6]) if name != "park"}
    known = {fault.id for fault in FAULTS}
    assert named - {"inspect", "missed"} <= known
    spoken = known - {"console_stop", "hand", "start_failed", "safety_key", "over_ceiling", "too_fast"}
    assert spoken <= named, spoken - named
