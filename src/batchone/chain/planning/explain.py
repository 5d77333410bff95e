"""Why a job ends when it does: what its operations waited for, and the chain of operations that decides its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from batchone.chain.planning.holding import Holding
from batchone.chain.planning.limits import Cause, Limit
from batchone.chain.planning.model import Assignment, JobOutcome, Plan, Problem
from batchone.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with what held it; `pauses_s` are the breaks between its start and its end, `least_s` the seconds that must
    pass after the last of its predecessors."""

    operation: str
    job: str
    resource: str
    start_s: int
    end_s: int
    pauses_s: int
    limit: Limit
    least_s: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the time until a job ends. `cause`: `work` (its own), or what it waited for: `resource` (another job's work on
    it), `tool` or `crew` (another job has it, or it is broken or off shift), `batch` (what the last of its batch waited for),
    `wait` (a cure, or what must not come too soon), `setup`, `calendar`, `material`, `down` (broken) or `kept`. `operation` and
    `resource` say whose and where: the machine, the tool, the person or the oven."""

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
    return Reader(problem, plan).explanation(job, outcome)


def _seconds(path: tuple[Step, ...]) -> tuple[tuple[str, int], ...]:
    spent: dict[str, int] = {}
    for step in path:
        cure = min(step.least_s, step.limit.waited_s)
        for name, seconds in (
            ("work", step.end_s - max(step.start_s, 0) - step.pauses_s),
            ("pauses", step.pauses_s),
            (Cause.WAIT.value, cure),
            (step.limit.cause.value, step.limit.waited_s - cure),
        ):
            spent[name] = spent.get(name, 0) + seconds
    return tuple((name, seconds) for name, seconds in spent.items() if seconds)


class Reader:
    """Reads out of a plan what each operation waited for; one for all jobs of a plan."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.holding = Holding(problem, plan)
        self.operations, self.resources = self.holding.operations, self.holding.resources

    @cached_property
    def by_job(self) -> dict[str, list[Assignment]]:
        """The assignments of each job."""
        found: dict[str, list[Assignment]] = {}
        for a in self.plan.assignments:
            found.setdefault(a.job, []).append(a)
        return found

    def explanation(self, job: str, outcome: JobOutcome) -> Explanation:
        """Why a job ends when it does."""
        path = self.path(job)
        chain = self.chain(path[-1].operation)
        return Explanation(job, outcome.end_s, outcome.lateness_s, path, chain, _seconds(path), self.shares(job, chain))

    def path(self, job: str) -> tuple[Step, ...]:
        """The job's operations that follow each other without slack, first to last."""
        steps: list[Step] = []
        name: str | None = max(self.by_job[job], key=lambda a: (a.end_s, a.operation)).operation
        while name is not None:
            steps.append(self._step(name, along_path=True))
            name = self.holding.latest_predecessor(self.operations[name])[0]
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
        for step, before, tag, until in reversed(self._links(job, chain)):
            a = self.plan.by_operation[step.operation]
            start = max(step.start_s, since)
            setup = start - min(start, max(a.setup_start_s, since))
            idle = start - since - setup
            cure = (
                min(idle, step.least_s) if before is not None and before in self.operations[step.operation].predecessors else 0
            )
            pauses = step.pauses_s if until > step.start_s else 0
            work = max(until, start) - start - pauses
            cause, where = tag or ("work" if step.job == job else Cause.RESOURCE.value, step.resource)
            lent = cause in (Cause.TOOL, Cause.CREW)
            parts = (
                Share(Cause.WAIT.value, step.resource, step.operation, cure),
                Share(*self._idle(step, a), step.operation, idle - cure),
                Share(*((cause, where) if lent else (Cause.SETUP.value, step.resource)), step.operation, setup),
                Share(cause, where, step.operation, work),
                Share(Cause.CALENDAR.value, step.resource, step.operation, pauses),
            )
            found += [share for share in parts if share.seconds]
            since = max(until, start)
        return tuple(found)

    def _links(self, job: str, chain: tuple[Step, ...]) -> list[tuple[Step, str | None, tuple[str, str] | None, int]]:
        """Each step of a chain with who held it, what another job's work in it is called and where that counts, and until when
        it held the step that it is there for."""
        found: list[tuple[Step, str | None, tuple[str, str] | None, int]] = []
        tag: tuple[str, str] | None = None
        for i, step in enumerate(chain):
            until = step.end_s
            if i:
                held = chain[i - 1].limit
                if held.behind == step.operation and held.until_s is not None:
                    until = min(until, held.until_s)
                if held.resource is not None and held.behind is not None:
                    tag = held.cause.value, held.resource
                elif tag is not None and (tag[0] != Cause.BATCH or chain[i - 1].job != step.job):
                    tag = None
            before = chain[i + 1].operation if i + 1 < len(chain) else None
            found.append((step, before, None if step.job == job else tag, until))
        return found

    def _idle(self, step: Step, a: Assignment) -> tuple[str, str]:
        """Why nothing happens before a step, and where: whatever held it was over by then, or is no operation."""
        limit = step.limit
        if limit.cause in (Cause.MATERIAL, Cause.KEPT, Cause.WAIT):
            return limit.cause.value, a.resource
        if limit.behind is None and limit.resource is not None:
            return limit.cause.value, limit.resource
        down = limit.cause is Cause.RESOURCE and limit.behind is None and self.resources[a.resource].available_from_s > 0
        return "down" if down else Cause.CALENDAR.value, a.resource

    def waited(self, a: Assignment) -> tuple[str, int]:
        """Which resource held an operation up because it is busy, broken, away or set up, and by how many seconds."""
        if self.operations[a.operation].fixed is not None:
            return a.resource, 0
        limit = self.holding.limit(a.operation)
        if limit.cause in (Cause.TOOL, Cause.CREW):
            return limit.resource or a.resource, limit.waited_s
        return a.resource, limit.waited_s if limit.cause in (Cause.RESOURCE, Cause.SETUP) else 0

    def _holder(self, step: Step) -> str | None:
        """The operation that decides when this one starts, looking through what is no operation to what was before that."""
        limit = step.limit
        if limit.cause in (Cause.NOTHING, Cause.MATERIAL) or (limit.behind is not None and limit.until_s is not None):
            return limit.behind
        before = self.holding.latest_predecessor(self.operations[step.operation])[0]
        return before if before is not None and self.plan.by_operation[before].end_s > 0 else None

    def _step(self, name: str, *, along_path: bool) -> Step:
        a, op = self.plan.by_operation[name], self.operations[name]
        limit = self.holding.limit(name)
        before, least = self.holding.latest_predecessor(op)
        if along_path:
            # The time until the predecessor's end is told by the predecessor's own step.
            since = 0 if before is None else max(0, self.plan.by_operation[before].end_s)
            limit = replace(limit, waited_s=max(0, a.start_s - since))
        return Step(name, op.job, a.resource, a.start_s, a.end_s, self.pauses(a), limit, least)

    def pauses(self, a: Assignment) -> int:
        """Seconds of breaks within an operation."""
        if not self.operations[a.operation].attended:
            return 0
        begin = max(0, a.start_s)
        return a.end_s - begin - self.holding.calendars[a.resource].working(begin, a.end_s)
