"""Open orders as planning sees them, made of the pack's own customers, and a plan of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import dispatch
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.picture import OpenOperation, OpenOrder, Picture, placements
from batchone.contracts.design import Exploded
from batchone.demo import policies
from benchmarks.platform import the_pack

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Planned:
    """Open orders with the plan in force written into their operations, as the planner reads them from its tables."""

    picture: Picture
    problem: Problem
    plan: Plan


@cache
def compiled_pack() -> Blueprint:
    """The pack's blueprint."""
    return compile_pack(the_pack())


def wishes(blueprint: Blueprint, count: int, seed: int) -> list[Exploded]:
    """Configurations as customers wish them, exploded."""
    chance, found = random.Random(seed), list[Exploded]()
    while len(found) < count:
        choices = policies.choices(blueprint.pack.demo, chance)
        if blueprint.space.possible(choices):
            found.append(explode(blueprint, f"C-{len(found)}", complete(blueprint, choices)))
    return found


def open_operations(exploded: Sequence[Exploded], prefix: str = "") -> list[OpenOperation]:
    """One order of one item for each configuration, planned nowhere yet."""
    return [
        OpenOperation(
            f"I{prefix}{n}", step.op, f"O{prefix}{n}", 1, step.equipment_class, step.after, round(step.duration_s),
            step.setup_key, step.attended, None, False, "planned", None, None, None, None, None,
        )
        for n, one in enumerate(exploded)
        for step in one.operations
    ]  # fmt: skip


def picture_of(blueprint: Blueprint, operations: Sequence[OpenOperation]) -> Picture:
    """A morning with these operations open; orders are due one takt after another."""
    names = list(dict.fromkeys(each.order for each in operations))
    orders = tuple(OpenOrder(name, NOW + timedelta(hours=2, seconds=15 * n), 0) for n, name in enumerate(names))
    return Picture(NOW, (blueprint.pack,), orders, tuple(operations), {})


def dispatched(problem: Problem) -> Plan:
    """A whole plan by one dispatching rule."""
    compiled = Compiled(problem)
    return dispatch(compiled).plan("dispatch", 0, bound_of(compiled))


def planned(blueprint: Blueprint, orders: int, seed: int) -> Planned:
    """So many open orders and their plan in force; beyond two thousand, customers' wishes come again."""
    known = wishes(blueprint, min(orders, 2_000), seed)
    operations = open_operations([known[n % len(known)] for n in range(orders)])
    before = picture_of(blueprint, operations)
    found = {(each.item, each.op): each for each in placements(dispatched(before.problem()), operations)}
    placed = [
        OpenOperation(
            each.item, each.op, each.order, 1, each.equipment_class, each.after, each.duration_s, each.setup_key, each.attended,
            None, False, "planned", at.equipment, at.position, at.setup_start, at.start, at.end,
        )
        for each in operations
        for at in [found[each.item, each.op]]
    ]  # fmt: skip
    picture = picture_of(blueprint, placed)
    return Planned(picture, picture.problem(), picture.in_force())
