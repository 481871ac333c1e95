"""What stands by while an empty belt is tested: it sees what happens, asks the person, and ends it.

The half of the commissioner that knows no plan. In a session's place: nobody walks. Whatever is not as it
should be ends the test: Stop, and the alarm where that is not enough.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from blefit.units import Speed
from retrowalk.core.asking import TOO_SOON, Asking
from retrowalk.core.commissioning import Measured
from retrowalk.core.decoding import Garbled
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.faults import BY_ID, Reaction
from retrowalk.core.mind import Door, Mind
from retrowalk.core.model import (
    Act,
    Command,
    Confirm,
    Connected,
    DropLink,
    Emitted,
    Happening,
    Lost,
    Machine,
    Marked,
    Notified,
    Observation,
    Quarantine,
    Record,
    Request,
    RequestControl,
    Snapshot,
    Start,
    StopSession,
    Written,
)
from retrowalk.core.showing import show
from retrowalk.core.stopping import SILENT_S

ANSWER_S = 300.0
"""A question waits no longer."""

UNSAFE = frozenset(
    {"stop_ignored", "unexpected_motion", "over_ceiling", "over_cap", "wrong_speed", "too_fast"}
)
"""What keeps a machine out until it is commissioned: its belt did what nobody told it to."""

_PLANNED = frozenset({"start_failed", "control_refused", "arming_expired"})
"""The plan sees for itself that a start came to nothing."""
PEOPLE = frozenset({"hand", "console_stop"})

Steps = Generator[None, None, None]
Answer = Generator[None, None, bool]


class Over(Exception):  # noqa: N818 - the end of the plan, not an error
    """The test cannot go on; the text says why. `unsafe`: the machine is not to be used."""

    def __init__(self, why: str, *, unsafe: bool = False) -> None:
        super().__init__(why)
        self.unsafe = unsafe


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ended. `why` is empty where all was measured and nothing was wrong."""

    why: str = ""
    unsafe: bool = False

    @property
    def passed(self) -> bool:
        """The machine is commissioned."""
        return not self.why


class Attendant(Mind):
    """`feed` every happening, then `act`, at least four times a second, until `over`. It has no session."""

    def __init__(self, belt: Door, test_id: str, *, left_running: bool = False) -> None:
        super().__init__(belt, left_running=left_running)
        self.measured = Measured()
        self.verdict: Verdict | None = None
        """None: the test is on. The belt may still be on its way to rest after it."""
        self.awaiting: Act | None = None
        """The act at the machine that the test waits for."""
        self._asking = Asking()
        self._id = test_id
        self._starts = 0
        self._told: Machine | None = None
        """As it was described when it was connected."""
        self._learned: dict[str, bool | Speed] = {}
        self._steps = self._plan()
        self._wish: Command | None = None
        self._expected: frozenset[str] = frozenset()
        """Findings that are what is being tested; none any more once the test has ended."""
        self._failure: Over | None = None
        self._trace: list[tuple[float, Speed]] = []
        self._answered_at: float | None = None
        self._now = 0.0

    # --- in ---------------------------------------------------------------------------------------

    def feed(self, happening: Happening, now: float) -> None:
        """One thing happened. Frames of another connection are dropped."""
        self._now = now
        match happening:
            case Connected(connection, machine):
                self._connected(connection, machine)
            case Request(ask=Confirm(act)):
                self._confirm(act)
            case Request(ask=StopSession(last)) if not (last and self.nothing_to_stop):
                self._stop()
            case Marked(session_id, error) if session_id == self._mark_id:
                self._marker(error)
            case Lost(connection) if connection == self._connection:
                self._disconnect(now)
            case Notified(connection) if connection == self._connection:
                for observation in self._decoder.feed(happening):
                    self._observe(observation)
            case Written(connection) if connection == self._connection:
                self._concluded(self.belt.written(happening, now))
            case _:
                pass
        self._heed()

    def act(self, now: float) -> None:
        """Time passed or something happened: judge, go on, and send what has to be sent."""
        self._now = now
        self._concluded(self.belt.tick(now))
        self._heed()
        self._wish = None
        self._go_on()
        self._asking.stands(self.awaiting, now)
        refusal = self.belt.want(self._wish, now)
        if refusal is not None:
            self._fail("refusal", f"{refusal.law}: {refusal.reason}")
            self.belt.want(None, now)
        if self._drop_stuck_link(now):
            self._fail("stop_unsent")
        self._heed()
        self._mark_late_start(self._mark_id, now)
        if self._marked and self._rested():
            self._unmark()

    def _connected(self, connection: int, machine: Machine) -> None:
        if self._told not in {None, machine}:
            self._end(Over("the treadmill is not as it was when the test began"))
        self._told = machine
        self._expected -= {"link_lost"}  # the planned cut is over
        self._take_machine(connection)

    def _take_machine(self, connection: int) -> None:
        """Introduce it to the guard as a machine that nobody has tested, but for what was learned so far."""
        assert self._told is not None
        untested = replace(self._told, commissioned=False, quarantined="")
        machine = replace(untested, **self._learned)  # type: ignore[arg-type]  # its own fields
        self._connect(connection, machine, self._now)

    def _learn(self, **facts: bool | Speed) -> None:
        """What the rest of the test relies on; only at rest, for the guard begins anew with it.

        Without a link it does so with the next.
        """
        self._learned |= facts
        self._found(**facts)
        if self._connection is not None:
            self._take_machine(self._connection)

    def _observe(self, observation: Observation | Garbled) -> None:
        if isinstance(observation, Garbled):
            return
        self._concluded(self.belt.observe(observation, self._now))
        if isinstance(observation, Record) and observation.data.instantaneous_speed is not None:
            self._trace.append((self._now, observation.data.instantaneous_speed))

    def _concluded(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        match outcome:
            case Outcome(Start()):
                self._answered_at = self._now
            case Outcome(RequestControl(), Result.UNANSWERED) if not self.guard.control:
                self._found(control_unanswered=True)
                self.guard.disarm(self._now)
            case _:
                pass

    def _confirm(self, act: Act | None) -> None:
        if self.awaiting is None or act not in {None, self.awaiting}:
            return
        if self._asking.too_soon(self._now, bare=act is None):
            self._say(f"{TOO_SOON.capitalize()}.")
            return
        if self.awaiting is Act.STILL:
            linked = self._connection is not None
            reason = self.guard.said_still(self._now) if linked else "the treadmill is not connected"
            if reason:
                self._say(f"Not yet: {reason}.")
                return
        self._asking.answered(self._now)
        self.awaiting = None

    def _stop(self) -> None:
        doubted = self.awaiting is Act.STILL and self.guard.motion.at_rest
        why = (
            "nobody said that the belt was still when the treadmill said so" if doubted else "it was stopped"
        )
        self._end(Over(why, unsafe=doubted))
        self.guard.want_stop(self._now)
        if self._connection is None:
            self._effects.append(DropLink("the link is wanted for a Stop"))

    # --- what the guard noticed -------------------------------------------------------------------

    def _heed(self) -> None:
        for finding in self.guard.findings():
            if finding.id in self._expected | _PLANNED:
                continue
            fault = BY_ID.get(finding.id)
            if finding.id == "ask_still":
                self._ask_if_still("The treadmill has fallen silent.")
            elif finding.id == "cap_enforced" and self.guard.commanded is not None:
                self._fail("over_cap")
            elif finding.id == "target_refused":
                self._end(Over("it refuses a target within its own range"))
            elif fault is not None and (fault.reaction is Reaction.STOP or fault.id in PEOPLE):
                self._fail(finding.id, finding.detail)

    def _ask_if_still(self, why: str) -> None:
        if self.awaiting is not Act.STILL:
            self.awaiting = Act.STILL
            self._say(f"{why} Press Enter when the belt is still.")

    def _fail(self, fault_id: str, detail: str = "") -> None:
        fault = BY_ID[fault_id]
        if self._ledger.raise_(fault_id, self._now):
            self._effects.append(Emitted("fault", {"id": fault_id, "detail": detail, "text": fault.sentence}))
            self._say(fault.sentence, alarm=fault.alarm)
        told = f"{fault.cause} ({detail})" if detail else fault.cause
        self._end(Over(told, unsafe=fault_id in UNSAFE))

    def _end(self, over: Over) -> None:
        """The first end counts, but what is unsafe is never forgotten."""
        self._expected = frozenset()
        self.guard.disarm(self._now)
        self.awaiting = None
        if self._failure is None or (over.unsafe and not self._failure.unsafe):
            self._failure = over
            self.verdict = Verdict(str(over), over.unsafe)
            if over.unsafe:
                self._effects.append(Quarantine(str(over)))

    # --- the marker and the end -------------------------------------------------------------------

    @property
    def _mark_id(self) -> str:
        return f"{self._id}-{self._starts}"

    def _marker(self, error: str) -> None:
        if error:
            self._half_marked()
            self._end(Over(error))
        else:
            self._set_marked()

    @property
    def over(self) -> bool:
        """The test has ended, and nothing is left to stop."""
        return self.verdict is not None and not self._marked and self.nothing_to_stop

    # --- out --------------------------------------------------------------------------------------

    def snapshot(self, now: float, link: str = "") -> Snapshot:
        """The live state, as of a treadmill without a session."""
        connected = self._connection is not None
        return show(
            None, self.guard, self._ledger, self._totals, now,
            connected=connected, manual=False, awaiting=self.awaiting, heart_rate=None, link=link,
        )  # fmt: skip

    # --- what a plan is made of --------------------------------------------------------------------

    @abstractmethod
    def _plan(self) -> Steps:
        """From the first look to the end, one `yield` until each next look; raises Over."""

    def _go_on(self) -> None:
        """One step of the plan; where only the person can say that the belt is still, that is asked."""
        if self.verdict is None:
            try:
                next(self._steps)
            except StopIteration:
                self.verdict = self.verdict or Verdict()
            except Over as over:
                self._end(over)
        if self._waits_for_rest and not self.guard.motion.fresh(self._now, SILENT_S):
            self._ask_if_still("The treadmill says nothing.")

    @property
    def _waits_for_rest(self) -> bool:
        """Nobody else asks whether the belt is still: within the test G11 does until its Stop is over, and a
        belt left running is the alarm."""
        guard = self.guard
        if guard.stopping:
            return self.verdict is not None
        unknown = self.nothing_to_stop and not guard.left_running and not guard.resting(self._now)
        return self._marked and unknown

    def _wait(self, until: Callable[[], bool], within_s: float) -> Answer:
        """Until that holds: True; or for so long: False."""
        end = self._now + within_s
        while not until():
            if self._now >= end:
                return False
            yield
        return True

    def _ask(self, act: Act, question: str) -> Steps:
        if not (yield from self._asked(act, question, ANSWER_S)):
            raise Over("nobody answered")

    def _asked(self, act: Act, question: str, within_s: float) -> Answer:
        self._say(question)
        self.awaiting = act
        answered = yield from self._wait(lambda: self.awaiting is None, within_s)
        self.awaiting = None
        return answered

    @property
    def _taken(self) -> Machine:
        assert self.machine is not None
        return self.machine

    def _rested(self) -> bool:
        return self._let_go(self._now)

    def _found(self, **findings: object) -> None:
        self.measured = replace(self.measured, **findings)  # type: ignore[arg-type]  # its own fields
