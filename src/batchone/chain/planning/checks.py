"""Refuses a problem that cannot be planned, whole and early, with every fault found named; or plans what is left of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite

from batchone.chain.planning.model import ALWAYS, DAY_S, Alternative, Fixed, Job, Measure, Operation, Problem, Resource, Tariff
from batchone.kernel.errors import Refused

MAX_OPERATIONS = 250_000
"""A problem with more operations is refused before anything is made of it: no plan of it would come in useful time."""
MAX_DURATION_S = 3650 * DAY_S
"""Ten years: a longer duration, setup or wait is a slip of the pen. A place that has no working time before then has none."""
MAX_TIME_S = 10 * MAX_DURATION_S
"""A hundred years: a moment further from the origin is one too."""
MAX_POSITIONS = 100_000
"""Of one resource."""
MAX_WEIGHT = 10**9
"""Of a job or a measure."""

_SHOWN = 20
_RING_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in a sentence; `job`: the job without which it would not be wrong."""

    what: str
    job: str | None = None


def refuse_faults(problem: Problem, found: Sequence[str] | None = None) -> None:
    """Raises `Refused` naming the faults of a problem (or those `found` already), at most twenty of them."""
    faults = list(faults_of(problem)) if found is None else list(found)
    if not faults:
        return
    more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
    raise Refused(
        "planning.problem",
        "The problem cannot be planned: " + "; ".join(faults[:_SHOWN]) + more + ".",
        "Correct the resources, jobs or operations named and plan again.",
        faults=len(faults),
    )


def faults_of(problem: Problem) -> Iterator[str]:
    """What is wrong with a problem, one sentence a fault; the first kind of fault found hides those it would cause."""
    yield from dict.fromkeys(fault.what for fault in _found(problem))


def usable(problem: Problem) -> tuple[Problem, tuple[str, ...]]:
    """The problem without the jobs that are at fault, and for each of those why it was left out.

    With a job go the jobs that wait for it. `Refused` for faults that no job can be blamed for. A job that is left out takes
    nothing, even if something of it is fixed on a machine.
    """
    said: list[str] = []
    while faults := _found(problem):
        whole = [fault.what for fault in faults if fault.job is None]
        refuse_faults(problem, whole)
        reasons: dict[str, str] = {}
        for fault in faults:
            reasons.setdefault(fault.job or "", fault.what)
        _with_those_behind(problem, reasons)
        said += [f"job {name!r} is left out: {what}" for name, what in reasons.items()]
        problem = replace(
            problem,
            jobs=tuple(job for job in problem.jobs if job.id not in reasons),
            operations=tuple(op for op in problem.operations if op.job not in reasons),
        )
    return problem, tuple(said)


def _with_those_behind(problem: Problem, reasons: dict[str, str]) -> None:
    """Adds the jobs that wait for one left out."""
    owner = {op.id: op.job for op in problem.operations}
    behind: dict[str, set[str]] = {}
    for op in problem.operations:
        for before in op.predecessors:
            if owner.get(before, op.job) != op.job:
                behind.setdefault(owner[before], set()).add(op.job)
    gone = list(reasons)
    for name in gone:
        for after in sorted(behind.get(name, ())):
            if after not in reasons:
                reasons[after] = f"it waits for job {name!r}, which is left out"
                gone.append(after)


def _found(problem: Problem) -> list[Fault]:
    if len(problem.operations) > MAX_OPERATIONS:
        return [Fault(f"it has {len(problem.operations)} operations; at most {MAX_OPERATIONS} can be planned at once")]
    faults = [*_aim(problem), *_names(problem), *_resources(problem), *_setups(problem), *_lines(problem), *_jobs(problem)]
    if not faults:
        faults = [*_operations(problem)]
    if not faults:
        faults = [*_batches(problem), *_rings(problem)]
    return faults


def _aim(problem: Problem) -> Iterator[Fault]:
    if not problem.aim:
        yield Fault("the aim names no measure")
    if len(set(problem.aim)) < len(problem.aim):
        yield Fault("the aim names a measure twice")
    if problem.weights:
        if len(problem.weights) != len(problem.aim):
            yield Fault(f"there are {len(problem.weights)} weights for the {len(problem.aim)} measures of the aim")
        if any(not _whole(weight) or not 0 <= weight <= MAX_WEIGHT for weight in problem.weights):
            yield Fault(f"the weights {problem.weights} are not all whole numbers from 0 to {MAX_WEIGHT}")
    if problem.tariff is not None:
        yield from _tariff(problem.tariff)
    elif Measure.ENERGY in problem.aim:
        yield Fault("the aim names energy, but there is no tariff")


def _tariff(tariff: Tariff) -> Iterator[Fault]:
    seconds = [second for second, _ in tariff.prices]
    if tariff.cycle_s <= 0 or tariff.starts_s > 0:
        yield Fault("the tariff has no cycle, or its cycle begins after the origin")
    elif not seconds or seconds[0] != 0 or any(a >= b for a, b in pairwise([*seconds, tariff.cycle_s])):
        yield Fault("the tariff's prices are not in order from second 0 to the end of its cycle")
    if not all(isfinite(price) for _, price in tariff.prices):
        yield Fault("the tariff has a price that is not a number")


def _names(problem: Problem) -> Iterator[Fault]:
    kinds: dict[str, Iterable[str]] = {
        "resource": (resource.id for resource in problem.resources),
        "calendar": (calendar.id for calendar in problem.calendars),
        "setup": (setup.id for setup in problem.setups),
        "the plan before, operation": (before.operation for before in problem.before),
    }
    for kind, ids in kinds.items():
        for name, count in Counter(ids).items():
            if count > 1:
                yield Fault(f"{kind} {name!r} is there {count} times")
    for name, count in Counter(job.id for job in problem.jobs).items():
        if count > 1:
            yield Fault(f"job {name!r} is there {count} times", name)
    counts = Counter(op.id for op in problem.operations)
    if len(counts) < len(problem.operations):
        repeated = ((op, counts[op.id]) for op in problem.operations if counts[op.id] > 1)
        faults = (Fault(f"operation {op.id!r} of job {op.job!r} is there {count} times", op.job) for op, count in repeated)
        yield from dict.fromkeys(faults)
    classes = {name for resource in problem.resources for name in resource.classes}
    for resource in problem.resources:
        if resource.id in classes:
            yield Fault(f"{resource.id!r} is a class and a resource")


def _resources(problem: Problem) -> Iterator[Fault]:
    setups = {setup.id for setup in problem.setups}
    calendars = {ALWAYS.id, *(calendar.id for calendar in problem.calendars)}
    for resource in problem.resources:
        who = f"resource {resource.id!r}"
        if not 1 <= resource.positions <= MAX_POSITIONS:
            yield Fault(f"{who} has {resource.positions} positions; 1 to {MAX_POSITIONS} it may have")
        elif len(resource.keys) > resource.positions:
            yield Fault(f"{who} has more keys than positions")
        if resource.batch < 1:
            yield Fault(f"{who} takes batches of {resource.batch}")
        if resource.setup is not None and resource.setup not in setups:
            yield Fault(f"{who} names setup {resource.setup!r}, which is not there")
        if resource.calendar not in calendars:
            yield Fault(f"{who} names calendar {resource.calendar!r}, which is not there")
        if not _moment(resource.available_from_s):
            yield Fault(f"{who} is available from second {resource.available_from_s}: {_NO_MOMENT}")


def _setups(problem: Problem) -> Iterator[Fault]:
    places = {name for resource in problem.resources for name in (resource.id, *resource.classes)}
    for setup in problem.setups:
        times = [setup.change_s, setup.first_s, *(seconds for _, _, seconds in setup.pairs)]
        for seconds in dict.fromkeys(seconds for seconds in times if not _lasting(seconds)):
            yield Fault(f"setup {setup.id!r} has a {_bad(seconds, 'time')}")
        if setup.crew is not None and setup.crew not in places:
            yield Fault(f"setup {setup.id!r} takes a crew of {setup.crew!r}, which is not there")


def _lines(problem: Problem) -> Iterator[Fault]:
    ids = {resource.id for resource in problem.resources}
    for line in problem.no_passing:
        for name in line:
            if name not in ids:
                yield Fault(f"a line without passing names resource {name!r}, which is not there")
        if len(set(line)) < len(line):
            yield Fault(f"a line without passing names a resource twice: {', '.join(line)}")


def _jobs(problem: Problem) -> Iterator[Fault]:
    for job in problem.jobs:
        if job.weight < 0:
            yield Fault(f"job {job.id!r} has a negative weight", job.id)
        elif job.weight > MAX_WEIGHT:
            yield Fault(f"job {job.id!r} has a weight of {job.weight}; at most {MAX_WEIGHT} can it be", job.id)
        for name, second in (("is released at", job.release_s), ("is due at", job.due_s)):
            if second is not None and not _moment(second):
                yield Fault(f"job {job.id!r} {name} second {second}: {_NO_MOMENT}", job.id)


def _operations(problem: Problem) -> Iterator[Fault]:
    checker = _Checker(problem)
    for op in problem.operations:
        for what in checker.faults(op):
            yield Fault(f"operation {op.id!r} of job {op.job!r} {what}", op.job)


class _Checker:
    """What is wrong with single operations."""

    def __init__(self, problem: Problem) -> None:
        self.jobs = {job.id: job for job in problem.jobs}
        self.resources = {resource.id: resource for resource in problem.resources}
        self.operations = {op.id: op for op in problem.operations}
        self.crews = {setup.id: setup.crew for setup in problem.setups}
        self.capacity: dict[str, int] = {}
        self.calendars: dict[str, set[str]] = {}
        self.works: dict[str, bool] = {}
        calendars = {calendar.id: calendar for calendar in (ALWAYS, *problem.calendars)}
        for resource in problem.resources:
            opens = calendars[resource.calendar].next_start(max(resource.available_from_s, 0)) < MAX_DURATION_S
            for name in (resource.id, *resource.classes):
                self.works[name] = self.works.get(name, False) or opens
                self.capacity[name] = self.capacity.get(name, 0) + resource.positions
                self.calendars.setdefault(name, set()).add(resource.calendar)
        self.known: dict[tuple[Alternative, ...], tuple[str, ...]] = {}

    def faults(self, op: Operation) -> Iterator[str]:
        """Each as the rest of a sentence that begins with the operation."""
        job = self.jobs.get(op.job)
        if job is None:
            yield "has a job which is not there"
        yield from self._places(op)
        if not _moment(op.earliest_s):
            yield f"starts at {op.earliest_s} at the earliest: {_NO_MOMENT}"
        for before in op.predecessors:
            if before not in self.operations:
                yield f"comes after {before!r}, which is not there"
            elif op.fixed is not None and op.fixed.remaining_s is None and self.operations[before].fixed is None:
                yield f"is fixed, but {before!r} before it is not"
        if op.waits:
            yield from _waits(op)
        if op.needs:
            yield from self._needs(op)
        if op.fixed is not None:
            yield from _fixed(op, op.fixed, self.resources.get(op.fixed.resource), job)
            yield from self._held(op, op.fixed)

    def _places(self, op: Operation) -> Iterator[str]:
        found = self.known.get(op.alternatives)
        if found is None:
            found = self.known[op.alternatives] = tuple(self._alternatives(op.alternatives))
        yield from found
        if op.fixed is None and not found and not any(self.works[alternative.on] for alternative in op.alternatives):
            names = [alternative.on for alternative in op.alternatives]
            shut = sorted({calendar for name in names for calendar in self.calendars[name]})
            why = f": {', '.join(names)} has no open hour before the horizon (calendar {', '.join(shut)})" if names else ""
            yield f"has nothing that ever works to be done on{why}"

    def _alternatives(self, alternatives: tuple[Alternative, ...]) -> Iterator[str]:
        for alternative in alternatives:
            if alternative.on not in self.capacity:
                yield f"can be done on {alternative.on!r}, which is not there"
            if not _lasting(alternative.duration_s):
                yield f"has a {_bad(alternative.duration_s, 'duration')} on {alternative.on!r}"
            if not (isfinite(alternative.power_kw) and alternative.power_kw >= 0):
                yield f"draws {alternative.power_kw} kW on {alternative.on!r}, which is no power"

    def _needs(self, op: Operation) -> Iterator[str]:
        for need, count in Counter(op.needs).items():
            if need not in self.capacity:
                yield f"needs {need!r}, which nothing provides"
            elif not self.works[need]:
                yield f"needs {need!r}, which never works"
            elif count > self.capacity[need]:
                yield f"needs {need!r} {count} times, but there are {self.capacity[need]}"

    def _held(self, op: Operation, fixed: Fixed) -> Iterator[str]:
        """What is wrong with what a fixed operation is said to hold."""
        machine = self.resources.get(fixed.resource)
        crew = self.crews.get(machine.setup or "") if machine is not None else None
        wanted = [*op.needs, *([crew] if crew is not None else [])]
        if fixed.also and len(fixed.also) not in (len(op.needs), len(wanted)):
            yield f"is fixed with {len(fixed.also)} of the {len(wanted)} it takes beside its track"
        for name, (place, track) in zip(wanted, fixed.also, strict=False):
            resource = self.resources.get(place)
            if resource is None or not 0 <= track < resource.positions or name not in (place, *resource.classes):
                yield f"is fixed with track {track} of {place!r} for {name!r}, which it is not"
        if len(set(fixed.also)) < len(fixed.also):
            yield "is fixed with one track twice"


def _waits(op: Operation) -> Iterator[str]:
    after = [wait.after for wait in op.waits]
    for name, count in Counter(after).items():
        if name not in op.predecessors:
            yield f"waits after {name!r}, which is not among its predecessors"
        if count > 1:
            yield f"waits after {name!r} {count} times"
    for wait in op.waits:
        if not _lasting(wait.least_s):
            yield f"waits for a {_bad(wait.least_s, 'time')} after {wait.after!r}"
        if wait.most_s is not None and not (_whole(wait.most_s) and wait.least_s <= wait.most_s):
            yield f"waits at most {wait.most_s} s after {wait.after!r}, which is less than its least, {wait.least_s} s"


def _fixed(op: Operation, fixed: Fixed, resource: Resource | None, job: Job | None) -> Iterator[str]:
    if resource is None:
        yield f"is fixed on {fixed.resource!r}, which is not there"
        return
    if not 0 <= fixed.track < resource.positions:
        yield f"is fixed on track {fixed.track} of {fixed.resource!r}, which is not there"
    if not _moment(fixed.start_s):
        yield f"is fixed at second {fixed.start_s}: {_NO_MOMENT}"
    if fixed.remaining_s is not None:
        if fixed.start_s > 0 or fixed.remaining_s < 0:
            yield "is running, but from the future or with less than nothing to do"
        elif not _lasting(fixed.remaining_s):
            yield f"has a {_bad(fixed.remaining_s, 'duration')} left"
        return
    if fixed.start_s < max(0, resource.available_from_s, op.earliest_s, job.release_s if job else 0):
        yield "is fixed at a time at which it cannot start"
    if not any(alternative.on in (resource.id, *resource.classes) for alternative in op.alternatives):
        yield f"is fixed on {resource.id!r}, where it cannot be done"


def _batches(problem: Problem) -> Iterator[Fault]:
    """Operations of one batch key that take unlike times where they could share a batch."""
    keyed = [op for op in problem.operations if op.batch_key is not None]
    ovens = [resource for resource in problem.resources if resource.batch > 1] if keyed else []
    first: dict[tuple[str | None, str], tuple[int, str]] = {}
    for op in keyed:
        for oven in ovens:
            own = [x.duration_s for x in op.alternatives if x.on == oven.id]
            seconds = own[-1:] or sorted(x.duration_s for x in op.alternatives if x.on in oven.classes)[:1]
            if not seconds or (op.fixed is not None and op.fixed.remaining_s is not None):
                continue
            told, other = first.setdefault((op.batch_key, oven.id), (seconds[0], op.id))
            if told != seconds[0]:
                what = f"takes {seconds[0]} s on {oven.id!r}, but {other!r} of the same batch key {op.batch_key!r} {told} s"
                yield Fault(f"operation {op.id!r} of job {op.job!r} {what}", op.job)
                break


def _rings(problem: Problem) -> Iterator[Fault]:
    waiting = {op.id: set(op.predecessors) for op in problem.operations}
    behind: dict[str, list[str]] = {}
    for op in problem.operations:
        for before in op.predecessors:
            behind.setdefault(before, []).append(op.id)
    free = [name for name, before in waiting.items() if not before]
    for name in free:
        for after in behind.get(name, ()):
            waiting[after].discard(name)
            if not waiting[after]:
                free.append(after)
    jobs = {op.id: op.job for op in problem.operations}
    seen: set[str] = set()
    for start in sorted(name for name, before in waiting.items() if before):
        ring = _walk_back(start, waiting, seen)
        if ring:
            shown = [repr(name) for name in ring[:_RING_SHOWN]] + (["..."] if len(ring) > _RING_SHOWN else [])
            of = ", ".join(repr(job) for job in sorted({jobs[name] for name in ring})[:_RING_SHOWN])
            what = f"operations wait for each other in a ring: {' -> '.join([*shown, repr(ring[0])])} (job {of})"
            for job in sorted({jobs[name] for name in ring}):
                yield Fault(what, job)


def _walk_back(start: str, waiting: dict[str, set[str]], seen: set[str]) -> list[str]:
    """A ring of operations, each before the next, that is met from `start` against the order; none if it was met already."""
    path: dict[str, None] = {}
    at = start
    while at not in path and at not in seen:
        path[at] = None
        at = min(waiting[at])
    seen.update(path)
    walked = list(path)
    ring = walked[walked.index(at) :][::-1] if at in path else []
    return ring[ring.index(min(ring)) :] + ring[: ring.index(min(ring))] if ring else []


_NO_MOMENT = "not a whole second within a hundred years"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _moment(second: int) -> bool:
    return _whole(second) and abs(second) <= MAX_TIME_S


def _lasting(seconds: int) -> bool:
    return _whole(seconds) and 0 <= seconds <= MAX_DURATION_S


def _bad(seconds: int, noun: str) -> str:
    """How a time is wrong: negative, absurd, or no whole number of seconds."""
    if not _whole(seconds):
        return f"{noun} of {seconds!r}, which is not a whole number of seconds,"
    return f"negative {noun}" if seconds < 0 else f"{noun} of {seconds} s, more than ten years,"
