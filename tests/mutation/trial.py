"""Trials of mutants: all tests are collected once, each mutant is judged in a fork of that process."""

import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import hypothesis
import pytest
from tests.mutation.mutants import Mutant

TEST_CPU_S, LEAST_CPU_S = 20, 4
"""A test may take so many times its usual processor time, and at least so much, until it is endless."""
QUICK_S = 0.25
MEMORY = 2 << 30
_KILLED, _SURVIVED = 10, 11


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    ENDLESS = "endless"
    SURVIVED = "survived"


class Laboratory:
    """A pytest plugin: in place of running the tests once, it runs them for each mutant.

    `work` holds file (under `package`), source and mutant; `report` is told each verdict; what was learned of
    the tests is kept in the folder `notes`. `quick`: the tests that take longer than QUICK_S are left out.
    """

    def __init__(
        self,
        package: Path,
        notes: Path,
        work: Sequence[tuple[str, bytes, Mutant]],
        report: Callable[[str, Mutant, Verdict], None],
        *,
        jobs: int,
        quick: bool,
    ) -> None:
        self._package = package
        self._notes = notes
        self._work = work
        self._report = report
        self._jobs = jobs
        self._killers: dict[tuple[str, str], list[str]] = defaultdict(list)
        """By file and function: the tests that killed its mutants, the newest first."""
        self._touched: dict[str, dict[int, list[str]]] = {}
        """By file and line: the tests that run it."""
        self._cpu_s: dict[str, float] = {}
        self._functions: dict[tuple[str, str], list[FunctionType]] = {}
        self._quick = quick
        looked_at = [f"{package}/core/*", f"{package}/ble/*", f"{package}/*.py"]
        self._looking = coverage.Coverage(data_file=None, config_file=False, include=looked_at)
        self._looking.start()
        hypothesis.settings.register_profile(
            "mutation", derandomize=True, max_examples=25, deadline=None, database=None
        )
        hypothesis.settings.load_profile("mutation")

    # --- pytest -----------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of one run of all tests."""
        self._learn(session)
        self._functions = _functions_under(self._package)
        gc.freeze()
        running: dict[int, tuple[str, Mutant, int]] = {}
        waiting = list(reversed(self._work))
        while waiting or running:
            while waiting and len(running) < self._jobs:
                name, source, mutant = waiting.pop()
                reader, writer = os.pipe()
                pid = os.fork()
                if pid == 0:
                    os.close(reader)
                    self._child(session, name, source, mutant, writer)
                os.close(writer)
                running[pid] = (name, mutant, reader)
            pid, status = os.wait()
            name, mutant, reader = running.pop(pid)
            with os.fdopen(reader) as pipe:
                killer = pipe.read()
            if killer:
                known = self._killers[name, mutant.function]
                if killer in known:
                    known.remove(killer)
                known.insert(0, killer)
            code = os.waitstatus_to_exitcode(status)
            verdict = {_KILLED: Verdict.KILLED, _SURVIVED: Verdict.SURVIVED}.get(code, Verdict.ENDLESS)
            self._report(name, mutant, verdict)
        return True

    def _learn(self, session: pytest.Session) -> None:
        """How long each test takes, and which lines it runs: all run once, in a child, if not known yet."""
        tops = {Path("daemon"), Path("protocols"), *(item.path.parent for item in session.items)}
        sources = sorted(path for top in tops for path in top.rglob("*.py"))
        asked = "".join(item.nodeid for item in session.items).encode()
        seen = hashlib.sha256(b"".join([asked, *(path.read_bytes() for path in sources)])).hexdigest()[:16]
        notes = self._notes / f"mutants-{seen}.json"
        if not notes.exists():
            pid = os.fork()
            if pid == 0:
                _silence()
                os._exit(self._note(session, notes))
            os.waitpid(pid, 0)
        self._looking.stop()
        if not notes.exists():
            raise pytest.UsageError("a test fails without any mutant, or is no Python")
        known = json.loads(notes.read_text())
        self._cpu_s = known["cpu_s"]
        self._touched = {
            name: {int(line): tests for line, tests in lines.items()}
            for name, lines in known["touched"].items()
        }

    def _note(self, session: pytest.Session, notes: Path) -> int:
        cpu_s = {}
        for item in session.items:
            self._looking.switch_context(item.nodeid)
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            cpu_s[item.nodeid] = time.process_time() - began
            if session.testsfailed:
                return 1
        self._looking.stop()
        data = self._looking.get_data()
        touched = {
            Path(path).relative_to(self._package).as_posix(): data.contexts_by_lineno(path)
            for path in data.measured_files()
        }
        notes.parent.mkdir(exist_ok=True)
        notes.write_text(json.dumps({"cpu_s": cpu_s, "touched": touched}))
        return 0

    # --- one mutant -------------------------------------------------------------------------------

    def _child(self, session: pytest.Session, name: str, source: bytes, mutant: Mutant, writer: int) -> None:
        """Judge one mutant, in a process of its own; never returns."""
        code = _KILLED  # what breaks already on import is killed
        try:
            _silence()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            path = self._package / name
            mutated = compile(mutant.applied(source), str(path), "exec")
            ordered, anew = self._ordered(name, mutant)
            functions = self._functions.get((str(path), mutant.function), [])
            if anew or not _install(functions, mutant.function, mutated):
                killer = self._killer_anew(session, path, mutated, ordered)
            else:
                items = {item.nodeid: item for item in session.items}
                killer = _first_failure(session, [items[test] for test in ordered], self._cpu_s)
            code = _KILLED if killer else _SURVIVED
            os.write(writer, killer.encode())
        finally:
            os._exit(code)

    def _ordered(self, name: str, mutant: Mutant) -> tuple[list[str], bool]:
        """The tests that can tell, those first that killed its neighbours, then the shortest.

        Whether they have to be imported anew: the lines were run already when they were.
        """
        lines = self._touched.get(name, {})
        tests = {
            test for line in range(mutant.first_line, mutant.last_line + 1) for test in lines.get(line, ())
        }
        anew = not mutant.function or "" in tests
        if anew:
            tests = {test for touching in lines.values() for test in touching}
        tests = {test for test in tests if test and not (self._quick and self._cpu_s[test] > QUICK_S)}
        killers = [test for test in self._killers[name, mutant.function] if test in tests]
        return [
            *killers,
            *sorted(tests.difference(killers), key=lambda test: (self._cpu_s[test], test)),
        ], anew

    def _killer_anew(self, session: pytest.Session, path: Path, mutated: CodeType, ordered: list[str]) -> str:
        _import_anew(self._package, path, mutated)
        runner = _Runner(ordered, self._cpu_s)
        files = dict.fromkeys(test.partition("::")[0] for test in ordered)
        options = [word for word in session.config.invocation_params.args if word.startswith(("-", "no:"))]
        status = pytest.main([*files, *options], [runner])
        return runner.killer or ("" if status == pytest.ExitCode.OK else "import")


class _Runner:
    """A pytest plugin: these tests only, in this order, until one fails."""

    def __init__(self, ordered: list[str], cpu_s: dict[str, float]) -> None:
        self.killer = ""
        self._ordered = ordered
        self._cpu_s = cpu_s

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        if session.testsfailed or not items.keys() >= set(self._ordered):
            self.killer = "import"
        else:
            self.killer = _first_failure(session, [items[test] for test in self._ordered], self._cpu_s)
        return True


def _first_failure(session: pytest.Session, items: list[pytest.Item], cpu_s: dict[str, float]) -> str:
    """Run the tests until one fails: its name, or ''. One that does not end is ended by a signal."""
    for item in items:
        signal.setitimer(signal.ITIMER_VIRTUAL, max(LEAST_CPU_S, TEST_CPU_S * cpu_s[item.nodeid]))
        signal.alarm(600)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if session.testsfailed:
            return item.nodeid
    return ""


def _silence() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


# --- how a mutant gets in -----------------------------------------------------------------------------


def _functions(module: CodeType, prefix: str = "") -> Iterator[tuple[str, CodeType]]:
    """The functions and methods of a module's code, by qualified name."""
    for part in module.co_consts:
        if isinstance(part, CodeType) and not part.co_name.startswith("<"):
            if part.co_flags & 0x1:  # optimised: a function; a class body is not
                yield prefix + part.co_name, part
            else:
                yield from _functions(part, f"{prefix}{part.co_name}.")


def _functions_under(package: Path) -> dict[tuple[str, str], list[FunctionType]]:
    """What was imported, by file and qualified name."""
    found: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(str(package)):
            found[thing.__code__.co_filename, thing.__code__.co_qualname].append(thing)
    return found


def _install(functions: list[FunctionType], name: str, mutated: CodeType) -> bool:
    """Give a function that was imported its mutated code; False where that cannot be done."""
    codes = [code for qualified, code in _functions(mutated) if qualified == name]
    if len(codes) != 1 or not functions or codes[0].co_freevars != functions[0].__code__.co_freevars:
        return False
    for function in functions:
        function.__code__ = codes[0]
    return True


def _import_anew(package: Path, path: Path, mutated: CodeType) -> None:
    """Forget all that was imported of the project; the module at `path` will be `mutated`."""
    name = ".".join([package.name, *path.relative_to(package).with_suffix("").parts])
    for module in [m for m in sys.modules if m.partition(".")[0] in {package.name, "tests"}]:
        del sys.modules[module]
    sys.meta_path.insert(0, _Finder(name, path, mutated))


class _Mutated(importlib.machinery.SourceFileLoader):
    """Loads one module with code of its own."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        super().__init__(name, str(path))
        self._code = code

    def get_code(self, _: str) -> CodeType:
        return self._code


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name = name
        self._loader = _Mutated(name, path, code)

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self._loader) if fullname == self._name else None
