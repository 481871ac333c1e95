"""Any value of the core as plain JSON, and back: words of the model, programs, a whole controller.

An object is `{"is": <its class>, <field>: ...}`, a tuple an array, a mapping with names for keys an object.
Objects that can change keep their identity: the second mention of one is `{"same": <its number>}`. Only
classes of the core, the door and blefit are made, and none of their code runs that did not make them before.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from importlib import import_module
from math import isfinite
from types import MethodType
from typing import Any

from retrowalk.core import model

Json = Any
"""What `json.loads` gives."""
Outside = Mapping[str, Callable[..., Any]]
"""The functions of the world around, by the names they have in the JSON."""

_HOME = "retrowalk."
_ROOMS = ("retrowalk.core.", "blefit.")
_DOOR = "retrowalk.belt"
_COLLECTIONS = {kind.__name__: kind for kind in (list, set, frozenset)}


class NoValue(ValueError):  # noqa: N818 - named after what it is
    """Something that is no value of the core, or cannot be kept; the text says what."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a value that could not be kept."""

    text: str


def to_json(value: object, outside: Outside | None = None) -> Json:
    """The JSON of a value. Raises NoValue for what is none."""
    return _Taking(outside or {}).take(value)


def from_json(told: Json, outside: Outside | None = None) -> Any:
    """The value that this JSON is. Raises NoValue where it is none, or one of another version's."""
    try:
        return _Making(outside or {}).make(told)
    except NoValue:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NoValue(f"{error} (another version's?)") from error


def _name(kind: type) -> str:
    if kind.__module__ == model.__name__:
        return kind.__name__
    return f"{kind.__module__.removeprefix(_HOME)}.{kind.__qualname__}"


def _class(name: str) -> type:
    module, _, own = name.rpartition(".")
    module = model.__name__ if not module else module if module.startswith("blefit.") else _HOME + module
    if module.startswith(_ROOMS) or module == _DOOR:
        kind = getattr(import_module(module), own, None)
        if isinstance(kind, type) and kind.__module__ == module:
            return kind
    if name == _name(Unknown):
        return Unknown
    raise NoValue(f"this version knows no {name!r}")


def _frozen(kind: type) -> bool:
    return is_dataclass(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # not in the stubs


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    for kind in type(value).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(value, name):
                yield name, getattr(value, name)
    yield from getattr(value, "__dict__", {}).items()


class _Taking:
    """One value being taken down."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._numbers: dict[int, int] = {}
        self._collections: set[int] = set()

    def take(self, value: object) -> Json:
        kind = type(value)
        if value is None or kind in {bool, int, str}:
            return value
        if kind is float:
            return value if isfinite(value) else {"is": "float", "of": repr(value)}  # type: ignore[arg-type]  # `kind` says so
        if isinstance(value, Enum):
            return {"is": _name(kind), "of": value.value}
        if isinstance(value, bytes):
            return {"is": "bytes", "of": value.hex()}
        if kind is tuple:
            return [self.take(one) for one in value]  # type: ignore[attr-defined]  # `kind` says so
        if isinstance(value, Mapping | list | set | frozenset | deque):
            return self._collection(value)
        if isinstance(value, type):
            return {"is": "class", "of": _name(_class(_name(value)))}
        if callable(value):
            return self._callable(value)
        return self._object(value)

    def _collection(self, value: Mapping[Any, Any] | Collection[Any]) -> Json:
        if id(value) in self._collections:
            raise NoValue(f"two objects share one {type(value).__name__}")
        self._collections.add(id(value))
        if isinstance(value, Mapping):
            return self._mapping(value)
        told = [self.take(one) for one in value]
        if isinstance(value, deque):
            return {"is": "deque", "of": told, "most": value.maxlen}
        if isinstance(value, set | frozenset):
            told.sort(key=repr)  # they have no order, their record has one
        return {"is": type(value).__name__, "of": told}

    def _mapping(self, value: Mapping[Any, Any]) -> Json:
        if all(type(key) is str for key in value) and not {"is", "same"} & set(value):
            return {key: self.take(one) for key, one in value.items()}
        return {"is": "dict", "of": [[self.take(key), self.take(one)] for key, one in value.items()]}

    def _callable(self, value: Callable[..., Any]) -> Json:
        for name, known in self._outside.items():
            if value == known:
                return {"is": "outside", "of": name}
        if isinstance(value, MethodType):
            return {"is": "method", "of": self.take(value.__self__), "name": value.__name__}
        raise NoValue(f"{value!r} cannot be kept")

    def _object(self, value: object) -> Json:
        kind = type(value)
        told = {"is": _name(_class(_name(kind)))}
        if isinstance(value, tuple):
            return told | {name: self.take(one) for name, one in value._asdict().items()}  # type: ignore[attr-defined]  # a NamedTuple
        if not _frozen(kind):
            if id(value) in self._numbers:
                return {"same": self._numbers[id(value)]}
            self._numbers[id(value)] = told["number"] = len(self._numbers)  # type: ignore[assignment]  # the one entry that is no text
        return told | {name: self.take(one) for name, one in _attributes(value)}


class _Making:
    """One value being made again."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._made: dict[int, object] = {}

    def make(self, told: Json) -> Any:
        if isinstance(told, list):
            return tuple(self.make(one) for one in told)
        if not isinstance(told, dict):
            return told
        if "same" in told:
            return self._made[told["same"]]
        kind = told.get("is")
        if kind is None:
            return {key: self.make(one) for key, one in told.items()}
        match kind:
            case "float":
                return float(told["of"])
            case "bytes":
                return bytes.fromhex(told["of"])
            case "dict":
                return {self.make(key): self.make(one) for key, one in told["of"]}
            case "list" | "set" | "frozenset":
                return _COLLECTIONS[kind](self.make(one) for one in told["of"])
            case "deque":
                return deque((self.make(one) for one in told["of"]), told["most"])
            case "class":
                return _class(told["of"])
            case "outside":
                return self._outside[told["of"]]
            case "method":
                return self._method(self.make(told["of"]), told["name"])
            case _:
                return self._object(_class(kind), {k: v for k, v in told.items() if k != "is"})

    def _method(self, owner: object, name: str) -> Any:
        if not any(name in vars(kind) for kind in type(owner).__mro__[:-1]) or name.startswith("__"):
            raise NoValue(f"{_name(type(owner))} has no {name!r}")
        return getattr(owner, name)

    def _object(self, kind: type, told: dict[str, Json]) -> object:
        if issubclass(kind, Enum):
            return kind(told["of"])
        if issubclass(kind, tuple) or _frozen(kind):
            return kind(**{name: self.make(one) for name, one in told.items()})
        made = kind.__new__(kind)
        self._made[told.pop("number")] = made
        names = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
        if names - set(told):
            raise NoValue(f"{_name(kind)} has no {', '.join(sorted(names - set(told)))}")
        for name, one in told.items():
            if name.startswith("__"):
                raise NoValue(f"{name!r} is no attribute")
            object.__setattr__(made, name, self.make(one))
        return made
