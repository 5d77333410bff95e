"""Compiled kernel of a line's population: sequences that are crossed, polished and kept while they are among the best.

A memetic search after Vallada and Ruiz (2010), who found populations to be what total tardiness on such a line needs: where
few jobs are late, valleys are deep and many, and one walk stays in the one it came to. A child keeps a stretch of one
parent where it is and has the other jobs in the order of the other parent; then each of its jobs is moved to its best place.
"""

from __future__ import annotations

from typing import NamedTuple

from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.line_kernel import (
    BEST,
    CURRENT,
    DONE,
    Array,
    Line,
    Room,
    below,
    build,
    evaluate,
    forget,
    polish,
    shake,
)

FILLED, STALE, SHAKEN, LENGTH = range(3, 7)
"""Further places in `state`: sequences there are, children in a row that were not kept, sequences shaken since then."""

_PATIENCE = 3
"""So many children for each sequence may be in vain, until all but the best are shaken."""
_MUTATED = 5
"""One in so many children loses three jobs, which find other places."""


class Kin(NamedTuple):
    """The sequences, what each is worth, and which jobs a child has."""

    sequences: Array
    worth: Array
    has: Array


@lean
def _cross(chance: Array, first: Array, second: Array, child: Array, has: Array) -> None:
    """A stretch of the first parent where it is, the rest in the order of the second."""
    n = has.shape[0]
    low, high = below(chance, n), below(chance, n)
    if low > high:
        low, high = high, low
    for t in range(n):
        has[t] = False
    for t in range(low + 1, high + 2):
        child[t] = first[t]
        has[first[t]] = True
    at = 1
    for t in range(1, n + 1):
        if has[second[t]]:
            continue
        if at == low + 1:
            at = high + 2
        child[at] = second[t]
        at += 1
    child[0] = child[n + 1] = n


@lean
def _better(chance: Array, worth: Array) -> int:
    """The better of two by chance."""
    one, other = below(chance, worth.shape[0]), below(chance, worth.shape[0])
    return int(one if worth[one] < worth[other] else other)


@jit
def keep(kin: Kin, seq: Array, value: int, count: int) -> bool:
    """Puts a sequence in the place of the worst of `count`, unless it is no better or is there already."""
    worst = 0
    for t in range(count):
        if kin.worth[t] == value:
            return False
        if kin.worth[t] > kin.worth[worst]:
            worst = t
    if value >= kin.worth[worst]:
        return False
    kin.sequences[worst] = seq
    kin.worth[worst] = value
    return True


@jit
def _fill(line: Line, room: Room, chance: Array, kin: Kin, best: Array, state: Array) -> tuple[int, int]:
    """One more sequence: the first is the best there is, the others are built in an order by chance."""
    n, at, seq = line.seconds.shape[0], state[FILLED], room.sequence
    state[FILLED] += 1
    seq[:] = best
    value, scans = state[BEST], 1
    if at:
        order = kin.sequences[at]
        order[:] = best
        for t in range(n, 1, -1):
            s = 1 + below(chance, t)
            order[t], order[s] = order[s], order[t]
        seq[:] = n
        value = build(line, room, chance, order[1 : n + 1], seq)
        value, more = polish(line, room, chance, seq, value, n)
        scans = n + more
    kin.sequences[at] = seq
    kin.worth[at] = value
    return value, scans


@jit
def _shake_one(line: Line, room: Room, chance: Array, kin: Kin, state: Array) -> tuple[int, int]:
    """The next of the sequences, unless it is the best, loses a third of its jobs, which find other places."""
    n, at, seq = line.seconds.shape[0], state[SHAKEN], room.sequence
    state[SHAKEN] += 1
    seq[:] = kin.sequences[at]
    if kin.worth[at] == state[BEST]:
        return kin.worth[at], 1
    forget(line, room)
    value = shake(line, room, chance, seq, max(1, n // 3))
    value, scans = polish(line, room, chance, seq, value, n)
    kin.sequences[at] = seq
    kin.worth[at] = value
    return value, scans + n // 3


@jit
def _breed(line: Line, room: Room, chance: Array, kin: Kin, state: Array) -> tuple[int, int]:
    """One child of two, kept if it is better than the worst."""
    n, seq, scans = line.seconds.shape[0], room.sequence, 1
    mother, father = _better(chance, kin.worth), _better(chance, kin.worth)
    forget(line, room)
    if mother == father:
        seq[:] = kin.sequences[mother]
        value = shake(line, room, chance, seq, min(n, 4 + below(chance, 8)))
    else:
        _cross(chance, kin.sequences[mother], kin.sequences[father], seq, kin.has)
        value = evaluate(line, room, seq)
        forget(line, room)
        if below(chance, _MUTATED) == 0:
            value = shake(line, room, chance, seq, min(n, 3))
    value, more = polish(line, room, chance, seq, value, n)
    if keep(kin, seq, value, kin.worth.shape[0]):
        state[STALE] = 0
    else:
        state[STALE] += 1
    return value, scans + more


@jit
def advance(line: Line, room: Room, chance: Array, kin: Kin, best: Array, state: Array, until: int) -> None:
    """Fills the population, then breeds, until `until` scans are done in all."""
    size = kin.worth.shape[0]
    while state[DONE] < until:
        if state[FILLED] < size:
            value, scans = _fill(line, room, chance, kin, best, state)
        elif state[SHAKEN] < size:
            value, scans = _shake_one(line, room, chance, kin, state)
        else:
            value, scans = _breed(line, room, chance, kin, state)
            if state[STALE] > _PATIENCE * size:
                state[STALE] = state[SHAKEN] = 0
        state[DONE] += scans
        state[CURRENT] = value
        if value < state[BEST]:
            state[BEST] = value
            best[:] = room.sequence
