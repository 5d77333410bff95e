"""A pack as arrays: the line, what its equipment is paid and fed, the products, and when equipment stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import total
from batchone.contracts.pack import Pack

DAY_S = 86_400
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Line(NamedTuple):
    """Operations, classes and machines by number.

    `anc`: the operations that must be done before each, as bits, all the way back. `queue_at`, `keys`: the queues of a class,
    one for each setup key, or a single one where `keys` is 0. `fail_*`: checks of each operation, the share that fails, and
    the operations to do again as bits (0: the item is held).
    """

    cls: Ints
    anc: Ints
    machine_at: Ints
    class_of: Ints
    positions: Ints
    attended: Ints
    queue_at: Ints
    keys: Ints
    setup: Ints
    fail_at: Ints
    fail_rate: Floats
    fail_redo: Ints


class Products(NamedTuple):
    """Configurations by number: seconds, setup key (-1: none) and least way to the end of each operation; seconds that the
    options need to be prepared; modules (`bom_at` by configuration times operations), and what they cost. `near`: see
    `products_of`."""

    seconds: Ints
    key: Ints
    tail: Ints
    prep: Ints
    bom_at: Ints
    bom_variant: Ints
    bom_quantity: Ints
    op_value: Floats
    value: Floats
    near: Ints


@dataclass(frozen=True)
class Plant:
    """A pack made ready: the line and, by machine, power and breakdowns, by variant, cost and the quickest supplier."""

    blueprint: Blueprint
    line: Line
    ops: tuple[str, ...]
    classes: tuple[str, ...]
    machines: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    variants: tuple[str, ...]
    cost: Floats
    lead_s: Floats
    on_time: Floats
    moq: Ints
    lot: Ints
    breaks: tuple[tuple[tuple[int, int], ...], ...]
    idle_kw: Floats
    position_kw: Floats
    mtbf_s: Floats
    mttr_s: Floats

    @property
    def pack(self) -> Pack:
        """The pack it was made of."""
        return self.blueprint.pack

    def working_share(self) -> Floats:
        """The share of a day that each class works, breaks left out."""
        return np.array([1 - sum(b - a for a, b in self.breaks[c]) / DAY_S for c in range(len(self.classes))])


def plant_of(blueprint: Blueprint) -> Plant:
    """The plant of a pack. Calendars must work all days alike, around the clock but for their breaks."""
    pack = blueprint.pack
    ops = tuple(each.op for each in pack.routing)
    classes = tuple(dict.fromkeys(each.equipment_class for each in pack.routing))
    machines = [machine for name in classes for machine in pack.equipment_of(name)]
    keys = tuple(_keys(pack, name) for name in classes)
    variants = [(module, variant) for module in pack.modules for variant in module.variants]
    quickest = [min(module.suppliers, key=lambda s: (s.lead_s, s.moq, -s.on_time)) for module, _ in variants]
    return Plant(
        blueprint, _line(pack, ops, classes, keys), ops, classes, tuple(each.id for each in machines), keys,
        tuple(variant.id for _, variant in variants),
        cost=np.array([float(variant.cost.amount) for _, variant in variants]),
        lead_s=np.array([each.lead_s for each in quickest]),
        on_time=np.array([each.on_time for each in quickest]),
        moq=np.array([each.moq for each in quickest], np.int64),
        lot=np.array([variant.lot for _, variant in variants], np.int64),
        breaks=tuple(_breaks(pack, name) for name in classes),
        idle_kw=np.array([each.power.idle_kw for each in machines]),
        position_kw=np.array([(each.power.run_kw - each.power.idle_kw) / each.positions for each in machines]),
        mtbf_s=np.array([each.mtbf_s for each in machines]),
        mttr_s=np.array([each.mttr_s for each in machines]),
    )  # fmt: skip


def _keys(pack: Pack, name: str) -> tuple[str, ...]:
    """The setup keys of a class: the values of the one option that its template names."""
    if pack.equipment_class(name).setup is None:
        return ()
    (template,) = {each.setup for each in pack.routing if each.equipment_class == name and each.setup is not None}
    return tuple(value.id for value in pack.option(template.strip("{}")).values)


def _breaks(pack: Pack, name: str) -> tuple[tuple[int, int], ...]:
    kind = pack.equipment_class(name)
    calendar = pack.calendar(kind.calendar)
    if sum(time.to_s - time.from_s for time in calendar.week for _ in time.days) not in (0, 7 * DAY_S):
        raise ValueError(f"calendar {calendar.id}: the study knows calendars around the clock only")
    if any(len(time.days) != 7 for time in calendar.breaks):
        raise ValueError(f"calendar {calendar.id}: the study knows the same breaks on all days only")
    return tuple(sorted((round(time.from_s), round(time.to_s)) for time in calendar.breaks))


def _line(pack: Pack, ops: tuple[str, ...], classes: tuple[str, ...], keys: tuple[tuple[str, ...], ...]) -> Line:
    number = {op: index for index, op in enumerate(ops)}
    anc = np.zeros(len(ops), np.int64)
    for index, each in enumerate(pack.routing):
        for before in each.after:
            anc[index] |= anc[number[before]] | 1 << number[before]
    counts = [len(pack.equipment_of(name)) for name in classes]
    widest = max(1, *(len(each) for each in keys))
    setup = np.zeros((len(classes), widest, widest), np.int64)
    for c, name in enumerate(classes):
        matrix = pack.equipment_class(name).setup
        for a, before in enumerate(keys[c]):
            for b, after in enumerate(keys[c]):
                setup[c, a, b] = round(matrix.time_s(before, after)) if matrix else 0
    checks = [_checks(pack, op, number) for op in ops]
    return Line(
        cls=np.array([classes.index(each.equipment_class) for each in pack.routing], np.int64),
        anc=anc,
        machine_at=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        class_of=np.repeat(np.arange(len(classes)), counts).astype(np.int64),
        positions=np.array([m.positions for name in classes for m in pack.equipment_of(name)], np.int64),
        attended=np.array([pack.equipment_class(name).attended for name in classes], np.int64),
        queue_at=np.concatenate([[0], np.cumsum([max(1, len(each)) for each in keys])]).astype(np.int64),
        keys=np.array([len(each) for each in keys], np.int64),
        setup=setup,
        fail_at=np.concatenate([[0], np.cumsum([len(each) for each in checks])]).astype(np.int64),
        fail_rate=np.array([rate for each in checks for rate, _ in each]),
        fail_redo=np.array([redo for each in checks for _, redo in each], np.int64),
    )


def _checks(pack: Pack, op: str, number: Mapping[str, int]) -> list[tuple[float, int]]:
    """The share of items that fail each check, by the pack's own rates, and what is done again."""
    found = []
    for check in pack.checks_of(op):
        fault = check.physics.get("fault")
        if isinstance(fault, Mapping):
            redo = sum(1 << number[each] for each in check.redo) if check.reaction == "rework" else 0
            found.append((float(fault["rate"]), redo))
    return found


def products_of(
    plant: Plant, configurations: Sequence[Mapping[str, str]], keep: Sequence[str], *, prepared: bool = True
) -> Products:
    """Configurations as the line sees them; with `prepared` false their options need no preparation.

    `near`: for each configuration the others, the most alike first (-1 ends the list), that differ in at most two options and
    in none of `keep`.
    """
    n, number = len(plant.ops), {variant: index for index, variant in enumerate(plant.variants)}
    shape = (len(configurations), n)
    seconds, key, tail = np.zeros(shape, np.int64), np.full(shape, -1, np.int64), np.zeros(shape, np.int64)
    op_value, prep = np.zeros(shape), np.zeros(len(configurations), np.int64)
    bom_at, variants, quantities = [0], list[int](), list[int]()
    for v, choices in enumerate(configurations):
        exploded = explode(plant.blueprint, str(v), choices)
        if len(exploded.operations) != n:
            raise ValueError("the study knows routings that all configurations share only")
        prep[v] = round(total(plant.blueprint, choices).lead_s) if prepared else 0
        for o, step in enumerate(exploded.operations):
            seconds[v, o] = round(step.duration_s)
            if step.setup_key is not None:
                key[v, o] = plant.keys[plant.line.cls[o]].index(step.setup_key)
            for each in exploded.bom:
                if each.op == step.op:
                    variants.append(number[each.variant])
                    quantities.append(round(each.quantity))
                    op_value[v, o] += round(each.quantity) * float(each.cost.amount)
            bom_at.append(len(variants))
        for o in reversed(range(n)):
            after = [tail[v, s] for s in range(n) if plant.line.anc[s] >> o & 1]
            tail[v, o] = seconds[v, o] + max(after, default=0)
    return Products(
        seconds, key, tail, prep, np.array(bom_at, np.int64), np.array(variants, np.int64), np.array(quantities, np.int64),
        op_value, op_value.sum(axis=1), _near(configurations, keep),
    )  # fmt: skip


def _near(configurations: Sequence[Mapping[str, str]], keep: Sequence[str], most: int = 12) -> Ints:
    options = list(configurations[0])
    codes = np.array([[hash_of(each[option]) for option in options] for each in configurations])
    kept = [options.index(option) for option in keep]
    out = np.full((len(configurations), most), -1, np.int64)
    _, group = np.unique(codes[:, kept], axis=0, return_inverse=True)
    for g in range(int(group.max()) + 1):
        members = np.flatnonzero(group.ravel() == g)
        mine = codes[members]
        for v, code in zip(members, mine, strict=True):
            differ = (mine != code).sum(axis=1)
            found = np.flatnonzero((differ > 0) & (differ <= 2))
            found = members[found[np.argsort(differ[found], kind="stable")][:most]]
            out[v, : len(found)] = found
    return out


def hash_of(word: str) -> int:
    """A number for a word, the same in every run."""
    return int.from_bytes(word.encode()[:6].ljust(6, b"\0"), "big")


def stops(plant: Plant, until_s: int, seed: int, *, breakdowns: bool = True) -> tuple[Ints, Ints]:
    """When each machine stands: offsets by machine, and (from, to) of breakdowns and, where it is attended, of breaks.

    Time between breakdowns and time to repair are exponential around the pack's means, a stream of chance for each machine.
    """
    at, spans = [0], list[tuple[int, int]]()
    for m in range(len(plant.machines)):
        mine = [] if not plant.line.attended[plant.line.class_of[m]] else [
            (day + a, day + b) for day in range(0, until_s, DAY_S) for a, b in plant.breaks[plant.line.class_of[m]]
        ]  # fmt: skip
        chance, t = np.random.default_rng([seed, 7, m]), 0.0
        while breakdowns:
            t += chance.exponential(plant.mtbf_s[m])
            if t >= until_s:
                break
            took = max(1.0, chance.exponential(plant.mttr_s[m]))
            mine.append((round(t), round(t + took) + 1))
            t += took
        spans += _merged(mine)
        at.append(len(spans))
    return np.array(at, np.int64), np.array(spans or [(0, 0)], np.int64).reshape(-1, 2)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out
