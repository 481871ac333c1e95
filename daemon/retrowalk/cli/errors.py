"""How a command tells a person what went wrong: one line a mistake, on stderr, and an exit code."""

from enum import IntEnum
from typing import IO, Any

import click


class Exit(IntEnum):
    """The exit codes of every command (docs: contract, command line)."""

    DONE = 0
    FAILED = 1
    """A bug, or a run that failed."""
    USAGE = 2
    """Usage or configuration."""
    UNREACHABLE = 3
    """The machine, the adapter, the broker or the daemon."""
    REFUSED = 4
    """By a safety rule."""
    INTERRUPTED = 130


class UserError(click.ClickException):
    """Ends a command with sentences for the person, each line of `message` as `retrowalk: <line>`."""

    def __init__(self, message: str, exit_code: int = Exit.USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it by class, and reads it from each

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentences on `file` (stderr)."""
        for line in self.message.splitlines():
            click.echo(f"retrowalk: {line}", file=file, err=file is None)
