"""Suppliers and store: modules set aside for items, call-offs, deliveries. Compiled.

A delivery takes 0.8 to 1 of the supplier's lead time when it is on time and 1.05 to 1.6 when it is late, as the demo's
suppliers do (`batchone.demo.policies`); which it is depends on the seed and the number of the call-off alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.pushpull.compiled import lean
from benchmarks.pushpull.line import DELIVERY, World, chance, push_event
from benchmarks.pushpull.plant import Floats, Ints, Plant, Products

RING = 1024
"""Call-offs of a variant that can be under way at once."""


class Store(NamedTuple):
    """What is not set aside, by variant: in store (`free`) and under way (`coming`: arrives, expected, pieces, between `head`
    and `tail`). `awaited`: when what was last set aside is expected (0: it is there). `point` and `lot` are when and how much
    is called off; `used`: taken since it was last set to 0; `count`: call-offs made."""

    lead: Floats
    on_time: Floats
    moq: Ints
    lot: Ints
    point: Ints
    free: Ints
    coming: Ints
    head: Ints
    tail: Ints
    used: Ints
    count: Ints
    awaited: Ints


def store_of(plant: Plant, opening: Ints, lot: Ints) -> Store:
    """A store with these pieces in it and nothing under way."""
    n = len(plant.variants)
    return Store(
        plant.lead_s, plant.on_time, plant.moq, np.maximum(lot, plant.moq), np.zeros(n, np.int64), opening.astype(np.int64),
        np.zeros((n, RING, 3), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
        np.zeros(1, np.int64), np.zeros(n, np.int64),
    )  # fmt: skip


@lean
def takes(s: Store, seed: int, v: int, number: int) -> int:
    """Seconds that a call-off takes."""
    late = chance(seed, number, v, 101) >= s.on_time[v]
    u = chance(seed, number, v, 102)
    return int(s.lead[v] * (1.05 + 0.55 * u if late else 0.8 + 0.2 * u))


@lean
def call_off(s: Store, w: World, v: int, pieces: int, sent: int) -> int:
    """Calls pieces off and sees to their arrival, which is returned."""
    number = s.count[0]
    s.count[0] = number + 1
    arrives = sent + takes(s, w.window[2], v, number)
    w.got[number, 0], w.got[number, 1] = v, pieces
    push_event(w, arrives, DELIVERY, number)
    return arrives


@lean
def set_aside(s: Store, w: World, p: Products, cfg: int, now: int) -> tuple[int, int]:
    """Sets a configuration's modules aside, first come first served, and calls off what falls to its reorder point: when all
    will be there, and when the planner expects it."""
    n = p.seconds.shape[1]
    actual, expected = now, now
    for v in range(len(s.awaited)):
        s.awaited[v] = 0
    for b in range(p.bom_at[cfg * n], p.bom_at[cfg * n + n]):
        v, missing = p.bom_variant[b], p.bom_quantity[b]
        s.used[v] += missing
        _arrived(s, v, now)
        _reorder(s, w, v, missing, now)
        take = min(missing, s.free[v])
        s.free[v] -= take
        missing -= take
        at = s.head[v]
        while missing > 0:
            slot = at % RING
            take = min(missing, s.coming[v, slot, 2])
            s.coming[v, slot, 2] -= take
            missing -= take
            if take:
                actual, expected = max(actual, s.coming[v, slot, 0]), max(expected, s.coming[v, slot, 1])
                s.awaited[v] = s.coming[v, slot, 1]
            at += 1
    return actual, expected


@lean
def _arrived(s: Store, v: int, now: int) -> None:
    """What has come and nobody waits for is free; deliveries count in the order in which they were called off."""
    while s.head[v] < s.tail[v] and s.coming[v, s.head[v] % RING, 0] <= now:
        s.free[v] += s.coming[v, s.head[v] % RING, 2]
        s.head[v] += 1


@lean
def _reorder(s: Store, w: World, v: int, wanted: int, now: int) -> None:
    position = s.free[v] - wanted
    for at in range(s.head[v], s.tail[v]):
        position += s.coming[v, at % RING, 2]
    if position > s.point[v]:
        return
    pieces = max(s.lot[v], s.point[v] + 1 - position)
    slot = s.tail[v] % RING
    s.coming[v, slot, 0] = call_off(s, w, v, pieces, now)
    s.coming[v, slot, 1] = now + int(s.lead[v])
    s.coming[v, slot, 2] = pieces
    s.tail[v] += 1


@lean
def call_off_for(s: Store, w: World, v: int, need: int, expected: int) -> int:
    """Calls off what a need lacks so that it is expected at a moment; when it comes (0: it is there)."""
    if need <= s.free[v]:
        s.free[v] -= need
        return 0
    pieces = max(s.moq[v], need - s.free[v])
    arrives = call_off(s, w, v, pieces, expected - int(s.lead[v]))
    s.free[v] += pieces - need
    return arrives
