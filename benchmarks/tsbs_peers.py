"""The thirteen questions as InfluxDB and VictoriaMetrics are asked them, and what their client computes where it must."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from benchmarks.timeseries import Influx, Victoria
from benchmarks.trucks import DAY_S, DIAGNOSTICS, READINGS, Tellings, Truck

TruckServer = Influx | Victoria
Answer = dict[tuple[Any, ...], tuple[float, ...]]
"""Figures by what names a row: trucks, drivers, fleets, models, days since the first."""

FLEET = "South"
PERIOD_S = 600
CLIENT = {
    "influxdb": {"avg-daily-driving-session": "means"},
    "victoria-metrics": {"avg-daily-driving-session": "means", "avg-vs-projected-fuel-consumption": "samples"},
}
"""What a client computes: a last step from means of ten minutes, or all of it from samples."""


@dataclass(frozen=True)
class Asked:
    """Of which trucks and which time, in seconds since 1970."""

    trucks: list[Truck]
    start_s: int
    end_s: int

    @cached_property
    def by_name(self) -> dict[str, Truck]:
        """What is known of each truck."""
        return {truck.name: truck for truck in self.trucks}

    @property
    def of_fleet(self) -> list[Truck]:
        """The trucks of the fleet that is asked for."""
        return [truck for truck in self.trucks if truck.fleet == FLEET]

    @property
    def one(self) -> Truck:
        """The single truck that is asked for."""
        return self.of_fleet[0]

    @property
    def seconds(self) -> int:
        """How long all of it is."""
        return self.end_s - self.start_s

    def day(self, at_s: float) -> int:
        """Of which day a time is, counted from the first."""
        return int(at_s - self.start_s) // DAY_S


def lines(batch: Tellings, trucks: Sequence[Truck]) -> bytes:
    """Line protocol: readings and diagnostics of a time, each with what is known of the truck as tags."""
    tags = [f",name={each.name},fleet={each.fleet},driver={each.driver},model={each.model} " for each in trucks]
    told = len(READINGS)
    found = []
    rows = zip(batch.truck.tolist(), (batch.source_us // 1000).tolist(), batch.values.tolist(), strict=True)
    for truck, at, values in rows:
        reading = ",".join(f"{name}={value!r}" for name, value in zip(READINGS, values[:told], strict=True))
        diagnosis = ",".join(f"{name}={value!r}" for name, value in zip(DIAGNOSTICS, values[told:], strict=True))
        found.append(f"readings{tags[truck]}{reading} {at}\ndiagnostics{tags[truck]}{diagnosis} {at}")
    return "\n".join(found).encode()


def peer_answer(peer: TruckServer, name: str, asked: Asked) -> Answer:
    """The answer in InfluxQL or MetricsQL, whose windows do not hold their start, but their end."""
    return _INFLUX[name](peer, asked) if isinstance(peer, Influx) else _VICTORIA[name](peer, asked)


_DIAGNOSTICS = '"diagnostics"'
_TAGS = '"name", driver, fleet, model'
_TRUCK = 'GROUP BY "name", driver'
_NEWEST = f"{_TRUCK} ORDER BY time DESC LIMIT 1"
_OF_FLEET = f"fleet = '{FLEET}'"
_FLEETS = f'{{fleet="{FLEET}"}}'


def _during(start_s: int, end_s: int) -> str:
    return f"time >= {start_s}s AND time < {end_s}s"


def _influx_means(field: str, where: str, table: str = "readings") -> str:
    """Means of ten minutes, by truck."""
    return f"SELECT mean({field}) AS m FROM {table} WHERE {where} GROUP BY time(10m), {_TAGS} fill(none)"


def _series(peer: Influx, query: str) -> list[tuple[dict[str, str], list[list[Any]]]]:
    """Rows by tags."""
    found = json.loads(peer.ask("GET", "/query", db="b", epoch="ms", q=query))["results"][0]
    if "error" in found:
        raise AssertionError(f"{found['error']}: {query}")
    return [(each.get("tags", {}), each["values"]) for each in found.get("series", ())]


def _influx_place(peer: Influx, asked: Asked, *, of_one: bool = False) -> Answer:
    where = f"\"name\" = '{asked.one.name}'" if of_one else _OF_FLEET
    rows = _series(peer, f"SELECT latitude, longitude FROM readings WHERE {where} {_NEWEST}")
    return {(of["name"], of["driver"]): (values[0][1], values[0][2]) for of, values in rows}


def _influx_low_fuel(peer: Influx, _: Asked) -> Answer:
    newest = f"SELECT last(fuel_state) AS f FROM {_DIAGNOSTICS} WHERE {_OF_FLEET} {_TRUCK}"
    rows = _series(peer, f"SELECT f FROM ({newest}) WHERE f <= 0.1 {_TRUCK}")
    return {(of["name"], of["driver"]): (values[0][1],) for of, values in rows}


def _influx_high_load(peer: Influx, asked: Asked) -> Answer:
    rows = _series(peer, f"SELECT current_load FROM {_DIAGNOSTICS} WHERE {_OF_FLEET} {_NEWEST}")
    return _all_but_full(((of, values[0][1]) for of, values in rows), asked)


def _influx_stationary(peer: Influx, asked: Asked) -> Answer:
    means = _influx_means("velocity", f"{_OF_FLEET} AND {_during(asked.end_s - PERIOD_S, asked.end_s)}")
    return {(of["name"], of["driver"]): () for of, _ in _series(peer, f"SELECT m FROM ({means}) WHERE m < 1 {_TRUCK}")}


def _influx_drove(peer: Influx, asked: Asked, seconds: int, periods: int) -> Answer:
    means = _influx_means("velocity", f"{_OF_FLEET} AND {_during(asked.end_s - seconds, asked.end_s)}")
    count = f"SELECT count(m) AS c FROM ({means}) WHERE m > 1 {_TRUCK}"
    rows = _series(peer, f"SELECT c FROM ({count}) WHERE c > {periods} {_TRUCK}")
    return {(of["name"], of["driver"]): () for of, _ in rows}


def _influx_burnt(peer: Influx, asked: Asked) -> Answer:
    rows = _series(
        peer, "SELECT sum(fuel_consumption), count(velocity) FROM readings "
        f'WHERE velocity > 1 AND {_during(asked.start_s, asked.end_s)} GROUP BY "name"',
    )  # fmt: skip
    return _burnt({of["name"]: (values[0][1], values[0][2]) for of, values in rows}, asked)


def _influx_duration(peer: Influx, asked: Asked) -> Answer:
    during = _during(asked.start_s, asked.end_s)
    daily = (
        f"SELECT count(m) / 6.0 AS h FROM ({_influx_means('velocity', during)}) WHERE m > 1 AND {during} "
        f"GROUP BY time(1d), {_TAGS}"
    )
    rows = _series(peer, f"SELECT mean(h) FROM ({daily}) WHERE h > 0 GROUP BY {_TAGS}")
    return {(of["fleet"], of["name"], of["driver"]): (values[0][1],) for of, values in rows}


def _influx_session(peer: Influx, asked: Asked) -> Answer:
    rows = _series(peer, _influx_means("velocity", _during(asked.start_s, asked.end_s)))
    return _sessions({of["name"]: [(at / 1000, mean) for at, mean in values] for of, values in rows}, asked)


def _influx_load(peer: Influx, asked: Asked) -> Answer:
    during = _during(asked.start_s, asked.end_s)
    rows = _series(peer, f'SELECT mean(current_load) FROM {_DIAGNOSTICS} WHERE {during} GROUP BY "name"')
    return _loaded({of["name"]: values[0][1] for of, values in rows}, asked)


def _influx_active(peer: Influx, asked: Asked) -> Answer:
    during = _during(asked.start_s, asked.end_s)
    means = _influx_means("status", during, _DIAGNOSTICS)
    rows = _series(
        peer, f"SELECT count(m) / 144.0 FROM ({means}) WHERE m < 1 AND {during} GROUP BY time(1d), fleet, model"
    )  # fmt: skip
    return {(of["fleet"], of["model"], asked.day(at / 1000)): (share,) for of, values in rows for at, share in values}


def _influx_broke(peer: Influx, asked: Asked) -> Answer:
    """A status is 0 or a fault from 1 to 5; half of them or more are faults where 0.499 less than their share is above 0."""
    during = _during(asked.start_s, asked.end_s)
    faults = f"SELECT ceil(status / 10) AS z FROM {_DIAGNOSTICS} WHERE {during} GROUP BY {_TAGS}"
    periods = f"SELECT ceil(mean(z) - 0.499) AS b FROM ({faults}) WHERE {during} GROUP BY time(10m), {_TAGS} fill(none)"
    changes = f"SELECT difference(b) AS c FROM ({periods}) GROUP BY {_TAGS}"
    rows = _series(peer, f"SELECT count(c) FROM ({changes}) WHERE c = 1 GROUP BY model")
    return {(of["model"],): (float(values[0][1]),) for of, values in rows}


_INFLUX: dict[str, Callable[[Influx, Asked], Answer]] = {
    "last-loc": _influx_place, "single-last-loc": partial(_influx_place, of_one=True), "low-fuel": _influx_low_fuel,
    "high-load": _influx_high_load, "stationary-trucks": _influx_stationary,
    "long-driving-sessions": partial(_influx_drove, seconds=4 * 3600, periods=22),
    "long-daily-sessions": partial(_influx_drove, seconds=DAY_S, periods=60),
    "avg-vs-projected-fuel-consumption": _influx_burnt, "avg-daily-driving-duration": _influx_duration,
    "avg-daily-driving-session": _influx_session, "avg-load": _influx_load, "daily-activity": _influx_active,
    "breakdown-frequency": _influx_broke,
}  # fmt: skip


def _victoria_place(peer: Victoria, asked: Asked, *, of_one: bool = False) -> Answer:
    which = f'{{name="{asked.one.name}"}}' if of_one else _FLEETS
    latitude, longitude = (
        {(of["name"], of["driver"]): value for of, value in _last(peer, f"readings_{each}{which}", asked)}
        for each in ("latitude", "longitude")
    )
    return {key: (value, longitude[key]) for key, value in latitude.items()}


def _victoria_low_fuel(peer: Victoria, asked: Asked) -> Answer:
    found = _last(peer, f"diagnostics_fuel_state{_FLEETS}", asked, " <= 0.1")
    return {(of["name"], of["driver"]): (value,) for of, value in found}


def _victoria_high_load(peer: Victoria, asked: Asked) -> Answer:
    return _all_but_full(_last(peer, f"diagnostics_current_load{_FLEETS}", asked), asked)


def _victoria_stationary(peer: Victoria, asked: Asked) -> Answer:
    found = _vector(peer, f"avg_over_time(readings_velocity{_FLEETS}[10m]) < 1", asked.end_s)
    return {(of["name"], of["driver"]): () for of, _ in found}


def _victoria_drove(peer: Victoria, asked: Asked, during: str, periods: int) -> Answer:
    means = f"avg_over_time(readings_velocity{_FLEETS}[10m])"
    found = _vector(peer, f"count_gt_over_time({means}[{during}:10m], 1) > {periods}", asked.end_s)
    return {(of["name"], of["driver"]): () for of, _ in found}


def _victoria_burnt(peer: Victoria, asked: Asked) -> Answer:
    burnt, velocity = (
        peer.raw(f"readings_{each}", asked.start_s, asked.end_s, label="name") for each in ("fuel_consumption", "velocity")
    )
    spent = {}
    for name, (_, values) in burnt.items():
        driving = velocity[name][1] > 1
        spent[name] = float(values[driving].sum()), float(driving.sum())
    return _burnt(spent, asked)


def _victoria_duration(peer: Victoria, asked: Asked) -> Answer:
    daily = "count_gt_over_time(avg_over_time(readings_velocity[10m])[1d:10m], 1) / 6 > 0"
    found = _vector(peer, f"avg_over_time(({daily})[{asked.seconds}s:1d])", asked.end_s)
    return {(of["fleet"], of["name"], of["driver"]): (value,) for of, value in found}


def _victoria_session(peer: Victoria, asked: Asked) -> Answer:
    ranges = _matrix(peer, "avg_over_time(readings_velocity[10m])", asked, PERIOD_S)
    return _sessions({of["name"]: values for of, values in ranges}, asked)


def _victoria_load(peer: Victoria, asked: Asked) -> Answer:
    found = _vector(peer, f"avg_over_time(diagnostics_current_load[{asked.seconds}s])", asked.end_s)
    return _loaded({of["name"]: value for of, value in found}, asked)


def _victoria_active(peer: Victoria, asked: Asked) -> Answer:
    active = "count_over_time((avg_over_time(diagnostics_status[10m]) < 1)[1d:10m])"
    ranges = _matrix(peer, f"sum({active}) by (fleet, model) / 144", asked, DAY_S)
    return {(of["fleet"], of["model"], asked.day(at)): (share,) for of, values in ranges for at, share in values}


def _victoria_broke(peer: Victoria, asked: Asked) -> Answer:
    broken = "share_gt_over_time(diagnostics_status[10m], 0) >= bool 0.5"
    found = _vector(peer, f"sum(increases_over_time(({broken})[{asked.seconds}s:10m])) by (model)", asked.end_s)
    return {(of["model"],): (value,) for of, value in found}


_VICTORIA: dict[str, Callable[[Victoria, Asked], Answer]] = {
    "last-loc": _victoria_place, "single-last-loc": partial(_victoria_place, of_one=True), "low-fuel": _victoria_low_fuel,
    "high-load": _victoria_high_load, "stationary-trucks": _victoria_stationary,
    "long-driving-sessions": partial(_victoria_drove, during="4h", periods=22),
    "long-daily-sessions": partial(_victoria_drove, during="24h", periods=60),
    "avg-vs-projected-fuel-consumption": _victoria_burnt, "avg-daily-driving-duration": _victoria_duration,
    "avg-daily-driving-session": _victoria_session, "avg-load": _victoria_load, "daily-activity": _victoria_active,
    "breakdown-frequency": _victoria_broke,
}  # fmt: skip


def _vector(peer: Victoria, query: str, at_s: float) -> list[tuple[dict[str, str], float]]:
    found = json.loads(peer.ask("GET", "/api/v1/query", query=query, time=str(at_s)))["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in found]


def _last(peer: Victoria, series: str, asked: Asked, condition: str = "") -> list[tuple[dict[str, str], float]]:
    return _vector(peer, f"last_over_time({series}[{asked.seconds}s]){condition}", asked.end_s)


def _matrix(peer: Victoria, query: str, asked: Asked, step_s: int) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Starts of steps, and values of the step, by labels."""
    words = {"query": query, "start": str(asked.start_s + step_s), "end": str(asked.end_s), "step": str(step_s)}
    found = json.loads(peer.ask("GET", "/api/v1/query_range", **words))["data"]["result"]
    return [(each["metric"], [(at - step_s, float(value)) for at, value in each["values"]]) for each in found]


def _all_but_full(last: Iterable[tuple[dict[str, str], float]], asked: Asked) -> Answer:
    return {
        (of["name"], of["driver"]): (load,) for of, load in last if load >= 0.9 * asked.by_name[of["name"]].load_capacity
    }  # fmt: skip


def _burnt(spent: dict[str, tuple[float, float]], asked: Asked) -> Answer:
    """Means by fleet from each truck's sum and count."""
    fleets: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for name, (burnt, count) in spent.items():
        truck = asked.by_name[name]
        fleets[truck.fleet].append((burnt, truck.nominal_fuel_consumption * count, count))
    found = {fleet: np.sum(each, axis=0) for fleet, each in fleets.items()}
    return {(fleet,): (float(burnt / count), float(nominal / count)) for fleet, (burnt, nominal, count) in found.items()}


def _loaded(means: dict[str, float], asked: Asked) -> Answer:
    """Means by fleet and model from each truck's mean."""
    shares: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, load in means.items():
        truck = asked.by_name[name]
        shares[truck.fleet, truck.model].append(load / truck.load_capacity)
    return {key: (float(np.mean(each)),) for key, each in shares.items()}


def _sessions(periods: dict[str, list[tuple[float, float]]], asked: Asked) -> Answer:
    """Mean minutes of the drives that began on a day, of those whose start and end are known, by truck."""
    found: Answer = {}
    for name, each in periods.items():
        times, means = (np.array(column) for column in zip(*each, strict=True))
        driving = means > 5
        changes = np.flatnonzero(driving[1:] != driving[:-1]) + 1
        starts = changes[:-1][driving[changes[:-1]]]
        ends = changes[1:][~driving[changes[1:]]]
        days = (times[starts].astype(np.int64) - asked.start_s) // DAY_S
        for day in np.unique(days):
            found[name, int(day)] = (float(np.mean((times[ends] - times[starts])[days == day]) / 60),)
    return found
