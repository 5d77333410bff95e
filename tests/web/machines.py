"""Connect, Twin, Things, Sources, History and Retention over the made-up plant: values follow from path and time."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
from tests.web.world import World

from batchone.contracts.machines import (
    ConnectionNow,
    DataNow,
    DroppedDay,
    EquipmentNow,
    Gap,
    JobReport,
    LastValue,
    SamplePage,
    Trend,
)
from batchone.contracts.sources import Point, Source
from batchone.contracts.things import EquipmentType, Thing, ThingModel, joined, of_packs
from batchone.kernel.clock import Clock
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.twin.model import Expected, LastValues

NATIVE_S = 0.5
"""How often the made-up historian has a sample of each signal."""


class FakeMachines:
    """Everything that is known of machines. `spoilt` gives a path another quality and age in seconds, None: it never came;
    `holes` are times of which there are no samples, with the reason."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self._clock = world, clock
        self.frozen_at: datetime | None = None
        self.away = False
        self.types: list[EquipmentType] = []
        self.more: list[Thing] = []
        self.sources: list[Source] = []
        self.down: set[str] = set()
        self.spoilt: dict[str, tuple[int, float] | None] = {}
        self.holes: list[tuple[datetime, datetime, Gap | None]] = []
        self.days: list[DroppedDay] = []
        self.asked: list[tuple[tuple[str, ...], datetime, datetime, int]] = []
        self._models: dict[int, ThingModel] = {}
        if world.alarms:
            self._spoil()

    def _spoil(self) -> None:
        """What is wrong with the data of a plant in which something is wrong."""
        running = [each for each in self.world.blueprint.pack.equipment if self.world.machines[each.id].state == "running"]
        for machine, (quality, age_s) in zip(running[1:], ((0, 340.0), (1, 0.2), (2, 0.2)), strict=False):
            for signal in self.world.signals(machine.id)[:2]:
                name = signal.id if signal.scope == "equipment" else f"P01/{signal.id}"
                self.spoilt[f"{machine.id}/{name}"] = (quality, age_s)

    async def model(self, tenant: str) -> ThingModel:
        """Of `Things`."""
        if len(self.more) not in self._models:
            made = joined(of_packs([self.world.blueprint.pack]), self.types, self.more, len(self.more))
            self._models[len(self.more)] = made
        return self._models[len(self.more)]

    async def declared(self, tenant: str) -> tuple[Source, ...]:
        """Of `Sources`."""
        return tuple(self.sources)

    def add(self, count: int, type_: EquipmentType, place: str) -> None:
        """Declare so many machines of a type more, each with a connection of its own."""
        self.types.append(type_)
        for number in range(len(self.more), len(self.more) + count):
            thing = Thing(f"press-{number:03d}", type_.id, {"en": f"Press {number:03d}"}, place)
            self.more.append(thing)
            points = tuple(Point(f"{thing.id}/{signal.id}", signal.id) for signal in type_.signals)
            self.sources.append(Source(f"edge-{number:03d}", "opc.tcp://edge:4840", {}, points))
            self.world.machines[thing.id] = EquipmentNow(thing.id, "running", self.world.now, True, self.world.now)

    async def equipment(self, tenant: str) -> tuple[EquipmentNow, ...]:
        if self.away:
            raise TryLater("connect.away", "The machines' room does not answer.")
        return tuple(self.world.machines.values())

    async def connections(self, tenant: str) -> tuple[ConnectionNow, ...]:
        if self.away:
            raise TryLater("connect.away", "The machines' room does not answer.")
        since = self.world.now - timedelta(hours=5)
        found = [
            ConnectionNow(each.id, each.protocol, f"10.0.0.5:{each.port}", True, since, 1_204_000, 0, "", drain_per_s=0.0,
                last_heard=self._clock.now() - timedelta(seconds=place),
            )
            for place, each in enumerate(self.world.blueprint.pack.connections)
        ]  # fmt: skip
        if self.world.alarms:
            more = {"waiting": 412_300, "waiting_s": 380.0, "room_s": 5.2 * 3600, "drain_per_s": 2150.0, "dropped": 1280}
            found[-1] = replace(found[-1], quarantined=42, behind=12, behind_s=240.0, **more)
        return (*found, *(self._standing(each, since) for each in self.sources))

    def _standing(self, source: Source, since: datetime) -> ConnectionNow:
        """A declared connection."""
        up = source.id not in self.down
        error = "" if up else f"{source.url} does not answer. See that it is switched on."
        return ConnectionNow(
            source.id, "opcua", source.url, up, since, 12_000 if up else 0, 3 if up else 0, error,
            last_heard=self._clock.now() if up else None, declared=True,
        )  # fmt: skip

    async def job_reports(self, tenant: str, equipment: str) -> tuple[JobReport, ...]:
        now = self._clock.now()
        durations = {operation.op: 60.0 for operation in self.world.blueprint.pack.routing}
        found = []
        for each in (each for each in self.world.stations() if each.equipment == equipment):
            progress = min((now - each.since).total_seconds() / durations[each.op] % 1, 1.0)
            program = f"program-{each.op}"
            found.append(
                JobReport(
                    each.job, equipment, "running", each.position, progress, each.since, None, program, True, {}, 0.1, ""
                )
            )  # fmt: skip
        return tuple(found)

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        model = await self.model(tenant)
        lost = self.world.machines.get(equipment)
        found = []
        for declared in model.signals_of(equipment):
            quality, age_s = 0, 0.2
            if lost is not None and lost.state == "offline":
                quality, age_s = 1, 540.0
            spoilt = self.spoilt.get(declared.path, (quality, age_s))
            if spoilt is None:
                continue
            at = self.frozen_at or self._clock.now() - timedelta(seconds=spoilt[1])
            found.append(LastValue(declared.path, self.value(model, declared.path, at.timestamp()), spoilt[0], at, at))
        return tuple(found)

    async def data(self, tenant: str) -> tuple[DataNow, ...]:
        model, values = await self.model(tenant), LastValues()
        told = [each for thing in model.things for each in await self.last(tenant, thing.id)]
        times = [columns.to_us(each.source_time) for each in told]
        values.apply(
            columns.to_batch(
                [each.path for each in told], list(range(len(told))), times, times, [each.value for each in told],
                [each.quality for each in told],
            )
        )  # fmt: skip
        return values.standing(Expected(model), columns.to_us(self._clock.now()), 3_000_000)

    def value(self, model: ThingModel, path: str, at_s: float) -> float:
        """The value of a signal at a time."""
        limits = model.signals[path].signal.limits
        ends = [bound for bound in (limits.low, limits.high) if bound is not None]
        middle = sum(ends) / len(ends) if ends else 12.0
        if len(ends) == 1:
            middle *= 0.8 if limits.high is not None else 1.2
        swing = (max(ends) - min(ends)) * 0.3 if len(ends) == 2 else abs(middle) * 0.05
        high = self.world.alarms.get("A-high")
        if high is not None and high.path == path and high.bound is not None and at_s > self.world.now.timestamp() - 120:
            return high.bound * 1.02
        slow = math.sin(at_s / 7 + len(path)) * 0.5 + math.sin(at_s / 5000 + len(path)) * 0.4
        return middle + swing * slow + swing * math.sin(at_s * 1.7 + hash_of(path)) * 0.25

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Trend:
        if self.away:
            raise TryLater("history.away", "The historian does not answer.")
        self.asked.append((tuple(paths), start, end, points))
        model = await self.model(tenant)
        first, last = start.timestamp(), min(end.timestamp(), self._clock.now().timestamp())
        thinned = (last - first) / NATIVE_S > points
        step = max((last - first) / points, NATIVE_S)
        times = tuple(first + step * index for index in range(min(points, max(0, int((last - first) / step)))))
        hidden = [(a.timestamp(), b.timestamp()) for a, b, _ in self.holes]
        times = tuple(at for at in times if not any(a <= at < b for a, b in hidden))
        gaps = [gap for a, b, gap in self.holes if gap is not None and a < end and b > start]
        if not times:
            gaps += [Gap("none", path) for path in paths]
        missing = not times or any(gap.reason != "none" for gap in gaps)
        return Trend(
            start, end, "missing" if missing else "downsampled" if thinned else "complete", dict.fromkeys(paths, times),
            {path: tuple(self.value(model, path, at) for at in times) for path in paths}, tuple(dict.fromkeys(gaps)),
        )  # fmt: skip

    async def samples(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, after: str, rows: int
    ) -> SamplePage:
        model = await self.model(tenant)
        first, last = start.timestamp(), min(end.timestamp(), self._clock.now().timestamp())
        each = max(0, int((last - first) / NATIVE_S))
        total, begin = each * len(paths), int(after or 0)
        chosen = [
            (paths[number // each], first + number % each * NATIVE_S) for number in range(begin, min(begin + rows, total))
        ]
        times = [round(at * 1e6) for _, at in chosen]
        names = list(dict.fromkeys(path for path, _ in chosen))
        batch = columns.to_batch(
            names, [names.index(path) for path, _ in chosen], times, times,
            [self.value(model, path, at) for path, at in chosen], [0] * len(chosen),
        )  # fmt: skip
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        more = str(begin + rows) if begin + rows < total else ""
        return SamplePage(base64.b64encode(sink.getvalue()).decode(), len(chosen), 0 if after else total, more)

    async def dropped(self, tenant: str) -> tuple[DroppedDay, ...]:
        """Of `Retention`."""
        return tuple(self.days)


def hash_of(text: str) -> int:
    """A small number from a text, the same in every run."""
    return sum(text.encode()) % 17
