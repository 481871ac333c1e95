"""Bugs to be planted one at a time, to see that the soak sees them: where, what, and which law falls.

Each is the smallest slip of its kind: a dropped check, a swapped comparison, a lost call, a swapped argument.
`old` occurs exactly once in its file.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """One slip. `file` is below daemon/retrowalk."""

    id: str
    file: str
    old: str
    new: str
    law: str


BUGS = (
    Bug("a cap that is only raised", "core/capping.py",
        "if live >= self._cap:", "if live <= self._cap:", "G5"),
    Bug("a cap that slides too slowly", "core/capping.py", "SLIDE = 30\n", "SLIDE = 3\n", "G5"),
    Bug("a belt above its cap is not seen", "core/capping.py",
        "self._over.record(now, holds=speed > cap + CAP_MARGIN)",
        "self._over.record(now, holds=False)", "G8"),
    Bug("a hand is never noticed", "core/steering.py",
        "verdict = self._target.judge(speed, now, blind=self._machine.echoes_target)\n",
        "verdict = self._target.judge(speed, now, blind=self._machine.echoes_target).replace(HAND, \"\")\n",
        "G15"),
    Bug("miles are taken for kilometres", "core/obeying.py",
        "if now >= from_when and not blind:", "if now >= from_when and blind:", "G9"),
    Bug("steps of 0.5 km/h up", "core/limits.py",
        "step_up=max(site.step_up, machine.increment)", "step_up=max(bounds.STEP_CEILING, machine.increment)",
        "G7"),
    Bug("the plan does not look at the cap", "core/pace.py",
        "for bound in (guard.cap(now), guard.hand):", "for bound in (guard.hand,):", "G5"),
    Bug("a raise does not wait for its words", "core/pace.py",
        "self._announced, self._announced_at = peak, now",
        "self._announced, self._announced_at = peak, -99.0", "announced"),
    Bug("speeds are rounded up", "core/model.py",
        "(speed - self.minimum) // self.grid * self.grid",
        "-(-(speed - self.minimum) // self.grid) * self.grid", "G5"),
    Bug("the cap of a level is its ceiling", "core/limits.py",
        "_own_cap(_Cap(row.backward_cap, name)", "_own_cap(_Cap(row.backward_ceiling, name)", "G5"),
    Bug("an unknown machine is trusted", "core/limits.py",
        "if not machine.commissioned:", "if machine.commissioned is None:", "G5"),
    Bug("the site's cap is not looked at", "core/limits.py",
        "if site is not None and (default.reason", "if site is None and (default.reason", "G5"),
    Bug("a Stop waits for its turn", "core/exchange.py",
        "if at_once or isinstance(command, Stop):\n            return self._unwritten_stop is None",
        "if isinstance(command, Stop) and self._unwritten_stop is not None:\n            return False", "G3"),
    Bug("a stop request stops nothing", "core/watch.py",
        "if may_start or self.left_running or not self._surely_resting(now):", "if may_start:", "G11"),
    Bug("a Stop is not repeated with control", "core/stopping.py",
        "if self.need_control and may_ask:", "if self.need_control is None:", "G3"),
    Bug("an ignored Stop is not judged", "core/stopping.py",
        "if never_fell:\n            return self._alarm(STOP_IGNORED)\n"
        "        if now >= self._due + REST_SLACK_S:",
        "if now >= self._due + 100 * REST_SLACK_S:", "G11"),
    Bug("lost control is not noticed", "core/watch.py",
        "                if self.state is not State.DISARMED:\n"
        "                    self._stop_for(CONTROL_LOST, now)\n",
        "", "G12"),
    Bug("a lost link is no alarm", "core/watch.py",
        "self.left_running = self.left_running or ran", "self.left_running = self.left_running", "G14"),
    Bug("silence is not noticed", "core/watch.py", "if age >= LOST_S:", "if age <= -LOST_S:", "G10"),
    Bug("the moving-marker is not heeded", "core/mind.py",
        "        if left_running:\n", "        if left_running is None:\n", "G14"),
    Bug("an offer starts the belt", "core/controller.py",
        "        for warning in timeline.warnings:\n",
        "        self._start(self.session, now)\n        for warning in timeline.warnings:\n", "G14"),
    Bug("resume starts the belt", "core/controller.py",
        "                self._resume()\n",
        "                self._start(self._present(\"resume\"), now)\n", "G14"),
    Bug("the console's key may begin a backward walk", "core/session.py",
        "if self._stands_backward:\n            return True",
        "if keyed and self.facing is Direction.BACKWARD:\n            return False", "G13"),
    Bug("a halt forgets its Stop", "core/controller.py",
        "session.halting(now)\n            self.guard.want_stop(now)", "session.halting(now)", "G11"),
    Bug("frames go out before the marker", "core/session.py",
        "if not guard.marked or now - self._refused_at", "if now - self._refused_at", "G14"),
    Bug("a None goes into max()", "core/watch.py",
        "max((s for s in (self.motion.speed, self.commanded) if s is not None), default=None)",
        "max(self.motion.speed, self.commanded)", "bug"),
    Bug("any number is a cap", "core/controller.py",
        "if speed < slowest:", "if speed < 0:", "G5"),
    Bug("a retained act is obeyed", "mqtt/commands.py",
        "if retained:\n        return refuse(payload, source, \"a retained act",
        "if retained is None:\n        return refuse(payload, source, \"a retained act", "G14"),
    Bug("an act of hours ago is obeyed", "mqtt/commands.py",
        "if message.time is not None and now - message.time > MOST_AGE:",
        "if message.time is not None and message.time - now > MOST_AGE:", "G14"),
    Bug("anybody's act is obeyed", "mqtt/commands.py",
        "if message.source not in sources:", "if not message.source:", "presence"),
    Bug("the marker is not written", "keepsakes.py",
        'self._put(self.marker, told | ({"adapter": self.adapter} if self.adapter else {}))', "pass", "G14"),
    Bug("an alarm is said once", "voice.py",
        "self._repeat = asyncio.get_running_loop().call_later(REPEAT_S, self.say, said)",
        "pass", "alarm"),
    Bug("an alarm is not said", "station.py",
        "self._speaker.say(Said(alarm, alarm=True))", "pass", "alarm"),
    Bug("the end of the daemon stops nothing", "station.py",
        "self.post(Request(\"shutdown\", \"signal\", StopSession(last=True)))", "pass", "G3"),
    Bug("a lost link is not told", "ble/link.py",
        "self._post(Lost(self.connection, why))", "pass", "link"),
    Bug("a lease does not end", "core/wellbeing.py",
        "now - self._renewed >= LEASE_STOP_S", "now - self._renewed <= -LEASE_STOP_S", "lease"),
    Bug("a reply does not wait for the journal", "station.py",
        "self.journal.once_kept(partial(self.hub.reply, effect), now)", "self.hub.reply(effect)", "journal"),
    Bug("a slope takes steps of 1 %", "core/steering.py",
        "INCLINE_STEP, INCLINE_PAUSE_S = Incline(5), 5.0", "INCLINE_STEP, INCLINE_PAUSE_S = Incline(10), 5.0",
        "G7"),
)  # fmt: skip
