"""The documents say what is true: their commands exist, their links resolve, their tables are the code's."""

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from blefit.units import Speed, kmh, percent
from retrowalk.cli import retrowalk
from retrowalk.core.bounds import GUARDED, LEVELS, SITE_BOUNDS, Level, SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.faults import FAULTS
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Machine, Phase, Request
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.machines import Facts, MachineFileError, Match, Shown, list_machines, load_machine
from retrowalk.mqtt.commands import SeenIds, parse_command, parse_confirm
from retrowalk.settings import Settings, parse_settings
from retrowalk.sim.machines import quirks_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)


def tables(document: Path) -> dict[str, list[list[str]]]:
    """The rows of the tables under each heading, without their heads; cells without back quotes."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in document.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").replace("`", "")
        elif line.startswith("|---"):
            found[heading].pop()
        elif line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line.strip("|"))
            found.setdefault(heading, []).append([cell.strip().replace("`", "") for cell in cells])
    return found


# --- commands -------------------------------------------------------------------------------------


def commands(document: Path) -> set[str]:
    """Each mention of a command line that begins with retrowalk, in back quotes or in a block."""
    text = document.read_text()
    inline = re.findall(r"`(retrowalk [^`]+)`", text)
    shown = [
        re.sub(r"^\$ ", "", line.split("  #")[0].split(" # ")[0]).strip()
        for block in blocks(document, "(?:sh|console)")
        for line in block.splitlines()
    ]
    return {
        *inline,
        *(line.replace(".venv/bin/", "") for line in shown if re.match(r"(\S*/)?retrowalk ", line)),
    }


def unknown(line: str) -> str:
    """What is wrong with a command line: a word that is no command, an option that it does not have."""
    command: click.Command = retrowalk
    context = click.Context(retrowalk, info_name="retrowalk")
    words = shlex.split(line)[1:]
    while words and isinstance(command, click.Group):
        word = words.pop(0)
        if word.startswith("-"):
            break
        known = command.get_command(context, word)
        if known is None:
            return f"{word} is no command"
        command, context = known, click.Context(known, parent=context)
    options = {option for parameter in command.get_params(context) for option in parameter.opts}
    return ", ".join(word for word in words if word.startswith("--") and word not in options)


@each_document
def test_every_command_that_a_document_mentions_exists(document: Path) -> None:
    wrong = {line: unknown(line) for line in commands(document)}
    assert {line: why for line, why in wrong.items() if why} == {}


def test_the_readme_lists_every_command() -> None:
    listed = {row[0].split()[0] for row in tables(ROOT / "README.md")["Commands"]}
    assert listed == set(retrowalk.list_commands(click.Context(retrowalk)))


@pytest.mark.parametrize("line", ["retrowalk dance", "retrowalk programs burn", "retrowalk demo --fast"])
def test_a_command_that_does_not_exist_would_be_noticed(line: str) -> None:
    assert unknown(line)


@each_document
def test_every_make_target_that_a_document_mentions_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = set(re.findall(r"(?:`|^)make ([a-z]+)", document.read_text(), re.MULTILINE))
    assert mentioned <= targets


# --- links ----------------------------------------------------------------------------------------


@each_document
def test_every_relative_link_resolves(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", document.read_text())
    relative = [(document.parent / link, anchor) for link, anchor in links if "://" not in link]
    assert [path for path, _ in relative if not path.exists()] == []
    assert [anchor for path, anchor in relative if anchor and anchor not in anchors(path)] == []


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_leads_to_every_document() -> None:
    text = (ROOT / "README.md").read_text()
    assert [path.name for path in DOCUMENTS[1:] if f"(docs/{path.name}" not in text] == []


# --- programs -------------------------------------------------------------------------------------


def examples() -> list[tuple[str, str]]:
    return [
        (f"{document.name} {number}", block)
        for document in DOCUMENTS
        for number, block in enumerate(blocks(document, "toml"), 1)
        if "steps" in block
    ]


@pytest.mark.parametrize(("where", "text"), examples())
def test_every_program_in_the_documents_is_well_formed_and_checked(where: str, text: str) -> None:
    program = parse_program(text)
    assert isinstance(program, Program), where
    ranges = Machine(id="spec", name="spec", minimum=Speed(80), maximum=Speed(1400), increment=Speed(10))
    machine = load_machine("spec").daemon.applied_to(ranges)
    limits = limits_for(machine, site=SiteLimits(level=program.level), level=program.level)
    assert isinstance(limits, Limits)
    refused = isinstance(compile_program(program, limits, machine), Violations)
    assert refused == ("# breaks the rules" in text), where


def cells(name: str, row: Level) -> list[str]:
    return [
        name,
        str(kmh(row.backward_cap)),
        str(kmh(row.backward_ceiling)),
        f"{percent(row.incline_cap):g}",
        str(row.ramp_up / 100),
        str(row.bout_s // 60),
        str(row.backward_total_s // 60),
    ]


def test_the_table_of_levels_is_the_one_in_code() -> None:
    expected = [cells("guarded", GUARDED), *(cells(str(n), row) for n, row in enumerate(LEVELS))]
    assert tables(ROOT / "docs/programs.md")["Limits"] == expected


# --- configuration --------------------------------------------------------------------------------

SCHEMA = Settings.model_json_schema()
SECTIONS = {
    name: SCHEMA["$defs"][(spec.get("items") or spec)["$ref"].rsplit("/", 1)[1]]
    for name, spec in SCHEMA["properties"].items()
}


def section_rows(name: str) -> dict[str, list[str]]:
    found = tables(ROOT / "docs/configuration.md")
    rows = found.get(f"[{name}]") or found[f"[[{name}]]"]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_keys_of_the_configuration_are_all_documented(name: str) -> None:
    assert list(section_rows(name)) == list(SECTIONS[name]["properties"])


@pytest.mark.parametrize("name", SECTIONS)
def test_their_defaults_and_bounds_are_the_documented_ones(name: str) -> None:
    rows = section_rows(name)
    for key, spec in SECTIONS[name]["properties"].items():
        default, allowed = rows[key][:2]
        if key in SECTIONS[name].get("required", ()):
            assert default == "needed", key
        elif spec["default"] is None:
            assert default in {"-", "level"}, key
        else:
            assert json.loads(default) == spec["default"], key
        for variant in spec.get("anyOf", [spec]):
            if "minimum" in variant:
                assert allowed == f"{variant['minimum']:g} to {variant['maximum']:g}", key
            for value in (variant.get("items") or variant).get("enum", ()):
                assert f'"{value}"' in allowed, key


def test_every_bound_of_the_site_is_a_key_of_the_configuration() -> None:
    no_limits = {"guarded", "heart_rate_max_bpm", "manual_use_allowed"}
    assert len(SITE_BOUNDS) == len(SECTIONS["safety"]["properties"].keys() - no_limits)


def configurations() -> list[tuple[str, str]]:
    return [
        (document.name, block)
        for document in DOCUMENTS
        for block in blocks(document, "toml")
        if "steps" not in block
        and re.search(r"^\[+(mqtt|treadmills|safety|alarm|schedule)\]", block, re.MULTILINE)
    ]


@pytest.mark.parametrize(("where", "text"), configurations())
def test_every_configuration_in_the_documents_is_good(where: str, text: str) -> None:
    assert parse_settings(text, where, {})


# --- MQTT, safety, treadmills -----------------------------------------------------------------------


def test_the_documented_payloads_are_understood() -> None:
    text = (ROOT / "docs/mqtt.md").read_text()
    command = re.search(r"home/command -m '(.*?)'", text)
    confirm = next(block for block in blocks(ROOT / "docs/mqtt.md", "json") if '"act"' in block)
    assert command is not None
    now = datetime(2026, 11, 21, 7, 19, 58, tzinfo=UTC)
    asked = parse_command(command[1].encode(), retained=False, now=now, seen=SeenIds())
    acted = parse_confirm(
        confirm.encode(),
        retained=False,
        now=now,
        seen=SeenIds(),
        sources=["button-left-rail"],
        allow_bare=False,
    )
    assert isinstance(asked, Request)
    assert isinstance(acted, Request)


def test_every_phase_is_documented() -> None:
    text = (ROOT / "docs/mqtt.md").read_text()
    assert [phase.value for phase in Phase if f"`{phase.value}`" not in text] == []


def test_every_law_is_explained_and_every_law_a_fault_names_is_one() -> None:
    laws = [row[0] for row in tables(ROOT / "docs/safety.md")["The laws"]]
    assert laws == [f"G{number}" for number in range(1, 17)]
    assert {fault.law for fault in FAULTS if fault.law.startswith("G")} <= set(laws)


def test_every_machine_and_every_key_of_its_file_is_documented() -> None:
    found = tables(ROOT / "docs/treadmills.md")
    named = {re.sub(r"\[(.*?)\].*", r"\1", row[0]) for rows in found.values() for row in rows}
    assert set(list_machines()) <= named
    assert set(Facts.model_fields) == {row[0] for row in found["Keys of [daemon]"]}
    assert set(Match.model_fields) == {row[0] for row in found["Keys of [match]"]}


def test_every_example_of_a_machine_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "hall.toml"
    path.write_text("".join(blocks(ROOT / "docs/treadmills.md", "toml")))
    assert load_machine(path).fit(Shown(name="HALLWALKER 2")) == (1, 11)
    assert quirks_of(load_machine(path)).attributes.absent == ("2AD5",)


def test_every_key_of_a_simulated_machine_is_documented() -> None:
    for name, listed in tables(ROOT / "docs/treadmills.md")["Keys of [sim]"]:
        table, keys = name.strip("[]").removeprefix("sim."), listed.split(", ")
        with pytest.raises(MachineFileError) as caught:
            quirks_of(load_machine("spec").model_copy(update={"sim": {table: {"none_of_them": 1}}}))
        assert str(caught.value).endswith(f"allowed are {', '.join(keys)}")
