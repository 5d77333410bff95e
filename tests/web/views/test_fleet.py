"""Which machine needs attention first, and what a list of machines holds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchone.contracts.alarms import Alarm
from batchone.contracts.machines import ConnectionNow, DataNow, EquipmentNow
from batchone.contracts.sources import Point, Source
from batchone.contracts.things import EquipmentType, Thing, ThingModel
from batchone.kernel.errors import Refused
from batchone.web.views import fleet as view
from batchone.web.views.fleet import Told, Wish, fleet, links_of, wish

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
GOOD = DataNow("m", 4, 4, 0, 0, 0, 0, NOW, 1.0)
UP = ConnectionNow("link", "opcua", "host:4840", True, NOW, 100, 0, "")
RAISED = Alarm("A", "m/x", "m", "high", "warning", 1.0, 2.0, "", {"en": "X"}, "unacknowledged", NOW, None, None, "")


def now(equipment: str, state: str = "running") -> EquipmentNow:
    return EquipmentNow(equipment, state, NOW, state != "offline", NOW)  # type: ignore[arg-type]  # the test's own states


def seen(
    *, state: str = "running", data: DataNow | None = GOOD, link: ConnectionNow = UP, alarms: tuple[Alarm, ...] = ()
) -> view.Row:
    model = ThingModel(0, (EquipmentType("c", {"en": "C"}),), (Thing("m", "c", {"en": "M"}, "e/s/a/l/c"),))
    told = Told([now("m", state)], [link], [data] if data else [], list(alarms))
    return fleet(model, {"m": ("link",)}, told, Wish()).rows[0]


def test_each_thing_that_can_be_wrong_is_worse_than_those_below_it() -> None:
    urgent = replace(RAISED, priority="alarm")
    lost = replace(RAISED, equipment="link", path="link", limit="lost")
    never = replace(GOOD, good=0, never=4, newest=None)
    rows = [
        seen(alarms=(urgent,)), seen(link=replace(UP, up=False)), seen(alarms=(lost,)), seen(data=replace(GOOD, silent=1)),
        seen(data=replace(GOOD, good=3, bad=1)), seen(alarms=(RAISED,)), seen(link=replace(UP, waiting=9, waiting_s=61)),
        seen(data=replace(GOOD, good=3, uncertain=1)), seen(data=never), seen(),
    ]  # fmt: skip
    assert [each.worry for each in rows] == list(view._WORRIES)
    assert seen(state="alarm").worry == "alarm"
    assert seen(state="offline").worry == "offline"


def test_an_alarm_that_is_over_is_open_and_no_worry() -> None:
    over = seen(alarms=(replace(RAISED, state="returned", priority="alarm"),))
    assert (over.alarms, over.lasting, over.urgent, over.worry) == (1, 0, 0, "fine")


def test_samples_that_wait_for_a_moment_are_no_worry_but_are_found() -> None:
    row = seen(link=replace(UP, waiting=9, waiting_s=2.0))
    assert row.worry == "fine"
    assert "waiting" in row.lists


def test_what_nobody_answers_is_unknown_and_what_tells_no_state_is_not() -> None:
    model = ThingModel(0, (), (Thing("m", "c", {"en": "M"}, "e/s/a/l/c"),))
    away = fleet(model, {}, Told(None, None, None, None), Wish())
    assert away.silent == ("machines", "connections", "data", "alarms")
    assert (away.rows[0].worry, away.rows[0].alarms, away.rows[0].type_name) == ("unknown", None, {"en": "c"})
    assert seen(data=None).worry == "fine"
    meter = fleet(model, {}, Told([], [], [GOOD], []), Wish())
    assert (meter.silent, meter.rows[0].worry, meter.rows[0].now) == ((), "fine", None)


def many(count: int) -> tuple[ThingModel, Told]:
    things = tuple(Thing(f"m{n:03d}", "c", {"en": f"Mill {n}"}, f"e/s/a{n % 2}/l{n % 4}/c") for n in range(count))
    told = Told(
        [now(each.id, "alarm" if each.id == "m120" else "running") for each in things], [],
        [replace(GOOD, equipment=each.id, silent=int(each.id == "m007")) for each in things], [],
    )  # fmt: skip
    return ThingModel(0, (EquipmentType("c", {"en": "Milling", "zh": "铣削"}),), things), told


def test_a_list_of_hundreds_shows_a_page_with_the_worst_first() -> None:
    model, told = many(230)
    first = fleet(model, {}, told, Wish())
    assert [each.thing.id for each in first.rows[:3]] == ["m120", "m007", "m000"]
    assert (len(first.rows), first.total, first.first, first.pages) == (50, 230, 1, 5)
    last = fleet(model, {}, told, Wish(page=99))
    assert (len(last.rows), last.first) == (30, 201)
    assert (first.signals, first.signals_silent, first.counts["wrong"], first.counts["silent"]) == (920, 1, 2, 1)


@pytest.mark.parametrize(
    ("wished", "total"),
    [
        (Wish(q="mill 12"), 13), (Wish(q="铣削 a1"), 115), (Wish(area="e/s/a0"), 115), (Wish(area="e/s/a0/l2"), 57),
        (Wish(area="e/s/a"), 0), (Wish(show="silent"), 1), (Wish(show="wrong"), 2),
        (Wish(connection="x"), 1), (Wish(q="nothing"), 0),
    ],
)  # fmt: skip
def test_a_list_is_narrowed_by_words_place_connection_and_what_is_wrong(wished: Wish, total: int) -> None:
    model, told = many(230)
    found = fleet(model, {"m001": ("x",)}, told, wished)
    assert found.total == total
    assert found.counts["all"] == (230 if wished.show != "all" else total)


def test_areas_are_those_of_the_machines_and_their_lines() -> None:
    assert view.areas(many(4)[0]) == ("e/s/a0", "e/s/a0/l0", "e/s/a0/l2", "e/s/a1", "e/s/a1/l1", "e/s/a1/l3")


def test_a_declared_connection_belongs_to_each_machine_that_it_tells_of() -> None:
    source = Source("s", "mqtt://b", {}, (Point("m/x", "a"), Point("m/P01/y", "b"), Point("n/x", "c")))
    assert links_of([], [source, replace(source, id="t", points=(Point("n/z", "d"),))]) == {"m": ("s",), "n": ("s", "t")}


def test_an_address_keeps_the_wish_and_begins_at_the_first_page() -> None:
    wished = wish(" press ", "e/s/a", "silent", "", 3)
    assert wished.address() == "/machines?q=press&area=e%2Fs%2Fa&show=silent"
    assert wished.address(page=4).endswith("&page=4")
    assert wish().address("/fleet/live") == "/fleet/live"
    with pytest.raises(Refused):
        wish(show="pink")
