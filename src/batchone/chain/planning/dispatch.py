"""List dispatching: whenever something is free, it takes the most urgent operation that is there.

An event-driven, non-delay schedule generation: time goes forward over two kinds of events, an operation becomes ready and
a resource becomes free, and nothing placed is ever moved. Each operation enters the queue of every resource it could be
done on and is taken once, so the work grows with operations times alternatives, not with the square of the orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heappush

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import NEVER
from batchone.chain.planning.replay import duration
from batchone.chain.planning.schedule import Schedule, out_of_time

_CANDIDATES = 6
"""How many operations a free resource looks at before it waits for one that it does best."""


class Urgency(StrEnum):
    """What makes an operation urgent."""

    SLACK = "slack"
    """The least slack: latest start at which the job would still be in time."""
    DUE = "due"
    """The earliest due job."""
    WEIGHT = "weight"
    """The heaviest job, then the least slack."""
    WORK = "work"
    """The most work still behind it (for the makespan)."""


@dataclass(frozen=True, slots=True)
class RuleOfDispatch:
    """How urgency is measured, and how many seconds of it one second of setup outweighs.

    `calm_s`: where setups matter, all that is urgent only later than so many seconds from now counts as equally urgent, so
    that a key is kept while nobody else presses.
    """

    urgency: Urgency = Urgency.SLACK
    setup_weight: int = 4
    calm_s: int = NEVER

    @property
    def name(self) -> str:
        """As it stands in a plan's `produced_by`."""
        return f"dispatch-{self.urgency}-{self.setup_weight}" + (f"-{self.calm_s}" if self.calm_s < NEVER else "")


def dispatch(compiled: Compiled, rule: RuleOfDispatch = RuleOfDispatch(), later: Sequence[int] | None = None) -> Schedule:
    """A complete schedule by one rule; the same input gives the same schedule. `Refused` if calendars run out.

    `later`: seconds by which each job counts as less urgent than the rule says (negative: more urgent).
    """
    return _Floor(compiled, rule, later).run()


def urgencies(compiled: Compiled, urgency: Urgency) -> list[int]:
    """The urgency of each operation in seconds; less is more urgent."""
    c = compiled
    match urgency:
        case Urgency.SLACK:
            return list(c.latest)
        case Urgency.DUE:
            due = [min((d for d in [c.due[j]] if d is not None), default=NEVER >> 1) for j in range(len(c.due))]
            return [due[j] for j in c.job]
        case Urgency.WEIGHT:
            spread = max(c.latest, default=0) - min(c.latest, default=0) + 1
            return [c.latest[i] - c.weight[c.job[i]] * spread for i in range(c.n)]
        case Urgency.WORK:
            return [-tail for tail in c.tail]


class _Floor:
    """The queues and the clock of one run.

    Events are single integers, `time * width + code`: operations' codes come before resources', so that all that is ready
    at a moment is in the queues before anybody takes from them.
    """

    def __init__(self, compiled: Compiled, rule: RuleOfDispatch, later: Sequence[int] | None) -> None:
        c = self.c = compiled
        self.schedule = Schedule(c)
        self.rule = rule
        self.urgency = urgencies(c, rule.urgency)
        if later is not None:
            self.urgency = [urgency + later[j] for urgency, j in zip(self.urgency, c.job, strict=True)]
        order = sorted(range(c.n), key=lambda i: (self.urgency[i], c.latest[i], i))
        self.by_rank = order
        self.rank = [0] * c.n
        for position, i in enumerate(order):
            self.rank[i] = position
        self.width = c.n + c.m
        self.queues: list[dict[int, list[int]]] = [{} for _ in range(c.m)]
        self.idle: list[list[int]] = [[] for _ in range(c.m)]
        self.busy = [[(at, k) for k, at in enumerate(tracks)] for tracks in self.schedule.free]
        for tracks in self.busy:
            heapify(tracks)
        self.woken = [-1] * c.m
        self.taken = [False] * c.n
        self.mortal = [not calendar.cycle for calendar in c.calendar]
        self.patient = True
        self.picky = [self._differs(i) for i in range(c.n)]
        self.ready = list(c.ready)
        self.missing = [len(preds) for preds in c.preds]
        self.events: list[int] = []

    def _differs(self, i: int) -> bool:
        """The choice of resource matters to an operation beyond which of them is free first."""
        c, options = self.c, self.c.options[i]
        if len(options) == 1:
            return False
        r0, d0 = options[0]
        return any(seconds != d0 or c.setup[r] is not None or c.calendar[r] is not c.calendar[r0] for r, seconds in options)

    def run(self) -> Schedule:
        c = self.c
        for i, head in c.heads.items():
            self.taken[i] = True
            self._ended(i, head.end_s)
        for i in range(c.n):
            if not self.missing[i] and not self.taken[i]:
                heappush(self.events, self.ready[i] * self.width + i)
        self._drain()
        # Somebody may have waited for a better place that never came free for it.
        self.patient = False
        while self.schedule.placed < c.n:
            before = self.schedule.placed
            now = max((self.schedule.free[r][k] for r in range(c.m) for k in range(c.positions[r])), default=0)
            for r in range(c.m):
                self._wake(r, now)
            self._drain()
            if self.schedule.placed == before:
                raise out_of_time(c, self.taken.index(False))
        return self.schedule

    def _drain(self) -> None:
        events, width, n = self.events, self.width, self.c.n
        while events:
            now, code = divmod(heappop(events), width)
            if code < n:
                self._arrive(code, now)
            elif self.woken[code - n] == now:
                self._take(code - n, now)

    def _ended(self, i: int, end: int) -> None:
        for s in self.c.succs[i]:
            self.ready[s] = max(self.ready[s], end)
            self.missing[s] -= 1
            if not self.missing[s] and not self.taken[s]:
                heappush(self.events, self.ready[s] * self.width + s)

    def _arrive(self, i: int, now: int) -> None:
        rank, key = self.rank[i], self.c.key[i]
        for r, _ in self.c.options[i]:
            queues = self.queues[r]
            name = key if self.c.setup[r] is not None else 0
            queue = queues.get(name)
            if queue is None:
                queues[name] = [rank]
            else:
                heappush(queue, rank)
            self._wake(r, now if self.idle[r] else max(now, self.busy[r][0][0]))

    def _wake(self, r: int, at: int) -> None:
        """Sees to it that a resource acts at `at`, or when it works next; earlier appointments stand."""
        when = self.c.calendar[r].next_start(at)
        if (self.woken[r] < 0 or when < self.woken[r]) and when < NEVER:
            self.woken[r] = when
            heappush(self.events, when * self.width + self.c.n + r)

    def _take(self, r: int, now: int) -> None:
        """Lets a resource that is free take what it should, as often as it can."""
        busy, idle = self.busy[r], self.idle[r]
        while busy and busy[0][0] <= now:
            heappush(idle, heappop(busy)[1])
        passed: list[int] = []
        again = NEVER
        while idle:
            choice = self._choose(r, now)
            if choice is None:
                break
            i, k = choice
            later = self._better_elsewhere(i, r, k, now) if self.patient and self.picky[i] else None
            if later is None and self._place(i, r, k):
                continue
            heappop(self.queues[r][self.c.key[i] if self.c.setup[r] is not None else 0])
            if later is None:
                continue
            passed.append(i)
            # Looking again every second would cost more than a little idleness.
            again = min(again, max(later, now + 1 + self.c.shortest[i] // 20))
            if len(passed) == _CANDIDATES:
                break
        for i in passed:
            heappush(self.queues[r][self.c.key[i] if self.c.setup[r] is not None else 0], self.rank[i])
        self.woken[r] = -1
        if self._waiting(r):
            self._wake(r, min(again, busy[0][0]) if busy else again)

    def _waiting(self, r: int) -> bool:
        return any(self._first(queue) is not None for queue in self.queues[r].values())

    def _first(self, queue: list[int]) -> int | None:
        """The most urgent operation of a queue that nobody has taken yet."""
        taken, by_rank = self.taken, self.by_rank
        while queue:
            i = by_rank[queue[0]]
            if not taken[i]:
                return i
            heappop(queue)
        return None

    def _choose(self, r: int, now: int) -> tuple[int, int] | None:
        """The operation to take, and the idle track to take it on."""
        queues, idle = self.queues[r], self.idle[r]
        table = self.c.setup[r]
        if table is None:
            i = self._first(queues[0]) if queues else None
            return None if i is None else (i, idle[0])
        track_of: dict[int, int] = {}
        for k in sorted(idle):
            track_of.setdefault(self.schedule.key[r][k], k)
        best: tuple[int, int, int] | None = None
        for key, queue in queues.items():
            i = self._first(queue)
            if i is None:
                continue
            need, k = min((table[at][key], k) for at, k in track_of.items())
            urgency = min(self.urgency[i] - now, self.rule.calm_s)
            score = (urgency + self.rule.setup_weight * need, self.rank[i], k)
            if best is None or score < best:
                best = score
        return None if best is None else (self.by_rank[best[1]], best[2])

    def _better_elsewhere(self, i: int, r: int, k: int, now: int) -> int | None:
        """When a resource that would finish an operation sooner would begin it, if there is one."""
        c, schedule = self.c, self.schedule
        ready = max(self.ready[i], now)
        end = schedule.times(i, r, k, ready, duration(c, i, r))[2]
        found: int | None = None
        for other, seconds in c.options[i]:
            if other == r:
                continue
            tracks = self.idle[other] or ([self.busy[other][0][1]] if self.busy[other] else [])
            hopeful = [k for k in tracks[:_CANDIDATES] if max(ready, schedule.free[other][k]) + seconds < end]
            if not hopeful:
                continue
            top = self._first_of(other, i)
            if top is not None and self.rank[top] < self.rank[i]:
                continue
            for track in hopeful:
                _, begin, sooner, _ = schedule.times(i, other, track, ready, seconds)
                if sooner < end:
                    end, found = sooner, begin
        return found

    def _first_of(self, r: int, i: int) -> int | None:
        """The most urgent operation waiting for a resource, of the key of operation `i` where keys matter."""
        queue = self.queues[r].get(self.c.key[i] if self.c.setup[r] is not None else 0)
        return None if queue is None else self._first(queue)

    def _place(self, i: int, r: int, k: int) -> bool:
        """Puts an operation on a free track; false if the resource has no working time left for it."""
        seconds = duration(self.c, i, r)
        if self.mortal[r] and self.schedule.times(i, r, k, self.ready[i], seconds)[2] >= NEVER:
            return False
        self.taken[i] = True
        idle = self.idle[r]
        if idle[0] == k:
            heappop(idle)
        else:
            idle.remove(k)
            heapify(idle)
        end = self.schedule.append(i, r, k, self.ready[i], seconds)
        heappush(self.busy[r], (end, k))
        self._ended(i, end)
        return True
