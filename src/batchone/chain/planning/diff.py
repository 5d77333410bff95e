"""Two plans compared: what moved, which jobs end at another time, what each measure gained or lost."""

from __future__ import annotations

from dataclasses import dataclass

from batchone.chain.planning.model import Assignment, Measure, Plan


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job that ends at another time, in seconds from the same origin."""

    job: str
    before_s: int
    after_s: int
    late_before_s: int | None
    late_after_s: int | None

    @property
    def becomes_late(self) -> bool:
        """It was in time before."""
        return (self.late_before_s or 0) <= 0 < (self.late_after_s or 0)

    @property
    def becomes_timely(self) -> bool:
        """It was late before."""
        return (self.late_after_s or 0) <= 0 < (self.late_before_s or 0)


@dataclass(frozen=True, slots=True)
class Shifted:
    """An operation of both plans whose place or start differs."""

    was: Assignment
    now: Assignment

    @property
    def elsewhere(self) -> bool:
        """It is done on another resource or track."""
        return (self.was.resource, self.was.track) != (self.now.resource, self.now.track)


@dataclass(frozen=True, slots=True)
class Gain:
    """One measure of two plans; less is better."""

    measure: Measure
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What a plan differs in from the one before it. All seconds are from the later plan's origin."""

    added: tuple[Assignment, ...]
    removed: tuple[Assignment, ...]
    moved: tuple[Shifted, ...]
    jobs: tuple[JobChange, ...]
    gains: tuple[Gain, ...]

    @property
    def later(self) -> tuple[JobChange, ...]:
        """Jobs that end later, the longest delay first."""
        return tuple(sorted((j for j in self.jobs if j.after_s > j.before_s), key=lambda j: (j.before_s - j.after_s, j.job)))

    @property
    def earlier(self) -> tuple[JobChange, ...]:
        """Jobs that end sooner, the greatest gain first."""
        return tuple(sorted((j for j in self.jobs if j.after_s < j.before_s), key=lambda j: (j.after_s - j.before_s, j.job)))


def diff(before: Plan, after: Plan) -> Difference:
    """Compares two plans; they need not have the same origin, nor the same operations."""
    old = before if before.origin == after.origin else before.shifted(after.origin)
    was, now = old.by_operation, after.by_operation
    pairs = [(was[name], a) for name, a in now.items() if name in was]
    ends = [(old.by_job[new.job], new) for new in after.jobs if new.job in old.by_job]
    return Difference(
        added=tuple(a for name, a in now.items() if name not in was),
        removed=tuple(a for name, a in was.items() if name not in now),
        moved=tuple(Shifted(a, b) for a, b in pairs if (a.resource, a.track, a.start_s) != (b.resource, b.track, b.start_s)),
        jobs=tuple(
            JobChange(b.job, a.end_s, b.end_s, a.lateness_s, b.lateness_s)
            for a, b in ends
            if a.end_s != b.end_s or a.lateness_s != b.lateness_s
        ),
        gains=tuple(Gain(m, old.objective.of(m), after.objective.of(m)) for m in Measure),
    )
