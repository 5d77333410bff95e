"""List dispatching in compiled code: the same rule as `dispatch`, a hundred times as often.

Time goes forward over two kinds of events, an operation becomes ready and a resource becomes free; nothing placed is ever
moved. Operations wait in a heap for each resource they could be done on and, where setups matter, each key.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchone.chain.planning.solvers.hours_kernel import NEVER, next_start
from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.placing_kernel import Spot, State, _times, commit
from batchone.chain.planning.solvers.tables import Flags, Ints, Records, Small, Tables

_CANDIDATES = 6
"""How many operations a free resource looks at before it waits for one that it does best."""


class Queues(NamedTuple):
    """What waits: a heap of ranks for each queue (from `at[q]` on, `size[q]` long), queues of resource `r` from `of[r]` on, one
    for each key where setups matter; and heaps of what is to come: operations by when they are ready, resources by when
    they act (`wake_place`: where in the heap a resource stands, -1: nowhere), with the heights of both."""

    of: Small
    at: Ints
    size: Small
    rank: Small
    ready: Ints
    ready_op: Small
    wake: Ints
    wake_resource: Small
    wake_place: Small
    height: Small


class Rule(NamedTuple):
    """The urgency of each operation (less is more urgent), its rank, who has each rank, for each resource how many
    seconds of urgency one second of setup outweighs, and from how many seconds on nothing is urgent."""

    urgency: Ints
    rank: Small
    by_rank: Small
    setup_weight: Ints
    calm_s: Ints


@lean
def _push(heap: Small, lo: int, size: int, value: int) -> None:
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if heap[lo + up] <= value:
            break
        heap[lo + at] = heap[lo + up]
        at = up
    heap[lo + at] = value


@lean
def _pop(heap: Small, lo: int, size: int) -> None:
    """Removes the least of `size`."""
    value = heap[lo + size - 1]
    at, last = 0, size - 1
    while 2 * at + 1 < last:
        down = 2 * at + 1
        if down + 1 < last and heap[lo + down + 1] < heap[lo + down]:
            down += 1
        if heap[lo + down] >= value:
            break
        heap[lo + at] = heap[lo + down]
        at = down
    heap[lo + at] = value


@lean
def _push_ready(q: Queues, when: int, i: int) -> None:
    at = q.height[0]
    q.height[0] += 1
    while at > 0:
        up = (at - 1) >> 1
        if q.ready[up] <= when:
            break
        q.ready[at], q.ready_op[at] = q.ready[up], q.ready_op[up]
        at = up
    q.ready[at], q.ready_op[at] = when, i


@lean
def _pop_ready(q: Queues) -> int:
    """Takes the operation that is ready first."""
    first = q.ready_op[0]
    last = q.height[0] - 1
    q.height[0] = last
    when, i = q.ready[last], q.ready_op[last]
    at = 0
    while 2 * at + 1 < last:
        down = 2 * at + 1
        if down + 1 < last and q.ready[down + 1] < q.ready[down]:
            down += 1
        if q.ready[down] >= when:
            break
        q.ready[at], q.ready_op[at] = q.ready[down], q.ready_op[down]
        at = down
    q.ready[at], q.ready_op[at] = when, i
    return first


@lean
def _set_wake(q: Queues, at: int, when: int, r: int) -> None:
    q.wake[at], q.wake_resource[at], q.wake_place[r] = when, r, at


@lean
def _rise(q: Queues, at: int, when: int, r: int) -> None:
    while at > 0:
        up = (at - 1) >> 1
        if q.wake[up] <= when:
            break
        _set_wake(q, at, q.wake[up], q.wake_resource[up])
        at = up
    _set_wake(q, at, when, r)


@lean
def _wake(calendars: Records, spans: Records, q: Queues, c: int, r: int, at: int) -> None:
    """Sees to it that a resource acts at `at`, or when it works next; earlier appointments stand."""
    when = next_start(calendars, spans, c, at)
    if when >= NEVER:
        return
    place = q.wake_place[r]
    if place < 0:
        q.height[1] += 1
        _rise(q, q.height[1] - 1, when, r)
    elif when < q.wake[place]:
        _rise(q, place, when, r)


@lean
def _pop_wake(q: Queues) -> int:
    first = q.wake_resource[0]
    q.wake_place[first] = -1
    last = q.height[1] - 1
    q.height[1] = last
    if last > 0:
        when, r = q.wake[last], q.wake_resource[last]
        at = 0
        while 2 * at + 1 < last:
            down = 2 * at + 1
            if down + 1 < last and q.wake[down + 1] < q.wake[down]:
                down += 1
            if q.wake[down] >= when:
                break
            _set_wake(q, at, q.wake[down], q.wake_resource[down])
            at = down
        _set_wake(q, at, when, r)
    return first


@lean
def _first(s: State, q: Queues, rule: Rule, queue: int) -> int:
    """The most urgent operation of a queue that nobody has taken yet; -1 if there is none."""
    lo = q.at[queue]
    while q.size[queue] > 0:
        i = rule.by_rank[q.rank[lo]]
        if s.op[i].resource < 0:
            return i
        _pop(q.rank, lo, q.size[queue])
        q.size[queue] -= 1
    return -1


@lean
def _queue_of(t: Tables, q: Queues, r: int, i: int) -> int:
    return q.of[r] + (t.op[i].key if t.resource[r].matrix >= 0 else 0)


@lean
def _choose(t: Tables, s: State, q: Queues, rule: Rule, r: int, now: int) -> tuple[int, int]:
    """The operation that a resource should take, and the free track to take it on; (-1, -1) if there is none."""
    lo, hi, matrix = t.resource[r].track_at, t.resource[r + 1].track_at, t.resource[r].matrix
    if matrix < 0:
        i = _first(s, q, rule, q.of[r])
        if i >= 0:
            for k in range(lo, hi):
                if s.at[k].free <= now:
                    return i, k
        return -1, -1
    best, track, least = -1, -1, np.int64(0)
    for queue in range(q.of[r], q.of[r + 1]):
        i = _first(s, q, rule, queue)
        if i < 0:
            continue
        k_best, need_best = -1, np.int64(NEVER)
        for k in range(lo, hi):
            if s.at[k].free <= now:
                need = np.int64(t.setup[matrix, s.at[k].at_key, t.op[i].key])
                if need < need_best:
                    k_best, need_best = k, need
        if k_best < 0:
            return -1, -1
        score = min(rule.urgency[i] - now, rule.calm_s[r]) + rule.setup_weight[r] * need_best
        if best < 0 or score < least or (score == least and rule.rank[i] < rule.rank[best]):
            best, track, least = i, k_best, score
    return best, track


@lean
def _spot(t: Tables, s: State, i: int, r: int, k: int, ready: int, seconds: int) -> Spot:
    need = np.int64(0)
    if t.resource[r].matrix >= 0:
        need = np.int64(t.setup[t.resource[r].matrix, s.at[k].at_key, t.op[i].key])
    c, detached = t.resource[r].calendar, t.resource[r].detached
    setup_start, start, end = _times(t.calendars, t.spans, c, need, detached, t.op[i].attended, s.at[k].free, ready, 0, seconds)
    return Spot(k, need, setup_start, start, end, -1, False)


@lean
def _better_elsewhere(t: Tables, s: State, q: Queues, rule: Rule, i: int, r: int, ready: int, end: int, now: int) -> int:
    """When a resource that would finish an operation before `end` would begin it; -1 if there is none."""
    found = -1
    for index in range(t.op[i].option_at, t.op[i + 1].option_at):
        other = t.option[index].resource
        if other == r:
            continue
        seconds = t.option[index].seconds
        lo, hi = t.resource[other].track_at, t.resource[other + 1].track_at
        tried, soonest = 0, lo
        top = _first(s, q, rule, _queue_of(t, q, other, i))
        if top >= 0 and rule.rank[top] < rule.rank[i]:
            continue
        for k in range(lo, hi):
            if s.at[k].free <= now and tried < _CANDIDATES:
                tried += 1
                spot = _spot(t, s, i, other, k, ready, seconds)
                if spot.end < end:
                    end, found = spot.end, spot.start
            elif s.at[k].free < s.at[soonest].free:
                soonest = k
        if tried == 0 and max(ready, s.at[soonest].free) + seconds < end:
            spot = _spot(t, s, i, other, soonest, ready, seconds)
            if spot.end < end:
                end, found = spot.end, spot.start
    return found


@lean
def _release(t: Tables, s: State, q: Queues, ready: Ints, p: int) -> None:
    for index in range(t.op[p].succ_at, t.op[p + 1].succ_at):
        after = t.succ[index]
        if s.op[after].resource >= 0:
            continue
        for before in range(t.op[after].pred_at, t.op[after + 1].pred_at):
            if t.pred[before].op == p:
                ready[after] = max(ready[after], s.op[p].end + t.pred[before].lag)
        s.missing[after] -= 1
        if s.missing[after] == 0:
            _push_ready(q, ready[after], after)


@lean
def _arrive(t: Tables, s: State, q: Queues, rule: Rule, i: int, now: int) -> None:
    """An operation joins the queue of everything it can be done on."""
    for index in range(t.op[i].option_at, t.op[i + 1].option_at):
        r = t.option[index].resource
        queue = _queue_of(t, q, r, i)
        _push(q.rank, q.at[queue], q.size[queue], rule.rank[i])
        q.size[queue] += 1
        soonest = NEVER
        for k in range(t.resource[r].track_at, t.resource[r + 1].track_at):
            soonest = min(soonest, s.at[k].free)
            if soonest <= now:
                break
        _wake(t.calendars, t.spans, q, t.resource[r].calendar, r, max(now, soonest))


@lean
def _take(
    t: Tables, s: State, q: Queues, rule: Rule, ready: Ints, picky: Flags, passed: Small, r: int, now: int, patient: bool,
    written: int,
) -> int:  # fmt: skip
    """Lets a resource that is free take what it should, as often as it can; how many operations are placed then."""
    passes, again = 0, np.int64(NEVER)
    while True:
        i, k = _choose(t, s, q, rule, r, now)
        if i < 0:
            break
        seconds = np.int64(0)
        for index in range(t.op[i].option_at, t.op[i + 1].option_at):
            if t.option[index].resource == r:
                seconds = t.option[index].seconds
        spot = _spot(t, s, i, r, k, ready[i], seconds)
        later = -1
        if patient and picky[i]:
            later = _better_elsewhere(t, s, q, rule, i, r, max(ready[i], now), spot.end, now)
        if later < 0 and spot.end < NEVER:
            commit(t.op, t.resource, t.track, s.op, s.at, s.also, i, spot)
            s.order[written] = i
            written += 1
            _release(t, s, q, ready, i)
            continue
        queue = _queue_of(t, q, r, i)
        _pop(q.rank, q.at[queue], q.size[queue])
        q.size[queue] -= 1
        if later < 0:
            continue
        passed[passes] = i
        passes += 1
        # Looking again every second would cost more than a little idleness.
        again = min(again, max(later, now + 1 + seconds // 20))
        if passes == _CANDIDATES:
            break
    for index in range(passes):
        i = passed[index]
        queue = _queue_of(t, q, r, i)
        _push(q.rank, q.at[queue], q.size[queue], rule.rank[i])
        q.size[queue] += 1
    waiting = False
    for queue in range(q.of[r], q.of[r + 1]):
        waiting = waiting or _first(s, q, rule, queue) >= 0
    if waiting:
        soonest = NEVER
        for k in range(t.resource[r].track_at, t.resource[r + 1].track_at):
            if s.at[k].free > now:
                soonest = min(soonest, s.at[k].free)
        when = min(again, soonest)
        if when < NEVER:
            _wake(t.calendars, t.spans, q, t.resource[r].calendar, r, max(when, now + 1))
    return written


@jit
def dispatch_all(t: Tables, s: State, q: Queues, rule: Rule, picky: Flags, placed: int) -> bool:
    """Places every operation that is not fixed (`placed` of them are); false if calendars run out for one."""
    n, m = len(t.op) - 1, len(t.resource) - 1
    ready = np.empty(n, np.int64)
    passed = np.empty(_CANDIDATES, np.int32)
    q.size[:] = 0
    q.wake_place[:] = -1
    q.height[:] = 0
    for i in range(n):
        ready[i] = t.op[i].ready
        s.missing[i] = t.op[i + 1].pred_at - t.op[i].pred_at
    for i in range(n):
        if t.op[i].fixed:
            _release(t, s, q, ready, i)
    for i in range(n):
        if s.missing[i] == 0 and not t.op[i].fixed and t.op[i + 1].pred_at == t.op[i].pred_at:
            _push_ready(q, ready[i], i)
    written = placed
    patient = True
    while True:
        while q.height[0] > 0 or q.height[1] > 0:
            if q.height[0] > 0 and (q.height[1] == 0 or q.ready[0] <= q.wake[0]):
                now = q.ready[0]
                _arrive(t, s, q, rule, _pop_ready(q), now)
            else:
                now = q.wake[0]
                written = _take(t, s, q, rule, ready, picky, passed, _pop_wake(q), now, patient, written)
        if written == n:
            return True
        # Somebody waited for a better place that never came free for it.
        before = written
        patient = False
        now = np.int64(0)
        for k in range(len(t.track)):
            now = max(now, s.at[k].free)
        for r in range(m):
            _wake(t.calendars, t.spans, q, t.resource[r].calendar, r, now)
        while q.height[1] > 0 and q.height[0] == 0:
            now = q.wake[0]
            written = _take(t, s, q, rule, ready, picky, passed, _pop_wake(q), now, patient, written)
        if written == before and q.height[0] == 0:
            return False
