"""`retrowalk decode`: the octets of a Bluetooth characteristic, in the words of the contract."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

import click

from blefit.errors import DecodeError
from blefit.registry import decode_json, find
from retrowalk.cli.errors import UserError

_BETWEEN_OCTETS = re.compile(r"[\s:,\-]+|\b0x", re.IGNORECASE)


@click.command(short_help="Turn the octets of a Bluetooth characteristic into JSON.")
@click.option("--json", "as_json", is_flag=True, help="JSON on a terminal too; one line a record.")
@click.argument("uuid")
@click.argument("octets", metavar="HEX...", nargs=-1, required=True)
def decode(as_json: bool, uuid: str, octets: tuple[str, ...]) -> None:
    """Decode what a fitness machine or a heart rate strap sent: a listing on a terminal, else JSON.

    UUID is 2acd, 0x2ACD or the 128-bit form; 1826 is the service data of an advertisement. Each HEX is one
    notification, in quotes where there are blanks between its octets. A record that the machine split over
    several notifications is put together.

    \b
    retrowalk decode 2acd "8624fa00 d900 a60500 5500ffffff 5709 f30d00"
    retrowalk decode --json 2ada 05:c8:00
    """
    try:
        entry = find(uuid)
    except LookupError as error:
        raise UserError(str(error)) from error
    payloads = [_octets(text) for text in octets]
    try:
        records = decode_json(uuid, payloads)
    except DecodeError as error:
        raise UserError(f"{entry.name}: {error}{_advice(octets, payloads)}") from error
    if as_json or not sys.stdout.isatty():
        click.echo("\n".join(json.dumps(record) for record in records))
    else:
        click.echo("\n\n".join("\n".join(_listing(record)) for record in records))


def _octets(text: str) -> bytes:
    """The octets of one argument; UserError when it is no hexadecimal."""
    digits = _BETWEEN_OCTETS.sub("", text)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        odd = re.fullmatch("[0-9a-fA-F]*", digits)
        why = "it has an odd number of digits" if odd else "only 0 to 9 and a to f are digits"
        raise UserError(f"{text!r} is not hexadecimal: {why}") from None


def _advice(octets: Sequence[str], payloads: Sequence[bytes]) -> str:
    if len(payloads) < 2 or any(len(payload) != 1 for payload in payloads):
        return ""
    return f'; if these octets are one notification, put them in quotes: "{" ".join(octets)}"'


def _listing(record: Mapping[str, object]) -> Iterator[str]:
    for key, value in record.items():
        yield f"{key}: {_told(value)}"


def _told(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case [*values]:
            return ", ".join(map(str, values)) or "none"
        case "":
            return "none"
        case _:
            return str(value)
