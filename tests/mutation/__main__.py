"""`make mutants [FILES="core/guard.py belt.py"]`: does a test turn red for every slip in the guard?

Every test is imported once and run once, to learn what it touches; then each mutant gets a fork of that
process and the tests that touch its lines, those first that killed its neighbours. What is run on import is
judged with everything imported anew. `equivalent.toml` explains what no test can tell from the original.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.mutation.equivalents import Equivalents
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trial import Laboratory, Verdict

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "daemon" / "retrowalk"
TESTS = ["tests/core", "tests/belt"]
JUDGED = [
    *("core/guard.py", "core/watch.py", "core/stopping.py", "core/steering.py", "core/obeying.py"),
    *("core/capping.py", "core/episode.py", "core/arming.py", "core/authority.py", "core/motion.py"),
    "core/late_starts.py",
    *("belt.py", "core/exchange.py"),
    *("core/session.py", "core/controller.py", "core/pace.py", "core/wellbeing.py"),
    *("core/care.py", "core/limits.py", "core/bounds.py", "core/verdict.py", "core/dose.py"),
    *("core/decoding.py", "core/faults.py", "core/replies.py", "core/offering.py", "core/mind.py"),
    "core/asking.py",
]


def main() -> int:
    """Try every mutant; 1 if one survives unexplained, or an explanation explains nothing."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutation", description=main.__doc__)
    asked.add_argument("files", nargs="*", default=JUDGED, help="under daemon/retrowalk")
    asked.add_argument("--tests", nargs="+", default=TESTS, metavar="FOLDER", help="what judges them")
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--since", metavar="REVISION", help="only what touches lines that were changed since")
    asked.add_argument("--quick", action="store_true", help="leave out the longer tests")
    options = asked.parse_args()
    equivalents = Equivalents.load()
    work: list[tuple[str, bytes, Mutant]] = []
    explained = 0
    for name in options.files:
        source = (PACKAGE / name).read_bytes()
        changed = None if options.since is None else changed_lines(PACKAGE / name, options.since)
        for mutant in mutants_of(source):
            known = equivalents.explain(name, mutant)
            if changed is not None and changed.isdisjoint(range(mutant.first_line, mutant.last_line + 1)):
                continue
            if known:
                explained += 1
            else:
                work.append((name, source, mutant))
    survivors: list[tuple[str, Mutant]] = []
    counts = dict.fromkeys(Verdict, 0)
    began = time.monotonic()

    def report(name: str, mutant: Mutant, verdict: Verdict) -> None:
        counts[verdict] += 1
        if verdict is Verdict.SURVIVED:
            survivors.append((name, mutant))
            print(
                f"\n{name}:{mutant.first_line} {mutant.function}\n    {mutant.line}\n    {mutant.change}",
                flush=True,
            )
        elif sum(counts.values()) % 100 == 0:
            print(f"{sum(counts.values())} of {len(work)}, {time.monotonic() - began:.0f} s", file=sys.stderr)

    laboratory = Laboratory(PACKAGE, ROOT / "build", work, report, jobs=options.jobs, quick=options.quick)
    status = pytest.main(
        [*options.tests, "-qs", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-cov"],
        [laboratory],
    )
    if status:
        print("the tests have to pass before they can judge", file=sys.stderr)
        return 1
    stale = equivalents.unused(options.files)
    for entry in stale:
        print(f"equivalent.toml explains what is no mutant any more: {entry}")
    print(
        f"{len(work) + explained} mutants in {len(options.files)} files: {counts[Verdict.KILLED]} killed, "
        f"{counts[Verdict.ENDLESS]} endless (killed by the clock), {explained} explained, "
        f"{len(survivors)} unexplained; {time.monotonic() - began:.0f} s"
    )
    return 1 if survivors or stale else 0


def changed_lines(path: Path, since: str) -> set[int]:
    """The numbers of its lines that are new, or other than they were in that revision of git."""
    command = ["git", "diff", "--unified=0", since, "--", path.name]
    git = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    if git.returncode:
        sys.exit(f"--since {since}: {git.stderr.splitlines()[0]}")
    diff = git.stdout
    hunks = re.finditer(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", diff, re.MULTILINE)
    return {line for hunk in hunks for line in range(int(hunk[1]), int(hunk[1]) + int(hunk[2] or 1))}


if __name__ == "__main__":
    sys.exit(main())
