"""The tables of docs/treadmills.md that say what becomes of a session on every machine."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.machines.fate import Fate, fate_of

from retrowalk.machines import MachineFile, list_machines

DOCUMENT = Path(__file__).parents[2] / "docs" / "treadmills.md"
_BEGINS, _ENDS = "<!-- {}: made by make machines -->", "<!-- end of {} -->"


def row(file: MachineFile, fate: Fate) -> str:
    """The machine's line."""
    if file.is_simulated:
        return f"| `{file.name}` | {_cell(file.about)} | {_verdict(fate)} |"
    link = f"[`{file.name}`](../config/treadmills/{file.name}.toml)"
    return f"| {link} | {_shows(file)} | {_cell(file.about)} | {_verdict(fate)} |"


def _verdict(fate: Fate) -> str:
    """How a session ends there, in words."""
    why = re.sub(
        r"^(.*? can only be watched|.*? (?=takes no speed|changes speed|sends no treadmill))", "", fate.why
    )
    why = why.removeprefix(": ").strip()
    words = f"{fate.end}: {why}" if why else str(fate.end)
    return _cell(f"{words}; PULL THE CORD" if fate.alarmed else words)


def tables() -> Mapping[str, str]:
    """Both tables, by name."""
    rows = {name: row(file, fate_of(file)) for name, file in list_machines().items()}
    real = [rows[name] for name, file in list_machines().items() if not file.is_simulated]
    made_up = [rows[name] for name, file in list_machines().items() if file.is_simulated]
    return {
        "real": "\n".join(["| file | known by | what is special | a session |", "|---|---|---|---|", *real]),
        "simulated": "\n".join(["| machine | what it does | a session |", "|---|---|---|", *made_up]),
    }


def written(name: str) -> list[str]:
    """The rows of that table in the document."""
    return _found(DOCUMENT.read_text(), name)[1].strip().splitlines()[2:]


def write() -> None:
    """Bring the document up to date."""
    text = DOCUMENT.read_text()
    for name, table in tables().items():
        before, _, after = _found(text, name)
        text = f"{before}\n{table}\n{after}"
    DOCUMENT.write_text(text)


def _found(text: str, name: str) -> tuple[str, str, str]:
    """Before that table, the table, after it."""
    begins, ends = _BEGINS.format(name), _ENDS.format(name)
    before, table = text.split(begins)
    table, after = table.split(ends)
    return before + begins, table, ends + after


def _shows(file: MachineFile) -> str:
    match = file.match
    said = [
        f"{key} `{value}`" for key in ("manufacturer", "model", "firmware") if (value := getattr(match, key))
    ]
    return ", ".join(
        [f"`{name}`" for name in match.names] + said + [f"has `{number}`" for number in match.has]
    )


def _cell(text: str) -> str:
    return text.rstrip(".").replace("|", "\\|")
