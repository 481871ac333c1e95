"""What may move the belt though nothing is armed: Starts that come late, and until when motion is nobody's.

A Start that a Stop overtook, one that a process which is gone may have written, a Stop that a machine may
take for a Start, a press of the console's Start key (G10, G11, G13, G14).
"""

from retrowalk.core.arming import Outstanding

AFTER_REST_S, AFTER_START_S = 10.0, 60.0


class LateStarts:
    """Each is waited for from the moment that may have caused it."""

    def __init__(self) -> None:
        self._overtaken: Outstanding | None = None
        """A Start that a Stop overtook may take effect all the same: it counts from that Stop."""
        self._stop: Outstanding | None = None
        """A Stop that a machine may take for a Start."""
        self._unheard_stop: Outstanding | None = None
        """Such a Stop when the belt was heard last, or the link was lost."""
        self._unseen: Outstanding | None = None
        """A Start that a process that is gone may have written last: it counts from the connection."""
        self._key: Outstanding | None = None
        """A press of the console's Start key, until it moves the belt."""
        self._nobodys_until = self._keyless_until = float("-inf")
        """G13: until then motion is nobody's; or nobody's but that of the console's Start key."""

    # --- what is waited for -----------------------------------------------------------------------

    def overtaken(self, now: float) -> bool:
        """A Start of ours that a Stop overtook may still come."""
        return _waited_for(self._overtaken, now)

    def by_stop(self, now: float) -> bool:
        """A Stop reached a belt that was about to rest: some machines start on it."""
        return _waited_for(self._stop, now)

    def unseen(self, now: float) -> bool:
        """A Start that a process that is gone may have written last may still come."""
        return _waited_for(self._unseen, now)

    def keyed(self, now: float) -> bool:
        """The console's Start key may move the belt at any moment."""
        return _waited_for(self._key, now)

    def by_overtaken(self, now: float) -> bool:
        """Motion now comes of a Start that a Stop overtook."""
        return self._overtaken is not None and now < self._overtaken.sent + AFTER_START_S

    def nobodys(self, now: float) -> bool:
        """G13: nobody may have started what moves now."""
        return now < max(self._nobodys_until, self._keyless_until)

    # --- what happens -----------------------------------------------------------------------------

    def connected(self, unseen: Outstanding | None) -> None:
        """`unseen`: a process that is gone may have written a Start."""
        self._unseen = unseen

    def unheard_since(self, then: float) -> None:
        """Silence, or no link: a Stop that was waited for at that moment may start the belt unheard."""
        if self.by_stop(then):
            self._unheard_stop = self._stop

    def heard(self, now: float) -> None:
        """A record, the first after that."""
        stop, self._unheard_stop = self._unheard_stop, None
        if stop is not None and now < stop.sent + AFTER_START_S:
            self._nobodys_for(AFTER_REST_S, now)

    def stop_sent(self, stop: Outstanding) -> None:
        """A Stop that may be taken for a Start was handed to the link."""
        self._stop = stop

    def overtake(self, start: Outstanding) -> None:
        """A Stop follows a Start that has not moved the belt."""
        self._overtaken = start

    def still_outstanding(self, now: float) -> None:
        """A stop was asked for while a Start may still come."""
        self._nobodys_for(AFTER_START_S, now)

    def press(self, key: Outstanding) -> None:
        """The console's Start key."""
        self._keyless_until = float("-inf")
        self._key = key

    def use_up_key(self) -> bool:
        """The belt moves, or was stopped at the console. False: no key was pressed."""
        key, self._key = self._key, None
        return key is not None

    def rested(self, now: float, *, at_console: bool) -> None:
        """`at_console`: our session came to a rest that we did not command."""
        self._unseen = None
        if not at_console:
            self._nobodys_for(AFTER_REST_S, now)
        elif not self.keyed(now):
            self._keyless_until = now + AFTER_REST_S

    def _nobodys_for(self, seconds: float, now: float) -> None:
        self._nobodys_until = max(self._nobodys_until, now + seconds)


def _waited_for(start: Outstanding | None, now: float) -> bool:
    return start is not None and not start.run_out(now)
