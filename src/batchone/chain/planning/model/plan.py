"""The result of planning: which operation where and when, and what that is worth. Never changed once made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from batchone.chain.planning.model.problem import Measure


@dataclass(frozen=True, slots=True)
class Assignment:
    """An operation on a track of a resource; `setup_start_s <= start_s <= end_s`, seconds from the origin.

    `also`: the (resource, track) of each of its needs, in their order, and last that of the setup crew if it has a setup
    that takes one.
    """

    operation: str
    job: str
    resource: str
    track: int
    setup_start_s: int
    start_s: int
    end_s: int
    also: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Objective:
    """What a plan is worth; see `Measure`."""

    weighted_tardiness_s: int
    setup_s: int
    makespan_s: int
    work_in_progress_s: int = 0
    energy: int = 0
    changes: int = 0

    def key(self, aim: Iterable[Measure], weights: Sequence[int] = ()) -> tuple[int, ...]:
        """The measures in the order of the aim, or their weighted sum where there are weights: a smaller key is a better
        plan."""
        measured = tuple(self.of(measure) for measure in aim)
        return (sum(w * m for w, m in zip(weights, measured, strict=True)),) if weights else measured

    def of(self, measure: Measure) -> int:
        """The value of one measure."""
        match measure:
            case Measure.TARDINESS:
                return self.weighted_tardiness_s
            case Measure.SETUP:
                return self.setup_s
            case Measure.MAKESPAN:
                return self.makespan_s
            case Measure.WORK_IN_PROGRESS:
                return self.work_in_progress_s
            case Measure.ENERGY:
                return self.energy
            case Measure.CHANGES:
                return self.changes


@dataclass(frozen=True, slots=True)
class Bound:
    """What no plan of the problem can go below."""

    weighted_tardiness_s: int
    makespan_s: int


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """When a job ends, and its seconds after the due time (negative: early; none: no due time)."""

    job: str
    end_s: int
    lateness_s: int | None
    weight: int

    @property
    def late(self) -> bool:
        """It ends after its due time."""
        return self.lateness_s is not None and self.lateness_s > 0


@dataclass(frozen=True)
class Plan:
    """Dated operations of one planning run.

    `assignments` are sorted by start; `jobs` stand in the order of the problem, those without an operation left out.
    `produced_by` names the method that found it, `seed` the chance it was found with, `steps` how far each walk of the search
    came.
    """

    origin: datetime
    assignments: tuple[Assignment, ...]
    jobs: tuple[JobOutcome, ...]
    objective: Objective
    bound: Bound
    produced_by: str
    seed: int = 0
    steps: int = 0

    @cached_property
    def by_operation(self) -> dict[str, Assignment]:
        """The assignment of each operation."""
        return {assignment.operation: assignment for assignment in self.assignments}

    @cached_property
    def by_job(self) -> dict[str, JobOutcome]:
        """The outcome of each job."""
        return {outcome.job: outcome for outcome in self.jobs}

    def at(self, second: int) -> datetime:
        """The moment that is `second` seconds from the origin."""
        return self.origin + timedelta(seconds=second)

    def late_jobs(self) -> tuple[JobOutcome, ...]:
        """The jobs that end after they are due, the costliest first."""
        late = (outcome for outcome in self.jobs if outcome.late)
        return tuple(sorted(late, key=lambda outcome: (-(outcome.lateness_s or 0) * outcome.weight, outcome.job)))

    def shifted(self, origin: datetime) -> Plan:
        """The same plan in seconds from another origin, as the next planning run needs it.

        What it is worth stays what it was: only the seconds of the makespan are counted from the other origin.
        """
        by = round((self.origin - origin).total_seconds())
        moved = tuple(
            replace(a, setup_start_s=a.setup_start_s + by, start_s=a.start_s + by, end_s=a.end_s + by) for a in self.assignments
        )
        ends = tuple(JobOutcome(j.job, j.end_s + by, j.lateness_s, j.weight) for j in self.jobs)
        worth, bound = self.objective, self.bound
        return replace(
            self,
            origin=origin,
            assignments=moved,
            jobs=ends,
            objective=replace(worth, makespan_s=worth.makespan_s + by),
            bound=replace(bound, makespan_s=bound.makespan_s + by),
        )
