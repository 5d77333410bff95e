"""Periods of addresses, which signals are looked at, and where there are no samples."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from batchone.contracts.machines import DroppedDay, Gap, Trend
from batchone.contracts.pack import Limits, Scope
from batchone.contracts.things import Declared, SignalType
from batchone.kernel.errors import NotFound, Refused
from batchone.web.views.trend import Hole, Look, Period, chosen, holes, period, shown

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def test_a_period_up_to_now_moves_with_now_and_one_between_two_times_stays() -> None:
    last = period({"last": "3600"}, ZONE, 60)
    assert last.window(NOW) == (NOW - HOUR, NOW)
    assert last.window(NOW + HOUR) == (NOW, NOW + HOUR)
    fixed = period({"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00+00:00", "last": "7"}, ZONE, 60)
    assert fixed.window(NOW) == fixed.window(NOW + HOUR) == (NOW - HOUR / 2, NOW + HOUR / 2)
    assert period({}, ZONE, 60).window(NOW) == (NOW - timedelta(seconds=60), NOW)


def test_a_time_without_a_zone_is_the_plants() -> None:
    found = period({"from": "2026-03-02T16:00", "to": "2026-03-02T17:00:30"}, ZONE, 60)
    assert found.window(NOW) == (NOW - HOUR / 2, NOW + HOUR / 2 + timedelta(seconds=30))


@pytest.mark.parametrize("wished", [Period(28800.0), Period(start=NOW - HOUR, end=NOW)])
def test_what_an_address_says_is_read_back(wished: Period) -> None:
    assert period(dict(wished.query()), ZONE, 60) == wished


@pytest.mark.parametrize(
    "query", [{"last": "nan"}, {"last": "0"}, {"last": "1e12"}, {"from": "x"}, {"to": "2026-03-02T08:00Z"}]
)
def test_what_is_no_period_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refused):
        period(query, ZONE, 60)


def declared(path: str, *, every_s: float = 1.0, limits: Limits | None = None) -> Declared:
    scope: Scope = "position" if path.count("/") == 2 else "equipment"
    signal = SignalType(path, {"en": path}, scope=scope, limits=limits or Limits(), every_s=every_s)
    return Declared(path, path.split("/", maxsplit=1)[0], signal)


def test_signals_that_nobody_names_are_those_of_the_machine_and_of_one_position() -> None:
    told = [declared("m/a"), declared("m/P01/x"), declared("m/P02/x"), declared("m/b", limits=Limits(high=1))]
    assert [each.path for each in chosen(told, (), "P02")] == ["m/b", "m/a", "m/P02/x"]
    assert [each.path for each in chosen(told, ("P01/x", "a", "P01/x"), "P02")] == ["m/P01/x", "m/a"]
    assert len(chosen([declared(f"m/s{n}") for n in range(40)], (), "")) == 8
    with pytest.raises(NotFound):
        chosen(told, ("gone",), "")


def test_a_look_says_everything_in_its_address() -> None:
    look = Look("m:1", ("P01/x",), "", Period(60.0))
    assert look.address("/rows") == "/machines/m%3A1/rows?signal=P01%2Fx&last=60"
    assert look.of(["m:1/a"]).address(period=Period(3600.0)) == "/machines/m%3A1?signal=a&last=3600"
    assert look.export == "path=m%3A1%2FP01%2Fx"


def steady(start: float, end: float, step: float = 1.0) -> tuple[float, ...]:
    return tuple(start + n * step for n in range(int((end - start) / step)))


def test_a_line_breaks_where_five_samples_are_missing_also_at_its_ends() -> None:
    times = steady(10, 40) + steady(50, 80)
    assert holes(times, (0, 100), 1.0, 1000, ()) == (Hole(0, 10, "none"), Hole(39, 50, "none"), Hole(79, 100, "none"))
    assert holes(times, (10, 81), 1.0, 1000, ()) == (Hole(39, 50, "none"),)
    assert holes((), (0, 100), 1.0, 1000, ()) == (Hole(0, 100, "none"),)


def test_a_thinned_answer_has_no_hole_where_only_its_steps_lie_apart() -> None:
    points, step = 100, 2 * 86400 / 100
    times = [at for n in range(50) for at in (n * step + step * 0.01, n * step + step * 0.99)]
    assert holes(times, (0, 86400), 1.0, points, ()) == ()
    assert holes(times[:40] + times[60:], (0, 86400), 1.0, points, ()) == (Hole(times[39], times[60], "none"),)


def test_a_signal_that_tells_only_changes_has_holes_only_where_its_samples_were_dropped() -> None:
    assert holes((0, 500, 900), (0, 1000), 0.0, 1000, ()) == ()
    assert holes((0, 500, 900), (0, 1000), 0.0, 1000, [(600, 700)]) == (Hole(600, 700, "dropped"),)


def test_dropped_days_are_told_where_the_answer_names_them_and_the_future_is_no_hole() -> None:
    start, signal = NOW - HOUR, declared("m/a")
    gone = DroppedDay("D", "standard", NOW.date(), 1, 1, 1, 1, start, start + HOUR / 2, "", NOW, "ada")
    times = steady((NOW - HOUR / 2).timestamp(), NOW.timestamp())
    trend = Trend(start, NOW + HOUR, "missing", {"m/a": times}, {"m/a": times}, (Gap("dropped", "D"),))
    found = shown(trend, [signal], [gone, replace(gone, id="other")], NOW, 2000)
    assert found.dropped == (gone,)
    assert found.told == (("m/a", Hole(start.timestamp(), (NOW - HOUR / 2).timestamp(), "dropped")),)
    assert found.step_s == 7.2
