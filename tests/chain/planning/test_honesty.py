"""How far a plan can be believed: what is learnt is kept by what is promised afterwards, also when the plant changes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.planning import Assignment, Cause
from batchone.chain.planning.honesty import Delivery, Honesty, Outcome, Reserve, reserve
from batchone.chain.planning.limits import Limit

DAY = 86_400.0
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def live(honesty: Honesty, late, days: int, a_day: int = 60, wait_s: float = 30_000.0, since: int = 0, seed: int = 1):
    """A plant in which an order is `late(day, chance)` seconds later than inserted: the shares met by p50 and by p90."""
    chance, met = np.random.default_rng(seed), []
    for day in range(since, since + days):
        wait = np.full(a_day, wait_s)
        likely, sure = honesty.margins(wait)
        lateness = np.array([late(day, chance) for _ in range(a_day)])
        honesty.learn((day + 1) * DAY, wait, lateness, lateness - likely, lateness - sure)
        met.append([np.mean(lateness <= likely), np.mean(lateness <= sure)])
    return np.mean(met[days // 5 :], axis=0)


def test_a_steady_plant_is_promised_as_it_is() -> None:
    half, nine = live(Honesty(), lambda _, chance: chance.exponential(3600) - 1000, 100)
    assert half == pytest.approx(0.5, abs=0.03)
    assert nine == pytest.approx(0.9, abs=0.02)


def test_lateness_in_waves_of_days_is_met_over_the_year() -> None:
    def waves(day: int, chance) -> float:
        return 2000 + 5000 * np.sin(day / 3) + 20_000 * (day % 45 < 4) + chance.normal(0, 1200)

    half, nine = live(Honesty(), waves, 365)
    assert half == pytest.approx(0.5, abs=0.05)
    assert nine == pytest.approx(0.9, abs=0.03)


def test_a_plant_that_gets_slower_for_good_is_followed() -> None:
    honesty = Honesty()
    live(honesty, lambda _, chance: chance.normal(0, 600), 60)
    half, nine = live(honesty, lambda _, chance: chance.normal(20_000, 600), 120, since=60)
    assert half == pytest.approx(0.5, abs=0.08)
    assert nine == pytest.approx(0.9, abs=0.06)


def test_promises_that_reach_far_learn_apart_from_those_that_do_not() -> None:
    honesty = Honesty()
    for day in range(60):
        chance = np.random.default_rng(day)
        for wait_s, late_s in ((3000.0, 60.0), (200_000.0, 40_000.0)):
            lateness, wait = chance.normal(late_s, late_s / 5, 40), np.full(40, wait_s)
            likely, sure = honesty.margins(wait)
            honesty.learn(day * DAY, wait, lateness, lateness - likely, lateness - sure)
    likely, _ = honesty.margins(np.array([3000.0, 200_000.0]))
    assert likely[0] < 1_000
    assert 35_000 < likely[1] < 45_000


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
def test_p90_is_never_before_p50(late, waits) -> None:
    honesty = Honesty()
    lateness = np.array(late)
    honesty.learn(DAY, np.full(len(late), 5000.0), lateness, lateness, lateness)
    likely, sure = honesty.margins(np.array(waits))
    assert (sure >= likely).all()


def test_before_much_is_known_breakdowns_on_the_way_are_reckoned_with() -> None:
    assignments = [
        Assignment("a", "j", "saw", 0, 50_000, 50_000, 50_600),
        Assignment("b", "j", "press", 0, 51_000, 51_000, 52_000),
    ]
    limits = [Limit("a", Cause.RESOURCE, 50_000), Limit("b", Cause.PRECEDENCE, 0)]
    expected = reserve(assignments, limits, 0, {"saw": (10_000.0, 900.0), "press": (10_000.0, 900.0)})
    # The queue in front of the saw for 50,600 s and the press's own 1,000 s: 5.16 failures of 900 s.
    assert expected.mean_s == pytest.approx(5.16 * 900)
    assert expected.deviation_s == pytest.approx((5.16 * 2 * 900**2) ** 0.5)
    assert reserve(assignments, limits, 0, {}) == Reserve(0.0, 0.0)
    honesty = Honesty()
    half, nine = honesty.dates(NOW, NOW + timedelta(seconds=4000), expected)
    assert (half - NOW).total_seconds() == pytest.approx(4000 + 4644)
    assert (nine - half).total_seconds() == pytest.approx(1.2816 * expected.deviation_s, abs=1)


@pytest.mark.parametrize("deviation_s", [0.0, 1500.0])
def test_late_deliveries_are_reckoned_with_as_if_they_were_drawn(deviation_s) -> None:
    deliveries = (Delivery(0.3, 40_000.0, 2_000.0), Delivery(0.2, 90_000.0, -500.0), Delivery(0.9, 3_000.0, 3_000.0))
    likely, sure = Reserve(800.0, deviation_s, deliveries).quantiles()
    chance, cases = np.random.default_rng(5), 200_000
    late = np.zeros(cases)
    for each in deliveries:
        comes = np.where(chance.random(cases) < each.share, chance.random(cases) * each.late_s, 0)
        late = np.maximum(late, comes - max(0.0, each.slack_s))
    drawn = 800.0 + chance.normal(0, deviation_s, cases) + late
    assert likely == pytest.approx(np.quantile(drawn, 0.5), abs=400)
    assert sure == pytest.approx(np.quantile(drawn, 0.9), rel=0.02)


def test_an_unreliable_delivery_moves_the_first_dates_and_a_reliable_or_early_one_does_not() -> None:
    def nine(*deliveries: Delivery) -> float:
        _, sure = Honesty().dates(NOW, NOW + timedelta(hours=4), Reserve(0.0, 0.0, deliveries))
        return (sure - NOW).total_seconds() - 4 * 3600

    assert nine() == nine(Delivery(0.05, 40_000.0, 0.0)) == 3600
    assert nine(Delivery(0.3, 40_000.0, 50_000.0)) == 3600
    assert nine(Delivery(0.3, 40_000.0, 0.0)) == pytest.approx(40_000 * (1 - 0.1 / 0.3), rel=0.02)
    assert nine(*[Delivery(0.05, 40_000.0, 0.0)] * 8) > 20_000


def test_orders_that_finish_first_do_not_speak_for_those_that_are_held_up() -> None:
    """In a new plant the orders of the first hours that finished are the lucky ones: half a day's reach is not known."""
    honesty, wait = Honesty(), np.full(60, 40_000.0)
    lucky = np.zeros(60)
    honesty.learn(50_000.0, wait, lucky, lucky, lucky)
    assert honesty.margins(wait)[1].min() == 10_000
    honesty.learn(50_000.0 + DAY, wait, lucky, lucky, lucky)
    assert honesty.margins(wait)[1].max() < 1_000


def test_what_was_promised_while_all_was_new_does_not_narrow_what_is_promised_later() -> None:
    honesty, wait = Honesty(), np.full(60, 40_000.0)
    kept = np.full(60, -30_000.0)
    for hour in range(0, 34, 2):
        honesty.learn(50_000.0 + hour * 3600, wait, np.zeros(60), kept, kept)
    assert honesty.level[1, 2] == pytest.approx(0.1)
    honesty.learn(50_000.0 + 48 * 3600, wait, np.zeros(60), kept, kept)
    assert honesty.level[1, 2] > 0.1


def test_nothing_is_promised_for_the_past() -> None:
    honesty = Honesty()
    early = np.full(100, -50_000.0)
    for day in (1, 2):
        honesty.learn(day * DAY, np.full(100, 4000.0), early, early, early)
    half, nine = honesty.dates(NOW, NOW + timedelta(seconds=4000))
    assert half == nine == NOW


def test_what_is_learnt_after_a_restart_is_what_was_learnt_before() -> None:
    chance = np.random.default_rng(3)
    given_at = [NOW + timedelta(hours=n) for n in range(300)]
    nine, twelve = timedelta(hours=9), timedelta(hours=12)
    outcomes = [Outcome(at, at + nine, at + nine, at + twelve, at + nine + timedelta(hours=chance.normal(1, 2)))
                for at in given_at]  # fmt: skip
    once, again = Honesty(), Honesty()
    once.learn_all(outcomes)
    for outcome in sorted(outcomes, key=lambda each: each.finished):
        again.learn_all([outcome])
    waits = np.array([9 * 3600.0])
    assert once.margins(waits)[0] == pytest.approx(again.margins(waits)[0], rel=0.05, abs=120)
    assert once.margins(waits)[1] == pytest.approx(again.margins(waits)[1], rel=0.05, abs=120)
