"""Which question a press answers: one that its person can have heard, and each press only one."""

from retrowalk.core.model import Act

AGAIN_S = 2.0
"""A button that bounces, or is pressed twice, does not answer the next question, which nobody has heard."""
TOO_SOON = "that came right after the press before: press again when you are ready"


class Asking:
    """What is asked at one treadmill, and when it was answered last. Time is an argument."""

    def __init__(self) -> None:
        self._last: tuple[Act | None, float] = (None, float("-inf"))
        """The last question, and when it stood last."""
        self._changed_at = float("-inf")
        """When a question took the place of another."""
        self._answered_at = float("-inf")

    def stands(self, question: Act | None, now: float) -> None:
        """This is asked aloud at the moment; to be told at least four times a second."""
        if question is None:
            return
        before, stood_at = self._last
        if question is not before and now - stood_at < AGAIN_S:
            self._changed_at = now
        self._last = question, now

    def answered(self, now: float) -> None:
        """A press was taken."""
        self._answered_at = now

    def too_soon(self, now: float, *, bare: bool) -> bool:
        """The press may be the one before, or, where it is `bare`, be meant for the question before."""
        since = max(self._answered_at, self._changed_at) if bare else self._answered_at
        return now - since < AGAIN_S
