"""What emulated partners decide."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from batchone.demo import policies
from batchone.demo.policies import CallOffSeen

SENT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def call_off(number: int) -> CallOffSeen:
    return CallOffSeen(f"CO-{number:016d}", "near", "frame", SENT, SENT + timedelta(hours=10))


def test_choices_follow_their_weights_and_the_seed(fakes) -> None:
    chance = random.Random(3)
    drawn = Counter(policies.choices(fakes.DEMO, chance)["colour"] for _ in range(4000))
    assert 0.72 < drawn["red"] / 4000 < 0.78
    assert [policies.choices(fakes.DEMO, random.Random(3)) for _ in range(2)] == [{"wood": "oak", "colour": "red"}] * 2


def test_customers_are_express_as_often_as_the_pack_says(fakes) -> None:
    chance = random.Random(3)
    wishes = [policies.wish(fakes.DEMO, chance) for _ in range(4000)]
    assert 0.08 < sum(wish.priority for wish in wishes) / 4000 < 0.12
    assert {wish.customer.name for wish in wishes} == {"Li Wei", "Xu Lan"}


def test_orders_come_on_average_as_often_as_the_pack_says(fakes) -> None:
    chance = random.Random(3)
    pauses = [policies.pause_s(fakes.DEMO, chance) for _ in range(4000)]
    assert 570 < sum(pauses) / 4000 < 630


def test_suppliers_are_on_time_as_often_as_they_are_reliable() -> None:
    shares = [(policies.delivered_at(call_off(n), 0.9, 1) - SENT) / timedelta(hours=10) for n in range(4000)]
    assert 0.88 < sum(share <= 1 for share in shares) / 4000 < 0.92
    assert min(shares) >= 0.8
    assert max(shares) <= 1.6
    assert not any(1 < share < 1.05 for share in shares)


def test_a_delivery_is_due_at_the_same_time_whenever_asked_and_another_with_another_seed() -> None:
    assert policies.delivered_at(call_off(1), 0.9, 1) == policies.delivered_at(call_off(1), 0.9, 1)
    assert policies.delivered_at(call_off(1), 0.9, 1) != policies.delivered_at(call_off(1), 0.9, 2)


def test_a_carrier_is_never_late() -> None:
    expected = SENT + timedelta(hours=20)
    arrivals = [policies.arrives_at(f"SH-{n}", SENT, expected, 1) for n in range(1000)]
    assert all(SENT + timedelta(hours=16) <= at <= expected for at in arrivals)
    assert len(set(arrivals)) > 900


def test_reliability_is_by_module_and_supplier(fakes) -> None:
    known = policies.reliability(fakes.MODULES)
    assert known["frame", "far"] == 0.99
    assert ("screws", "far") not in known


def test_customer_ids_come_from_names() -> None:
    assert policies.customer_id("Xu Lan ") == "xu-lan"
    assert policies.customer_id("李伟") == "李伟"


def test_lot_numbers_differ_and_are_short() -> None:
    lots = {policies.lot_of(call_off(n)) for n in range(20)}
    assert len(lots) == 20
    assert all(len(lot) <= 64 for lot in lots)


def test_paces_do_not_drift_but_a_long_absence_is_not_made_up_for() -> None:
    minute = timedelta(minutes=1)
    assert policies.next_due(SENT, SENT + 2 * minute, minute, 5 * minute) == SENT + minute
    assert policies.next_due(SENT, SENT + 60 * minute, minute, 5 * minute) == SENT + 56 * minute
