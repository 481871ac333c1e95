"""A program's planned speed over time, drawn with characters."""

from bisect import bisect_right
from itertools import accumulate

from retrowalk.core.model import Direction
from retrowalk.core.timeline import Kind, Segment, Timeline

BLOCKS = " ▁▂▃▄▅▆▇█"
MARKS = {Direction.FORWARD: "→", Direction.BACKWARD: "←", Direction.STANDING: "·"}


def picture(timeline: Timeline, width: int = 72, height: int = 4) -> list[str]:
    """`height` lines of speed and one of directions: → forward, ← backward, · the belt stands."""
    peak = max(max(segment.speed) for segment in timeline.segments)
    columns = [_at(timeline, timeline.total_s * (column + 0.5) / width) for column in range(width)]
    eighths = [round(segment.speed_at(seconds) * height * 8 / peak) for segment, seconds in columns]
    lines = []
    for row in reversed(range(height)):
        scale = f"{peak / 100:4.1f} " if row == height - 1 else "     "
        lines.append((scale + "".join(BLOCKS[min(max(e - row * 8, 0), 8)] for e in eighths)).rstrip())
    marks = (
        MARKS[segment.direction if segment.kind is Kind.WALK else Direction.STANDING]
        for segment, _ in columns
    )
    return [*lines, "km/h " + "".join(marks)]


def _at(timeline: Timeline, seconds: float) -> tuple[Segment, float]:
    """The segment at that moment of the expected course, and the seconds into it."""
    begins = list(accumulate((segment.expected_s for segment in timeline.segments), initial=0.0))
    index = bisect_right(begins, seconds) - 1
    return timeline.segments[index], seconds - begins[index]
