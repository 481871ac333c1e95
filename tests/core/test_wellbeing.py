"""Presence, heart rate and lease at their boundaries, in seconds."""

import pytest

from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Speed
from retrowalk.core.care import ALL_GOOD, CHECK_STRAP, Care, Concern
from retrowalk.core.model import Observation, Pulse, Record, Status, Steps
from retrowalk.core.wellbeing import Heart, Lease, Presence


@pytest.mark.parametrize(
    ("at", "noticed"), [(0, ""), (59.9, ""), (60.0, "ask"), (60.1, ""), (69.9, ""), (70.0, "missing")]
)
def test_presence_is_asked_after_its_period_and_missed_ten_seconds_later(at: float, noticed: str) -> None:
    presence = Presence(60.0)
    presence.watch(0.0, backward=True)
    if at > 60:
        assert presence.watch(60.0, backward=True) == "ask"
    assert presence.watch(at, backward=True) == noticed


def test_a_question_that_a_sensor_answered_is_put_again_and_missed_like_the_first() -> None:
    presence = Presence(60.0)
    presence.watch(0.0, backward=True)
    assert presence.watch(60.0, backward=True) == "ask"
    presence.seen(62.0, sensed=True)
    noticed = {at: presence.watch(at, backward=True) for at in (121.9, 122.0, 122.1, 131.9, 132.0)}
    assert noticed == {121.9: "", 122.0: "ask", 122.1: "", 131.9: "", 132.0: "missing"}


def test_facing_forward_nobody_is_asked_and_the_period_begins_anew() -> None:
    presence = Presence(30.0)
    assert not presence.asking, "nobody walks yet"
    presence.watch(0.0, backward=True)
    assert presence.watch(30.0, backward=True) == "ask"
    asking = [presence.asking]
    assert presence.watch(31.0, backward=False) == ""
    assert [*asking, presence.asking] == [True, False]
    assert presence.watch(60.9, backward=True) == ""
    assert presence.watch(61.0, backward=True) == "ask"


@pytest.mark.parametrize(("sign", "asked"), [(69.9, True), (70.0, False), (70.1, False)])
def test_a_question_is_over_with_a_sign_of_the_same_moment(sign: float, asked: bool) -> None:
    presence = Presence(60.0)
    presence.watch(0.0, backward=True)
    presence.seen(10.0)
    assert presence.watch(70.0, backward=True) == "ask"
    presence.seen(sign)
    assert presence.asking is asked


@pytest.mark.parametrize(
    ("sensed", "pressed", "answers"), [(False, 80.1, True), (True, 70.0, True), (True, 70.1, False)]
)
def test_an_ok_answers_a_question_that_stands_however_late_and_one_a_sensor_answered_for_ten_seconds(
    sensed: bool, pressed: float, answers: bool
) -> None:
    presence = Presence(60.0)
    presence.watch(0.0, backward=True)
    assert presence.watch(60.0, backward=True) == "ask"
    if sensed:
        presence.seen(60.5, sensed=True)
    assert presence.takes(pressed) is answers
    assert not presence.takes(pressed), "one press, one question"


@pytest.mark.parametrize(
    ("readings", "seen"),
    [
        ([(5, None), (5, None)], False),
        ([(5, None), (None, None)], False),
        ([(5, None), (None, None), (6, None)], False),
        ([(5, None), (6, None)], True),
        ([(None, 0)], False),
        ([(None, 1)], True),
        ([(None, 1), (None, 0)], True),
        ([(6, None), (0, None)], False),
        ([(6, None), (0, None), (1, None)], True),
    ],
)
def test_a_sign_is_a_step_more_or_a_weight_on_the_belt(
    readings: list[tuple[int | None, int | None]], seen: bool
) -> None:
    presence = Presence(60.0)
    for second, (steps, force) in enumerate(readings):
        presence.sense(steps, force, float(second))
    assert presence.sensed is seen


def test_an_act_is_a_sign_that_nothing_senses() -> None:
    presence = Presence(60.0)
    presence.watch(0.0, backward=True)
    presence.seen(30.0)
    assert not presence.sensed
    assert [presence.watch(at, backward=True) for at in (60.0, 89.9, 90.0)] == ["", "", "ask"]
    presence.seen(91.0, sensed=True)
    presence.seen(92.0)
    assert presence.sensed, "what senses once senses"
    assert [presence.watch(at, backward=True) for at in (151.9, 152.0)] == ["", "ask"]


@pytest.mark.parametrize(
    ("beats", "now", "may_raise", "noticed"),
    [
        ([], 100, True, ""),
        ([(0, 134)], 1, True, ""),
        ([(0, 135)], 1, False, ""),
        ([(0, 100)], 9.9, True, ""),
        ([(0, 100)], 10, False, ""),
        ([(0, 100)], 29.9, False, ""),
        ([(0, 100)], 30, False, "warn"),
        ([(0, 100)], 60, False, "heart_rate_gone"),
        ([(0, 152), (1, 152), (2, 152)], 2, False, ""),
        ([(0, 153), (1, 153)], 2, False, ""),
        ([(0, 153), (1, 153), (2, 153)], 2, False, "heart_rate_high"),
        ([(100, 153)], 109.9, False, ""),
        ([(100, 153)], 110, False, "heart_rate_high"),
        ([(0, 153), (6, 153)], 9.9, False, ""),
        ([(0, 153), (6, 153)], 10, False, "heart_rate_high"),
        ([(0, 153), (1, 152), (2, 153), (3, 153)], 4, False, ""),
        ([(0, 153), (1, 152), (2, 153), (3, 153)], 11.9, False, ""),
        ([(0, 153), (1, 153), (2, 150), (3, 153)], 4, False, ""),
    ],
)
def test_the_heart_of_a_maximum_of_180(
    beats: list[tuple[float, int]], now: float, may_raise: bool, noticed: str
) -> None:
    heart = Heart(180)
    for at, bpm in beats:
        heart.beat(bpm, at)
    assert (heart.may_raise(now), heart.watch(now)) == (may_raise, noticed)


def test_without_a_maximum_the_heart_is_only_watched() -> None:
    heart = Heart()
    heart.beat(200, 0.0)
    assert heart.may_raise(100.0)
    assert heart.watch(100.0) == ""
    assert (heart.shown(9.9), heart.shown(10.0)) == (200, None)


def test_the_warning_comes_once_and_again_after_the_strap_was_back() -> None:
    heart = Heart(180)
    heart.beat(100, 0.0)
    assert [heart.watch(30.0), heart.watch(31.0)] == ["warn", ""]
    heart.beat(100, 32.0)
    assert heart.watch(62.0) == "warn"


@pytest.mark.parametrize(
    ("since", "may_raise", "noticed"),
    [
        (9.9, True, ""),
        (10, False, ""),
        (29.9, False, ""),
        (30, False, "warn"),
        (60, False, "heart_rate_gone"),
    ],
)
def test_a_declared_strap_is_missed_from_the_first_step_on(
    since: float, may_raise: bool, noticed: str
) -> None:
    heart = Heart(180, strap=True)
    assert heart.may_raise(100.0), "no step was walked"
    assert heart.watch(100.0) == ""
    assert (heart.may_raise(100 + since), heart.watch(100 + since)) == (may_raise, noticed)


def test_while_the_strap_is_heard_the_treadmills_rate_does_not_count() -> None:
    heart = Heart(180, strap=True)
    heart.beat(100, 0.0, strap=True)
    for second in range(10):
        heart.beat(170, second + 0.9)
    assert (heart.shown(9.9), heart.may_raise(9.9), heart.watch(9.9)) == (100, True, "")
    for second in (10.0, 11.0, 12.0):
        heart.beat(160, second, strap=True)
        heart.beat(60, second + 0.5)
    assert (heart.shown(12.5), heart.watch(12.5)) == (160, "heart_rate_high")


def test_while_the_strap_is_silent_the_treadmills_rate_is_judged_and_does_not_stand_in_for_it() -> None:
    heart = Heart(180, strap=True)
    heart.beat(100, 0.0, strap=True)
    heart.beat(100, 10.0)
    assert (heart.shown(10.0), heart.may_raise(10.0), heart.watch(30.0)) == (100, False, "warn")
    for second in (40.0, 41.0, 42.0):
        heart.beat(153, second)
    assert heart.watch(42.0) == "heart_rate_high"
    heart.beat(90, 43.0, strap=True)
    assert (heart.shown(43.0), heart.may_raise(43.0), heart.watch(43.0)) == (90, True, "")


def test_a_declared_strap_without_a_maximum_is_only_watched() -> None:
    heart = Heart(strap=True)
    assert heart.watch(0.0) == ""
    heart.beat(200, 0.0, strap=True)
    assert (heart.may_raise(100.0), heart.watch(100.0)) == (True, "")


@pytest.mark.parametrize(
    ("contact", "shown", "sensed"), [(True, 99, True), (None, 99, False), (False, None, False)]
)
def test_without_contact_a_rate_is_none_and_with_it_somebody_is_there(
    contact: bool | None, shown: int | None, sensed: bool
) -> None:
    care = Care(180, 60.0)
    care.observe(Pulse(99, contact), 0.0)
    assert (care.heart.shown(0.0), care.presence.sensed) == (shown, sensed)


@pytest.mark.parametrize(
    ("silence", "slow", "lost"),
    [(2.9, False, False), (3.0, True, False), (5.9, True, False), (6.0, True, True)],
)
def test_a_lease_slows_after_three_seconds_and_is_lost_after_six(
    silence: float, slow: bool, lost: bool
) -> None:
    lease = Lease()
    assert not lease.slow(1000.0), "nobody took one"
    lease.renew(50.0)
    assert (lease.slow(50.0 + silence), lease.lost(50.0 + silence)) == (slow, lost)
    lease.end()
    assert not lease.lost(1000.0)


def test_a_lease_that_was_renewed_late_is_lost_as_one_that_was_not() -> None:
    lease = Lease()
    lease.renew(50.0)
    lease.renew(54.0)
    assert [(lease.slow(at), lease.lost(at)) for at in (56.9, 59.9, 60.0)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_what_a_strap_says_without_contact_is_silence() -> None:
    care = Care(180, 60.0, strap=True)
    assert care.watch(0.0, walking=True, backward=False) == []
    for second in range(1, 31):
        care.pulse(Pulse(100, contact=False), float(second), strap=True)
    assert care.watch(30.0, walking=True, backward=False) == [Concern(CHECK_STRAP)]


def test_care_hears_the_strap_and_the_steps() -> None:
    care = Care(180, 60.0)
    assert care.watch(0.0, walking=True, backward=True) == []
    care.observe(Pulse(None, None), 55.0)
    assert care.watch(60.0, walking=True, backward=True) == [Concern(ALL_GOOD)]
    assert not care.may_raise(60.5)
    care.observe(Steps(), 61.0)
    assert care.may_raise(61.0)
    care.observe(Pulse(100, True), 100.0)
    assert care.watch(159.0, walking=True, backward=True) == [Concern(CHECK_STRAP)]
    assert care.watch(161.0, walking=True, backward=True) == [
        Concern(fault="heart_rate_gone"),
        Concern(ALL_GOOD),
    ]
    assert care.watch(172.0, walking=False, backward=True) == [], "at rest nobody is asked"


def data(**fields: int) -> Record:
    return Record(TreadmillData(**fields))  # type: ignore[arg-type]  # a table of fields


@pytest.mark.parametrize(
    ("heard", "sensed", "shown"),
    [
        ([Steps()], True, None),
        ([data(vendor_step_count=7)], False, None),
        ([data(vendor_step_count=7), data(vendor_step_count=8)], True, None),
        ([data(force_on_belt=1)], True, None),
        ([data(heart_rate=88)], False, 88),
        ([data(heart_rate=88), data()], False, 88),
        ([Pulse(99, True)], True, 99),
        ([Pulse(99, None)], False, 99),
        ([Pulse(99, False)], False, None),
        ([Pulse(None, True)], False, None),
        ([Status(MachineStatus(MachineStatusOp.STOPPED_BY_SAFETY_KEY))], False, None),
    ],
)
def test_each_notification_tells_of_the_walker_what_is_in_it(
    heard: list[Observation], sensed: bool, shown: int | None
) -> None:
    care = Care(180, 60.0)
    for observation in heard:
        care.observe(observation, 5.0)
    assert (care.presence.sensed, care.heart.shown(5.0)) == (sensed, shown)


@pytest.mark.parametrize(
    ("strap", "shown", "noticed"), [(True, 100, []), (False, 170, [Concern(CHECK_STRAP)])]
)
def test_a_straps_rate_goes_before_the_treadmills_and_is_what_is_missed(
    strap: bool, shown: int, noticed: list[Concern]
) -> None:
    care = Care(180, 60.0, strap=True)
    assert care.watch(0.0, walking=True, backward=False) == []
    care.pulse(Pulse(100, None), 5.0, strap=strap)
    care.pulse(Pulse(170, None), 6.0)
    care.pulse(Pulse(100, None), 6.5, strap=strap)
    care.observe(data(heart_rate=170), 7.0)
    assert care.heart.shown(7.0) == shown
    care.heart.beat(100, 29.0)
    assert care.watch(30.0, walking=True, backward=False) == noticed


@pytest.mark.parametrize(
    ("calm", "leased", "asked"),
    [(True, True, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_anything_about_the_walker_keeps_the_belt_from_rising(
    *, calm: bool, leased: bool, asked: bool
) -> None:
    care = Care(180, 60.0)
    care.lease.renew(58.0 if leased else 57.0)
    care.heart.beat(134 if calm else 135, 60.0)
    care.watch(0.0 if asked else 1.0, walking=True, backward=True)
    care.watch(60.0, walking=True, backward=True)
    assert care.may_raise(60.0) is (calm and leased and not asked)


def test_a_fault_is_told_again_and_again_and_all_that_is_noticed_at_once() -> None:
    care = Care(None, 60.0)
    care.lease.renew(60.0)
    assert care.watch(0.0, walking=True, backward=True) == []
    assert care.watch(60.0, walking=True, backward=True) == [Concern(ALL_GOOD)]
    missing = Concern(fault="presence_missing")
    assert [care.watch(at, walking=True, backward=True) for at in (65.9, 66.0, 70.0, 70.25)] == [
        [],
        [Concern(fault="lease_lost")],
        [Concern(fault="lease_lost"), missing],
        [Concern(fault="lease_lost"), missing],
    ]
    assert care.watch(71.0, walking=True, backward=False) == [Concern(fault="lease_lost")]


def test_what_a_machine_counts_without_a_walker_is_no_sign_of_one() -> None:
    care = Care(None, 60.0)
    care.watch(0.0, walking=True, backward=True)
    for second in range(1, 61):
        counted = TreadmillData(
            instantaneous_speed=Speed(150), total_distance=second, total_energy=second, elapsed_time=second
        )
        care.observe(Record(counted), float(second))
    assert care.watch(60.0, walking=True, backward=True) == [Concern(ALL_GOOD)]


def test_a_rate_that_nobody_hears_at_rest_is_missed_from_the_first_step_on_and_raises_nothing() -> None:
    care = Care(180, 60.0)
    care.pulse(Pulse(120, None), 0.0)
    assert care.watch(70.0, walking=False, backward=False) == []
    assert care.watch(80.0, walking=False, backward=False) == []
    assert care.watch(80.25, walking=True, backward=False) == []
    assert not care.may_raise(80.0)
    assert care.watch(109.75, walking=True, backward=False) == []
    assert care.watch(110.0, walking=True, backward=False) == [Concern(CHECK_STRAP)]
    assert care.watch(139.75, walking=True, backward=False) == []
    assert care.watch(140.0, walking=True, backward=False) == [Concern(fault="heart_rate_gone")]


@pytest.mark.parametrize("strap", [True, False])
def test_what_is_silent_is_missed_by_the_time_that_was_walked_whatever_rests_there_were(strap: bool) -> None:
    care = Care(180, 60.0, strap=strap)
    care.pulse(Pulse(120, None), 0.0, strap=strap)
    noticed: dict[Concern, float] = {}
    walked = 0.0
    for second in range(1, 130):
        walking = second % 10 < 5
        walked += float(walking)
        for concern in care.watch(float(second), walking=walking, backward=False):
            noticed.setdefault(concern, walked)
    assert noticed == {Concern(CHECK_STRAP): 30.0, Concern(fault="heart_rate_gone"): 60.0}


def test_what_speaks_again_is_missed_anew() -> None:
    care = Care(180, 60.0)
    care.pulse(Pulse(120, None), 0.0)
    for spoke in (0.0, 55.0, 200.0):
        care.pulse(Pulse(120, None), spoke)
        care.watch(spoke + 3.0, walking=False, backward=False)
        noticed = [care.watch(spoke + 3.0 + at, walking=True, backward=False) for at in (29.75, 30.0, 59.75)]
        assert noticed == [[], [Concern(CHECK_STRAP)], []]


@pytest.mark.parametrize(("began", "high"), [(9.75, True), (10.0, False)])
def test_a_high_rate_of_before_a_rest_counts_as_long_as_it_is_not_stale(began: float, high: bool) -> None:
    care = Care(180, 60.0)
    for _ in range(3):
        care.pulse(Pulse(160, None), 0.0)
    assert care.heart.high(began) is high
    care.watch(began, walking=False, backward=False)
    told = care.watch(began, walking=True, backward=False)
    assert told == ([Concern(fault="heart_rate_high")] if high else [])
    for _ in range(2):
        care.pulse(Pulse(160, None), began)
    told = care.watch(began, walking=True, backward=False)
    assert told == ([Concern(fault="heart_rate_high")] if high else []), "three readings, counted anew"


@pytest.mark.parametrize(
    ("rate", "heard", "at", "high"),
    [
        (152, 3, 0.0, False),
        (153, 2, 0.0, False),
        (153, 3, 0.0, True),
        (153, 1, 9.75, False),
        (153, 3, 9.75, True),
        (153, 3, 10.0, False),
    ],
)
def test_the_hard_limit_is_85_percent_by_three_readings_that_are_not_stale(
    rate: int, heard: int, at: float, high: bool
) -> None:
    heart = Heart(180)
    for _ in range(heard):
        heart.beat(rate, 0.0)
    assert heart.high(at) is high


def test_or_by_ten_seconds_of_it() -> None:
    heart = Heart(180)
    heart.beat(160, 0.0)
    heart.beat(160, 9.0)
    assert [heart.high(at) for at in (9.75, 10.0)] == [False, True]
