"""A plan laid out for hand work: who stands before and behind whom on each track, and a trial over it that copies nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from batchone.chain.planning.model import (
    NEVER,
    Alternative,
    Assignment,
    Calendar,
    Operation,
    Plan,
    Problem,
    SetupMatrix,
    Wait,
)
from batchone.chain.planning.schedule import energy_price

TrackId = tuple[str, int]
Key = tuple[int, int, int, int]


class Track:
    """The operations of one track in order."""

    __slots__ = ("ids", "keys")

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.ids: list[str] = []

    def place_of(self, start_s: int) -> int:
        """How many stand before an operation that starts then: all that start sooner, and those of no length at its start."""
        return bisect_left(self.keys, (start_s, start_s + 1))


class Floor:
    """What of a problem and a plan does not change while moves are tried. Indexed once, in time that grows with the plan."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        if plan.origin != problem.origin:
            plan = plan.shifted(problem.origin)
        self.problem, self.plan = problem, plan
        self.operations: dict[str, Operation] = {op.id: op for op in problem.operations}
        self.resources = {resource.id: resource for resource in problem.resources}
        self.jobs = {job.id: job for job in problem.jobs}
        self.calendars: dict[str, Calendar] = {}
        known: dict[str, Calendar] = {}
        for resource in problem.resources:
            if resource.calendar not in known:
                known[resource.calendar] = problem.calendar_of(resource)
            self.calendars[resource.id] = known[resource.calendar]
        matrices = {matrix.id: matrix for matrix in problem.setups}
        self.setups: dict[str, SetupMatrix | None] = {
            resource.id: matrices[resource.setup] if resource.setup else None for resource in problem.resources
        }
        self.available = {resource.id: max(0, resource.available_from_s) for resource in problem.resources}
        self.at = {a.operation: a for a in plan.assignments if a.operation in self.operations}
        self.successors: dict[str, list[str]] = {}
        for op in problem.operations:
            for before in op.predecessors:
                self.successors.setdefault(before, []).append(op.id)
        self._durations: dict[tuple[Alternative, ...], dict[str, int]] = {}
        self._link()

    def _link(self) -> None:
        self.rank = {name: rank for rank, name in enumerate(self.at)}
        self.tracks: dict[TrackId, Track] = {}
        self.before: dict[str, str | None] = {}
        self.behind: dict[str, str | None] = {}
        ordered = sorted(self.at.values(), key=lambda a: (a.start_s, a.end_s, a.setup_start_s, self.rank[a.operation]))
        for a in ordered:
            track = self.tracks.setdefault((a.resource, a.track), Track())
            self.before[a.operation] = track.ids[-1] if track.ids else None
            if track.ids:
                self.behind[track.ids[-1]] = a.operation
            self.behind[a.operation] = None
            track.keys.append((a.start_s, a.end_s, a.setup_start_s, self.rank[a.operation]))
            track.ids.append(a.operation)

    def durations(self, op: Operation) -> dict[str, int]:
        """Working seconds of an operation on each resource that it can be done on."""
        found = self._durations.get(op.alternatives)
        if found is None:
            found = self._durations[op.alternatives] = self._resolve(op.alternatives)
        return found

    def _resolve(self, alternatives: tuple[Alternative, ...]) -> dict[str, int]:
        seconds: dict[str, int] = {}
        own = {each.on: each.duration_s for each in alternatives if each.on in self.resources}
        for resource in self.problem.resources:
            fitting = [each.duration_s for each in alternatives if each.on in resource.classes]
            if resource.id in own:
                seconds[resource.id] = own[resource.id]
            elif fitting:
                seconds[resource.id] = min(fitting)
        return seconds

    def material_s(self, op: Operation) -> int:
        """When its material and its job's release allow an operation."""
        return max(op.earliest_s, self.jobs[op.job].release_s)

    def wait(self, op: Operation, before: str) -> Wait:
        """How long after a predecessor an operation may start."""
        return next((wait for wait in op.waits if wait.after == before), Wait(before))

    def first_key(self, track: TrackId) -> str | None:
        """The key that a track stands at."""
        keys = self.resources[track[0]].keys
        return keys[track[1]] if track[1] < len(keys) else None

    def end(self, op: Operation, resource: str, start_s: int, duration_s: int) -> int:
        """When an operation that starts then and there ends."""
        return self.calendars[resource].work_end(start_s, duration_s) if op.attended else start_s + duration_s

    @cached_property
    def batches(self) -> bool:
        """Some resource does several operations together."""
        return any(resource.batch > 1 for resource in self.problem.resources)

    @cached_property
    def shares(self) -> bool:
        """Some operation needs a tool or a skill, or some setup a crew."""
        return any(op.needs for op in self.problem.operations) or any(matrix.crew for matrix in self.problem.setups)

    @cached_property
    def shared_spans(self) -> dict[TrackId, list[tuple[int, int, str]]]:
        """From when to when each track that is needed beside others is taken, and by whom."""
        found: dict[TrackId, list[tuple[int, int, str]]] = {}
        for a in self.at.values():
            op = self.operations[a.operation]
            found.setdefault((a.resource, a.track), []).append((a.setup_start_s, a.end_s, a.operation))
            for index, track in enumerate(a.also):
                # Behind the needs stands the crew, which is free again when the setup is over; while that runs, at the latest
                # when the operation ends.
                until = a.end_s if index < len(op.needs) or running(op) else a.start_s
                found.setdefault(track, []).append((a.setup_start_s, until, a.operation))
        return found

    @cached_property
    def by_job(self) -> dict[str, list[str]]:
        """The operations of each job."""
        found: dict[str, list[str]] = {}
        for name, a in self.at.items():
            found.setdefault(a.job, []).append(name)
        return found

    @cached_property
    def work_in_progress_s(self) -> int:
        """Seconds from the first start to the last end of each job, summed up."""
        spans = ([self.at[name] for name in names] for names in self.by_job.values())
        return sum(max(a.end_s for a in job) - min(a.start_s for a in job) for job in spans)

    @cached_property
    def energy(self) -> float:
        """What the energy of the plan costs."""
        return 0.0 if self.problem.tariff is None else sum(map(self.energy_of, self.at.values()))

    def energy_of(self, a: Assignment) -> float:
        """What the energy of one assignment costs."""
        op = self.operations[a.operation]
        power = 0.0 if self.problem.tariff is None else self.power_kw(op, a.resource)
        if not power or self.problem.tariff is None:
            return 0.0
        begins = max(0, self.available[a.resource]) if running(op) else a.start_s
        return power * energy_price(self.problem.tariff, self.calendars[a.resource], begins, a.end_s, op.attended)

    @cached_property
    def changes(self) -> int:
        """Operations that stand elsewhere than in the plan that changes are counted against."""
        return sum(map(self.changed, self.at.values()))

    def changed(self, a: Assignment) -> bool:
        """It stands elsewhere than there."""
        return a.operation in self.was and self.was[a.operation] != (a.resource, a.start_s)

    @cached_property
    def was(self) -> dict[str, tuple[str, int]]:
        """Where operations stood in the plan that changes are counted against."""
        return {before.operation: (before.resource, before.start_s) for before in self.problem.before}

    def power_kw(self, op: Operation, resource: str) -> float:
        """What an operation draws on a resource."""
        own = [each for each in op.alternatives if each.on == resource]
        fitting = [each for each in op.alternatives if each.on in self.resources[resource].classes]
        chosen = own[-1] if own else min(fitting, key=lambda each: each.duration_s, default=None)
        return chosen.power_kw if chosen is not None else 0.0

    @cached_property
    def latest_first(self) -> list[Assignment]:
        """The assignments by end, the last one first."""
        return sorted(self.at.values(), key=lambda a: -a.end_s)


class Trial:
    """The floor with one operation taken out and put elsewhere, and others moved right in their order."""

    def __init__(self, floor: Floor, moved: str = "") -> None:
        """`moved`: who is taken out; without, everything stands as in the plan."""
        self.floor, self.moved = floor, moved
        self.now: dict[str, Assignment] = {}
        self._before: dict[str, str | None] = {}
        self._behind: dict[str, str | None] = {}
        self.left: str | None = None
        if not moved:
            return
        self.left = floor.behind[moved]
        ahead = floor.before[moved]
        if ahead is not None:
            self._behind[ahead] = self.left
        if self.left is not None:
            self._before[self.left] = ahead

    def at(self, name: str) -> Assignment:
        """Where an operation stands in the trial."""
        return self.now.get(name) or self.floor.at[name]

    def before(self, name: str) -> str | None:
        """Who stands before an operation on its track."""
        return self._before[name] if name in self._before else self.floor.before[name]

    def behind(self, name: str) -> str | None:
        """Who stands behind it."""
        return self._behind[name] if name in self._behind else self.floor.behind[name]

    def neighbours(self, track: TrackId, start_s: int) -> tuple[str | None, str | None]:
        """Between whom the moved operation would stand on a track."""
        on = self.floor.tracks.get(track)
        if on is None:
            return None, None
        i = on.place_of(start_s)
        ahead = on.ids[i - 1] if i else None
        follower = on.ids[i] if i < len(on.ids) else None
        if ahead == self.moved:
            ahead = on.ids[i - 2] if i > 1 else None
        if follower == self.moved:
            follower = on.ids[i + 1] if i + 1 < len(on.ids) else None
        return ahead, follower

    def put(self, a: Assignment, ahead: str | None, follower: str | None) -> None:
        """Puts the moved operation between two others."""
        self.now[a.operation] = a
        self._before[a.operation], self._behind[a.operation] = ahead, follower
        if ahead is not None:
            self._behind[ahead] = a.operation
        if follower is not None:
            self._before[follower] = a.operation

    def key_before(self, ahead: str | None, track: TrackId) -> str | None:
        """The key that a track stands at behind an operation (none: at its beginning)."""
        while ahead is not None:
            key = self.floor.operations[ahead].setup_key
            if key is not None:
                return key
            ahead = self.before(ahead)
        return self.floor.first_key(track)

    def need(self, name: str) -> int:
        """Seconds of setup before an operation where it stands."""
        op, a = self.floor.operations[name], self.at(name)
        setup = self.floor.setups[a.resource]
        if setup is None or op.setup_key is None or running(op):
            return 0
        return setup.seconds(self.key_before(self.before(name), (a.resource, a.track)), op.setup_key)

    def ready(self, op: Operation) -> tuple[int, str | None, bool]:
        """From when its predecessors allow it, which is the last of them, and whether a wait after it decides."""
        at, who, waits = 0, None, False
        for before in op.predecessors:
            if before not in self.floor.at:
                continue
            end = self.at(before).end_s
            least = self.floor.wait(op, before).least_s if op.waits else 0
            if end + least > at:
                at, who, waits = end + least, before, least > 0
        return at, who, waits

    def followers_with_key(self, first: str | None) -> Iterator[str]:
        """An operation on a track and the first one at or behind it that has a key."""
        name = first
        while name is not None:
            if name == first or self.floor.operations[name].setup_key is not None:
                yield name
            if self.floor.operations[name].setup_key is not None:
                return
            name = self.behind(name)


def running(op: Operation) -> bool:
    """It is at a machine."""
    return op.fixed is not None and op.fixed.remaining_s is not None


def gap(trial: Trial, track: TrackId, ahead: str | None, follower: str | None) -> tuple[int, int]:
    """From when to when a track is free between two of its operations; the setup of the second may take some of it."""
    free = trial.floor.available[track[0]]
    if ahead is not None:
        free = max(free, trial.at(ahead).end_s)
    return free, NEVER if follower is None else trial.at(follower).start_s
