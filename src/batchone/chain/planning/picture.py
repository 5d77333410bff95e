"""The plant and the open work as planning sees them, turned into a `Problem`, and a `Plan` turned back.

Pure: rows and packs in, plain data out. An operation's id in the problem is `item/op`; a job of the problem is an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from batchone.chain.planning.hours import Hours, with_hours
from batchone.chain.planning.model import (
    ALWAYS,
    Alternative,
    Assignment,
    Bound,
    Calendar,
    Fixed,
    Job,
    JobOutcome,
    Measure,
    Objective,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Shift,
    Tariff,
    Wait,
    weekly,
)
from batchone.chain.planning.pins import Pin
from batchone.contracts.pack import Calendar as PackCalendar
from batchone.contracts.pack import Pack, WeeklyTime

HELD_S = 3600
"""How long a held item is taken to wait for its decision."""
DOWN = frozenset({"alarm", "offline", "blocked"})
"""Equipment in these states takes no work."""


@dataclass(frozen=True)
class OpenOperation:
    """An operation that is not done: what it needs, and where the plan in force has put it.

    `waits` name operations of the same item; `ended` is when those of its predecessors ended that are done. `also`: the tools
    and people that the plan gives it, or that it holds, as in `Assignment`.
    """

    item: str
    op: str
    order: str
    run: int
    equipment_class: str
    after: tuple[str, ...]
    duration_s: int
    setup_key: str | None
    attended: bool
    material_at: datetime | None
    held: bool
    state: str
    equipment: str | None
    position: int | None
    setup_start: datetime | None
    start: datetime | None
    end: datetime | None
    needs: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    also: tuple[tuple[str, int], ...] = ()
    ended: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name in the problem."""
        return f"{self.item}/{self.op}"


@dataclass(frozen=True)
class OpenOrder:
    """An order that is not finished; `number` is what people call it."""

    id: str
    due: datetime
    weight: int
    number: str = ""


@dataclass(frozen=True)
class EquipmentState:
    """How an equipment stands."""

    state: str
    since: datetime
    setup_key: str | None


@dataclass(frozen=True)
class Clash:
    """A running operation that cannot be where it is reported, and why; the plan goes on without believing it."""

    operation: str
    what: str


@dataclass(frozen=True)
class StoredPin:
    """Where a planner put an operation, and who did it in which plan; `position` counts from 1."""

    item: str
    op: str
    run: int
    equipment: str
    position: int
    start: datetime
    by: str
    plan: int


@dataclass(frozen=True)
class Picture:
    """Everything that planning depends on, at a moment. `hours`: decided beside the calendars of the packs."""

    now: datetime
    packs: tuple[Pack, ...]
    orders: tuple[OpenOrder, ...]
    operations: tuple[OpenOperation, ...]
    equipment: Mapping[str, EquipmentState]
    pins: tuple[StoredPin, ...] = ()
    hours: tuple[Hours, ...] = ()

    def problem(self) -> Problem:
        """The planning problem of this moment, but for the pins."""
        open_ids = {operation.id for operation in self.operations}
        aim = next((pack.aim for pack in self.packs if pack.aim is not None), None)
        problem = Problem(
            origin=self.now,
            resources=tuple(self._resources()),
            jobs=tuple(Job(order.id, self._second(order.due), order.weight) for order in self.orders),
            operations=tuple(self._operation(each, open_ids) for each in self.operations),
            calendars=tuple(calendars(self.packs, self.now)),
            setups=tuple(setups(self.packs)),
            tariff=tariff(self.packs, self.now),
        )
        if aim is not None:
            problem = replace(problem, aim=tuple(Measure(measure) for measure in aim.measures), weights=aim.weights)
        return with_hours(problem, self.hours)

    def places_pinned(self) -> tuple[Pin, ...]:
        """The pins in the words of the problem, and as such those that must follow soon on what has begun: that cannot wait."""
        by_hand = {
            f"{each.item}/{each.op}": Pin(f"{each.item}/{each.op}", each.equipment, each.position - 1, self._second(each.start))
            for each in self.pins
        }
        return (*by_hand.values(), *(pin for pin in self._followers() if pin.operation not in by_hand))

    def _followers(self) -> Iterable[Pin]:
        for each in self.operations:
            if each.state == "planned" and any(wait.most_s is not None and self._has_begun(each, wait) for wait in each.waits):
                a = self._assignment(each)
                if a is not None:
                    yield Pin(a.operation, a.resource, a.track, max(0, a.start_s))

    def _has_begun(self, each: OpenOperation, wait: Wait) -> bool:
        return wait.after in each.ended or f"{each.item}/{wait.after}" in self._standing[0]

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """What machines report that cannot be."""
        return self._standing[1]

    def in_force(self) -> Plan:
        """The plan in force, as far as it concerns open operations and machines that are there."""
        placed = [a for a in map(self._assignment, self.operations) if a is not None]
        placed.sort(key=lambda a: (a.start_s, a.operation))
        ends: dict[str, int] = {}
        for each in placed:
            ends[each.job] = max(ends.get(each.job, each.end_s), each.end_s)
        outcomes = tuple(
            JobOutcome(order.id, ends[order.id], ends[order.id] - self._second(order.due), order.weight)
            for order in self.orders
            if order.id in ends
        )
        tardiness = sum(max(0, one.lateness_s or 0) * one.weight for one in outcomes)
        objective = Objective(tardiness, 0, max(ends.values(), default=0))
        return Plan(self.now, tuple(placed), outcomes, objective, Bound(0, 0), "in force")

    def _second(self, moment: datetime) -> int:
        return round((moment - self.now).total_seconds())

    def _assignment(self, each: OpenOperation) -> Assignment | None:
        """Where an operation is, or is planned; none if that is no place of the plant."""
        fixed = self._standing[0].get(each.id)
        track = fixed.track if fixed else max(0, (each.position or 1) - 1)
        impossible = each.state == "running" and fixed is None
        if each.start is None or each.equipment is None or impossible or track >= self._positions.get(each.equipment, 0):
            return None
        start = self._second(each.start)
        setup_start = self._second(each.setup_start) if each.setup_start else start
        end = self._second(each.end) if each.end else start + each.duration_s
        also = each.also if all(self._is_there(*place) for place in each.also) else ()
        return Assignment(
            each.id, each.order, each.equipment, track, setup_start, start, end, fixed.also if fixed else also
        )  # fmt: skip

    def _is_there(self, name: str, track: int) -> bool:
        return name in self._auxiliaries and track < self._auxiliaries[name].positions

    @cached_property
    def _auxiliaries(self) -> Mapping[str, Resource]:
        """Tools and people; those of one id in several packs are the same ones, which serve whatever any of the packs says."""
        found: dict[str, Resource] = {}
        for each in (each for pack in self.packs for each in pack.auxiliaries):
            known = found.setdefault(each.id, Resource(each.id, (), each.count, each.calendar))
            found[each.id] = replace(known, classes=tuple(dict.fromkeys((*known.classes, *each.serves))))
        return found

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {machine.id: machine.positions for pack in self.packs for machine in pack.equipment}

    def _resources(self) -> Iterable[Resource]:
        for pack in self.packs:
            matrices = {kind.id: kind.setup is not None for kind in pack.classes}
            calendar = {kind.id: kind.calendar for kind in pack.classes}
            for machine in pack.equipment:
                known = self.equipment.get(machine.id)
                down = known is not None and known.state in DOWN
                # Nobody knows when a machine that is down comes back: its usual time to repair is counted from when it went
                # down, and once that has passed, from now on again in small steps.
                back = self._second(known.since) + round(machine.mttr_s) if known and down else 0
                kind = machine.equipment_class
                yield Resource(
                    id=machine.id,
                    classes=(kind,),
                    positions=machine.positions,
                    calendar=calendar[kind],
                    available_from_s=max(back, 60) if down else 0,
                    setup=kind if matrices[kind] else None,
                    keys=(known.setup_key,) if known and machine.positions == 1 else (),
                )
        yield from self._auxiliaries.values()

    @cached_property
    def _standing(self) -> tuple[Mapping[str, Fixed], tuple[Clash, ...]]:
        """Operations that machines have, each on a position of its own, the reported one if it is free; and those that
        cannot be where they are reported, which are planned as if they had yet to begin unless another position is free."""
        taken: dict[str, set[int]] = {}
        fixed: dict[str, Fixed] = {}
        held: set[tuple[str, int]] = set()
        clashes: list[Clash] = []
        at_machines = [each for each in self.operations if each.state in ("running", "released") and each.equipment]
        for each in sorted(at_machines, key=lambda one: (one.state != "running", one.start or self.now, one.id)):
            assert each.equipment is not None
            count = self._positions.get(each.equipment, 0)
            mine = taken.setdefault(each.equipment, set())
            wished = (each.position or 1) - 1
            free = next((k for k in (wished, *range(count)) if k not in mine and 0 <= k < count), None)
            what = _clash(each, count, is_free=free is not None)
            if what and each.state == "running":
                clashes.append(Clash(each.id, what))
            if free is not None:
                mine.add(free)
                fixed[each.id] = self._fixed(each, free, held)
                held.update(fixed[each.id].also)
        return fixed, tuple(clashes)

    def _fixed(self, each: OpenOperation, track: int, held: set[tuple[str, int]]) -> Fixed:
        assert each.equipment is not None
        running = each.state == "running" and each.start is not None and each.start <= self.now
        start = self._second(each.start) if running and each.start else 0
        remaining = max(1, self._second(each.end) if running and each.end else each.duration_s)
        # The crew is gone once only the operation's own work is left.
        also = each.also if running and remaining > each.duration_s else each.also[: len(each.needs)]
        known = len(also) >= len(each.needs) and all(self._is_there(*place) and place not in held for place in also)
        return Fixed(each.equipment, track, start, remaining_s=remaining, also=also if known else ())

    def _operation(self, each: OpenOperation, open_ids: set[str]) -> Operation:
        before = tuple(name for name in (f"{each.item}/{op}" for op in each.after) if name in open_ids)
        earliest = max(0, self._second(each.material_at)) if each.material_at else 0
        for wait in each.waits:
            if wait.after in each.ended:
                earliest = max(earliest, self._second(each.ended[wait.after]) + wait.least_s)
        return Operation(
            id=each.id,
            job=each.order,
            alternatives=self._alternatives(each.equipment_class, each.duration_s),
            predecessors=before,
            earliest_s=max(earliest, HELD_S if each.held else 0),
            setup_key=each.setup_key,
            attended=each.attended,
            fixed=self._standing[0].get(each.id),
            waits=tuple(self._waits(each, open_ids)) if each.waits else (),
            needs=each.needs,
        )

    def _waits(self, each: OpenOperation, open_ids: set[str]) -> Iterable[Wait]:
        """The waits after what is still open. Once that has begun, the longest wait binds nobody but as a pin: a machine that
        is late would otherwise leave no plan at all."""
        for wait in each.waits:
            name = f"{each.item}/{wait.after}"
            if name in open_ids:
                yield Wait(name, wait.least_s, None if self._has_begun(each, wait) else wait.most_s)

    def _alternatives(self, equipment_class: str, seconds: int) -> tuple[Alternative, ...]:
        """The class, with what a position draws where energy has a price; a machine that draws otherwise is named beside it."""
        draws = self._draws.get(equipment_class, {})
        common = next(iter(draws.values()), 0.0)
        others = ((name, kw) for name, kw in draws.items() if kw != common)
        own = (Alternative(name, seconds, kw) for name, kw in others)
        return (Alternative(equipment_class, seconds, common), *own)

    @cached_property
    def _draws(self) -> Mapping[str, Mapping[str, float]]:
        """Kilowatts that a position draws at work beyond what it draws anyway, by class and machine; empty without a tariff."""
        found: dict[str, dict[str, float]] = {}
        for pack in self.packs if any(pack.energy.tariff for pack in self.packs) else ():
            for machine in pack.equipment:
                power = (machine.power.run_kw - machine.power.idle_kw) / machine.positions
                found.setdefault(machine.equipment_class, {})[machine.id] = power
        return found


def _clash(each: OpenOperation, count: int, *, is_free: bool) -> str:
    """Why an operation cannot be where it is reported, on a machine of `count` positions; empty if it can."""
    where = f"{each.id} runs on {each.equipment}"
    if count == 0:
        return f"{where}, which is not there"
    if each.position is not None and not 1 <= each.position <= count:
        return f"{where} at position {each.position} of {count}"
    return "" if is_free else f"{where} beside others on all of its {count} positions"


def calendars(packs: Sequence[Pack], origin: datetime) -> Iterable[Calendar]:
    """The calendars of some packs, in seconds from an origin."""
    seen = {ALWAYS.id}
    for pack in packs:
        for each in pack.calendars:
            if each.id not in seen:
                seen.add(each.id)
                yield _calendar(each, origin)


def _calendar(each: PackCalendar, origin: datetime) -> Calendar:
    day = [Shift(tuple(range(7)), 0, 86400)]
    work = [_shift(time) for time in each.week] or day
    return weekly(each.id, work, [_shift(time) for time in each.breaks], origin=origin)


def _shift(time: WeeklyTime) -> Shift:
    return Shift(time.days, round(time.from_s), round(time.to_s))


def setups(packs: Sequence[Pack]) -> Iterable[SetupMatrix]:
    """The setup matrices of some packs; a machine sets up when the item is there."""
    for pack in packs:
        for kind in pack.classes:
            if kind.setup is not None:
                pairs = tuple((pair.before, pair.after, round(pair.time_s)) for pair in kind.setup.pairs)
                yield SetupMatrix(kind.id, round(kind.setup.change_s), pairs, detached=False, crew=kind.setup.crew)


def tariff(packs: Sequence[Pack], origin: datetime) -> Tariff | None:
    """The prices of a kilowatt-hour that the first pack with a tariff says; days begin at midnight UTC."""
    hours = next((pack.energy.tariff for pack in packs if pack.energy.tariff), ())
    if not hours:
        return None
    midnight = origin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    prices = tuple((round(each.from_s), float(each.per_mwh.amount) / 1000) for each in hours)
    return Tariff(prices, starts_s=round((midnight - origin).total_seconds()))


@dataclass(frozen=True)
class Placement:
    """Where a plan puts an operation; `position` counts from 1, `also` is as in `Assignment`."""

    item: str
    op: str
    run: int
    equipment: str
    position: int
    setup_start: datetime
    start: datetime
    end: datetime
    also: tuple[tuple[str, int], ...] = ()


def placements(plan: Plan, operations: Iterable[OpenOperation]) -> list[Placement]:
    """The plan's assignments of operations that machines do not have yet."""
    known = {each.id: each for each in operations if each.state == "planned"}
    found = []
    for a in plan.assignments:
        each = known.get(a.operation)
        if each is not None:
            times = (plan.at(a.setup_start_s), plan.at(a.start_s), plan.at(a.end_s))
            found.append(Placement(each.item, each.op, each.run, a.resource, a.track + 1, *times, a.also))
    return found


def changed(found: Sequence[Placement], operations: Iterable[OpenOperation], tolerance: timedelta) -> list[Placement]:
    """The placements that differ from those in force: another position, other tools or people, or times off by more
    than the tolerance."""
    before = {(each.item, each.op): each for each in operations}
    return [p for p in found if _differs(p, before[(p.item, p.op)], tolerance)]


def _differs(placement: Placement, before: OpenOperation, tolerance: timedelta) -> bool:
    if before.start is None or before.end is None or before.setup_start is None:
        return True
    if (placement.equipment, placement.position, placement.also) != (before.equipment, before.position, before.also):
        return True
    pairs = ((placement.setup_start, before.setup_start), (placement.start, before.start), (placement.end, before.end))
    return any(abs(now - then) > tolerance for now, then in pairs)
