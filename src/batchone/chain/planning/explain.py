"""Why a job ends when it does: what its operations waited for, and the chain of operations that decides its end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from batchone.chain.planning.limits import Cause, Limit, Waits
from batchone.chain.planning.model import Assignment, Operation, Plan, Problem
from batchone.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with what held it; `pauses_s` are the breaks between its start and its end."""

    operation: str
    job: str
    resource: str
    start_s: int
    end_s: int
    pauses_s: int
    limit: Limit


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the time until a job ends. `cause`: `work` (its own), or what it waited for: `resource` (another job's work on
    it), `setup`, `calendar`, `material`, `down` (broken) or `kept`. `operation` and `resource` say whose and where."""

    cause: str
    resource: str
    operation: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the time of a job goes.

    `path`: the job's own operations that follow each other without slack in the precedences, first to last. `chain`: from
    the job's last operation back through whatever held each one, other jobs included, last to first. `seconds`: the time
    from now to the end of the job along the path, by cause, with `work` and `pauses` beside the causes; it adds up.
    `shares`: the same time along the chain, first to last; it adds up too.
    """

    job: str
    end_s: int
    lateness_s: int | None
    path: tuple[Step, ...]
    chain: tuple[Step, ...]
    seconds: tuple[tuple[str, int], ...]
    shares: tuple[Share, ...] = ()

    def main_cause(self) -> str:
        """The cause (never work) that took most time; `nothing` if the job never waited."""
        waits = [(spent, name) for name, spent in self.seconds if name != "work"]
        spent, name = max(waits, default=(0, Cause.NOTHING.value))
        return name if spent else Cause.NOTHING.value

    def blamed(self) -> tuple[Share, ...]:
        """What it waited for along the chain, the same cause at the same place taken together, the longest first."""
        found: dict[tuple[str, str], Share] = {}
        for share in self.shares:
            place = (share.cause, share.operation if share.cause == Cause.MATERIAL else share.resource)
            if share.cause != "work":
                known = found.get(place)
                found[place] = share if known is None else replace(known, seconds=known.seconds + share.seconds)
        return tuple(sorted(found.values(), key=lambda share: (-share.seconds, share.cause, share.resource)))


def explain(problem: Problem, plan: Plan, job: str) -> Explanation:
    """Explains the end of a job in a plan of this problem. `NotFound` if the plan has nothing of the job."""
    outcome = plan.by_job.get(job)
    if outcome is None:
        raise NotFound("planning.job", f"The plan has no operation of job {job!r}.", "Name a job of the plan.", job=job)
    reader = Reader(problem, plan)
    path = reader.path(job)
    chain = reader.chain(path[-1].operation)
    return Explanation(job, outcome.end_s, outcome.lateness_s, path, chain, _seconds(path), reader.shares(job, chain))


def _seconds(path: tuple[Step, ...]) -> tuple[tuple[str, int], ...]:
    spent: dict[str, int] = {}
    for step in path:
        work = step.end_s - max(step.start_s, 0) - step.pauses_s
        for name, seconds in (("work", work), ("pauses", step.pauses_s), (step.limit.cause.value, step.limit.waited_s)):
            spent[name] = spent.get(name, 0) + seconds
    return tuple((name, seconds) for name, seconds in spent.items() if seconds)


class Reader:
    """Reads out of a plan what each operation waited for."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.operations = {op.id: op for op in problem.operations}
        self.jobs = {job.id: job for job in problem.jobs}
        self.resources = {resource.id: resource for resource in problem.resources}
        self.ahead: dict[str, Assignment] = {}
        last: dict[tuple[str, int], Assignment] = {}
        for a in plan.assignments:
            place = (a.resource, a.track)
            if place in last:
                self.ahead[a.operation] = last[place]
            last[place] = a

    def path(self, job: str) -> tuple[Step, ...]:
        """The job's operations that follow each other without slack, first to last."""
        own = [a for a in self.plan.assignments if a.job == job]
        steps: list[Step] = []
        name: str | None = max(own, key=lambda a: (a.end_s, a.operation)).operation
        while name is not None:
            steps.append(self._step(name, along_path=True))
            name = self._latest_predecessor(self.operations[name])
        return tuple(reversed(steps))

    def chain(self, name: str) -> tuple[Step, ...]:
        """From an operation back through whatever held each one."""
        steps: list[Step] = []
        following: str | None = name
        seen: set[str] = set()
        while following is not None and following not in seen:
            seen.add(following)
            step = self._step(following, along_path=False)
            steps.append(step)
            following = self._holder(step)
        return tuple(steps)

    def shares(self, job: str, chain: tuple[Step, ...]) -> tuple[Share, ...]:
        """The time until the first step of a chain ends, divided among all of its steps."""
        found: list[Share] = []
        since = 0
        for step in reversed(chain):
            a = self.plan.by_operation[step.operation]
            start = max(step.start_s, since)
            setup = start - min(start, max(a.setup_start_s, since))
            idle = start - since - setup
            work = max(step.end_s, start) - start - step.pauses_s
            for cause, seconds in (
                (self._idle(step, a), idle),
                (Cause.SETUP.value, setup),
                ("work" if step.job == job else Cause.RESOURCE.value, work),
                (Cause.CALENDAR.value, step.pauses_s),
            ):
                if seconds:
                    found.append(Share(cause, step.resource, step.operation, seconds))
            since = max(step.end_s, start)
        return tuple(found)

    def _idle(self, step: Step, a: Assignment) -> str:
        """Why nothing happens before a step: whatever held it was over by then, or is no operation."""
        cause = step.limit.cause
        if cause in (Cause.MATERIAL, Cause.KEPT):
            return cause.value
        down = self.resources[a.resource].available_from_s
        return "down" if cause is Cause.RESOURCE and step.limit.behind is None and down > 0 else Cause.CALENDAR.value

    def waited(self, a: Assignment) -> int:
        """By how many seconds an operation starts later than it could, because its resource is busy, broken or set up."""
        op = self.operations[a.operation]
        if op.fixed is not None:
            return 0
        limit = self._waits(a, op).limit(a.operation)
        return limit.waited_s if limit.cause in (Cause.RESOURCE, Cause.SETUP) else 0

    def _holder(self, step: Step) -> str | None:
        """The operation that decides when this one starts, looking through breaks to what was before them."""
        if step.limit.cause is not Cause.CALENDAR:
            return step.limit.behind
        before = self._latest_predecessor(self.operations[step.operation])
        return before if before is not None and self.plan.by_operation[before].end_s > 0 else None

    def _latest_predecessor(self, op: Operation) -> str | None:
        known = [name for name in op.predecessors if name in self.plan.by_operation]
        return max(known, key=lambda name: (self.plan.by_operation[name].end_s, name), default=None)

    def _step(self, name: str, *, along_path: bool) -> Step:
        a, op = self.plan.by_operation[name], self.operations[name]
        limit = Limit(name, Cause.NOTHING, 0) if op.fixed is not None and a.start_s <= 0 else self._waits(a, op).limit(name)
        if along_path:
            # The time until the predecessor's end is told by the predecessor's own step.
            limit = Limit(name, limit.cause, max(0, a.start_s - self._since(op)), limit.behind)
        return Step(name, op.job, a.resource, a.start_s, a.end_s, self.pauses(a), limit)

    def _since(self, op: Operation) -> int:
        before = self._latest_predecessor(op)
        return 0 if before is None else max(0, self.plan.by_operation[before].end_s)

    def _waits(self, a: Assignment, op: Operation) -> Waits:
        resource = self.resources[a.resource]
        before = self._latest_predecessor(op)
        before_s = 0 if before is None else self.plan.by_operation[before].end_s
        ahead = self.ahead.get(a.operation)
        free = max(0, resource.available_from_s, ahead.end_s if ahead else 0)
        material = max(op.earliest_s, self.jobs[op.job].release_s)
        next_work = self.problem.calendar_of(resource).next_start(max(0, material, before_s, free))
        return Waits(
            now_s=0,
            material_s=material,
            before_s=before_s,
            before=before,
            free_s=free,
            ahead=ahead.operation if ahead else None,
            next_work_s=next_work,
            start_s=a.start_s,
            setup_s=a.start_s - a.setup_start_s,
        )

    def pauses(self, a: Assignment) -> int:
        """Seconds of breaks within an operation."""
        if not self.operations[a.operation].attended:
            return 0
        calendar = self.problem.calendar_of(self.resources[a.resource])
        begin = max(0, a.start_s)
        return a.end_s - begin - calendar.working(begin, a.end_s)
