"""Which time of which signals is looked at, and where in it there are no samples, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from urllib.parse import quote, urlencode

from batchone.contracts.machines import DroppedDay, Trend
from batchone.contracts.things import Declared
from batchone.kernel.errors import NotFound, Refused

PERIODS_S = (3600.0, 8 * 3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0)
"""An hour, a shift, a day, a week, a month."""
SHORTEST_S, LONGEST_S = 1.0, 3660 * 86400.0
POINTS_MIN, POINTS_MAX = 4, 4000
STRIPS_MAX = 8
HOLES_TOLD = 6
_MISSED = 5
_STEPS_APART = 2.1
"""Two points of neighbouring steps are two steps apart at most; a little more than that is a hole."""


@dataclass(frozen=True)
class Period:
    """The last seconds (`last_s`, plant time) up to now, or else from `start` up to but not at `end`."""

    last_s: float | None = None
    start: datetime | None = None
    end: datetime | None = None

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end."""
        if self.start is not None and self.end is not None:
            return self.start, self.end
        return now - timedelta(seconds=self.last_s or 0.0), now

    def query(self) -> list[tuple[str, str]]:
        """As an address says it."""
        if self.start is not None and self.end is not None:
            return [("from", self.start.isoformat()), ("to", self.end.isoformat())]
        return [("last", f"{self.last_s:g}")]


def period(query: Mapping[str, str], zone: tzinfo, otherwise_s: float) -> Period:
    """What an address asks for, else the last `otherwise_s`; times without a zone are the plant's. `Refused` when it is no
    period, or none between a second and ten years."""
    if query.get("from") or query.get("to"):
        start, end = _time(query.get("from", ""), zone), _time(query.get("to", ""), zone)
        _check((end - start).total_seconds())
        return Period(start=start, end=end)
    text = query.get("last", "")
    try:
        last_s = float(text) if text else otherwise_s
    except ValueError as error:
        raise Refused("web.period", f"'{text}' is no number of seconds.", "Choose a period on the page.") from error
    _check(last_s)
    return Period(last_s)


def _check(length_s: float) -> None:
    if not SHORTEST_S <= length_s <= LONGEST_S:
        what = f"A period of {length_s:g} s cannot be shown."
        raise Refused("web.period", what, "Let it end after its start, and be between a second and ten years long.")


def _time(text: str, zone: tzinfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("web.period", f"'{text}' is no date and time.", "Give both ends, as 2026-03-02T08:00:00Z.") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


@dataclass(frozen=True)
class Look:
    """What is looked at of a machine: signals by name (`speed`, `P01/torque`; none: those that the page chooses), the position
    whose signals it chooses, and the period."""

    equipment: str
    names: tuple[str, ...]
    position: str
    period: Period

    @property
    def signals(self) -> str:
        """Which signals, as an address says it."""
        told = [("signal", name) for name in self.names]
        return urlencode([*told, ("position", self.position)] if self.position else told)

    def address(self, page: str = "", period: Period | None = None) -> str:
        """The address of the machine's page, or of one below it, for the same look or another period."""
        query = "&".join(filter(None, (self.signals, urlencode((period or self.period).query()))))
        return f"/machines/{quote(self.equipment)}{page}?{query}"

    @property
    def export(self) -> str:
        """What the historian is asked for with these signals, without the period."""
        return urlencode([("path", f"{self.equipment}/{name}") for name in self.names])

    def of(self, paths: Iterable[str]) -> Look:
        """The same with exactly these signals."""
        return replace(self, names=tuple(path.partition("/")[2] for path in paths), position="")


def chosen(signals: Sequence[Declared], names: Sequence[str], position: str) -> tuple[Declared, ...]:
    """At most eight signals: the named ones in their order; else those of the machine itself first, then those of the
    position, ones with limits before others. `NotFound` for a name that is not declared."""
    if names:
        known = {each.path.partition("/")[2]: each for each in signals}
        for name in names:
            if name not in known:
                raise NotFound("web.signal", f"There is no signal {name} of this machine.", "Choose one of its signals.")
        return tuple(known[name] for name in dict.fromkeys(names))[:STRIPS_MAX]
    ours = [each for each in signals if each.signal.scope == "equipment" or each.path.split("/")[1] == position]
    ours.sort(key=lambda each: (each.signal.scope != "equipment", _bounds(each) == 0))
    return tuple(ours[:STRIPS_MAX])


def _bounds(declared: Declared) -> int:
    limits = declared.signal.limits
    return sum(bound is not None for bound in (limits.low_low, limits.low, limits.high, limits.high_high))


@dataclass(frozen=True)
class Hole:
    """A time without samples, in unix seconds: nothing came (`none`), or what came was dropped by retention."""

    start_s: float
    end_s: float
    reason: Literal["none", "dropped"]


def holes(
    times_s: Sequence[float], window_s: tuple[float, float], every_s: float, points: int, dropped: Sequence[tuple[float, float]]
) -> tuple[Hole, ...]:  # fmt: skip
    """Where a line must not be drawn through: five samples or more are missing of a signal that comes `every_s`, or
    retention dropped what there was. A hole narrower than the steps of a thinned answer (of at most `points`) is not seen."""
    start_s, end_s = window_s
    reach_s = max(_MISSED * every_s, _STEPS_APART * 2 * (end_s - start_s) / points)
    found = []
    for before, after in zip((start_s, *times_s), (*times_s, end_s), strict=True):
        gone = [(max(a, before), min(b, after)) for a, b in dropped if min(b, after) - max(a, before) > reach_s / 2]
        if every_s and after - before > reach_s:
            found.append(Hole(before, after, "dropped" if gone else "none"))
        elif not every_s:
            found.extend(Hole(a, b, "dropped") for a, b in gone)
    return tuple(found)


@dataclass(frozen=True)
class Shown:
    """A trend as the page draws it: holes by path, and the days whose samples were dropped."""

    trend: Trend
    holes: Mapping[str, tuple[Hole, ...]]
    dropped: tuple[DroppedDay, ...]
    points: int

    @property
    def step_s(self) -> float:
        """The length of a step of which least and greatest are kept, in seconds."""
        return 2 * (self.trend.end - self.trend.start).total_seconds() / self.points

    @property
    def told(self) -> tuple[tuple[str, Hole], ...]:
        """The longest holes, by path."""
        every = [(path, hole) for path, found in self.holes.items() for hole in found]
        longest = sorted(every, key=lambda each: each[1].start_s - each[1].end_s)[:HOLES_TOLD]
        return tuple(sorted(longest, key=lambda each: (each[0], each[1].start_s)))


def shown(trend: Trend, signals: Sequence[Declared], days: Sequence[DroppedDay], now: datetime, points: int) -> Shown:
    """The trend with its holes. What has not happened yet is no hole."""
    ids = {gap.what for gap in trend.gaps if gap.reason == "dropped"}
    dropped = tuple(day for day in days if day.id in ids)
    gone = [(day.first.timestamp(), day.last.timestamp()) for day in dropped]
    window = (trend.start.timestamp(), max(trend.start.timestamp(), min(trend.end.timestamp(), now.timestamp())))
    found = {each.path: holes(trend.times_s.get(each.path, ()), window, each.signal.every_s, points, gone) for each in signals}
    return Shown(trend, found, dropped, points)
