"""The changes of a branch made to the picture of the plant. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from batchone.chain.planning.branches.draft import HandMove
from batchone.chain.planning.branches.store import Replaced, StoredBranch
from batchone.chain.planning.hours import Hours
from batchone.chain.planning.model import Problem, Resource
from batchone.chain.planning.picture import OpenOrder, Picture
from batchone.contracts.by_hand import Change, ExtraMachine, Move, OrderWish, Overtime, Stop, WithoutOrder
from batchone.kernel.errors import Refused

_LONGEST = timedelta(days=14)


@dataclass(frozen=True)
class Altered:
    """The picture and the problem with a branch's changes but for its moves. `hypothetical`: kinds of change that no plan can
    carry."""

    picture: Picture
    problem: Problem
    moves: tuple[Move, ...]
    hypothetical: tuple[str, ...]


def altered(picture: Picture, changes: Sequence[Change]) -> Altered:
    """The changes made. `Refused` if one names what is not there."""
    changed = picture
    extra: list[ExtraMachine] = []
    for change in changes:
        match change:
            case Overtime() | Stop():
                hours = Hours(change.target, isinstance(change, Overtime), change.start, change.end)
                changed = replace(changed, hours=(*changed.hours, hours))
            case WithoutOrder():
                changed = _without(changed, change.order)
            case OrderWish():
                changed = replace(changed, orders=tuple(_wished(each, change) for each in changed.orders))
            case ExtraMachine():
                extra.append(change)
            case Move():
                pass
    problem = changed.problem()
    for more in extra:
        problem = _with_machine(problem, more)
    moves = tuple(each for each in changes if isinstance(each, Move))
    return Altered(changed, problem, moves, tuple(dict.fromkeys(each.kind for each in changes if hypothetical(each))))


def hypothetical(change: Change) -> bool:
    """Whether a plan cannot carry it: a machine that is not there, an order that was promised, a due date that was too."""
    return isinstance(change, ExtraMachine | WithoutOrder) or (isinstance(change, OrderWish) and change.due is not None)


def searched(changes: Sequence[Change]) -> bool:
    """Whether what the changes are worth shows only when the plan is searched anew; moves tell at once."""
    return any(not isinstance(change, Move) for change in changes)


def without(picture: Picture, accepted: StoredBranch) -> Picture:
    """The picture as if an accepted branch had decided nothing: its pins, hours and priorities gone, those before it back."""
    decided = {
        Hours(each.target, isinstance(each, Overtime), each.start, each.end)
        for each in accepted.changes
        if isinstance(each, Overtime | Stop)
    }
    before = accepted.replaced or Replaced()
    pins = (*(pin for pin in picture.pins if pin.plan != accepted.plan), *before.pins)
    return replace(
        picture,
        pins=pins,
        hours=tuple(each for each in picture.hours if each not in decided),
        orders=tuple(replace(each, weight=before.weights.get(each.id, each.weight)) for each in picture.orders),
    )


def refuse_nonsense(picture: Picture, change: Change) -> None:
    """Refuses a change of what is not there, or to times that are none."""
    machines = {machine.id for pack in picture.packs for machine in pack.equipment}
    classes = {machine.equipment_class for pack in picture.packs for machine in pack.equipment}
    beside = {name for pack in picture.packs for each in pack.auxiliaries for name in (each.id, *each.serves)}
    orders = {order.id for order in picture.orders}
    match change:
        case Overtime() | Stop() | ExtraMachine() if change.target not in machines | classes | beside:
            raise _refused(f"There is no equipment or class {change.target!r}.", "Name one of the plant.")
        case Overtime() | Stop() if not picture.now < change.end or not change.start < change.end:
            raise _refused("The hours end before they start, or are over.", "Name hours that are to come.")
        case Overtime() | Stop() if change.end - change.start > _LONGEST:
            raise _refused("The hours are longer than 14 days.", "Name a shorter time.")
        case ExtraMachine() if not 1 <= change.positions <= 100:
            raise _refused("A machine more has 1 to 100 positions.", "Name a number between.")
        case WithoutOrder() | OrderWish() if change.order not in orders:
            raise _refused(f"There is no open order {change.order!r}.", "Name an open one.")
        case OrderWish() if change.priority is not None and not 0 <= change.priority <= 1000:
            raise _refused("A priority is a number from 0 to 1000.", "Name a number between.")
        case OrderWish() if change.priority is None and change.due is None:
            raise _refused("The order's wish changes neither its due time nor its priority.", "Name one of them.")
        case Move() if change.equipment not in machines:
            raise _refused(f"There is no equipment {change.equipment!r}.", "Name one of the plant.")
        case _:
            pass


def hand_move(move: Move, picture: Picture) -> HandMove:
    """A move in the words of the picture's problem."""
    at = round((move.start - picture.now).total_seconds())
    track = None if move.position is None else move.position - 1
    return HandMove(f"{move.item}/{move.op}", move.equipment, track, at, move.push)


def last_move(changes: Sequence[Change], picture: Picture) -> HandMove | None:
    """The last change, if it is a move."""
    return hand_move(changes[-1], picture) if changes and isinstance(changes[-1], Move) else None


def _refused(what: str, cure: str) -> Refused:
    return Refused("planning.change", what, cure)


def _without(picture: Picture, order: str) -> Picture:
    operations = tuple(each for each in picture.operations if each.order != order or each.state != "planned")
    begun = any(each.order == order for each in operations)
    orders = picture.orders if begun else tuple(each for each in picture.orders if each.id != order)
    return replace(picture, orders=orders, operations=operations)


def _wished(order: OpenOrder, wish: OrderWish) -> OpenOrder:
    if order.id != wish.order:
        return order
    weight = order.weight if wish.priority is None else wish.priority
    return replace(order, due=wish.due or order.due, weight=weight)


def _with_machine(problem: Problem, more: ExtraMachine) -> Problem:
    same = [resource for resource in problem.resources if more.target in (resource.id, *resource.classes)]
    if not same:
        return problem
    like = same[0]
    if like.id == more.target:
        bigger = replace(like, positions=like.positions + more.positions)
        return replace(problem, resources=tuple(bigger if each is like else each for each in problem.resources))
    known = {resource.id for resource in problem.resources}
    name = next(f"{more.target} +{n}" for n in range(1, len(known) + 2) if f"{more.target} +{n}" not in known)
    added = Resource(name, like.classes, like.positions, like.calendar, setup=like.setup, batch=like.batch)
    return replace(problem, resources=(*problem.resources, added))
