"""What holds each operation of a plan where it stands: how soon it could start there, behind what is before it on every track
that it takes, and which of those things decides.

The order on each track is taken as it is: an operation that could start sooner only before another one waits for that one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from batchone.chain.planning.limits import Beside, Cause, Limit, Waits
from batchone.chain.planning.model import Assignment, Calendar, Operation, Plan, Problem, SetupMatrix

Place = tuple[str, int]


@dataclass(slots=True)
class _Block:
    """What a track does as one: an operation, or a batch. `ahead`, `free_s`: who is before it there, and to when."""

    members: list[Assignment]
    ahead: str | None
    free_s: int


class _Take(NamedTuple):
    """Until when a place is lent, and to which operation."""

    end_s: int
    operation: str


class _Helper(NamedTuple):
    """A tool, skill or crew that an operation takes: free from when, behind whom. `leads`: from the beginning of the setup;
    otherwise (it joined a batch that was set up for another) from the start."""

    cause: Cause
    resource: str
    free_s: int
    behind: str | None
    leads: bool


class _Soonest(NamedTuple):
    """The soonest start, and what beside the track and the item decided it."""

    start_s: int
    setup_start_s: int
    beside: Beside | None


class _Back(NamedTuple):
    """A second before which an operation must not start for the sake of another."""

    start_s: int
    cause: Cause
    behind: str
    until_s: int | None


@dataclass
class Holding:
    """Reads out of a plan of a problem, in seconds of its origin, what each operation waited for."""

    problem: Problem
    plan: Plan
    _blocks: dict[str, _Block] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = {op.id: op for op in self.problem.operations}
        self.jobs = {job.id: job for job in self.problem.jobs}
        self.resources = {resource.id: resource for resource in self.problem.resources}
        known: dict[str, Calendar] = {}
        for resource in self.problem.resources:
            if resource.calendar not in known:
                known[resource.calendar] = self.problem.calendar_of(resource)
        self.calendars = {resource.id: known[resource.calendar] for resource in self.problem.resources}
        matrices: dict[str | None, SetupMatrix] = {matrix.id: matrix for matrix in self.problem.setups}
        self.setups = {resource.id: matrices.get(resource.setup) for resource in self.problem.resources}
        self._blocks = {}
        last: dict[Place, _Block] = {}
        for a in sorted(self.plan.assignments, key=lambda a: (a.start_s, a.end_s, a.setup_start_s)):
            if a.operation in self.operations:
                place = (a.resource, a.track)
                last[place] = self._blocks[a.operation] = self._joined(last.get(place), a)

    def _joined(self, ahead: _Block | None, a: Assignment) -> _Block:
        if ahead is None:
            return _Block([a], None, 0)
        other = ahead.members[0]
        if self.resources[a.resource].batch > 1 and (a.start_s, a.end_s) == (other.start_s, other.end_s):
            key = self.operations[a.operation].batch_key
            if key is not None and key == self.operations[other.operation].batch_key:
                ahead.members.append(a)
                return ahead
        return _Block([a], other.operation, max(ahead.free_s, other.end_s))

    def latest_predecessor(self, op: Operation) -> tuple[str | None, int]:
        """Who of those before an operation is last to allow it, and the seconds that must pass after that one's end."""
        least = {wait.after: wait.least_s for wait in op.waits} if op.waits else {}
        known = [(self.plan.by_operation[p].end_s, p) for p in op.predecessors if p in self.plan.by_operation]
        if not known:
            return None, 0
        name = max(known, key=lambda each: (each[0] + least.get(each[1], 0), each[1]))[1]
        return name, least.get(name, 0)

    def limit(self, name: str) -> Limit:
        """What holds an operation."""
        a, op = self.plan.by_operation[name], self.operations[name]
        if op.fixed is not None and a.start_s <= 0:
            return Limit(name, Cause.NOTHING, 0)
        block = self._blocks[name]
        whole = self._soonest(block, block.members)
        if whole.start_s < a.start_s:
            return self._held_back(block, a, whole.start_s)
        if len(block.members) == 1:
            return self._own(a, op, block, whole)
        alone = {each.operation: self._soonest(block, [each]) for each in block.members}
        last = max(block.members, key=lambda each: (alone[each.operation].start_s, each.operation))
        sooner = alone[last.operation].start_s - alone[name].start_s
        if sooner > 0:
            return Limit(name, Cause.BATCH, sooner, last.operation, a.start_s, a.resource)
        return self._own(a, op, block, alone[name])

    def _own(self, a: Assignment, op: Operation, block: _Block, found: _Soonest) -> Limit:
        before, least = self.latest_predecessor(op)
        before_s = 0 if before is None else self.plan.by_operation[before].end_s + least
        free, ahead = self._free(block)
        material = max(op.earliest_s, self.jobs[op.job].release_s)
        next_work = self.calendars[a.resource].next_start(max(0, material, before_s, free))
        return Waits(
            now_s=0,
            material_s=material,
            before_s=before_s,
            before=before,
            least_s=least,
            free_s=free,
            ahead=ahead,
            next_work_s=next_work,
            start_s=found.start_s,
            setup_s=found.start_s - found.setup_start_s,
            beside=found.beside,
        ).limit(a.operation)

    def _held_back(self, block: _Block, a: Assignment, soonest: int) -> Limit:
        """Why an operation starts later than its track, its item and its tools allow: for another's sake, or for nothing."""
        back = max((found for each in block.members for found in self._backs(each)), default=None)
        if back is not None and back.start_s > soonest:
            soonest_then = self._soonest(block, block.members, back.start_s).start_s
            if soonest_then >= a.start_s:
                return Limit(a.operation, back.cause, a.start_s - soonest, back.behind, back.until_s)
            soonest = soonest_then
        return Limit(a.operation, Cause.KEPT, a.start_s - soonest)

    # How soon.

    def _free(self, block: _Block) -> tuple[int, str | None]:
        """From when the track of a block is free, and behind whom."""
        first = block.members[0]
        setup_start = min(each.setup_start_s for each in block.members)
        lent = self._lent_before((first.resource, first.track), setup_start, block)
        free, ahead = (lent.end_s, lent.operation) if lent and lent.end_s > block.free_s else (block.free_s, block.ahead)
        return max(0, self.resources[first.resource].available_from_s, free), ahead

    def _soonest(self, block: _Block, members: Sequence[Assignment], not_before: int = 0) -> _Soonest:
        """The soonest start of a block, of which only some members count; at most where it stands, which is known to do."""
        since = max(not_before, *(self._ready(self.operations[each.operation]) for each in members))
        floor = self._free(block)[0]
        stands = members[0].start_s
        lead = self._setup(block)
        longest = max(members, key=lambda each: each.end_s)
        helpers = [helper for each in members if each.also for helper in self._helpers(each, block)]
        setup_start, start = self._starts(longest, lead, floor, since)
        without, beside = start, None
        while helpers and start < stands:
            end = self._end(longest, start)
            pushed = [(at, helper) for helper in helpers if (at := self._there(helper, members[0], setup_start, start, end))]
            if not pushed:
                break
            at, helper = max(pushed, key=lambda each: each[0])
            behind = helper.behind if at == helper.free_s else None
            beside = Beside(helper.cause, without, helper.resource, behind, at if behind else None)
            floor, since = (max(floor, at), since) if helper.leads else (floor, max(since, at))
            setup_start, start = self._starts(longest, lead, floor, since)
        return _Soonest(start, setup_start, beside)

    def _ready(self, op: Operation) -> int:
        before, least = self.latest_predecessor(op)
        before_s = 0 if before is None else self.plan.by_operation[before].end_s + least
        return max(0, op.earliest_s, self.jobs[op.job].release_s, before_s)

    def _setup(self, block: _Block) -> int:
        """Working seconds of the setup before a block."""
        first = min(block.members, key=lambda each: each.setup_start_s)
        if first.setup_start_s == first.start_s:
            return 0
        return self.calendars[first.resource].working(max(0, first.setup_start_s), max(0, first.start_s))

    def _starts(self, a: Assignment, lead: int, floor: int, since: int) -> tuple[int, int]:
        """Setup start and start if nothing is taken before `floor` and nothing starts before `since`."""
        calendar, matrix = self.calendars[a.resource], self.setups[a.resource]
        if not lead:
            start = setup_start = calendar.next_start(max(floor, since))
        else:
            detached = matrix is None or matrix.detached
            prepared = calendar.work_end(floor if detached else max(floor, since), lead)
            start = calendar.next_start(max(since, prepared))
            setup_start = calendar.latest_start(start, lead)
        return setup_start, start

    def _end(self, a: Assignment, start: int) -> int:
        """When an operation ends that starts then instead."""
        begin = max(0, a.start_s)
        if not self.operations[a.operation].attended:
            return start + a.end_s - begin
        calendar = self.calendars[a.resource]
        return calendar.work_end(start, calendar.working(begin, a.end_s))

    def _helpers(self, a: Assignment, block: _Block) -> Iterator[_Helper]:
        needs = len(self.operations[a.operation].needs)
        lone = len(block.members) == 1
        for n, place in enumerate(a.also):
            takes = self._lent_before(place, a.setup_start_s, block), _last(self._worked.get(place, ()), a.setup_start_s)
            last = max((take for take in takes if take is not None), default=None)
            there = max(0, self.resources[place[0]].available_from_s)
            free, behind = (last.end_s, last.operation) if last is not None and last.end_s > there else (there, None)
            leads = lone or a.setup_start_s < a.start_s
            yield _Helper(Cause.TOOL if n < needs else Cause.CREW, place[0], free, behind, leads)

    def _there(self, helper: _Helper, a: Assignment, setup_start: int, start: int, end: int) -> int:
        """The next second at which a helper is worth trying; 0 if it is there for what would be done from `setup_start` on."""
        begin = setup_start if helper.leads else start
        until = start if helper.cause is Cause.CREW else end
        if begin < helper.free_s:
            return helper.free_s
        calendar = self.calendars[helper.resource]
        if self.resources[helper.resource].calendar == self.resources[a.resource].calendar:
            return 0
        if begin >= until or calendar.working(begin, until) == until - begin:
            return 0
        works = calendar.next_start(begin)
        return works if works > begin else calendar.next_start(calendar.intervals(begin, until)[0][1])

    # Who has what.

    @cached_property
    def _lent(self) -> dict[Place, list[_Take]]:
        """By place, until when it is lent, in the order of time."""
        found: dict[Place, list[_Take]] = {}
        for name, a in self.plan.by_operation.items():
            if a.also and name in self.operations:
                needs = len(self.operations[name].needs)
                for n, place in enumerate(a.also):
                    until = a.end_s if n < needs else a.start_s
                    if a.setup_start_s < until:
                        found.setdefault(place, []).append(_Take(until, name))
        for takes in found.values():
            takes.sort()
        return found

    @cached_property
    def _worked(self) -> dict[Place, list[_Take]]:
        """By place that is lent, too, until when its own operations are there, in the order of time."""
        found: dict[Place, list[_Take]] = {}
        lent = {place for a in self.plan.assignments for place in a.also}
        for a in self.plan.assignments if lent else ():
            if (a.resource, a.track) in lent and a.setup_start_s < a.end_s and a.operation in self.operations:
                found.setdefault((a.resource, a.track), []).append(_Take(a.end_s, a.operation))
        for takes in found.values():
            takes.sort()
        return found

    def _lent_before(self, place: Place, at: int, block: _Block) -> _Take | None:
        """The last take of a place that is over by a second; what other members of the batch took moves with it."""
        takes = self._lent.get(place, ())
        if len(block.members) > 1:
            fellows = {each.operation for each in block.members}
            takes = [take for take in takes if take.operation not in fellows]
        return _last(takes, at)

    # For the sake of others.

    def _backs(self, a: Assignment) -> Iterator[_Back]:
        """The followers that an operation must not end too long before, and the job that it must not pass."""
        for follower, most in self._most.get(a.operation, ()):
            behind = self.plan.by_operation.get(follower)
            if behind is not None:
                yield _Back(self._starts_for(a, behind.start_s - most), Cause.WAIT, follower, None)
        for start, job, name in reversed(self._on_lines.get(a.resource, ())):
            if start <= a.start_s and job != a.job:
                yield _Back(start, Cause.RESOURCE, name, start)
                return

    def _starts_for(self, a: Assignment, end: int) -> int:
        """The soonest start with which an operation does not end before a second."""
        if not self.operations[a.operation].attended or a.start_s >= a.end_s:
            return end - (a.end_s - a.start_s)
        calendar = self.calendars[a.resource]
        work = calendar.worked(max(0, end - 1)) + 1 - calendar.working(max(0, a.start_s), a.end_s)
        return calendar.next_start(calendar.reached(work)) if work > 0 else 0

    @cached_property
    def _most(self) -> dict[str, list[tuple[str, int]]]:
        """By operation, who must follow it within how many seconds."""
        found: dict[str, list[tuple[str, int]]] = {}
        for op in self.problem.operations:
            for wait in op.waits:
                if wait.most_s is not None:
                    found.setdefault(wait.after, []).append((op.id, wait.most_s))
        return found

    @cached_property
    def _on_lines(self) -> dict[str, list[tuple[int, str, str]]]:
        """By resource of a line without passing, its operations' starts, jobs and names, in the order of time."""
        wanted = {name for line in self.problem.no_passing for name in line if self.resources[name].positions > 1}
        found: dict[str, list[tuple[int, str, str]]] = {}
        for a in self.plan.assignments if wanted else ():
            if a.resource in wanted:
                found.setdefault(a.resource, []).append((a.start_s, a.job, a.operation))
        for here in found.values():
            here.sort()
        return found


def _last(takes: Sequence[_Take], at: int) -> _Take | None:
    """The last take that is over by a second."""
    i = bisect_right(takes, at, key=lambda take: take.end_s)
    return takes[i - 1] if i else None
