"""Mutants that nobody can tell from the original, each with the reason (`equivalent.toml`)."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.mutants import Mutant

FILE = Path(__file__).with_name("equivalent.toml")
_KEYS = ("file", "function", "line", "change")
Key = tuple[str, str, str, str]


@dataclass
class Equivalents:
    """The explanations, and which of them were needed."""

    reasons: dict[Key, str]
    _used: set[Key] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path = FILE) -> "Equivalents":
        """Read the file; a mutant explained twice, or without a reason, is a mistake in it."""
        reasons: dict[Key, str] = {}
        for entry in tomllib.loads(path.read_text()).get("equivalent", []):
            for change in entry["change"] if isinstance(entry["change"], list) else [entry["change"]]:
                key = (entry["file"], entry["function"], entry["line"], change)
                if key in reasons or not entry["why"].strip():
                    raise ValueError(f"{path.name}: twice, or without a reason: {key}")
                reasons[key] = entry["why"]
        return cls(reasons)

    def explain(self, file: str, mutant: Mutant) -> bool:
        """Whether this mutant is explained."""
        key = (file, mutant.function, mutant.line, mutant.change)
        if key not in self.reasons:
            return False
        self._used.add(key)
        return True

    def unused(self, files: list[str]) -> list[Key]:
        """Explanations for these files that explained nothing."""
        return [key for key in self.reasons if key[0] in files and key not in self._used]
