"""The thirteen questions as SELECTs over samples, with what is known of a truck told in them as a table of `VALUES`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from batchone.machines.history.asking import view_of
from batchone.machines.history.model import EVER, Segment
from batchone.machines.history.reading import SQL, Found, locked_down
from benchmarks.trucks import DAY_S, START_S, Truck
from benchmarks.tsbs_peers import PERIOD_S, Answer, Asked

Rows = Sequence[tuple[Any, ...]]
_EVER_S = (EVER[0].timestamp(), EVER[1].timestamp())
_DAY = f"(p * {PERIOD_S} - {START_S}) // {DAY_S}"


@dataclass(frozen=True)
class Question:
    """A SELECT, its window in seconds since 1970, and how many of its columns name a row."""

    select: str
    window: tuple[float, float]
    keys: int

    def answer(self, rows: Rows) -> Answer:
        """Rows by what names them."""
        return {tuple(row[: self.keys]): tuple(float(value) for value in row[self.keys :]) for row in rows}


def question(name: str, asked: Asked) -> Question:
    """One of the thirteen. What is asked of one fleet names the paths of its trucks; all others name their signal."""
    return _QUESTIONS[name](_tags(asked.trucks), asked)


_NAME = "split_part(path, '/', 1)"
_NAMED = f"name = {_NAME}"
_VELOCITY, _STATUS = "path LIKE '%/velocity'", "path LIKE '%/status'"

_BURNT = f"""SELECT fleet, avg(burnt), avg(nominal) FROM (
    SELECT {_NAME} AS name, max(value) FILTER ({_VELOCITY}) AS velocity,
        max(value) FILTER (path LIKE '%/fuel_consumption') AS burnt
    FROM samples WHERE {_VELOCITY} OR path LIKE '%/fuel_consumption' GROUP BY name, source_time
) JOIN tags USING (name) WHERE velocity > 1 GROUP BY fleet"""

_DURATION = f"""SELECT fleet, name, driver, avg(hours) FROM (
    SELECT name, count(*) / 6 AS hours FROM period WHERE m > 1 GROUP BY name, {_DAY}
) JOIN tags USING (name) GROUP BY ALL"""

_CHANGE = """change AS (
    SELECT name, p, m > 5 AS driving FROM period QUALIFY driving <> lag(driving) OVER (PARTITION BY name ORDER BY p)
)"""

_SESSION = f"""SELECT name, day, avg(minutes) FROM (
    SELECT name, {_DAY} AS day, driving, (lead(p) OVER (PARTITION BY name ORDER BY p) - p) * {PERIOD_S // 60} AS minutes
    FROM change
) WHERE driving AND minutes IS NOT NULL GROUP BY ALL"""

_LOAD = f"""SELECT fleet, model, avg(load / load_capacity) FROM (
    SELECT {_NAME} AS name, avg(value) AS load FROM samples WHERE path LIKE '%/current_load' GROUP BY path
) JOIN tags USING (name) GROUP BY ALL"""

_ACTIVE = f"""SELECT fleet, model, {_DAY} AS day, count(*) / 144
FROM period JOIN tags USING (name) WHERE m < 1 GROUP BY ALL"""

_BROKE = """SELECT model, count(*) FROM (
    SELECT name, m >= 0.5 AS broken FROM period QUALIFY broken AND NOT lag(broken) OVER (PARTITION BY name ORDER BY p)
) JOIN tags USING (name) GROUP BY model"""


def _tags(trucks: Sequence[Truck]) -> str:
    rows = ", ".join(
        str((truck.name, truck.fleet, truck.driver, truck.model, truck.load_capacity, truck.nominal_fuel_consumption))
        for truck in trucks
    )
    return f"WITH tags(name, fleet, driver, model, load_capacity, nominal) AS (VALUES {rows})"


def _of(trucks: Sequence[Truck], *signals: str) -> str:
    return "(" + ", ".join(f"'{truck.name}/{signal}'" for truck in trucks for signal in signals) + ")"


def _means(where: str, value: str = "avg(value)") -> str:
    """Means of ten minutes, by truck and number of the period."""
    return f"""period AS (
        SELECT {_NAME} AS name, epoch_us(source_time) // {PERIOD_S * 1_000_000} AS p, {value} AS m
        FROM samples WHERE {where} GROUP BY path, p
    )"""


def _where_last(tags: str, paths: str) -> str:
    return f"""{tags} SELECT name, driver,
        max(value) FILTER (path LIKE '%/latitude'), max(value) FILTER (path LIKE '%/longitude')
    FROM last JOIN tags ON {_NAMED} WHERE path IN {paths} GROUP BY ALL"""


def _last_places(tags: str, asked: Asked) -> Question:
    return Question(_where_last(tags, _of(asked.of_fleet, "latitude", "longitude")), _EVER_S, 2)


def _last_place(tags: str, asked: Asked) -> Question:
    return Question(_where_last(tags, _of([asked.one], "latitude", "longitude")), _EVER_S, 2)


def _low_fuel(tags: str, asked: Asked) -> Question:
    where = f"path IN {_of(asked.of_fleet, 'fuel_state')} AND value <= 0.1"
    return Question(f"{tags} SELECT name, driver, value FROM last JOIN tags ON {_NAMED} WHERE {where}", _EVER_S, 2)


def _high_load(tags: str, asked: Asked) -> Question:
    where = f"path IN {_of(asked.of_fleet, 'current_load')} AND value >= 0.9 * load_capacity"
    return Question(f"{tags} SELECT name, driver, value FROM last JOIN tags ON {_NAMED} WHERE {where}", _EVER_S, 2)


def _stationary(tags: str, asked: Asked) -> Question:
    means = _means(f"path IN {_of(asked.of_fleet, 'velocity')}")
    select = f"{tags}, {means} SELECT name, driver FROM period JOIN tags USING (name) WHERE m < 1"
    return Question(select, (asked.end_s - PERIOD_S, asked.end_s), 2)


def _drove(tags: str, asked: Asked, seconds: int, periods: int) -> Question:
    """Who drove in more than so many periods of ten minutes."""
    means = _means(f"path IN {_of(asked.of_fleet, 'velocity')}")
    select = f"""{tags}, {means} SELECT name, driver FROM period JOIN tags USING (name) WHERE m > 1
    GROUP BY ALL HAVING count(*) > {periods}"""
    return Question(select, (asked.end_s - seconds, asked.end_s), 2)


def _over_all(select: str, keys: int, **parts: str) -> Callable[[str, Asked], Question]:
    """A SELECT over the whole time, after the tags and, where there is one, a table of periods."""

    def made(tags: str, asked: Asked) -> Question:
        head = ", ".join((tags, *parts.values()))
        return Question(f"{head} {select}", (asked.start_s, asked.end_s), keys)

    return made


_QUESTIONS: dict[str, Callable[[str, Asked], Question]] = {
    "last-loc": _last_places, "single-last-loc": _last_place, "low-fuel": _low_fuel, "high-load": _high_load,
    "stationary-trucks": _stationary,
    "long-driving-sessions": partial(_drove, seconds=4 * 3600, periods=22),
    "long-daily-sessions": partial(_drove, seconds=DAY_S, periods=60),
    "avg-vs-projected-fuel-consumption": _over_all(_BURNT, 1),
    "avg-daily-driving-duration": _over_all(_DURATION, 3, period=_means(_VELOCITY)),
    "avg-daily-driving-session": _over_all(_SESSION, 2, period=_means(_VELOCITY), change=_CHANGE),
    "avg-load": _over_all(_LOAD, 2),
    "daily-activity": _over_all(_ACTIVE, 3, period=_means(_STATUS)),
    "breakdown-frequency": _over_all(_BROKE, 1, period=_means(_STATUS, "avg((value > 0)::INT)")),
}  # fmt: skip


def profile(root: Path, tenant: str, segments: Sequence[Segment], asked: Question) -> str:
    """Where the time of one question goes once the catalogue has answered: making the views, then the plan's operators."""
    duck = duckdb.connect(":memory:")
    locked_down(duck, root / tenant, 2, 2e9)
    bounds = int(asked.window[0] * 1_000_000), int(asked.window[1] * 1_000_000)
    inside = [
        each for each in segments if bounds[0] <= each.last.timestamp() * 1e6 and each.first.timestamp() * 1e6 < bounds[1]
    ]
    timed: list[str] = []
    for _ in range(2):
        cursor = duck.cursor()
        began = time.perf_counter()
        cursor.execute(f"CREATE TEMP VIEW samples AS {view_of(root, Found(inside, None, set()), {}, bounds)}")
        cursor.execute(f"CREATE TEMP VIEW last AS {SQL['last'].replace('$newest', 'samples')}")
        made = time.perf_counter()
        found = cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + asked.select).fetchall()
        timed = [
            f"{len(inside)} files, views {1000 * (made - began):.1f} ms, then {1000 * (time.perf_counter() - made):.1f} ms"
        ]
        timed += _operators(json.loads(found[0][1])["operator"])
    duck.close()
    return "\n".join(timed)


def _operators(plan: Sequence[dict[str, Any]]) -> list[str]:
    """The operators that took most processor time, and how many rows each gave on."""
    found: list[tuple[float, str]] = []
    waiting = list(plan)
    while waiting:
        node = waiting.pop()
        found.append((node["timing"], f"{node['type']} -> {node['intermediate_rows']:,} rows"))
        waiting += node.get("children", ())
    return [f"  {1000 * took:9.1f} ms  {what}" for took, what in sorted(found, reverse=True)[:6]]
