"""`retrowalk replay`."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import click

from retrowalk.cli.errors import Exit, UserError
from retrowalk.journal.lines import Header, JournalError, Step, read, rfc3339
from retrowalk.journal.replay import Difference, Seen
from retrowalk.journal.replay import replay as replayed
from retrowalk.journal.telling import TROUBLE, sentence, told
from retrowalk.journal.values import Json


class Moment(click.ParamType["Callable[[Header, Step], float]"]):
    """Seconds since the file begins, or a time of the wall clock in UTC."""

    name = "seconds or time"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Callable[[Header, Step], float]:
        """How far a step is past it, in seconds."""
        try:
            seconds = float(value)
        except ValueError:
            pass
        else:
            return lambda header, step: step.t - header.t - seconds
        try:
            time = datetime.strptime(value, "%H:%M:%S").time()  # noqa: DTZ007 - the header gives date and zone
        except ValueError:
            self.fail(f"{value!r} is neither seconds (12.5) nor a time in UTC (07:19:58)", param, ctx)

        def past(header: Header, step: Step) -> float:
            return (step.at - datetime.combine(header.at.date(), time, header.at.tzinfo)).total_seconds()

        return past


@click.command(short_help="Run a flight-recorder file through the same core again.")
@click.argument("journal", type=click.Path(path_type=Path))
@click.option("--from", "start", type=Moment(), help="Tell from there: seconds (12.5) or UTC (07:19:58).")
@click.option("--to", "end", type=Moment(), help="Tell up to there.")
@click.option("--faults", is_flag=True, help="Tell only of faults, refusals and lost links.")
@click.option("--json", "in_json", is_flag=True, help="One JSON object a line.")
def replay(
    journal: Path,
    start: Callable[[Header, Step], float] | None,
    end: Callable[[Header, Step], float] | None,
    faults: bool,
    in_json: bool,
) -> int:
    """Tell what happened, and decide it again: the same core gets what was recorded at the recorded times.

    JOURNAL is a file of the folder journal in the state folder. All of it is decided again, whatever part is
    told. Exit code 0: each decision was the same. 1: the first that was not is told.
    """
    teller = _Teller(in_json=in_json, faults=faults)
    steps = frames = 0
    decided = True
    difference: Difference | None = None
    header: Header | None = None
    for seen in _seen(journal):
        if isinstance(seen.entry, Header):
            header = seen.entry
            teller.header(header)
            continue
        step = seen.entry
        assert header is not None
        if (start is None or start(header, step) >= 0) and (end is None or end(header, step) <= 0):
            teller.step(header, seen)
        if seen.difference is not None:
            difference = seen.difference
            break
        decided = decided and (seen.snapshot is not None or bool(step.bug))
        steps += 1
        frames += len(step.frames)
    teller.end(steps, frames, difference, decided=decided)
    return Exit.DONE if difference is None else Exit.FAILED


def _seen(journal: Path) -> Iterator[Seen]:
    try:
        if journal.is_dir():
            newest = max(journal.glob("*.jsonl"), default=None)
            which = f", such as {newest}" if newest else ": there is none in it"
            raise UserError(f"{journal} is a folder: name a file of a journal{which}")
        with journal.open(encoding="utf-8", newline="\n") as lines:
            yield from replayed(read(lines))
    except JournalError as error:
        raise UserError(f"{journal}: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{journal}: this is no text, so it is no journal") from error
    except OSError as error:
        raise UserError(f"{journal} cannot be read: {error.strerror}") from error


class _Teller:
    """Prints: a timeline, or JSON."""

    def __init__(self, *, in_json: bool, faults: bool) -> None:
        self._in_json, self._faults = in_json, faults
        self._phase = ""

    def header(self, header: Header) -> None:
        lost = f"; {header.lost} control steps before it are lost" if header.lost else ""
        if self._in_json:
            self._print(
                {
                    "kind": "header",
                    "at": rfc3339(header.at),
                    "treadmill": header.treadmill,
                    "version": header.version,
                }
                | {"t": header.t, "lost": header.lost}
            )
        else:
            at = f"{header.at:%Y-%m-%d %H:%M:%S} UTC"
            click.echo(f"{header.treadmill}, {at}, retrowalk {header.version}{lost}")

    def step(self, header: Header, seen: Seen) -> None:
        step = seen.entry
        assert isinstance(step, Step)
        rows = [row for row in told(step) if not self._faults or row.get("type") in TROUBLE]
        if seen.snapshot is not None and seen.snapshot.phase.value != self._phase:
            self._phase = seen.snapshot.phase.value
            if not self._faults:
                rows.append({"kind": "phase", "phase": self._phase})
        for row in rows:
            if self._in_json:
                self._print({"line": seen.line, "t": step.t, "at": rfc3339(step.at), **row})
            else:
                since = step.t - header.t
                click.echo(f"{step.at:%H:%M:%S} {since:10.3f}  {row['kind']:<16} {sentence(row)}".rstrip())

    def end(self, steps: int, frames: int, difference: Difference | None, *, decided: bool) -> None:
        if self._in_json:
            found = None
            if difference is not None:
                found = {"line": difference.line, "t": difference.step.t}
                found |= {"recorded": difference.recorded, "now": difference.now}
            same = None if not decided else difference is None
            self._print({"kind": "end", "steps": steps, "frames": frames, "same": same, "difference": found})
        elif difference is not None:
            click.echo(f"Line {difference.line} is decided otherwise:")
            click.echo(f"  recorded: {_what_only(difference.recorded, difference.now)}")
            click.echo(f"  now:      {_what_only(difference.now, difference.recorded)}")
            click.echo(f"{steps} steps and {frames} frames before it are the same.")
        elif decided:
            click.echo(f"The same decisions: {steps} steps, {frames} frames.")
        else:
            click.echo(
                f"{steps} steps, {frames} frames. Not decided again: the journal does not say where from."
            )

    def _print(self, row: Json) -> None:
        click.echo(json.dumps(row, ensure_ascii=False))


def _what_only(one: Json, other: Json) -> str:
    """What is in the first alone; all of it where it is but the order that differs."""
    alone = {kind: [each for each in came if each not in other.get(kind, ())] for kind, came in one.items()}
    only = {kind: came for kind, came in alone.items() if came}
    return json.dumps(only or one, ensure_ascii=False) if one else "nothing"
