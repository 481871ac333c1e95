"""Which question a press answers, in seconds."""

import pytest

from retrowalk.core.asking import Asking
from retrowalk.core.model import Act


@pytest.mark.parametrize(
    ("stood", "pressed", "too_soon"),
    [
        ([], 10.0, False),
        ([(10.0, Act.START)], 10.0, False),
        ([(9.0, Act.STILL), (10.0, Act.START)], 10.0, True),
        ([(9.0, Act.STILL), (10.0, Act.START)], 11.75, True),
        ([(9.0, Act.STILL), (10.0, Act.START), (11.0, Act.START)], 12.0, False),
        ([(8.0, Act.STILL), (10.0, Act.START)], 10.0, False),
        ([(8.25, Act.STILL), (9.0, None), (10.0, Act.START)], 10.0, True),
        ([(9.0, Act.START), (9.5, None), (10.0, Act.START)], 10.0, False),
        ([(8.0, Act.STILL), (9.0, Act.CLEAR), (10.0, Act.START)], 11.75, True),
    ],
)
def test_a_bare_press_answers_no_question_that_has_just_taken_the_place_of_another(
    stood: list[tuple[float, Act | None]], pressed: float, too_soon: bool
) -> None:
    asking = Asking()
    for at, question in stood:
        asking.stands(question, at)
    assert asking.too_soon(pressed, bare=True) is too_soon
    assert not asking.too_soon(pressed, bare=False)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(("after", "too_soon"), [(0.0, True), (1.75, True), (2.0, False)])
def test_no_press_answers_anything_right_after_another(bare: bool, after: float, too_soon: bool) -> None:
    asking = Asking()
    asking.answered(10.0)
    assert asking.too_soon(10.0 + after, bare=bare) is too_soon


def test_nor_does_it_answer_what_then_takes_the_place_of_another_question() -> None:
    asking = Asking()
    asking.stands(Act.STILL, 9.75)
    asking.answered(10.0)
    asking.stands(Act.START, 11.0)
    assert asking.too_soon(12.75, bare=True)
    assert not asking.too_soon(13.0, bare=True)
