"""Treadmill Data, 0x2ACD: what the belt does, several times a second (FTMS 4.4).

Every combination of flags and length has one layout, worked out once: decoding is a look-up, one `unpack`
and one tuple.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from blefit.errors import DecodeError
from blefit.ftms.treadmill_layout import GROUPS, MORE_DATA, PACES, SPEED, STEPS, Layout, layout
from blefit.octets import octets
from blefit.units import Incline, Speed


class TreadmillData(NamedTuple):
    """One notification, or one whole record. Integers of the wire; None is not sent or not available.

    `missing_fields` are those the flags promised and a cut frame did not bring, by their names here;
    `trailing` are octets that nothing announced.
    """

    more_data: bool = False
    """More notifications of the same record follow, and this one has no speed."""
    instantaneous_speed: Speed | None = None
    average_speed: Speed | None = None
    total_distance: int | None = None
    """m"""
    inclination: Incline | None = None
    ramp_angle: int | None = None
    """0.1 degree"""
    positive_elevation_gain: int | None = None
    """0.1 m"""
    negative_elevation_gain: int | None = None
    """0.1 m"""
    instantaneous_pace: int | None = None
    """0.1 km/min"""
    average_pace: int | None = None
    """0.1 km/min"""
    total_energy: int | None = None
    """kcal"""
    energy_per_hour: int | None = None
    """kcal"""
    energy_per_minute: int | None = None
    """kcal"""
    heart_rate: int | None = None
    """Beats a minute; a machine's 0 is None."""
    metabolic_equivalent: int | None = None
    """0.1"""
    elapsed_time: int | None = None
    """s"""
    remaining_time: int | None = None
    """s"""
    force_on_belt: int | None = None
    """N"""
    power_output: int | None = None
    """W"""
    vendor_step_count: int | None = None
    """Steps, of the reserved bit 13."""
    missing_fields: tuple[str, ...] = ()
    trailing: bytes = b""

    @property
    def truncated(self) -> bool:
        """The frame was cut: it promised more than it brought."""
        return bool(self.missing_fields)


@lru_cache(maxsize=256)  # a machine uses one or two; a fuzzer must not fill the memory
def _layout(flags: int, length: int) -> Layout:
    return layout(flags, length, TreadmillData._fields)


def decode(payload: bytes) -> TreadmillData:
    """Read one notification; reserved flags and trailing octets are no error.

    Raises DecodeError when it is too short for the flags, or for the speed of a frame that must have one.
    A frame cut later gives what arrived whole, and names the rest in `missing_fields`.
    """
    length = len(payload)
    if length < 2:
        raise DecodeError.cut("flags", 2, length)
    unpack, wide, optional, constants, end, pick = _layout(payload[0] | payload[1] << 8, length)
    row = [*unpack(payload), *constants, payload[end:]]
    for slot in wide:
        row[slot] |= row[slot + 1] << 16
    for slot, absent in optional:
        if row[slot] in absent:
            row[slot] = None
    return TreadmillData._make(pick(row))


def encode(data: TreadmillData) -> bytes:
    """The one notification that `decode` reads as `data`.

    Fields that come in one group are sent together, the unknown ones as "not available"; steps in 3 octets;
    paces in two octets each when one of them needs it. Raises ValueError for what no notification can say.
    """
    if (data.instantaneous_speed is None) != data.more_data:
        raise ValueError("a notification has a speed exactly when no more data follow")
    frame = _form(data).write(data) + data.trailing
    read = decode(frame)
    if read != data:
        name, said, heard = next(
            each for each in zip(data._fields, data, read, strict=True) if each[1] != each[2]
        )
        raise ValueError(f"no notification says {name} = {said!r}: it would be read as {heard!r}")
    return frame


class _Form(NamedTuple):
    """What all frames have in common in which the same fields are known."""

    length: int
    write: Callable[[TreadmillData], bytes]


def _form(data: TreadmillData) -> _Form:
    wide_pace = max(data.instantaneous_pace or 0, data.average_pace or 0) > 0xFF
    known = tuple([value is not None for value in data[1:-2]])
    return _form_of(known, wide_pace, data.missing_fields)


@lru_cache(maxsize=256)
def _form_of(known: tuple[bool, ...], wide_pace: bool, missing: tuple[str, ...]) -> _Form:
    names = {name for name, there in zip(TreadmillData._fields[1:-2], known, strict=True) if there}
    flags, fields, cut = (0, [SPEED], False) if SPEED.name in names else (MORE_DATA, [], False)
    for bit, group in GROUPS.items():
        if not any(field.name in names or field.name in missing for field in group):
            continue
        flags |= 1 << bit
        for field in group:
            cut = cut or field.name in missing
            if cut:
                break
            fields.append(field._replace(format="H") if wide_pace and field in PACES else field)
    # None at all would be a step count of no octets, which is not missing.
    stub = b"\0" if missing == (STEPS.name,) else b""
    slots = [
        (TreadmillData._fields.index(field.name), field, field.width, field.format == "h") for field in fields
    ]
    begins = octets("flags", flags, 2)

    def write(data: TreadmillData) -> bytes:
        parts = [begins]
        for slot, field, width, signed in slots:
            value: Any = data[slot]
            parts.append(
                octets(field.name, field.absent[0] if value is None else value, width, signed=signed)
            )
        parts.append(stub)
        return b"".join(parts)

    return _Form(len(begins) + sum(field.width for field in fields) + len(stub), write)


def split(data: TreadmillData, mtu_payload: int = 20) -> list[bytes]:
    """The notifications of at most `mtu_payload` octets that say one whole record (FTMS 4.4.1.1).

    Fields stay whole and in order; all but the last have More Data set, the last one has the speed.
    Raises ValueError when `data` is only a part, was cut or has something trailing, and when a notification
    cannot hold one group of fields.
    """
    if data.more_data or data.truncated or data.trailing:
        raise ValueError("only a whole record, with nothing trailing, can be split")
    parts: list[dict[str, Any]] = [{}]
    for group in GROUPS.values():
        fields = {field.name: getattr(data, field.name) for field in group}
        if all(value is None for value in fields.values()):
            continue
        if _form(TreadmillData(more_data=True, **parts[-1], **fields)).length <= mtu_payload:
            parts[-1] |= fields
        else:
            parts.append(fields)
    speed = data.instantaneous_speed
    if _form(TreadmillData(instantaneous_speed=speed, **parts[-1])).length > mtu_payload:
        parts.append({})
    *first, last = parts
    frames = [encode(TreadmillData(more_data=True, **part)) for part in first if part]
    frames.append(encode(TreadmillData(instantaneous_speed=speed, **last)))
    if max(map(len, frames)) > mtu_payload:
        raise ValueError(f"this record does not fit into notifications of {mtu_payload} octets")
    return frames


class RecordJoiner:
    """Puts the notifications of split records together again, one machine's, in the order they came."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: TreadmillData | None = None

    @property
    def unfinished(self) -> TreadmillData | None:
        """What came of a record whose last notification is still to come."""
        return self._begun

    def feed(self, part: TreadmillData) -> TreadmillData | None:
        """The whole record when `part` is its last notification, None while more follow.

        A field that has come already belongs to another record: the last notification of the one begun was
        lost, and what had come of it is dropped.
        """
        begun, self._begun = self._begun, None
        if begun is not None and _known(begun).keys().isdisjoint(_known(part)):
            part = _join(begun, part)
        if not part.more_data:
            return part
        self._begun = part
        return None

    def reset(self) -> None:
        """Drop what has begun: the link is gone, and its last part with it (FTMS 4.4.1.1)."""
        self._begun = None


_LONGEST: Final = 512
"""Octets of what is unknown that are kept, lest a record that never ends grows for ever: as many as the value
of an attribute has at most (Core specification)."""
_VALUES: Final = TreadmillData._fields[1:-2]  # all but more_data, missing_fields and trailing


def _known(data: TreadmillData) -> dict[str, Any]:
    return {name: value for name in _VALUES if (value := getattr(data, name)) is not None}


def _join(first: TreadmillData, second: TreadmillData) -> TreadmillData:
    joined = second._replace(**_known(first))
    missing = dict.fromkeys(first.missing_fields + second.missing_fields)
    return joined._replace(
        missing_fields=tuple(name for name in missing if getattr(joined, name) is None),
        trailing=(first.trailing + second.trailing)[:_LONGEST],
    )
