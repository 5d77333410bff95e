"""The pure rules behind the pages."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support_pack import AIDED

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files
from batchone.contracts.pack import Limits
from batchone.contracts.planning import PlannedOperation
from batchone.contracts.production import ItemRecord, StationNow
from batchone.contracts.sales import Customer, Order
from batchone.contracts.things import of_packs
from batchone.kernel.money import Money
from batchone.web.books import Book
from batchone.web.places import Place
from batchone.web.views import line, machine, plan, shop, story

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(40, ""), (39, ""), (45, ""), (38.9, "warn"), (45.1, "warn"), (36, "warn"), (35.9, "alarm"), (48.1, "alarm")],
)
def test_a_value_is_judged_by_its_limits_and_a_bound_is_inside(value: float, verdict: str) -> None:
    assert machine.judged(value, Limits(39, 45, 36, 48)) == verdict


def test_a_signal_without_limits_is_never_wrong_and_has_no_bar() -> None:
    assert machine.judged(1e9, Limits()) == ""
    assert machine.ends(Limits()) is None


@pytest.mark.parametrize(
    "limits", [Limits(39, 45, 36, 48), Limits(high=10), Limits(low=5), Limits(low=-8, high=-2), Limits(high_high=0.5)]
)
def test_the_bar_of_a_signal_shows_all_its_bounds(limits: Limits) -> None:
    ends = machine.ends(limits)
    assert ends is not None
    for bound in (limits.low, limits.high, limits.low_low, limits.high_high):
        assert bound is None or ends[0] <= bound < ends[1]


def test_takt_is_the_mean_time_between_the_newest_twenty() -> None:
    finished = [NOW + timedelta(seconds=600)] + [NOW + timedelta(seconds=1000 + 12 * index) for index in range(20)]
    assert line.takt_s(finished) == 12
    assert line.takt_s(finished[:1]) is None
    assert line.takt_s([]) is None


def test_the_tools_and_people_with_a_job_are_named_once_each() -> None:
    book = Book(load_files(AIDED))
    station = StationNow("fitter-1", "J1", "I1", "O1", "20", 1, "started", NOW, ("fitters", "jig", "jig", "gone"))
    model = of_packs([book.pack])
    thing = model.thing("fitter-1")
    assert thing is not None
    place = Place(thing, {"en": "Fitter"}, (), book)
    [job] = machine.machine(place, None, (station,), (), {}).jobs
    assert job.beside == ({"en": "Fitters", "zh": "装配工"}, {"en": "Jig", "zh": "夹具"}, {"en": "gone"})


def test_a_story_names_the_tools_and_people_that_the_plan_gives_an_operation() -> None:
    shop = compile_pack(load_files(AIDED))
    steps = explode(shop, "C", complete(shop, shop.known({}))).operations
    money = Money.of("20.00", "EUR")
    order = Order("O1", "SO-1", "t", Customer("ada", "Ada", "Brno"), "C", "lamp", {}, 1, 0, money, "P", NOW, NOW, NOW, ("I1",),
                  "planned", None, None)  # fmt: skip
    record = ItemRecord("I1", "", "O1", "lamp", "C", "planned", 3, 0, (), (), (), (), 0.0, None, None)
    planned = PlannedOperation(
        "I1", "O1", "20", 1, "fitter-1", 1, NOW, NOW, NOW, "planned", False, (("jig", 1), ("fitters", 0))
    )
    told = story.story(Book(shop.pack), order, record, steps, (planned,), ())
    assert [each.beside for each in told.chapters] == [(), ({"en": "Jig", "zh": "夹具"}, {"en": "Fitters", "zh": "装配工"}), ()]


def operation(item: str, position: int, start_s: float, end_s: float, *, late: bool = False) -> PlannedOperation:
    at = [NOW + timedelta(seconds=each) for each in (start_s, start_s, end_s)]
    return PlannedOperation(item, "order", "20", 1, "fitter-1", position, *at, "planned", late)


def test_places_in_use_are_counted_over_time_and_equal_stretches_are_joined(
    blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "LANES_MAX", 1)
    book = Book(blueprint.pack)
    operations = [operation("a", 1, 0, 600), operation("b", 2, 300, 600, late=True)]
    found = plan.loads(book, operations, NOW, NOW + timedelta(seconds=1200))
    assert [((each.start - NOW).total_seconds(), (each.end - NOW).total_seconds(), each.used, each.late) for each in found] == [
        (0, 300, 1, False),
        (300, 600, 2, True),
    ]
    assert plan.bars(book, operations, {}) == ()


def test_late_orders_are_named_once_the_latest_first() -> None:
    operations = [operation("a", 1, 0, 600, late=True), operation("b", 2, 0, 900, late=True), operation("c", 1, 0, 10)]
    found = plan.late_orders(operations, {})
    assert [(each.order.number, each.finish) for each in found] == [("order", NOW + timedelta(seconds=900))]


def test_what_the_page_showed_is_no_choice_and_what_was_picked_or_changed_is() -> None:
    form = {"o.a": "1", "was.a": "1", "o.b": "2", "was.b": "1", "o.c": "3", "was.c": "3", "o.other": "x"}
    assert shop.picks_of(form, ["c"], ["a", "b", "c", "d"]) == {"b": "2", "c": "3"}
    assert shop.picks_of({**form, "forget": "b"}, ["c"], ["a", "b", "c"]) == {"c": "3"}


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("0", 1), ("99999", 1000), ("x", 1), (None, 1), ("", 1), ("-4", 1)])
def test_a_quantity_is_between_one_and_a_thousand(text: str | None, number: int) -> None:
    assert shop.number_of(text) == number


def test_the_same_choices_always_have_the_same_address() -> None:
    assert shop.query_of({"b": "2", "a": "1"}, 1) == shop.query_of({"a": "1", "b": "2"}, 1) == "a=1&b=2"
    assert shop.query_of({}, 5) == "n=5"


def test_a_price_that_cannot_be_read_is_none() -> None:
    assert shop.price_from("12.50", "EUR") is not None
    assert shop.price_from("x", "EUR") is shop.price_from("", "EUR") is None
