"""Compiled kernels of the line on which nobody passes: one order of the jobs on all machines.

Places of a sequence are counted from 1; place 0 holds `n`, which means "nothing before", and the place after the last holds
`n` too. A *scan* takes one job that is not in the sequence and finds what the objective is for each place it may be put in:

* makespan: heads and tails of the sequence (Taillard 1990), extended to setups; a scan is O(nm);
* tardiness: LANES places are worked out side by side. Once a lane has passed the place of its job, all lanes process the
  same jobs, so that a processor with vector instructions does many at once; a block of places is given up as soon as no
  place in it can beat what is already known.

Around the scans stands an iterated greedy search (Ruiz and Stützle 2007, 2008). All times are whole seconds in 32 bits.
Indexes of vector loops are unsigned, since a check for negative ones would keep them from becoming vector instructions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from batchone.chain.planning.solvers.jit import jit, lean

Array = np.ndarray[Any, np.dtype[Any]]

LANES = 64
"""How many places are worked out side by side: wide enough for the loops over it to become vector instructions."""
_LANES = np.uint64(LANES)
_FAR = 1 << 60

CURRENT, BEST, DONE, CYCLE, LENGTH = range(5)
"""Places in `state`: objective of the current and of the best sequence, scans done in all and in this cycle, its length."""


class Line(NamedTuple):
    """What never changes. `arc[before, after, machine]`, `into[after, machine, before]` and `out[before, machine, after]` are
    the setups, laid out for each use; `even`: no job has a release, so that a delay is never swallowed."""

    seconds: Array
    release: Array
    due: Array
    weight: Array
    arc: Array
    into: Array
    out: Array
    setups: bool
    tardy: bool
    even: bool


class Room(NamedTuple):
    """Working arrays: heads and tails [machine, place]; tardiness, and weight of what is late, up to a place; the longest way
    through a release behind a place; ends of the new job and of the one behind it [machine, place]; makespan and sum of ways
    by place; tardiness at the entry of a lane; ends, tardiness and least delay in the lanes; a sequence, the jobs as they are
    tried, and those taken out."""

    heads: Array
    tails: Array
    late: Array
    late_weight: Array
    rest: Array
    ends: Array
    behind: Array
    longest: Array
    ways: Array
    entry: Array
    lanes: Array
    lane_late: Array
    lane_delay: Array
    sequence: Array
    deck: Array
    gone: Array
    known: Array


class Greed(NamedTuple):
    """How the search goes: `least` to `most` jobs are taken out at a time, then others moved until `patience` in a row gained
    nothing; `scale` is the mean duration (times weight, for tardiness), `heat` and `fading` make the warmth of it."""

    least: int
    most: int
    patience: int
    scale: float
    heat: float
    fading: float


@lean
def below(chance: Array, limit: int) -> Any:
    """A number from 0 to `limit - 1` (xorshift64*)."""
    s = chance[0]
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    chance[0] = s
    high = (s * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)
    return np.int64((high * np.uint64(limit)) >> np.uint64(31))


@lean
def _heads(line: Line, room: Room, seq: Array, first: int, last: int) -> None:
    """Ends of the jobs at places `first` to `last` on each machine, and the tardiness up to there."""
    p, h, late_to, weight_to = line.seconds, room.heads, room.late, room.late_weight
    for i in range(first, last + 1):
        j, before = seq[i], seq[i - 1]
        end = line.release[j]
        for k in range(p.shape[1]):
            free = h[k, i - 1]
            if line.setups:
                free += line.arc[before, j, k]
            end = np.int32((free if free > end else end) + p[j, k])
            h[k, i] = end
        late = end - line.due[j]
        late_to[i] = late_to[i - 1] + (line.weight[j] * late if late > 0 else 0)
        weight_to[i] = weight_to[i - 1] + (line.weight[j] if late > 0 else 0)


@lean
def _tails(line: Line, room: Room, seq: Array, nb: int, shift: int, first: int, last: int) -> None:
    """Longest ways from the starts at places `last` down to `first` to the end of all; column = place + `shift`."""
    p, q, rest = line.seconds, room.tails, room.rest
    for i in range(last, first - 1, -1):
        j, after = seq[i], seq[i + 1]
        col = i + shift
        way = np.int32(0)
        for k in range(p.shape[1] - 1, -1, -1):
            behind = q[k, col + 1]
            if line.setups and i < nb:
                behind += line.arc[j, after, k]
            way = np.int32((behind if behind > way else way) + p[j, k])
            q[k, col] = way
        rest[col] = max(rest[col + 1], line.release[j] + way)


@lean
def _enter(line: Line, room: Room, seq: Array, x: int, nb: int) -> None:
    """`ends[k + 1, i]`: when job `x` ends on machine `k` if it is put behind place `i`."""
    p, h, f = line.seconds, room.heads, room.ends
    for i in range(nb + 1):
        f[0, i] = line.release[x]
    for k in range(p.shape[1]):
        head, above, row, own = h[k], f[k], f[k + 1], p[x, k]
        if line.setups:
            setup = line.into[x, k]
            for i in range(nb + 1):
                row[i] = np.int32(max(above[i], head[i] + setup[np.uint64(seq[i])]) + own)
        else:
            for i in range(nb + 1):
                row[i] = np.int32(max(above[i], head[i]) + own)


@lean
def _scan_makespan(line: Line, room: Room, chance: Array, seq: Array, x: int, nb: int, shift: int) -> tuple[Any, int]:
    """The least makespan with `x` put in, and behind which place."""
    q, f, longest, ways = room.tails, room.ends, room.longest, room.ways
    _enter(line, room, seq, x, nb)
    for i in range(nb + 1):
        longest[i] = room.rest[i + 1 + shift]
        ways[i] = 0
    for k in range(line.seconds.shape[1]):
        row, tail = f[k + 1], q[k, 1 + shift :]
        if line.setups:
            setup = line.out[x, k]
            for i in range(nb + 1):
                way = np.int32(row[i] + tail[i] + setup[np.uint64(seq[i + 1])])
                longest[i] = max(longest[i], way)
                ways[i] += way
        else:
            for i in range(nb + 1):
                way = np.int32(row[i] + tail[i])
                longest[i] = max(longest[i], way)
                ways[i] += way
    place = _shortest(longest, ways, chance, nb)
    return np.int64(longest[place]), place


@lean
def _shortest(longest: Array, ways: Array, chance: Array, nb: int) -> int:
    """The place with the least makespan; of equal ones that with the shortest ways in sum over the machines."""
    place, ties = 0, 1
    for i in range(1, nb + 1):
        if longest[i] > longest[place] or (longest[i] == longest[place] and ways[i] > ways[place]):
            continue
        ties = ties + 1 if longest[i] == longest[place] and ways[i] == ways[place] else 1
        if below(chance, ties) == 0:
            place = i
    return place


@lean
def _follow(line: Line, room: Room, seq: Array, x: int, nb: int) -> None:
    """`behind[k + 1, i]`: when the job behind `x` ends if `x` is put behind place `i` (only needed with setups)."""
    p, f, g = line.seconds, room.ends, room.behind
    for i in range(nb):
        g[0, i] = line.release[seq[i + 1]]
    for k in range(p.shape[1]):
        above, row, own, setup = g[k], g[k + 1], f[k + 1], line.out[x, k]
        for i in range(nb):
            j = np.uint64(seq[i + 1])
            row[i] = np.int32(max(above[i], own[i] + setup[j]) + p[j, k])


@lean
def _start_lanes(line: Line, room: Room, seq: Array, x: int, nb: int) -> None:
    """`entry[i]`: tardiness at the moment at which the lane of place `i` is entered."""
    m = line.seconds.shape[1]
    for i in range(nb + 1):
        late = room.ends[m, i] - line.due[x]
        room.entry[i] = room.late[i] + (line.weight[x] * late if late > 0 else 0)
        if line.setups and i < nb:
            j = seq[i + 1]
            late = room.behind[m, i] - line.due[j]
            room.entry[i] += line.weight[j] * late if late > 0 else 0


@lean
def _step(line: Line, room: Room, before: int, j: int) -> None:
    """One job on all machines in all lanes."""
    p, c, late_to = line.seconds, room.lanes, room.lane_late
    m = p.shape[1]
    for lane in range(LANES):
        c[np.uint64(lane)] = line.release[j]
    if line.setups:
        for k in range(m):
            o, own, setup = np.uint64(k) * _LANES, p[j, k], line.arc[before, j, k]
            for lane in range(LANES):
                at = o + np.uint64(lane)
                c[at + _LANES] = np.int32(max(c[at], np.int32(c[at + _LANES] + setup)) + own)
    else:
        for k in range(m):
            o, own = np.uint64(k) * _LANES, p[j, k]
            for lane in range(LANES):
                at = o + np.uint64(lane)
                c[at + _LANES] = np.int32(max(c[at], c[at + _LANES]) + own)
    o, due, weight = np.uint64(m) * _LANES, line.due[j], line.weight[j]
    for lane in range(LANES):
        late_to[np.uint64(lane)] += max(c[o + np.uint64(lane)] - due, 0) * weight


@lean
def _hopeless(line: Line, room: Room, i: int, nb: int, lanes: int, limit: int) -> bool:
    """True if no lane can end below `limit`.

    Ends only grow with the ends they build on, so each lane will be late by at least what the sequence without the new job
    will be, and by the least delay over the machines more for each job that is late already.
    """
    c, h, delay = room.lanes, room.heads, room.lane_delay
    to_come, weight = room.late[nb] - room.late[i], room.late_weight[nb] - room.late_weight[i]
    if line.even:
        for lane in range(LANES):
            delay[np.uint64(lane)] = c[_LANES + np.uint64(lane)] - h[0, i]
        for k in range(1, h.shape[0]):
            o, own = np.uint64(k + 1) * _LANES, h[k, i]
            for lane in range(LANES):
                at = np.uint64(lane)
                delay[at] = min(delay[at], np.int32(c[o + at] - own))
    else:
        delay[:] = 0
    for lane in range(lanes):
        if room.lane_late[lane] + to_come + delay[lane] * weight < limit:
            return False
    return True


@lean
def _block(line: Line, room: Room, seq: Array, nb: int, first: int, lanes: int, lag: int, limit: int) -> bool:
    """Works the places from `first` on out to the end of the sequence; false if it was given up, since none is below `limit`.

    A lane is entered behind its new job, and with setups (`lag`) behind the job after it, whose setup is its own.
    """
    c, h = room.lanes, room.behind if lag else room.ends
    for i in range(first + 1 + lag, nb + 1):
        lane = i - 1 - lag - first
        if lane < lanes:
            for k in range(1, h.shape[0]):
                c[k * LANES + lane] = h[k, lane + first]
            room.lane_late[lane] = room.entry[lane + first]
        elif (i & 7) == 0 and _hopeless(line, room, i - 1, nb, lanes, limit):
            return False
        _step(line, room, seq[i - 1], seq[i])
    for lane in range(max(0, nb - lag - first), lanes):
        room.lane_late[lane] = room.entry[lane + first]
    return True


@lean
def _scan_tardiness(line: Line, room: Room, chance: Array, seq: Array, x: int, nb: int, limit: int) -> tuple[Any, int]:
    """The least weighted tardiness with `x` put in, and behind which place; `limit` and -1 if it is above `limit`."""
    lag = 0
    _enter(line, room, seq, x, nb)
    if line.setups:
        lag = 1
        _follow(line, room, seq, x, nb)
    _start_lanes(line, room, seq, x, nb)
    best, place, ties = limit, -1, 0
    for block in range(nb // LANES, -1, -1):
        first = block * LANES
        lanes = min(LANES, nb + 1 - first)
        if not _block(line, room, seq, nb, first, lanes, lag, best + 1):
            continue
        for lane in range(lanes):
            total = room.lane_late[lane]
            if total > best:
                continue
            ties = ties + 1 if total == best else 1
            best = total
            if below(chance, ties) == 0:
                place = lane + first
    return best, place


@lean
def _take(line: Line, room: Room, seq: Array, nb: int, i: int) -> int:
    """Takes the job at place `i` out, and notes which heads and tails stay as they are; returns it."""
    x = seq[i]
    for t in range(i, nb + 1):
        seq[t] = seq[t + 1]
    room.known[0] = min(room.known[0], i - 1)
    room.known[1] = max(room.known[1], i + 1 + line.seconds.shape[0] - nb)
    return int(x)


@lean
def _put(line: Line, room: Room, seq: Array, nb: int, i: int, x: int) -> None:
    """Puts a job behind place `i`, and notes which heads and tails stay as they are."""
    for t in range(nb + 1, i, -1):
        seq[t + 1] = seq[t]
    seq[i + 1] = x
    room.known[0] = min(room.known[0], i)
    room.known[1] = max(room.known[1], i + 1 + line.seconds.shape[0] - nb)


@lean
def scan(line: Line, room: Room, chance: Array, seq: Array, x: int, nb: int, limit: int) -> tuple[Any, int]:
    """Objective and place of the best insertion of `x` into a sequence of `nb` jobs.

    `room.known` says up to which place heads, and from which column tails, are those of the sequence. With tardiness the
    place is -1 if there is none up to `limit`.
    """
    known = room.known
    if known[0] < nb:
        _heads(line, room, seq, known[0] + 1, nb)
        known[0] = nb
    if line.tardy:
        return _scan_tardiness(line, room, chance, seq, x, nb, limit)
    shift = line.seconds.shape[0] - nb
    if known[1] > 1 + shift:
        _tails(line, room, seq, nb, shift, 1, known[1] - 1 - shift)
        known[1] = 1 + shift
    return _scan_makespan(line, room, chance, seq, x, nb, shift)


@lean
def forget(line: Line, room: Room) -> None:
    """Heads and tails in `room` belong to another sequence."""
    room.known[0], room.known[1] = 0, line.seconds.shape[0] + 1


@lean
def build(line: Line, room: Room, chance: Array, jobs: Array, seq: Array) -> Any:
    """NEH (Nawaz, Enscore and Ham 1983): each of `jobs` in turn at its best place; returns the objective."""
    forget(line, room)
    value = np.int64(0)
    for nb in range(jobs.shape[0]):
        value, i = scan(line, room, chance, seq, jobs[nb], nb, _FAR)
        _put(line, room, seq, nb, i, jobs[nb])
    return value


@lean
def evaluate(line: Line, room: Room, seq: Array) -> Any:
    """The objective of a whole sequence by the plain recursion."""
    n, m = line.seconds.shape
    _heads(line, room, seq, 1, n)
    return np.int64(room.late[n]) if line.tardy else np.int64(room.heads[m - 1, n])


@lean
def polish(line: Line, room: Room, chance: Array, seq: Array, value: int, patience: int) -> tuple[Any, int]:
    """Takes jobs out and puts them back at their best place, until `patience` of them in a row gained nothing.

    Returns the objective and the number of scans.
    """
    n, deck = line.seconds.shape[0], room.deck
    idle, scans, at = 0, 0, n
    while idle < patience:
        if at >= n:
            for t in range(n):
                deck[t] = seq[t + 1]
            for t in range(n - 1, 0, -1):
                s = below(chance, t + 1)
                deck[t], deck[s] = deck[s], deck[t]
            at = 0
        x = deck[at]
        at += 1
        i = 1
        while seq[i] != x:
            i += 1
        _take(line, room, seq, n, i)
        found, place = scan(line, room, chance, seq, x, n - 1, value)
        scans += 1
        idle += 1
        if place < 0 or found > value:
            place = i - 1
        elif found < value:
            idle, value = 0, found
        _put(line, room, seq, n - 1, place, x)
    return value, scans


@lean
def shake(line: Line, room: Room, chance: Array, seq: Array, count: int) -> Any:
    """Destruction and construction: `count` jobs are taken out by chance and put back one by one, each at its best place."""
    n, gone = line.seconds.shape[0], room.gone
    for t in range(count):
        gone[t] = _take(line, room, seq, n - t, 1 + below(chance, n - t))
    value = np.int64(0)
    for t in range(count):
        nb = n - count + t
        value, i = scan(line, room, chance, seq, gone[t], nb, _FAR)
        _put(line, room, seq, nb, i, gone[t])
    return value


@lean
def _warmth(line: Line, state: Array, greed: Greed) -> float:
    """How much worse a sequence may be in the mean and still be gone on from.

    For tardiness it falls in each cycle of scans, and every cycle is twice as long as the one before: how deep the valleys
    are grows with how late the jobs are.
    """
    if not line.tardy:
        return greed.heat * greed.scale
    if state[CYCLE] >= state[LENGTH]:
        state[CYCLE] = 0
        state[LENGTH] *= 2
    hot = greed.heat * math.sqrt(greed.scale * state[BEST] / line.seconds.shape[0])
    return hot * math.pow(greed.fading, state[CYCLE] / state[LENGTH])


@jit
def advance(line: Line, room: Room, chance: Array, current: Array, best: Array, state: Array, until: int, greed: Greed) -> None:
    """Iterated greedy until `until` scans are done in all."""
    seq = room.sequence
    while state[DONE] < until:
        seq[:] = current
        forget(line, room)
        scans = greed.least + below(chance, greed.most - greed.least + 1)
        value = shake(line, room, chance, seq, scans)
        if greed.patience > 0:
            value, more = polish(line, room, chance, seq, value, greed.patience)
            scans += more
        state[DONE] += scans
        state[CYCLE] += scans
        warmth = _warmth(line, state, greed)
        worse = value - state[CURRENT]
        if worse <= 0 or (warmth > 0 and below(chance, 1 << 30) < math.exp(-worse / warmth) * (1 << 30)):
            state[CURRENT] = value
            current[:] = seq
            if value < state[BEST]:
                state[BEST] = value
                best[:] = seq
