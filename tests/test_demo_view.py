"""The plain lines of the demo."""

import io
from itertools import pairwise

from tests.core.bench import Bench

from retrowalk.demo.view import Lines, each_change


def test_no_ten_seconds_pass_without_a_line() -> None:
    stream, now = io.StringIO(), 0.0
    look = each_change(Lines(stream), clock=lambda: now)
    walking = Bench().snapshot._replace(session_id="s1", elapsed_s=70.0)
    told_at = []
    for quarter in range(160):
        now = quarter / 4
        before = stream.tell()
        look(walking)
        if stream.tell() > before:
            told_at.append(now)
    assert told_at[0] == 0.0
    assert all(5 < later - earlier < 10 for earlier, later in pairwise(told_at))
    assert told_at[-1] > 30


def test_a_change_is_told_at_once() -> None:
    stream = io.StringIO()
    look = each_change(Lines(stream), clock=lambda: 0.0)
    state = Bench().snapshot._replace(session_id="s1")
    for changed in (state, state, state._replace(step_index=2), state._replace(fault="hand")):
        look(changed)
    assert stream.getvalue().count("\n") == 3
