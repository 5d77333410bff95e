"""What a promise and a status are worth."""

from datetime import UTC, datetime, timedelta

import pytest

from batchone.chain.sales import model
from batchone.chain.sales.model import Progress
from batchone.contracts.enterprises import Actor
from batchone.contracts.planning import Insertion
from batchone.contracts.sales import Customer
from batchone.kernel.errors import Refused

FINISH = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOTHING = Progress(2, planned=False, started=False, held=0, finished=0, taken=False, delivered=False)


def insertion(p90_finish: datetime) -> Insertion:
    return Insertion("R", 3, FINISH, p90_finish, ())


def actor(role: str, party: str = "") -> Actor:
    return Actor("t", "ann", "Ann", role, party)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ({}, "placed"),
        ({"planned": True}, "planned"),
        ({"planned": True, "started": True}, "in_production"),
        ({"started": True, "held": 1, "finished": 1}, "held"),
        ({"started": True, "finished": 1}, "in_production"),
        ({"finished": 2}, "finished"),
        ({"finished": 2, "taken": True}, "in_transit"),
        ({"finished": 2, "taken": True, "delivered": True}, "delivered"),
        ({"delivered": True}, "delivered"),
    ],
)
def test_the_status_is_the_furthest_point_reached(known: dict, status: str) -> None:
    assert model.status_of(Progress(**(vars(NOTHING) | known))) == status


def test_delivery_is_finish_and_lead_and_transit_each_with_its_reason() -> None:
    dates = model.dates(insertion(FINISH + timedelta(hours=3)), lead_s=86400, transit_s=20 * 3600)
    assert dates.p50 == FINISH + timedelta(hours=44)
    assert dates.p90 == dates.p50 + timedelta(hours=3)
    assert [(r.kind, r.start, r.end) for r in dates.reasons] == [
        ("lead", FINISH, FINISH + timedelta(days=1)),
        ("transit", FINISH + timedelta(days=1), dates.p50),
    ]
    assert dates.reasons[0].text == {"en": "The chosen options need 1 day before shipping.", "zh": "所选配置发货前还需 1 天。"}
    assert dates.reasons[1].text["en"] == "The carrier needs 20 h."


def test_without_lead_and_transit_nothing_is_added() -> None:
    dates = model.dates(insertion(FINISH), 0, 0)
    assert (dates.p50, dates.p90, dates.reasons) == (FINISH, FINISH, ())


def test_p90_is_never_before_p50() -> None:
    dates = model.dates(insertion(FINISH - timedelta(hours=1)), 0, 0)
    assert dates.p90 == dates.p50


@pytest.mark.parametrize("quantity", [0, -1, 1001, 10**9, 2.5, True, "3", None])
def test_a_quantity_outside_1_to_1000_or_no_whole_number_is_refused_with_the_cure(quantity: object) -> None:
    with pytest.raises(Refused, match="1 to 1000"):
        model.check_quantity(quantity)


def test_a_customer_may_ask_for_express_and_a_planner_for_more() -> None:
    model.check_priority(1, actor("customer"))
    model.check_priority(9, actor("planner"))
    for priority, who in ((2, "customer"), (10, "planner"), (-1, "planner"), (0.5, "planner")):
        with pytest.raises(Refused, match="0 \\(normal\\)"):
            model.check_priority(priority, actor(who))


@pytest.mark.parametrize(
    "customer", [Customer("", "A", "B"), Customer("a", " ", "B"), Customer("a", "A", "B\0"), Customer("a", "A" * 101, "B")]
)
def test_a_customer_without_readable_name_id_and_town_is_refused(customer: Customer) -> None:
    with pytest.raises(Refused) as refused:
        model.check_customer(customer)
    assert refused.value.where["field"] in ("id", "name", "town")


def test_whose_promise_it_is_decides_who_may_order_it() -> None:
    assert model.may_order(actor("customer", "c1"), "c1")
    assert model.may_order(actor("customer", "c1"), "")
    assert model.may_order(actor("planner"), "c1")
    assert not model.may_order(actor("customer", "c2"), "c1")


def test_a_customer_without_a_party_acts_for_themselves_and_staff_for_nobody() -> None:
    assert model.owner_of(actor("customer")) == "ann"
    assert model.owner_of(actor("planner", "x")) == ""


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [(3600, "1 h", "1 小时"), (90000, "25 h", "25 小时"), (86400, "1 day", "1 天"), (3 * 86400, "3 days", "3 天")],
)
def test_durations_are_said_as_people_say_them(seconds: float, en: str, zh: str) -> None:
    assert (model.span_en(seconds), model.span_zh(seconds)) == (en, zh)


def test_order_numbers_are_readable() -> None:
    assert model.number_of(2026, 123) == "SO-2026-000123"
