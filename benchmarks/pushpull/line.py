"""The plant as an event simulation in compiled code: what happens on the line, whoever decides what it makes.

Whenever a machine is free it takes, of the operations that are there, the one with the least slack, a second of setup
counting `weight` seconds of slack, and leaves to another what that one would begin sooner: the rule of
`batchone.chain.planning.dispatch`, applied live. Nobody knows a breakdown before it happens; what is running on a machine that
breaks down goes on when it is repaired. Items that fail a check are done again from where the pack says, or held for `HELD_S`
and then go on. Buffers between stations have no limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.pushpull.compiled import lean
from benchmarks.pushpull.plant import Floats, Ints, Line, Plant, Products, stops

HELD_S = 4 * 3600
"""How long the quality engineer takes with a held item, repair included (assumption: half a shift)."""
RUN, RELEASE, WAKE, DELIVERY = 0, 1, 2, 3
_PAYLOAD, _KIND = 25, 27
FRESH = 15
"""In the place of an operation: the item has not begun."""
_SLACK0 = 1 << 34
"""Added to slack in queues, so that it is positive."""
HEAP, NOW, FINISHED, FULL, ITEMS = 0, 1, 2, 3, 4
"""Places in `World.n`: events waiting, the time, items finished, a queue that overflowed, items known."""
BUSY, SETUP, OPS, SETUPS, ALL_SETUP, ALL_OPS = 0, 1, 2, 3, 4, 5
"""Columns of `World.worked`: seconds at work and in setup, operations, changes of key, counted in the window; then seconds of
setup and operations since the beginning."""


class World(NamedTuple):
    """Everything that changes. Items are numbered; `done`, `begun`, `used` are bits by operation (finished; queued, running or
    finished; its modules taken). `level`, `least`: modules in store by variant, now and the least ever. `value`: integrals over
    the window of the value of modules in store and of work in progress. `window`: its two ends and the seed."""

    n: Ints
    events: Ints
    room: Ints
    queue: Ints
    queued: Ints
    free: Ints
    key: Ints
    woken: Ints
    until: Ints
    stop_at: Ints
    stop: Ints
    cfg: NDArray[np.int32]
    done: NDArray[np.int32]
    begun: NDArray[np.int32]
    used: NDArray[np.int32]
    tries: NDArray[np.int32]
    due: Ints
    ready: Ints
    first: Ints
    finish: Ints
    order: NDArray[np.int32]
    machine: NDArray[np.int8]
    level: Ints
    least: Ints
    got: Ints
    worked: Floats
    value: Floats
    window: Ints
    cost: Floats
    trace: Ints


def new_world(
    plant: Plant, items: int, window: tuple[int, int], seed: int, *, until_s: int, opening: Ints | None = None,
    breakdowns: bool = True, traced: bool = False, deliveries: int = 1 << 20,
) -> World:  # fmt: skip
    """An empty plant with room for so many items and deliveries; the first setup of a machine takes no time."""
    line, ops, machines, variants = plant.line, len(plant.ops), len(plant.machines), len(plant.variants)
    room = 1 << 17 if items > 5000 else 5000
    stop_at, stop = stops(plant, until_s, seed, breakdowns=breakdowns)
    level = np.zeros(variants, np.int64) if opening is None else opening.astype(np.int64)
    value = np.zeros(2)
    value[0] = float((level * plant.cost).sum()) * (window[1] - window[0])
    return World(
        n=np.zeros(8, np.int64),
        events=np.zeros(items + deliveries + 4096, np.int64),
        room=np.array([room], np.int64), queue=np.zeros(int(line.queue_at[-1]) * room, np.int64),
        queued=np.zeros(int(line.queue_at[-1]), np.int64),
        free=line.positions.copy(), key=np.full(machines, -1, np.int64), woken=np.full(machines, -1, np.int64),
        until=np.zeros(machines, np.int64),
        stop_at=stop_at, stop=stop,
        cfg=np.zeros(items, np.int32), done=np.zeros(items, np.int32), begun=np.zeros(items, np.int32),
        used=np.zeros(items, np.int32), tries=np.zeros(items, np.int32), due=np.zeros(items, np.int64),
        ready=np.zeros(items, np.int64),
        first=np.full(items, -1, np.int64), finish=np.full(items, -1, np.int64), order=np.zeros(items, np.int32),
        machine=np.full((items, ops), -1, np.int8),
        level=level, least=level.copy(), got=np.zeros((deliveries, 2), np.int64),
        worked=np.zeros((machines, 6)), value=value, window=np.array([*window, seed], np.int64), cost=plant.cost,
        trace=np.zeros((items if traced else 0, ops, 4), np.int64),
    )  # fmt: skip


@lean
def push_event(w: World, time: int, kind: int, payload: int) -> None:
    """Something will happen."""
    key = (time << _KIND) | (kind << _PAYLOAD) | payload
    i = w.n[HEAP]
    w.n[HEAP] = i + 1
    _up(w.events, 0, i, key)


@lean
def _up(heap: Ints, base: int, i: int, key: int) -> None:
    """Puts a key in at place `i` of the heap that begins at `base`."""
    while i > 0:
        parent = (i - 1) >> 1
        if heap[base + parent] <= key:
            break
        heap[base + i] = heap[base + parent]
        i = parent
    heap[base + i] = key


@lean
def _pop(heap: Ints, base: int, size: int) -> int:
    """The least of a heap; the caller lowers its size."""
    top = heap[base]
    key = heap[base + size - 1]
    i, n = 0, size - 1
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n and heap[base + child + 1] < heap[base + child]:
            child += 1
        if heap[base + child] >= key:
            break
        heap[base + i] = heap[base + child]
        i = child
    heap[base + i] = key
    return top


@lean
def _next_stop(w: World, m: int, at: int) -> int:
    """The first stop of a machine that ends after `at`."""
    low, high = w.stop_at[m], w.stop_at[m + 1]
    while low < high:
        middle = (low + high) >> 1
        if w.stop[middle, 1] <= at:
            low = middle + 1
        else:
            high = middle
    return low


@lean
def works_from(w: World, m: int, at: int) -> int:
    """The first second at or after `at` at which a machine works."""
    i = _next_stop(w, m, at)
    return w.stop[i, 1] if i < w.stop_at[m + 1] and w.stop[i, 0] <= at else at


@lean
def works_until(w: World, m: int, start: int, seconds: int) -> int:
    """When work that starts at `start` has had its seconds."""
    end = start + seconds
    i = _next_stop(w, m, start)
    while i < w.stop_at[m + 1] and w.stop[i, 0] < end:
        end += w.stop[i, 1] - max(w.stop[i, 0], start)
        i += 1
    return end


@lean
def inside(w: World, at: int) -> int:
    """Seconds of the window that come after a moment."""
    return max(0, w.window[1] - max(at, w.window[0]))


@lean
def chance(seed: int, a: int, b: int, c: int) -> float:
    """A number between 0 and 1 that depends on its arguments alone (splitmix64)."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a) * np.uint64(0xBF58476D1CE4E5B9)
    x += np.uint64(b) * np.uint64(0x94D049BB133111EB) + np.uint64(c) * np.uint64(0xD6E8FEB86659FD93)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)) / 9007199254740992.0


@lean
def _enqueue(w: World, line: Line, p: Products, item: int) -> int:
    """Queues every operation of an item that can begin; the classes to look at, as bits."""
    dirty = 0
    done, begun, cfg = w.done[item], w.begun[item], w.cfg[item]
    for o in range(len(line.cls)):
        if begun >> o & 1 or done & line.anc[o] != line.anc[o]:
            continue
        begun |= 1 << o
        c = line.cls[o]
        q = line.queue_at[c] + max(0, p.key[cfg, o])
        size = w.queued[q]
        if size >= w.room[0]:
            w.n[FULL] = 1
            continue
        _up(w.queue, q * w.room[0], size, (w.due[item] - p.tail[cfg, o] + _SLACK0) << _PAYLOAD | item << 4 | o)
        w.queued[q] = size + 1
        dirty |= 1 << c
    w.begun[item] = begun
    return dirty


@lean
def _ended(w: World, line: Line, p: Products, item: int, o: int, now: int) -> int:
    """An operation ended: the item is checked and goes on. The classes to look at, as bits."""
    m = w.machine[item, o]
    w.free[m] += 1
    held = False
    w.done[item] |= 1 << o
    if line.fail_at[o] < line.fail_at[o + 1]:
        w.tries[item] += 1
        u = chance(w.window[2], item, o, w.tries[item])
        for check in range(line.fail_at[o], line.fail_at[o + 1]):
            u -= line.fail_rate[check]
            if u < 0.0:
                again = line.fail_redo[check]
                w.done[item] &= ~again
                w.begun[item] &= ~again
                held = again == 0
                break
    dirty = 1 << line.cls[o]
    if held:
        # Not done until it was decided, so that nothing that comes after can begin meanwhile.
        w.done[item] &= ~(1 << o)
        push_event(w, now + HELD_S, RELEASE, item << 4 | o)
    elif w.done[item] == (1 << len(line.cls)) - 1:
        _finished(w, p, item, now)
    else:
        dirty |= _enqueue(w, line, p, item)
    return dirty


@lean
def _released(w: World, line: Line, p: Products, item: int, o: int, now: int) -> int:
    """An item may begin, or go on behind an operation that it was held after."""
    if o != FRESH:
        w.done[item] |= 1 << o
    if w.done[item] == (1 << len(line.cls)) - 1:
        _finished(w, p, item, now)
        return 0
    return _enqueue(w, line, p, item)


@lean
def release(w: World, item: int, cfg: int, due: int, at: int) -> None:
    """An item may begin from a moment on."""
    w.cfg[item], w.due[item] = cfg, due
    w.n[ITEMS] = max(w.n[ITEMS], item + 1)
    push_event(w, at, RELEASE, item << 4 | FRESH)


@lean
def _finished(w: World, p: Products, item: int, now: int) -> None:
    w.finish[item] = now
    w.order[w.n[FINISHED]] = item
    w.n[FINISHED] += 1
    w.value[1] -= p.value[w.cfg[item]] * inside(w, now)


@lean
def _start(w: World, line: Line, p: Products, item: int, o: int, m: int, now: int) -> None:
    cfg = w.cfg[item]
    key, need = p.key[cfg, o], 0
    if key >= 0:
        if w.key[m] >= 0:
            need = line.setup[line.class_of[m], w.key[m], key]
        w.key[m] = key
    start = works_from(w, m, works_until(w, m, now, need)) if need else now
    seconds = p.seconds[cfg, o]
    end = works_until(w, m, start, seconds)
    if w.window[0] <= now < w.window[1]:
        w.worked[m, BUSY] += seconds
        w.worked[m, SETUP] += need
        w.worked[m, OPS] += 1
        w.worked[m, SETUPS] += need > 0
    w.worked[m, ALL_SETUP] += need
    w.worked[m, ALL_OPS] += 1
    w.free[m] -= 1
    w.until[m] = end
    w.machine[item, o] = m
    if w.first[item] < 0:
        w.first[item] = now
    if not w.used[item] >> o & 1:
        w.used[item] |= 1 << o
        n = len(line.cls)
        for b in range(p.bom_at[cfg * n + o], p.bom_at[cfg * n + o + 1]):
            v = p.bom_variant[b]
            w.level[v] -= p.bom_quantity[b]
            w.least[v] = min(w.least[v], w.level[v])
        w.value[0] -= p.op_value[cfg, o] * inside(w, now)
        w.value[1] += p.op_value[cfg, o] * inside(w, now)
    if len(w.trace):
        w.trace[item, o, 0], w.trace[item, o, 1], w.trace[item, o, 2], w.trace[item, o, 3] = m, now, start, end
    push_event(w, end, RUN, item << 4 | o)


@lean
def _works_now(w: World, m: int, now: int) -> bool:
    """A machine has a position free and does not stand; one that stands acts again when it works."""
    if w.free[m] == 0:
        return False
    works = works_from(w, m, now)
    if works > now and w.woken[m] != works:
        w.woken[m] = works
        push_event(w, works, WAKE, m)
    return works <= now


@lean
def _setup_s(w: World, line: Line, c: int, m: int, q: int) -> int:
    """Seconds of setup before a machine can do what waits in a queue."""
    return line.setup[c, w.key[m], q - line.queue_at[c]] if line.keys[c] and w.key[m] >= 0 else 0


@lean
def _sooner_elsewhere(w: World, line: Line, c: int, m: int, q: int, begins: int) -> bool:
    """A machine at work would begin with what waits in a queue before this one, set up for it, could: it is left to it."""
    for other in range(line.machine_at[c], line.machine_at[c + 1]):
        if other != m and w.free[other] == 0 and w.until[other] + _setup_s(w, line, c, other, q) < begins:
            return True
    return False


@lean
def _dispatch(w: World, line: Line, p: Products, c: int, now: int, weight: int) -> None:
    """The free machines of a class take what they should."""
    while True:
        best, best_m, best_q = np.int64(1) << 62, -1, -1
        for m in range(line.machine_at[c], line.machine_at[c + 1]):
            if not _works_now(w, m, now):
                continue
            for q in range(line.queue_at[c], line.queue_at[c + 1]):
                if w.queued[q] == 0:
                    continue
                need = _setup_s(w, line, c, m, q)
                if need > 0 and _sooner_elsewhere(w, line, c, m, q, now + need):
                    continue
                score = w.queue[q * w.room[0]] + ((weight * need) << _PAYLOAD)
                if score < best:
                    best, best_m, best_q = score, m, q
        if best_m < 0:
            return
        code = _pop(w.queue, best_q * w.room[0], w.queued[best_q]) & ((1 << _PAYLOAD) - 1)
        w.queued[best_q] -= 1
        _start(w, line, p, code >> 4, code & 15, best_m, now)


@lean
def advance(w: World, line: Line, p: Products, until: int, weight: int) -> None:
    """Lets everything before `until` happen."""
    classes = len(line.keys)
    while w.n[HEAP] > 0 and w.events[0] >> _KIND < until:
        now = w.events[0] >> _KIND
        dirty = 0
        while w.n[HEAP] > 0 and w.events[0] >> _KIND == now:
            code = _pop(w.events, 0, w.n[HEAP])
            w.n[HEAP] -= 1
            kind, payload = code >> _PAYLOAD & 3, code & ((1 << _PAYLOAD) - 1)
            if kind == RUN:
                dirty |= _ended(w, line, p, payload >> 4, payload & 15, now)
            elif kind == RELEASE:
                dirty |= _released(w, line, p, payload >> 4, payload & 15, now)
            elif kind == WAKE:
                dirty |= 1 << line.class_of[payload]
            else:
                v = w.got[payload, 0]
                w.level[v] += w.got[payload, 1]
                w.value[0] += w.cost[v] * w.got[payload, 1] * inside(w, now)
        for c in range(classes):
            if dirty >> c & 1:
                _dispatch(w, line, p, c, now, weight)
    w.n[NOW] = until
