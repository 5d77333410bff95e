"""The problem in numbers: ids become indexes, alternatives become (resource, seconds), orders of precedence become lists.

Everything that searches works on this; it is built once a problem, and a compiled search can take the same lists over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batchone.chain.planning.checks import refuse_faults
from batchone.chain.planning.model import NEVER, Alternative, Calendar, Fixed, Operation, Problem, Resource, SetupMatrix
from batchone.kernel.errors import Refused

NO_KEY = -1
"""The setup key of an operation that has none, and of a track whose key is not known."""

Option = tuple[int, int]


class SetupTable(dict[int, "_Row"]):
    """`table[before][after]`: setup seconds between key indexes, worked out when first asked for."""

    def __init__(self, matrix: SetupMatrix, keys: list[str]) -> None:
        super().__init__()
        self._matrix, self._keys = matrix, keys

    def __missing__(self, before: int) -> _Row:
        row = _Row(self._matrix, self._keys, self._keys[before] if before >= 0 else None)
        self[before] = row
        return row

    def __reduce__(self) -> tuple[type[SetupTable], tuple[SetupMatrix, list[str]]]:
        return SetupTable, (self._matrix, self._keys)


class _Row(dict[int, int]):
    def __init__(self, matrix: SetupMatrix, keys: list[str], before: str | None) -> None:
        super().__init__()
        self._matrix, self._keys, self._before = matrix, keys, before

    def __missing__(self, after: int) -> int:
        seconds = self._matrix.seconds(self._before, self._keys[after] if after >= 0 else None)
        self[after] = seconds
        return seconds


@dataclass(frozen=True, slots=True)
class Head:
    """A fixed operation, timed; `also` is resource and track of what it is known to hold, and until when."""

    operation: int
    resource: int
    track: int
    setup_start_s: int
    start_s: int
    end_s: int
    setup_s: int
    also: tuple[tuple[int, int, int], ...] = ()


class Compiled:
    """A checked problem in indexes.

    Per operation: `job`, `options` [(resource, seconds)], `preds`, `succs`, `ready` (release and material), `key`,
    `attended`, `shortest`, `latest` (start at which it is just in time if nothing else is in the way) and `tail` (least
    work from its start to the end of everything behind it). Per resource: `calendar`, `positions`, `setup`, `detached`.
    Per resource and track: `free0`, `key0`, after the fixed operations, which are in `heads`.
    """

    def __init__(self, problem: Problem) -> None:
        refuse_faults(problem)
        self.problem = problem
        self.n, self.m = len(problem.operations), len(problem.resources)
        self._index_resources()
        self._index_operations()
        self._fix_heads()
        self._weigh()

    def _index_resources(self) -> None:
        problem = self.problem
        self.keys = sorted({op.setup_key for op in problem.operations if op.setup_key is not None} | _track_keys(problem))
        self.key_index = {key: i for i, key in enumerate(self.keys)}
        self.resource_index = {resource.id: i for i, resource in enumerate(problem.resources)}
        calendars: dict[str, Calendar] = {}
        for resource in problem.resources:
            calendars.setdefault(resource.calendar, problem.calendar_of(resource))
        self.calendar = [calendars[resource.calendar] for resource in problem.resources]
        self.positions = [resource.positions for resource in problem.resources]
        self.available = [max(resource.available_from_s, 0) for resource in problem.resources]
        tables = {matrix.id: SetupTable(matrix, self.keys) for matrix in problem.setups}
        detached = {matrix.id: matrix.detached for matrix in problem.setups}
        self.setup = [tables[resource.setup] if resource.setup else None for resource in problem.resources]
        self.detached = [detached[resource.setup] if resource.setup else True for resource in problem.resources]
        self.free0 = [[self.available[r]] * self.positions[r] for r in range(self.m)]
        self.key0 = [self._track_keys(resource) for resource in problem.resources]

    def _track_keys(self, resource: Resource) -> list[int]:
        known = [NO_KEY if key is None else self.key_index[key] for key in resource.keys]
        return known + [NO_KEY] * (resource.positions - len(known))

    def _index_operations(self) -> None:
        problem = self.problem
        operations = problem.operations
        self.operation_index = {op.id: i for i, op in enumerate(operations)}
        self.job_index = {job.id: i for i, job in enumerate(problem.jobs)}
        self.job = [self.job_index[op.job] for op in operations]
        resolve = Resolver(problem)
        self.options: list[tuple[Option, ...]] = [resolve(op.alternatives) for op in operations]
        self.power = (
            [self._power(op, options) for op, options in zip(operations, self.options, strict=True)]
            if any(alternative.power_kw for op in operations for alternative in op.alternatives)
            else [(0.0,) * len(options) for options in self.options]
        )
        self.preds = [tuple(self.operation_index[p] for p in op.predecessors) for op in operations]
        self.lags = [_lags(op) for op in operations]
        self.extras = self._has_extras()
        self.succs: list[list[int]] = [[] for _ in range(self.n)]
        for i, preds in enumerate(self.preds):
            for p in preds:
                self.succs[p].append(i)
        release = [max(job.release_s, 0) for job in problem.jobs]
        self.ready = [max(release[self.job[i]], op.earliest_s) for i, op in enumerate(operations)]
        self.key = [NO_KEY if op.setup_key is None else self.key_index[op.setup_key] for op in operations]
        self.attended = [op.attended for op in operations]
        self.shortest = [min((d for _, d in options), default=0) for options in self.options]
        self.topological = topological(self.preds, self.succs)

    def _power(self, op: Operation, options: tuple[Option, ...]) -> tuple[float, ...]:
        """Kilowatts of each option: its own, else that of the class whose seconds hold."""
        resources = self.problem.resources
        found = []
        for r, seconds in options:
            own = [a.power_kw for a in op.alternatives if a.on == resources[r].id]
            by_class = [a.power_kw for a in op.alternatives if a.on in resources[r].classes and a.duration_s == seconds]
            found.append((own or by_class or [0.0])[-1])
        return tuple(found)

    def _has_extras(self) -> bool:
        """There is something that only compiled placing knows: waits, tools, crews, batches, lines without passing."""
        problem = self.problem
        return (
            bool(problem.no_passing)
            or any(op.waits or op.needs or op.batch_key is not None for op in problem.operations)
            or any(matrix.crew for matrix in problem.setups)
        )

    def _fix_heads(self) -> None:
        """Times the fixed operations track by track; refuses those that cannot stand."""
        fixed = [(i, op) for i, op in enumerate(self.problem.operations) if op.fixed is not None]
        self.heads: dict[int, Head] = {}
        faults: list[str] = []
        for i, op in sorted(fixed, key=lambda entry: self._turn_of_head(*entry)):
            head = self._head(i, op)
            fault = self._fault_of_head(head, op)
            if fault:
                faults.append(fault)
            self.heads[i] = head
            self.free0[head.resource][head.track] = head.end_s
            for r, k, until in head.also:
                self.free0[r][k] = max(self.free0[r][k], until)
            if self.key[i] != NO_KEY:
                self.key0[head.resource][head.track] = self.key[i]
        refuse_faults(self.problem, faults)

    def _turn_of_head(self, i: int, op: Operation) -> tuple[int, int, int, int]:
        """Of two that begin at the same second the one that takes no time came first, and the one that was set up sooner."""
        fixed = op.fixed
        assert fixed is not None
        seconds = dict(self.options[i])[self.resource_index[fixed.resource]] if fixed.remaining_s is None else 0
        setup_s = fixed.start_s if fixed.setup_start_s is None else fixed.setup_start_s
        return fixed.start_s, min(1, seconds), setup_s, i

    def _head(self, i: int, op: Operation) -> Head:
        fixed = op.fixed
        assert fixed is not None
        r = self.resource_index[fixed.resource]
        calendar = self.calendar[r]
        if fixed.remaining_s is not None:
            end, needed = self.finish(i, r, self.available[r], fixed.remaining_s), 0
            setup_start = fixed.start_s
        else:
            end = self.finish(i, r, fixed.start_s, dict(self.options[i])[r])
            needed = self.setup_s(r, self.key0[r][fixed.track], self.key[i])
            setup_start = calendar.latest_start(fixed.start_s, needed)
        if fixed.setup_start_s is not None:
            setup_start = fixed.setup_start_s
        return Head(i, r, fixed.track, setup_start, fixed.start_s, end, needed, self._held(op, fixed, i, r, end))

    def _held(self, op: Operation, fixed: Fixed, i: int, r: int, end: int) -> tuple[tuple[int, int, int], ...]:
        """What a fixed operation holds: tools and people to its end, the crew as long as it is set up."""
        until = [end] * len(op.needs)
        if len(fixed.also) > len(op.needs):
            left = 0 if fixed.remaining_s is None else max(0, fixed.remaining_s - dict(self.options[i]).get(r, 0))
            until.append(fixed.start_s if fixed.remaining_s is None else self.finish(i, r, self.available[r], left))
        return tuple((self.resource_index[name], k, to) for (name, k), to in zip(fixed.also, until, strict=False))

    def _fault_of_head(self, head: Head, op: Operation) -> str | None:
        """Why a fixed operation cannot stand where it is fixed, given those before it on its track."""
        r, fixed = head.resource, op.fixed
        assert fixed is not None
        if head.end_s >= NEVER:
            return f"operation {op.id!r} never ends, since {fixed.resource!r} has no working time left"
        if fixed.remaining_s is not None:
            busy = any((other.resource, other.track) == (r, head.track) for other in self.heads.values())
            return f"operation {op.id!r} is running where another is" if busy else None
        if self.calendar[r].next_start(head.start_s) != head.start_s:
            return f"operation {op.id!r} is fixed at a time at which {fixed.resource!r} does not work"
        prepared = self.calendar[r].working(head.setup_start_s, head.start_s)
        taken = [(r, head.track), *((other, k) for other, k, _ in head.also)]
        if head.setup_s > prepared or any(head.setup_start_s < self.free0[other][k] for other, k in taken):
            return f"operation {op.id!r} is fixed where the one before it, or its setup, is not finished"
        ended = [self.heads[p].end_s for p in self.preds[head.operation] if p in self.heads]
        if max(ended, default=0) > head.start_s:
            return f"operation {op.id!r} is fixed before what it waits for has ended"
        return None

    def _weigh(self) -> None:
        jobs = self.problem.jobs
        self.due = [job.due_s for job in jobs]
        self.weight = [job.weight for job in jobs]
        self.tail = [0] * self.n
        for i in reversed(self.topological):
            # What runs already does not wait for what is still before it, whatever the routing says.
            behind = [self.tail[s] + self.lag(i, s) for s in self.succs[i] if s not in self.heads]
            self.tail[i] = self.shortest[i] + max(behind, default=0)
        known = [due for due in self.due if due is not None]
        # Jobs nobody waits for stand behind all that somebody does.
        someday = max([*known, *self.ready, 0]) + max(self.tail, default=0)
        self.latest = [0] * self.n
        for i in reversed(self.topological):
            due = self.due[self.job[i]]
            limit = min((self.latest[s] - self.lag(i, s) for s in self.succs[i]), default=someday)
            self.latest[i] = min(limit, someday if due is None else due) - self.shortest[i]

    def is_running(self, i: int) -> bool:
        """It has begun: what it took until now is not the plan's."""
        fixed = self.problem.operations[i].fixed
        return fixed is not None and fixed.remaining_s is not None

    def lag(self, before: int, after: int) -> int:
        """Least seconds from the end of an operation to the start of one that follows it."""
        return self.lags[after][self.preds[after].index(before)] if self.problem.operations[after].waits else 0

    def setup_s(self, r: int, before: int, after: int) -> int:
        """Setup seconds on a resource between two keys."""
        table = self.setup[r]
        return 0 if table is None else table[before][after]

    def impossible(self, i: int) -> Refused:
        """An operation that no order of placing finds room for."""
        op = self.problem.operations[i]
        return Refused(
            "planning.no_room",
            f"Operation {op.id!r} of job {op.job!r} cannot be placed: nothing it can be done on or needs has time for it, "
            "or it cannot follow soon enough.",
            "Extend the calendars of its alternatives and of its tools and people, or the longest wait.",
            operation=op.id,
            job=op.job,
        )

    def finish(self, i: int, r: int, start: int, duration: int) -> int:
        """When operation `i` ends on resource `r` if it starts at `start` and takes `duration` seconds."""
        return self.calendar[r].work_end(start, duration) if self.attended[i] else start + duration


class Resolver:
    """Alternatives (by class or resource) to (resource index, seconds), each distinct tuple worked out once."""

    def __init__(self, problem: Problem) -> None:
        self._known: dict[tuple[Alternative, ...], tuple[Option, ...]] = {}
        self._resource = {resource.id: i for i, resource in enumerate(problem.resources)}
        self._members: dict[str, list[int]] = {}
        for i, resource in enumerate(problem.resources):
            for name in resource.classes:
                self._members.setdefault(name, []).append(i)

    def __call__(self, alternatives: tuple[Alternative, ...]) -> tuple[Option, ...]:
        """The options in the order of resources; those of an unknown name are left out."""
        options = self._known.get(alternatives)
        if options is None:
            options = self._known[alternatives] = self._resolve(alternatives)
        return options

    def _resolve(self, alternatives: tuple[Alternative, ...]) -> tuple[Option, ...]:
        seconds: dict[int, int] = {}
        for alternative in alternatives:
            for r in self._members.get(alternative.on, ()):
                seconds[r] = min(alternative.duration_s, seconds.get(r, NEVER))
        own = {self._resource[a.on]: a.duration_s for a in alternatives if a.on in self._resource}
        return tuple(sorted({**seconds, **own}.items()))


def _lags(op: Operation) -> tuple[int, ...]:
    """Least seconds after each predecessor."""
    if not op.waits:
        return (0,) * len(op.predecessors)
    least = {wait.after: wait.least_s for wait in op.waits}
    return tuple(least.get(name, 0) for name in op.predecessors)


def _track_keys(problem: Problem) -> set[str]:
    return {key for resource in problem.resources for key in resource.keys if key is not None}


def topological(preds: list[tuple[int, ...]], succs: list[list[int]]) -> list[int]:
    """Operations so that predecessors come first; shorter than `preds` if there is a ring."""
    missing = [len(p) for p in preds]
    order = [i for i, count in enumerate(missing) if not count]
    for i in order:
        for s in succs[i]:
            missing[s] -= 1
            if not missing[s]:
                order.append(s)
    return order


def groups(options: Iterable[tuple[Option, ...]], m: int) -> list[int]:
    """The group of each resource: two are in one group if some chain of operations could be done on either."""
    parent = list(range(m))

    def root(r: int) -> int:
        while parent[r] != r:
            parent[r] = parent[parent[r]]
            r = parent[r]
        return r

    for choice in set(options):
        for r, _ in choice[1:]:
            parent[root(r)] = root(choice[0][0])
    return [root(r) for r in range(m)]
