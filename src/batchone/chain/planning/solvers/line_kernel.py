"""Compiled kernels of the line on which nobody passes: one order of the jobs on all machines.

Places of a sequence are counted from 1; place 0 holds `n`, which means "nothing before", and the place after the last holds
`n` too. A *scan* takes one job that is not in the sequence and finds what the objective is for each place it may be put in:

* makespan: heads and tails of the sequence (Taillard 1990), extended to setups; a scan is O(nm);
* tardiness: LANES places are worked out side by side. Once a lane has passed the place of its job, all lanes process the
  same jobs, so that a processor with vector instructions does many at once; a block of places is given up as soon as no
  place in it can beat what is already known.

Around the scans stands an iterated greedy search (Ruiz and Stützle 2007, 2008). All times are whole seconds in 32 bits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LANES = 64
"""How many places are worked out side by side: wide enough for the loops over it to become vector instructions."""
_LANES = np.uint64(LANES)
_FAR = np.int64(1) << 60

CURRENT, BEST, DONE = 0, 1, 2
"""Places in `state`: objective of the current and of the best sequence, and scans done."""


@njit(cache=True, nogil=True)
def below(chance, limit):
    """A number from 0 to `limit - 1` (xorshift64*)."""
    s = chance[0]
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    chance[0] = s
    high = (s * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)
    return np.int64((high * np.uint64(limit)) >> np.uint64(31))


@njit(cache=True, nogil=True)
def _heads(data, room, seq, first, last):
    """Ends of the jobs at places `first` to `last` on each machine, and the tardiness up to there."""
    p, release, due, weight, arc, _, _, has_setups = data
    h, tp, wl = room[0], room[2], room[3]
    m = p.shape[1]
    for i in range(first, last + 1):
        j, before = seq[i], seq[i - 1]
        end = release[j]
        for k in range(m):
            free = h[k, i - 1]
            if has_setups:
                free += arc[before, j, k]
            end = np.int32((free if free > end else end) + p[j, k])
            h[k, i] = end
        late = end - due[j]
        tp[i] = tp[i - 1] + (weight[j] * late if late > 0 else 0)
        wl[i] = wl[i - 1] + (weight[j] if late > 0 else 0)


@njit(cache=True, nogil=True)
def _tails(data, room, seq, nb, shift, first, last):
    """Longest ways from the starts at places `last` down to `first` to the end of all; column = place + `shift`."""
    p, release, _, _, arc, _, _, has_setups = data
    q, rest = room[1], room[4]
    m = p.shape[1]
    for i in range(last, first - 1, -1):
        j, after = seq[i], seq[i + 1]
        col = i + shift
        way = np.int32(0)
        for k in range(m - 1, -1, -1):
            behind = q[k, col + 1]
            if has_setups and i < nb:
                behind += arc[j, after, k]
            way = np.int32((behind if behind > way else way) + p[j, k])
            q[k, col] = way
        rest[col] = max(rest[col + 1], release[j] + way)


@njit(cache=True, nogil=True)
def _enter(data, room, seq, x, nb):
    """`f[k, i]`: when job `x` ends on machine `k` if it is put behind place `i`."""
    p, release, _, _, _, into, _, has_setups = data
    h, f = room[0], room[5]
    m = p.shape[1]
    for i in range(nb + 1):
        f[0, i] = release[x]
    for k in range(m):
        head, above, row, own = h[k], f[k], f[k + 1], p[x, k]
        if has_setups:
            setup = into[x, k]
            for i in range(nb + 1):
                row[i] = np.int32(max(above[i], head[i] + setup[np.uint64(seq[i])]) + own)
        else:
            for i in range(nb + 1):
                row[i] = np.int32(max(above[i], head[i]) + own)


@njit(cache=True, nogil=True)
def _scan_makespan(data, room, chance, seq, x, nb, shift):
    """The least makespan with `x` put in, and behind which place.

    Of equal places the one is taken whose ways through the new job are shortest in sum over the machines.
    """
    p, _, _, _, _, _, out, has_setups = data
    q, rest, f, v, u = room[1], room[4], room[5], room[6], room[7]
    m = p.shape[1]
    _enter(data, room, seq, x, nb)
    for i in range(nb + 1):
        v[i] = rest[i + 1 + shift]
        u[i] = 0
    for k in range(m):
        row, tail = f[k + 1], q[k, 1 + shift :]
        if has_setups:
            setup = out[x, k]
            for i in range(nb + 1):
                way = np.int32(row[i] + tail[i] + setup[np.uint64(seq[i + 1])])
                v[i] = max(v[i], way)
                u[i] += way
        else:
            for i in range(nb + 1):
                way = np.int32(row[i] + tail[i])
                v[i] = max(v[i], way)
                u[i] += way
    place, ties = 0, 1
    for i in range(1, nb + 1):
        if v[i] < v[place] or (v[i] == v[place] and u[i] < u[place]):
            place, ties = i, 1
        elif v[i] == v[place] and u[i] == u[place]:
            ties += 1
            if below(chance, ties) == 0:
                place = i
    return np.int64(v[place]), place


@njit(cache=True, nogil=True)
def _follow(data, room, seq, x, nb):
    """`g[k, i]`: when the job behind `x` ends if `x` is put behind place `i` (only needed with setups)."""
    p, release, _, _, _, _, out, _ = data
    f, g = room[5], room[8]
    m = p.shape[1]
    for i in range(nb):
        g[0, i] = release[seq[i + 1]]
    for k in range(m):
        above, row, own, setup = g[k], g[k + 1], f[k + 1], out[x, k]
        for i in range(nb):
            j = np.uint64(seq[i + 1])
            row[i] = np.int32(max(above[i], own[i] + setup[j]) + p[j, k])


@njit(cache=True, nogil=True)
def _start_lanes(data, room, seq, x, nb):
    """`a[i]`: tardiness at the moment at which the lane of place `i` is entered."""
    _, _, due, weight, _, _, _, has_setups = data
    tp, f, g, a = room[2], room[5], room[8], room[9]
    m = f.shape[0] - 1
    for i in range(nb + 1):
        late = f[m, i] - due[x]
        a[i] = tp[i] + (weight[x] * late if late > 0 else 0)
        if has_setups and i < nb:
            j = seq[i + 1]
            late = g[m, i] - due[j]
            a[i] += weight[j] * late if late > 0 else 0


@njit(cache=True, nogil=True)
def _step(data, c, acc, before, j):
    """One job on all machines in all lanes."""
    p, release, due, weight, arc, _, _, has_setups = data
    m = p.shape[1]
    for l in range(LANES):
        c[np.uint64(l)] = release[j]
    if has_setups:
        for k in range(m):
            o, own, setup = np.uint64(k) * _LANES, p[j, k], arc[before, j, k]
            for l in range(LANES):
                at = o + np.uint64(l)
                c[at + _LANES] = np.int32(max(c[at], np.int32(c[at + _LANES] + setup)) + own)
    else:
        for k in range(m):
            o, own = np.uint64(k) * _LANES, p[j, k]
            for l in range(LANES):
                at = o + np.uint64(l)
                c[at + _LANES] = np.int32(max(c[at], c[at + _LANES]) + own)
    o, until, w = np.uint64(m) * _LANES, due[j], weight[j]
    for l in range(LANES):
        late = c[o + np.uint64(l)] - until
        acc[np.uint64(l)] += max(late, 0) * w


@njit(cache=True, nogil=True)
def _hopeless(room, c, acc, gap, i, nb, lanes, limit, shifts):
    """True if no lane can end below `limit`.

    Ends only grow with the ends they build on, so each lane will be late by at least what the sequence without the new job
    will be, and by the least delay over the machines more for each job that is late already.
    """
    h, tp, wl = room[0], room[2], room[3]
    m = h.shape[0]
    to_come, late_weight = tp[nb] - tp[i], wl[nb] - wl[i]
    if shifts:
        for l in range(LANES):
            gap[np.uint64(l)] = c[_LANES + np.uint64(l)] - h[0, i]
        for k in range(1, m):
            o, own = np.uint64(k + 1) * _LANES, h[k, i]
            for l in range(LANES):
                at = np.uint64(l)
                gap[at] = min(gap[at], np.int32(c[o + at] - own))
        for l in range(lanes):
            if acc[l] + to_come + gap[l] * late_weight < limit:
                return False
        return True
    for l in range(lanes):
        if acc[l] + to_come < limit:
            return False
    return True


@njit(cache=True, nogil=True)
def _scan_tardiness(data, room, chance, seq, x, nb, limit, shifts):
    """The least weighted tardiness with `x` put in, and behind which place; at least `limit` and -1 if none is below it."""
    has_setups = data[7]
    f, g, a, c, acc, gap = room[5], room[8], room[9], room[10], room[11], room[12]
    m = f.shape[0] - 1
    _enter(data, room, seq, x, nb)
    lag = 0
    entry = f
    if has_setups:
        lag, entry = 1, g
        _follow(data, room, seq, x, nb)
    _start_lanes(data, room, seq, x, nb)
    best, place, ties = limit, -1, 1
    for block in range(nb // LANES, -1, -1):
        q = block * LANES
        lanes = min(LANES, nb + 1 - q)
        alive = True
        for i in range(q + 1 + lag, nb + 1):
            l = i - 1 - lag - q
            if l < lanes:
                for k in range(1, m + 1):
                    c[k * LANES + l] = entry[k, l + q]
                acc[l] = a[l + q]
            elif (i & 7) == 0 and _hopeless(room, c, acc, gap, i - 1, nb, lanes, best + 1, shifts):
                alive = False
                break
            _step(data, c, acc, seq[i - 1], seq[i])
        if not alive:
            continue
        for l in range(lanes):
            total = a[l + q] if l + q + 1 + lag > nb else acc[l]
            if total < best:
                best, place, ties = total, l + q, 1
            elif total == best and place >= 0:
                ties += 1
                if below(chance, ties) == 0:
                    place = l + q
    return best, place


@njit(cache=True, nogil=True)
def _take(seq, nb, i):
    """Takes the job at place `i` out; returns it."""
    x = seq[i]
    for t in range(i, nb + 1):
        seq[t] = seq[t + 1]
    return x


@njit(cache=True, nogil=True)
def _put(seq, nb, i, x):
    """Puts a job behind place `i`."""
    for t in range(nb + 1, i, -1):
        seq[t + 1] = seq[t]
    seq[i + 1] = x


@njit(cache=True, nogil=True)
def _best_place(data, room, chance, by_tardiness, shifts, seq, x, nb, known, limit):
    """Objective and place of the best insertion of `x`; `known` holds up to where heads and from where tails are valid."""
    if known[0] < nb:
        _heads(data, room, seq, known[0] + 1, nb)
        known[0] = nb
    if by_tardiness:
        return _scan_tardiness(data, room, chance, seq, x, nb, limit, shifts)
    shift = data[0].shape[0] - nb
    if known[1] > 1 + shift:
        _tails(data, room, seq, nb, shift, 1, known[1] - 1 - shift)
        known[1] = 1 + shift
    return _scan_makespan(data, room, chance, seq, x, nb, shift)


@njit(cache=True, nogil=True)
def _removed(known, n, nb, i):
    """What stays valid when the job at place `i` of `nb` is taken out."""
    known[0] = min(known[0], i - 1)
    known[1] = max(known[1], i + 1 + n - nb)


@njit(cache=True, nogil=True)
def _inserted(known, n, nb, i):
    """What stays valid when a job was put behind place `i`, which makes it `nb` jobs."""
    known[0] = min(known[0], i)
    known[1] = max(known[1], i + 2 + n - nb)


@njit(cache=True, nogil=True)
def build(data, room, chance, by_tardiness, shifts, jobs, seq, known):
    """NEH (Nawaz, Enscore and Ham 1983): each of `jobs` in turn at its best place; returns the objective."""
    n = data[0].shape[0]
    value = np.int64(0)
    for nb in range(n):
        value, i = _best_place(data, room, chance, by_tardiness, shifts, seq, jobs[nb], nb, known, _FAR)
        _put(seq, nb, i, jobs[nb])
        _inserted(known, n, nb + 1, i)
    return value


@njit(cache=True, nogil=True)
def evaluate(data, room, seq, by_tardiness):
    """The objective of a whole sequence by the plain recursion."""
    p = data[0]
    n, m = p.shape
    _heads(data, room, seq, 1, n)
    return np.int64(room[2][n]) if by_tardiness else np.int64(room[0][m - 1, n])


@njit(cache=True, nogil=True)
def _polish(data, room, chance, by_tardiness, shifts, seq, nb, known, value, deck, patience, where):
    """Takes jobs out and puts them back at their best place, until `patience` of them in a row gained nothing.

    Returns the objective and the number of scans.
    """
    n = data[0].shape[0]
    idle, scans, at = 0, 0, nb
    while idle < patience:
        if at >= nb:
            for t in range(nb):
                deck[t] = seq[t + 1]
            for t in range(nb - 1, 0, -1):
                s = below(chance, t + 1)
                deck[t], deck[s] = deck[s], deck[t]
            at = 0
        x = deck[at]
        at += 1
        i = 1
        while seq[i] != x:
            i += 1
        _take(seq, nb, i)
        _removed(known, n, nb, i)
        found, place = _best_place(data, room, chance, by_tardiness, shifts, seq, x, nb - 1, known, value)
        scans += 1
        idle += 1
        if place < 0 or found > value:
            place = i - 1
        elif found < value:
            idle, value = 0, found
        _put(seq, nb - 1, place, x)
        _inserted(known, n, nb, place)
    return value, scans


@njit(cache=True, nogil=True)
def _shake(data, room, chance, by_tardiness, shifts, seq, known, out, drop, partial, deck):
    """Destruction and construction: `drop` jobs are taken out by chance and put back one by one, each at its best place."""
    n = data[0].shape[0]
    for t in range(drop):
        i = 1 + below(chance, n - t)
        out[t] = _take(seq, n - t, i)
        _removed(known, n, n - t, i)
    scans = 0
    if partial > 0:
        if known[0] < n - drop:
            _heads(data, room, seq, known[0] + 1, n - drop)
            known[0] = n - drop
        value = np.int64(room[2][n - drop]) if by_tardiness else np.int64(room[0][data[0].shape[1] - 1, n - drop])
        _, scans = _polish(
            data, room, chance, by_tardiness, shifts, seq, n - drop, known, value, deck, min(partial, n - drop), 0
        )
    value = np.int64(0)
    for t in range(drop):
        nb = n - drop + t
        value, i = _best_place(data, room, chance, by_tardiness, shifts, seq, out[t], nb, known, _FAR)
        _put(seq, nb, i, out[t])
        _inserted(known, n, nb + 1, i)
    return value, scans + drop


@njit(cache=True, nogil=True)
def advance(
    data, room, chance, by_tardiness, shifts, current, best, state, known, until, least, most, partial, patience, warmth
):
    """Iterated greedy until `until` scans are done in all; `warmth`: mean worsening that is still accepted at times."""
    n = data[0].shape[0]
    seq, deck, out = room[13], room[14], room[15]
    while state[DONE] < until:
        for t in range(n + 2):
            seq[t] = current[t]
        # Heads and tails in `room` belong to another sequence.
        known[0], known[1] = 0, n + 1
        gone = least + below(chance, most - least + 1)
        value, scans = _shake(data, room, chance, by_tardiness, shifts, seq, known, out, gone, partial, deck)
        if patience > 0:
            value, more = _polish(data, room, chance, by_tardiness, shifts, seq, n, known, value, deck, patience, 0)
            scans += more
        state[DONE] += scans
        worse = value - state[CURRENT]
        if worse <= 0 or (warmth > 0 and below(chance, 1 << 30) < math.exp(-worse / warmth) * (1 << 30)):
            state[CURRENT] = value
            for t in range(n + 2):
                current[t] = seq[t]
            if value < state[BEST]:
                state[BEST] = value
                for t in range(n + 2):
                    best[t] = seq[t]
