"""Which operations a window holds, and what the rest of the schedule leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from batchone.chain.planning.compiled import NO_KEY, Compiled, groups
from batchone.chain.planning.model import NEVER, Measure
from batchone.chain.planning.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a track stands when the window begins, and by when the first operation behind the window must begin."""

    free_s: int
    key: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Window:
    """Operations to be ordered anew; all others stay.

    `begin`, `latest_end`: what the operations outside allow. `off`: seconds from an operation's end to the end of its job,
    if nothing behind it in the window is of its job. `entrances`: per (resource, track). `whole`: nothing movable is
    outside.
    """

    operations: tuple[int, ...]
    begin: dict[int, int]
    latest_end: dict[int, int]
    off: dict[int, int]
    entrances: dict[tuple[int, int], Entrance]
    whole: bool


class Neighbourhoods:
    """Draws windows from a schedule: a stretch of time, a group of resources, or what a late job waits for."""

    def __init__(self, compiled: Compiled, chance: Random) -> None:
        self.c = compiled
        self.chance = chance
        self.group = groups(compiled.options, compiled.m)

    def draw(self, schedule: Schedule, size: int) -> Window:
        """A window of about `size` operations."""
        movable = [i for i in range(self.c.n) if i not in self.c.heads]
        if len(movable) <= size:
            return self._window(schedule, movable, movable)
        kind = self.chance.random()
        anchor = self._waiting_in_late_job(schedule) if kind < 0.5 else None
        if anchor is None:
            anchor = self.chance.choice(movable)
        whole_floor = kind < 0.25 or kind > 0.75
        group = self.group[schedule.resource[anchor]]
        pool = movable if whole_floor else [i for i in movable if self.group[schedule.resource[i]] == group]
        pool.sort(key=lambda i: (schedule.start[i], schedule.end[i], i))
        at = pool.index(anchor)
        first = max(0, min(at - int(size * self.chance.uniform(0.3, 0.9)), len(pool) - size))
        return self._window(schedule, pool[first : first + size], pool)

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
        own = [i for i, j in enumerate(c.job) if j == late and i not in c.heads]
        if not own:
            return None
        return self.chance.choices(own, [1 + max(0, schedule.start[i] - schedule.ready(i)) for i in own])[0]

    def _window(self, schedule: Schedule, inside: list[int], pool: list[int]) -> Window:
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
        return Window(
            tuple(inside),
            begin,
            {i: latest[i] for i in inside},
            off,
            self._entrances(schedule, chosen, latest, min((schedule.start[i] for i in inside), default=0)),
            whole=len(inside) == len(pool) == c.n - len(c.heads),
        )

    def _latest_ends(self, schedule: Schedule, chosen: set[int]) -> list[int]:
        """Per operation, the latest end that costs nothing, by what is outside a window."""
        c = self.c
        limits = self._limits(schedule)
        # A job that ends through the window is judged by the window's objective instead, as far as that can see it.
        free = self.chance.random() < 0.5 or len(chosen) == c.n - len(c.heads)
        latest = [NEVER if free and i in chosen else limit for i, limit in enumerate(limits)]
        follower: dict[tuple[int, int], int] = {}
        for i in sorted(range(c.n), key=lambda i: (schedule.start[i], schedule.end[i], i), reverse=True):
            for s in c.succs[i]:
                if s not in chosen and not (free and i in chosen and c.job[s] == c.job[i]):
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

    def _limits(self, schedule: Schedule) -> list[int]:
        """The latest end of each operation that makes nothing worse."""
        c = self.c
        whole = max(schedule.end, default=0)
        if c.problem.aim and c.problem.aim[0] is Measure.MAKESPAN:
            return [whole] * c.n
        limit = [whole if due is None else max(due, end or 0) for due, end in zip(c.due, schedule.job_ends(), strict=True)]
        return [limit[j] for j in c.job]

    def _entrances(
        self, schedule: Schedule, chosen: set[int], latest: list[int], first: int
    ) -> dict[tuple[int, int], Entrance]:
        c = self.c
        entrances = {
            (r, k): Entrance(c.free0[r][k], c.key0[r][k], NEVER) for r in range(c.m) for k in range(c.positions[r])
        }
        order = sorted(range(c.n), key=lambda i: (schedule.start[i], schedule.end[i], i))
        position = {i: at for at, i in enumerate(order)}
        begins = min((position[i] for i in chosen), default=0)
        for i in order:
            if i in chosen or i in c.heads:
                continue
            place = (schedule.resource[i], schedule.track[i])
            entrance = entrances[place]
            if position[i] < begins or schedule.start[i] < first:
                key = entrance.key if c.key[i] == NO_KEY else c.key[i]
                entrances[place] = Entrance(schedule.end[i], key, entrance.until_s)
            elif entrance.until_s == NEVER:
                length = schedule.end[i] - schedule.start[i]
                entrances[place] = Entrance(entrance.free_s, entrance.key, latest[i] - length - schedule.need[i])
        return entrances
