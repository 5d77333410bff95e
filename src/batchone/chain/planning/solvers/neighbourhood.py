"""Which operations a window holds, and what the rest of the schedule leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from batchone.chain.planning.compiled import NO_KEY, Compiled, groups
from batchone.chain.planning.model import NEVER, Measure
from batchone.chain.planning.schedule import Schedule

_BESIDE = 60
"""A window with more operations of others between its own on one track is not worth asking for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a track leaves a window: when it is free and at which key, what stands in between, and until when."""

    free_s: int
    key: int
    between: tuple[int, ...] = ()
    until_s: int = NEVER


@dataclass(frozen=True, slots=True)
class Window:
    """Operations to be ordered anew; all others stay.

    `begin`, `latest_end`: what the operations outside allow. `off`: seconds from an operation's end to the end of its job,
    if nothing behind it in the window is of its job. `gates`: per (resource, track). `whole`: nothing movable is outside.
    """

    operations: tuple[int, ...]
    begin: dict[int, int]
    latest_end: dict[int, int]
    off: dict[int, int]
    gates: dict[tuple[int, int], Gate]
    whole: bool

    @property
    def crowded(self) -> bool:
        """Too much of others stands between."""
        return any(len(gate.between) > _BESIDE for gate in self.gates.values())


class Neighbourhoods:
    """Draws windows from a schedule: jobs that follow each other, a stretch of time, or one group of resources.

    Half of the windows hold a late job, the costlier the likelier.
    """

    def __init__(self, compiled: Compiled, chance: Random) -> None:
        self.c = compiled
        self.chance = chance
        self.group = groups(compiled.options, compiled.m)
        self.movable = [i for i in range(compiled.n) if i not in compiled.heads]

    def draw(self, schedule: Schedule, size: int) -> Window:
        """A window of about `size` operations."""
        movable = self.movable
        if len(movable) <= size:
            return self._window(schedule, movable, whole=True)
        anchor = self._waiting_in_late_job(schedule) if self.chance.random() < 0.5 else None
        if anchor is None:
            anchor = self.chance.choice(movable)
        match self.chance.choices(("jobs", "time", "group"), (3, 1, 1))[0]:
            case "jobs":
                return self._window(schedule, self._jobs_around(schedule, anchor, size))
            case "group":
                group = self.group[schedule.resource[anchor]]
                pool = [i for i in movable if self.group[schedule.resource[i]] == group]
            case _:
                pool = list(movable)
        return self._window(schedule, self._stretch(schedule, pool, anchor, size))

    def _stretch(self, schedule: Schedule, pool: list[int], anchor: int, size: int) -> list[int]:
        """Operations of a pool that start around an anchor's start."""
        pool.sort(key=lambda i: (schedule.start[i], schedule.end[i], i))
        first = pool.index(anchor) - int(size * self.chance.uniform(0.3, 0.9))
        first = max(0, min(first, len(pool) - size))
        return pool[first : first + size]

    def _jobs_around(self, schedule: Schedule, anchor: int, size: int) -> list[int]:
        """All operations of the jobs that begin around the job of an anchor."""
        members: dict[int, list[int]] = {}
        for i in self.movable:
            members.setdefault(self.c.job[i], []).append(i)
        order = sorted(members, key=lambda j: (min(schedule.start[i] for i in members[j]), j))
        at = order.index(self.c.job[anchor])
        inside = list(members[order[at]])
        left, right = at - 1, at + 1
        while len(inside) < size and (left >= 0 or right < len(order)):
            # The job before takes part more often: it holds what the anchor waits for.
            if left >= 0 and (right == len(order) or self.chance.random() < 0.6):
                inside += members[order[left]]
                left -= 1
            else:
                inside += members[order[right]]
                right += 1
        return inside

    def _waiting_in_late_job(self, schedule: Schedule) -> int | None:
        """An operation of a late job, likelier the costlier the job and the longer the operation waited."""
        c = self.c
        cost: dict[int, int] = {}
        for j, end in enumerate(schedule.job_ends()):
            due = c.due[j]
            if end is not None and due is not None and end > due and c.weight[j]:
                cost[j] = c.weight[j] * (end - due)
        if not cost:
            return None
        late = self.chance.choices(list(cost), list(cost.values()))[0]
        own = [i for i in self.movable if c.job[i] == late]
        if not own:
            return None
        return self.chance.choices(own, [1 + max(0, schedule.start[i] - schedule.ready(i)) for i in own])[0]

    def _window(self, schedule: Schedule, inside: list[int], *, whole: bool = False) -> Window:
        c = self.c
        chosen = set(inside)
        latest = self._latest_ends(schedule, chosen)
        begin = {i: max([c.ready[i], *(schedule.end[p] for p in c.preds[i] if p not in chosen)]) for i in inside}
        off: dict[int, int] = {}
        ends = schedule.job_ends()
        for i in inside:
            end = ends[c.job[i]]
            if end is not None and not any(s in chosen and c.job[s] == c.job[i] for s in c.succs[i]):
                off[i] = end - schedule.end[i]
        gates = self._gates(schedule, chosen, latest, begin)
        return Window(tuple(inside), begin, {i: latest[i] for i in inside}, off, gates, whole)

    def _latest_ends(self, schedule: Schedule, chosen: set[int]) -> list[int]:
        """Per operation, the latest end that costs nothing outside the window."""
        c = self.c
        latest = self._limits(schedule, chosen)
        follower: dict[tuple[int, int], int] = {}
        for i in sorted(range(c.n), key=lambda i: (schedule.start[i], schedule.end[i], i), reverse=True):
            for s in c.succs[i]:
                if s not in chosen:
                    latest[i] = min(latest[i], latest[s] - (schedule.end[s] - schedule.start[s]))
            if i in chosen:
                continue
            place = (schedule.resource[i], schedule.track[i])
            after = follower.get(place)
            if after is not None:
                length = schedule.end[after] - schedule.start[after] + schedule.need[after]
                latest[i] = min(latest[i], latest[after] - length)
            follower[place] = i
        return latest

    def _limits(self, schedule: Schedule, chosen: set[int]) -> list[int]:
        """The latest end of each operation that makes nothing worse; the window itself judges jobs that are all in it."""
        c = self.c
        whole = max(schedule.end, default=0)
        if c.problem.aim[:1] == (Measure.MAKESPAN,):
            return [whole] * c.n
        partly = {c.job[i] for i in self.movable if i not in chosen}
        ends = schedule.job_ends()
        limit = [NEVER if j not in partly else whole if due is None else max(due, ends[j] or 0) for j, due in enumerate(c.due)]
        return [limit[j] for j in c.job]

    def _gates(
        self, schedule: Schedule, chosen: set[int], latest: list[int], begin: dict[int, int]
    ) -> dict[tuple[int, int], Gate]:
        c = self.c
        low: dict[int, int] = {}
        top: dict[int, int] = {}
        for i in chosen:
            group = self.group[schedule.resource[i]]
            low[group] = min(begin[i], schedule.start[i], low.get(group, NEVER))
            top[group] = max(schedule.end[i], top.get(group, 0))
        gates = {
            (r, k): Gate(c.free0[r][k], c.key0[r][k]) for r in range(c.m) for k in range(c.positions[r]) if self.group[r] in low
        }
        for i in sorted(self.movable, key=lambda i: (schedule.start[i], schedule.end[i], i)):
            place = (schedule.resource[i], schedule.track[i])
            gate = gates.get(place)
            if i in chosen or gate is None or gate.until_s < NEVER:
                continue
            group = self.group[place[0]]
            if schedule.end[i] <= low[group]:
                key = gate.key if c.key[i] == NO_KEY else c.key[i]
                gates[place] = Gate(schedule.end[i], key)
            elif schedule.start[i] < top[group]:
                gates[place] = Gate(gate.free_s, gate.key, (*gate.between, i))
            else:
                length = schedule.end[i] - schedule.start[i]
                until = latest[i] - length - schedule.need[i]
                gates[place] = Gate(gate.free_s, gate.key, gate.between, until)
        return gates
