"""What must fit together in retrowalk.toml, across keys and tables.

Judged on the tree of the TOML text: a mistake in one place hides none in another. What a single key may be
is the model's question; a value of a wrong kind counts here as one that nobody knows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from retrowalk.settings.model import Mqtt

Table = Mapping[str, Any]
Location = tuple[int | str, ...]
Problem = tuple[Location, str]
"""Where, and what is wrong there."""


def table(tree: Table, name: str) -> Table:
    """The table of that name; empty where it is none."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def tables(tree: Table, name: str) -> list[tuple[int, Table]]:
    """The tables of that array with their numbers, but those that are none."""
    found = tree.get(name)
    return (
        [(n, one) for n, one in enumerate(found) if isinstance(one, dict)] if isinstance(found, list) else []
    )


def misfits(tree: Table) -> Iterator[Problem]:
    """Every rule across keys that the tree breaks."""
    yield from _mqtt_and_alarm(table(tree, "mqtt"), table(tree, "alarm"))
    treadmills = tables(tree, "treadmills")
    ids: list[str] = []
    for n, treadmill in treadmills:
        if ("address" in treadmill) == ("match" in treadmill):
            yield ("treadmills", n), "exactly one of address and match says which machine it is"
        yield from _new_id(("treadmills", n, "id"), treadmill.get("id"), ids, "treadmills")
    yield from _machines(treadmills)
    yield from _straps(treadmills)
    walkers: list[str] = []
    for n, walker in tables(tree, "walkers"):
        yield from _new_id(("walkers", n, "id"), walker.get("id"), walkers, "walkers")
    for n, entry in tables(tree, "schedule"):
        yield from _schedule(("schedule", n), entry, ids, len(treadmills))
        name = entry.get("walker")
        if isinstance(name, str) and name and name not in walkers:
            allowed = f"allowed is {', '.join(walkers)}" if walkers else "there is no [[walkers]] table"
            yield ("schedule", n, "walker"), f'found "{name}", {allowed}'


def _new_id(place: Location, name: object, ids: list[str], what: str) -> Iterator[Problem]:
    if isinstance(name, str):
        if name in ids:
            yield place, f'two {what} have the id "{name}": each needs its own'
        ids.append(name)


def _machines(treadmills: Sequence[tuple[int, Table]]) -> Iterator[Problem]:
    """Who starts one treadmill must not move the belt of another."""
    addresses: set[str] = set()
    patterns: list[str] = []
    for n, treadmill in treadmills:
        if isinstance(address := treadmill.get("address"), str):
            if address.upper() in addresses:
                said = f'two treadmills have the address "{address}": each needs its own'
                yield ("treadmills", n, "address"), said
            addresses.add(address.upper())
        if isinstance(pattern := treadmill.get("match"), str):
            for other in patterns:
                if _may_fit(_plain(pattern), _plain(other)):
                    said = f'one machine may fit both "{other}" and "{pattern}": name each by its address'
                    yield ("treadmills", n, "match"), said
            patterns.append(pattern)


def _plain(pattern: str) -> str:
    """With ? in place of each [set]; no name in the air is longer."""
    return re.sub(r"\[.[^]]*]", "?", pattern.casefold())[:200]


@cache
def _may_fit(one: str, other: str) -> bool:
    """There is a name that fits both patterns of *, ? and letters."""
    if not one or not other:
        return not (one + other).strip("*")
    if other[0] == "*":
        one, other = other, one
    if one[0] == "*":
        return _may_fit(one[1:], other) or _may_fit(one, other[1:])
    return (one[0] == other[0] or "?" in (one[0], other[0])) and _may_fit(one[1:], other[1:])


def _straps(treadmills: Sequence[tuple[int, Table]]) -> Iterator[Problem]:
    """A strap talks to one; and who hangs up on it must not hang up on a treadmill."""
    machines = {str(treadmill.get("address")).upper() for _, treadmill in treadmills}
    taken: list[str] = []
    for n, treadmill in treadmills:
        if not isinstance(strap := treadmill.get("heart_rate_strap"), str):
            continue
        place = ("treadmills", n, "heart_rate_strap")
        if strap.upper() in machines:
            yield place, f'"{strap}" is a treadmill: leave it out, its own heart rate counts without it'
        for other in taken:  # an address and a name are told apart when the first of them is found
            if (":" in strap) == (":" in other) and _may_fit(_plain(strap), _plain(other)):
                yield (
                    place,
                    f'one strap may be both "{other}" and "{strap}": name each walker\'s by its address',
                )
        taken.append(strap)


def _mqtt_and_alarm(mqtt: Table, alarm: Table) -> Iterator[Problem]:
    if ("tls_cert" in mqtt) != ("tls_key" in mqtt):
        yield ("mqtt",), "tls_cert and tls_key belong together: set both or none"
    outputs = alarm.get("outputs")
    outputs = outputs if isinstance(outputs, list) else []
    if "voice" in outputs and not alarm.get("voice_command"):
        yield ("alarm",), 'the output "voice" needs voice_command, such as ["espeak-ng"]'
    if "mqtt" in outputs and mqtt.get("url", Mqtt().url) == "off":
        yield ("alarm", "outputs"), '"mqtt" is one of them, but [mqtt] url is "off"'


def _schedule(place: Location, entry: Table, ids: Sequence[str], treadmills: int) -> Iterator[Problem]:
    if ("at" in entry) == ("cron" in entry):
        yield place, "exactly one of at and cron says when"
    if "cron" in entry and entry.get("days"):
        yield place, "days belong to at: with cron, its fifth field says the days"
    allowed = f"allowed is {', '.join(ids)}" if ids else "there is no [[treadmills]] table"
    treadmill = entry.get("treadmill")
    if "treadmill" not in entry and treadmills != 1:
        yield place, f"it must say which treadmill: {allowed}"
    elif isinstance(treadmill, str) and treadmill not in ids:
        yield (*place, "treadmill"), f'found "{treadmill}", {allowed}'
