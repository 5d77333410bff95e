"""A made-up plant at one moment: orders of a pack's product, put through its line one after another.

Everything follows from the pack, a seed and the time, so that pages, streams and screenshots show one coherent story: an item
that the board shows at a machine is in that machine's jobs, in the plan, and on its order's page.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import money, total
from batchone.contracts.alarms import Alarm
from batchone.contracts.design import Configuration, Exploded
from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import Shipment
from batchone.contracts.machines import EquipmentNow, MachineState
from batchone.contracts.pack import Check, Signal
from batchone.contracts.planning import PlannedOperation, PlanSummary
from batchone.contracts.production import ConsumedLot, Hold, ItemRecord, Job, Measurement, StationNow
from batchone.contracts.sales import Customer, Order
from batchone.contracts.sourcing import CallOff

TENANT = "works"
PEOPLE = {
    "mei": Actor(TENANT, "mei", "Mei Chen", "customer", party="cust-1"),
    "otto": Actor(TENANT, "otto", "Otto Berg", "customer", party="cust-2"),
    "pia": Actor(TENANT, "pia", "Pia Kern", "planner"),
    "olu": Actor(TENANT, "olu", "Olu Ade", "operator"),
    "eva": Actor(TENANT, "eva", "Eva Lind", "engineer"),
    "sam": Actor(TENANT, "sam", "Sam Roth", "supplier"),
    "ada": Actor(TENANT, "ada", "Ada Voss", "admin"),
}
_CUSTOMERS = (
    ("cust-1", "Mei Chen", "Jimo"),
    ("cust-2", "Otto Berg", "Lund"),
    ("cust-3", "Li Na", "Weihai"),
    ("cust-4", "Ana Ruiz", "Toledo"),
)
_TRANSIT = timedelta(hours=20)


@dataclass
class World:
    """All facts of the made-up plant."""

    blueprint: Blueprint
    now: datetime
    orders: dict[str, Order] = field(default_factory=dict)
    configurations: dict[str, Configuration] = field(default_factory=dict)
    explosions: dict[str, Exploded] = field(default_factory=dict)
    records: dict[str, ItemRecord] = field(default_factory=dict)
    operations: list[PlannedOperation] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    machines: dict[str, EquipmentNow] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    past_alarms: list[Alarm] = field(default_factory=list)
    call_offs: dict[str, CallOff] = field(default_factory=dict)
    plans: list[PlanSummary] = field(default_factory=list)

    def stations(self) -> tuple[StationNow, ...]:
        """Jobs at machines now."""
        return tuple(
            StationNow(job.equipment, job.id, job.item, job.order, job.op, job.position, job.state, job.started or job.released)
            for record in self.records.values()
            for job in record.jobs
            if job.state == "started"
        )

    def signals(self, equipment: str) -> tuple[Signal, ...]:
        """The signals of a machine."""
        return self.blueprint.pack.signals_of(self.blueprint.pack.machine(equipment).equipment_class)


def make_world(blueprint: Blueprint, now: datetime, *, orders: int = 60, seed: int = 7, calm: bool = False) -> World:
    """A plant `orders` orders old; `calm` leaves out everything that is wrong."""
    world = World(blueprint, now)
    chance = random.Random(seed)
    free = {each.id: [now - timedelta(hours=4)] * each.positions for each in blueprint.pack.equipment}
    sizes = [1 if chance.random() < 0.85 else chance.randint(2, 5) for _ in range(orders)]
    start = now - timedelta(minutes=100)
    for number, size in enumerate(sizes):
        placed = start + timedelta(minutes=150) * (number / orders)
        _order(world, chance, free, number, size, placed)
    _machines(world, calm=calm)
    if not calm:
        _wrong(world)
        _hold_one(world)
    _call_offs(world)
    _plans(world)
    return world


def _order(
    world: World, chance: random.Random, free: dict[str, list[datetime]], number: int, size: int, placed: datetime
) -> None:
    blueprint, pack = world.blueprint, world.blueprint.pack
    picks: dict[str, str] = {}
    for option in chance.sample(pack.options, k=min(3, len(pack.options))):
        wished = {**picks, option.id: chance.choice(option.values).id}
        if blueprint.space.possible(wished):
            picks = wished
    choices = complete(blueprint, picks)
    worth = total(blueprint, choices)
    configuration = Configuration(
        f"C-{number}",
        TENANT,
        pack.product.id,
        pack.id,
        pack.version,
        picks,
        choices,
        money(blueprint, worth.amount),
        worth.lead_s,
        placed,
        "mei",
    )
    exploded = explode(blueprint, configuration.id, choices)
    world.configurations[configuration.id] = configuration
    world.explosions[configuration.id] = exploded
    customer = Customer(*_CUSTOMERS[number % len(_CUSTOMERS)])
    order_id = f"order-{number}"
    items = tuple(f"item-{number}-{index}" for index in range(size))
    finish = placed
    records = []
    planned: list[PlannedOperation] = []
    for index, item in enumerate(items):
        record, operations, end = _item(
            world, chance, free, order_id, item, number * 10 + index, configuration, exploded, placed
        )
        records.append(record)
        planned.extend(operations)
        world.records[item] = record
        finish = max(finish, end)
    # Every ninth order is late; the others are promised with some room.
    promised = finish + timedelta(minutes=-12 if number % 9 == 4 else 25)
    world.operations.extend(replace(each, late=promised < finish) for each in planned)
    states = {record.state for record in records}
    status = "finished" if states == {"finished"} else "in_production" if states - {"planned"} else "planned"
    delivered = None
    if status == "finished":
        carrier = pack.demo.carriers[0]
        taken = finish + timedelta(minutes=4) if number % 3 else None
        delivered = finish + timedelta(minutes=20) if number % 4 == 1 and finish + timedelta(minutes=20) < world.now else None
        state = "delivered" if delivered else "in_transit" if taken else "ready"
        world.shipments.append(
            Shipment(f"S-{number}", TENANT, order_id, items, carrier.id, carrier.name, state, finish, taken, delivered)
        )
        status = "delivered" if delivered else "in_transit" if taken else "finished"
    world.orders[order_id] = Order(
        id=order_id, number=f"SO-{10000 + number}", tenant=TENANT, customer=customer, configuration=configuration.id,
        product=pack.product.id, choices=choices, quantity=size, priority=0, price=configuration.price * size,
        promise=f"P-{number}", promised_p50=promised + _TRANSIT - timedelta(minutes=15), promised_p90=promised + _TRANSIT,
        placed=placed, items=items, status=status,
        planned_delivery=finish + _TRANSIT, delivered=delivered,
    )  # fmt: skip


def _item(
    world: World, chance: random.Random, free: dict[str, list[datetime]], order: str, item: str, serial: int,
    configuration: Configuration, exploded: Exploded, placed: datetime,
) -> tuple[ItemRecord, list[PlannedOperation], datetime]:  # fmt: skip
    pack = world.blueprint.pack
    ends: dict[str, datetime] = {}
    jobs: list[Job] = []
    planned: list[PlannedOperation] = []
    measured: list[Measurement] = []
    end = placed
    for operation in exploded.operations:
        ready = max([placed, *(ends[each] for each in operation.after)])
        able = pack.equipment_of(operation.equipment_class)
        spot = min(
            ((max(free[each.id][p], ready), each.id, p) for each in able for p in range(each.positions)), key=lambda s: s[0]
        )
        begin, machine, position = spot
        end = begin + timedelta(seconds=operation.duration_s * chance.uniform(0.98, 1.04))
        setup = timedelta(seconds=20) if operation.setup_key and chance.random() < 0.3 else timedelta(0)
        begin, end = begin + setup, end + setup
        free[machine][position] = end
        ends[operation.op] = end
        state = "done" if end <= world.now else "running" if begin <= world.now else "planned"
        planned.append(
            PlannedOperation(item, order, operation.op, 1, machine, position + 1, begin - setup, begin, end, state, False)
        )
        if state == "planned":
            continue
        done = state == "done"
        job = Job(
            f"J-{item}-{operation.op}", item, order, operation.op, 1, machine, position + 1, operation.program,
            operation.parameters,
            "finished" if done else "started", begin, begin, end if done else None, operation.energy_kwh if done else None, "",
        )  # fmt: skip
        jobs.append(job)
        if done:
            measured.extend(_measure(chance, check, job) for check in operation.checks)
    finished = all(each.state == "done" for each in planned)
    lots = tuple(
        ConsumedLot(
            line.module,
            line.variant,
            round(line.quantity),
            f"L{chance.randint(1000, 9999)}",
            pack.module(line.module).suppliers[0].id,
            line.op,
        )
        for line in exploded.bom
        if any(job.op == line.op for job in jobs)
    )
    record = ItemRecord(
        item=item, serial=f"{pack.product.serial}{26000000 + serial}", order=order, product=pack.product.id,
        configuration=configuration.id,
        state="finished" if finished else "in_production" if jobs else "planned", operations_total=len(exploded.operations),
        operations_done=sum(job.state == "finished" for job in jobs), jobs=tuple(jobs), lots=lots,
        measurements=tuple(measured), holds=(), energy_kwh=sum(job.energy_kwh or 0.0 for job in jobs),
        started=jobs[0].started if jobs else None, finished=end if finished else None,
    )  # fmt: skip
    return record, planned, end


def _measure(chance: random.Random, check: Check, job: Job) -> Measurement:
    mean, sd = float(check.physics.get("mean", 1)), float(check.physics.get("sd", 0.01))
    value = chance.gauss(mean, sd)
    limited = check.minimum is not None or check.maximum is not None
    assert job.finished is not None
    return Measurement(
        job.id, job.op, check.id, check.name, value, check.unit, check.minimum, check.maximum,
        check.passed(value) if limited else None, job.finished,
    )  # fmt: skip


def _machines(world: World, *, calm: bool) -> None:
    busy = {station.equipment for station in world.stations()}
    special: dict[int, MachineState] = {} if calm else {2: "setup", 6: "alarm", 9: "offline", 11: "blocked"}
    for index, equipment in enumerate(world.blueprint.pack.equipment):
        state: MachineState = special.get(index, "running" if equipment.id in busy else "idle")
        since = world.now - timedelta(minutes=3 + index)
        heard = world.now - timedelta(minutes=9) if state == "offline" else world.now
        world.machines[equipment.id] = EquipmentNow(equipment.id, state, since, state != "offline", heard)


def _wrong(world: World) -> None:
    for machine in list(world.machines.values()):
        if machine.state == "alarm":
            name = world.blueprint.pack.machine(machine.equipment).name
            world.alarms["A-broken"] = Alarm(
                "A-broken", machine.equipment, machine.equipment, "broken", "alarm", None, None, "", name, "unacknowledged",
                machine.since, None, None, "",
            )  # fmt: skip
    limited = [
        (equipment, signal)
        for equipment in world.blueprint.pack.equipment
        if world.machines[equipment.id].state == "running"
        for signal in world.signals(equipment.id)
        if signal.limits.high is not None and signal.scope == "equipment"
    ]
    equipment, signal = limited[0]
    high = signal.limits.high
    assert high is not None
    warning = Alarm(
        "A-high", f"{equipment.id}/{signal.id}", equipment.id, "high", "warning", high, high * 1.02, signal.unit, signal.name,
        "unacknowledged", world.now - timedelta(minutes=2), None, None, "",
    )  # fmt: skip
    world.alarms["A-high"] = warning
    ended = replace(
        warning, id="A-past", state="normal", raised=world.now - timedelta(hours=1),
        returned=world.now - timedelta(minutes=50),
        acknowledged=world.now - timedelta(minutes=55), acknowledged_by="Olu Ade",
    )  # fmt: skip
    world.past_alarms.append(ended)


def _hold_one(world: World) -> None:
    able = [
        each
        for each in world.records.values()
        if each.measurements and world.orders[each.order].status not in {"delivered", "in_transit"}
    ]
    record = max(able, key=lambda each: (each.state == "in_production", each.item))
    measured = record.measurements[-1]
    bad = replace(measured, value=(measured.high or measured.low or 1.0) * 1.4, passed=False)
    hold = Hold(world.now - timedelta(minutes=1), measured.name, measured.check, None, "")
    held = replace(record, state="held", finished=None, measurements=(*record.measurements[:-1], bad), holds=(hold,))
    world.records[record.item] = held
    world.orders[record.order] = replace(world.orders[record.order], status="held")


def _call_offs(world: World) -> None:
    states = ("sent", "confirmed", "received", "overdue", "announced")
    for number, module in enumerate(world.blueprint.pack.modules):
        supplier = module.suppliers[0]
        variant = module.variants[0]
        state = states[number % len(states)]
        sent = world.now - timedelta(hours=3, minutes=7 * number)
        needed = world.now + timedelta(hours=2 + number)
        confirmed = needed - timedelta(minutes=30) if state in {"confirmed", "announced", "received"} else None
        world.call_offs[f"CO-{number}"] = CallOff(
            f"CO-{number}", TENANT, supplier.id, supplier.name["en"], module.id, variant.id, variant.lot, sent, needed, state,  # type: ignore[arg-type]
            confirmed, world.now if state == "received" else None, "L4711" if state == "received" else None,
        )  # fmt: skip


def _plans(world: World) -> None:
    late = len({each.order for each in world.operations if each.late})
    for back in range(6):
        world.plans.append(
            PlanSummary(
                number=42 - back,
                made=world.now - timedelta(minutes=4 * back + 1),
                why="order placed" if back % 2 else "machine broke down",
                method="dispatch, then local search",
                operations=len(world.operations),
                orders=len(world.orders),
                late_orders=late + back,
                tardiness_s=late * 700 + 900 * back,
                makespan_s=7200 + 60 * back,
                setup_s=840 + 20 * back,
                bound=None if back else 3100.0,
                solve_s=1.2 + 0.3 * back,
            )  # fmt: skip
        )
