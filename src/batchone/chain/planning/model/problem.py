"""The planning problem as plain frozen data: what must be done, on what, and when it can begin.

All times are whole seconds from `Problem.origin`, which is *now* for the plan: nothing that is not fixed starts before
second 0. Ids are the caller's; operations, jobs, resources, classes, calendars and setups each have their own names,
except that a class and a resource must not share one, since an alternative may name either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from batchone.chain.planning.model.calendars import ALWAYS, Calendar


class Measure(StrEnum):
    """What a plan is judged by; less is better in each."""

    TARDINESS = "tardiness"
    """Sum over jobs of weight times seconds after the due time."""
    SETUP = "setup"
    """Seconds of setup on all tracks."""
    MAKESPAN = "makespan"
    """Second at which the last operation ends."""
    WORK_IN_PROGRESS = "work_in_progress"
    """Sum over jobs of the seconds from the start of the first operation to the end of the last."""
    ENERGY = "energy"
    """Cost of energy: kilowatts times the tariff's price while an operation lasts, in thousandths of its currency."""
    CHANGES = "changes"
    """Operations that stand elsewhere, or start at another second, than in the plan before."""


@dataclass(frozen=True, slots=True)
class SetupMatrix:
    """Seconds of change on one track from one setup key to the next.

    `pairs` names (from, to, seconds); any other change takes `change_s`, the same key again takes none (unless a pair
    says so), and the first key of a track with no key yet takes `first_s`. An operation without a key needs no setup and
    leaves the track's key as it is. `detached`: the setup may be done before the item arrives; otherwise it waits for it.
    `crew`: a resource or class of which one position is taken while the setup lasts.
    """

    id: str
    change_s: int = 0
    pairs: tuple[tuple[str, str, int], ...] = ()
    first_s: int = 0
    detached: bool = True
    crew: str | None = None
    _seconds: dict[tuple[str, str], int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_seconds", {(a, b): s for a, b, s in self.pairs})

    def seconds(self, before: str | None, after: str | None) -> int:
        """Seconds from key `before` to key `after`; `None` is *no key*."""
        if after is None:
            return 0
        if before is None:
            return self.first_s
        return self._seconds.get((before, after), 0 if before == after else self.change_s)


@dataclass(frozen=True, slots=True)
class Resource:
    """An equipment or a worker.

    `classes`: the classes it can serve. `positions`: parallel tracks, each of which does one operation at a time.
    `calendar`: id of its calendar. `available_from_s`: broken or absent until then. `setup`: id of its setup matrix.
    `keys`: the key each track stands at, in order of tracks; missing ones are unknown. `batch`: how many operations of one
    batch key a track does together (an oven): they start and end as one.
    """

    id: str
    classes: tuple[str, ...] = ()
    positions: int = 1
    calendar: str = ALWAYS.id
    available_from_s: int = 0
    setup: str | None = None
    keys: tuple[str | None, ...] = ()
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Alternative:
    """Somewhere an operation can be done: a class or one resource, and the working seconds it takes there.

    Where a class and one of its resources are both named, the resource's own seconds hold. `power_kw`: what it draws while
    the operation lasts.
    """

    on: str
    duration_s: int
    power_kw: float = 0.0


@dataclass(frozen=True, slots=True)
class Fixed:
    """Where and when an operation stands that no plan may move.

    Without `remaining_s` it starts exactly at `start_s`. With it the operation is running: it started at `start_s` (at or
    before 0) and needs that many seconds more from now, or from when its resource is available again. Fixed operations
    come first on their track: a plan puts nothing before them.

    `also`: the (resource, track) that it holds, as in `Assignment`: none if that is not known, and where it is, nothing else
    has them before it lets go. A running operation that holds a crew is being set up as long as it has more seconds left than
    it takes, and lets the crew go then.
    """

    resource: str
    track: int
    start_s: int
    setup_start_s: int | None = None
    remaining_s: int | None = None
    also: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds between the end of a predecessor and the start of an operation: curing takes at least `least_s`, day and night;
    what must not cool down starts at most `most_s` after (none: any time)."""

    after: str
    least_s: int = 0
    most_s: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A step of a job.

    `predecessors`: ids of operations in the problem that must have ended; finished ones are simply left out.
    `earliest_s`: not before (material). `attended`: it pauses over breaks and its duration counts working seconds only;
    otherwise it starts in working time and then runs on, day and night. `waits`: for some predecessors, how long after them.
    `needs`: tools and skills, each a resource or class of which one position is taken from the beginning of the setup to the
    end. `batch_key`: what may share a batch, where a resource does several at once; those of one key take equally long.
    """

    id: str
    job: str
    alternatives: tuple[Alternative, ...]
    predecessors: tuple[str, ...] = ()
    earliest_s: int = 0
    setup_key: str | None = None
    attended: bool = True
    fixed: Fixed | None = None
    waits: tuple[Wait, ...] = ()
    needs: tuple[str, ...] = ()
    batch_key: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted when: an item or an order. `weight`: what a second of lateness costs, against other jobs'."""

    id: str
    due_s: int | None = None
    weight: int = 1
    release_s: int = 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a kilowatt-hour costs: `prices` are (from second of the cycle, price), sorted, the first from 0; they repeat every
    `cycle_s` seconds, counted from `starts_s` (at or before 0: where the cycle that runs at the origin began)."""

    prices: tuple[tuple[int, float], ...]
    cycle_s: int = 86_400
    starts_s: int = 0


@dataclass(frozen=True, slots=True)
class Before:
    """Where an operation stood in the plan before: what `Measure.CHANGES` compares with."""

    operation: str
    resource: str
    start_s: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything a plan depends on.

    `aim`: the measures in order of importance; a plan is better if it is less in the first one that differs. With `weights`,
    one for each measure of the aim, it is better if the sum of weight times measure is less. `no_passing`: lines, each the
    ids of resources on which all jobs stand in one and the same order (a conveyor: nobody passes). `tariff`: what energy
    costs; `before`: the plan that changes are counted against.
    """

    origin: datetime
    resources: tuple[Resource, ...]
    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]
    calendars: tuple[Calendar, ...] = ()
    setups: tuple[SetupMatrix, ...] = ()
    aim: tuple[Measure, ...] = (Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN)
    weights: tuple[int, ...] = ()
    no_passing: tuple[tuple[str, ...], ...] = ()
    tariff: Tariff | None = None
    before: tuple[Before, ...] = ()

    def __post_init__(self) -> None:
        if self.origin.tzinfo is None:
            raise ValueError("problem: origin must know its time zone")

    def at(self, second: int) -> datetime:
        """The moment that is `second` seconds from the origin."""
        return self.origin + timedelta(seconds=second)

    def second(self, moment: datetime) -> int:
        """Whole seconds from the origin to an aware moment."""
        return round((moment - self.origin).total_seconds())

    def calendar_of(self, resource: Resource) -> Calendar:
        """The calendar of a resource; `always` need not be listed. `KeyError` if there is none of that id."""
        return {ALWAYS.id: ALWAYS, **{calendar.id: calendar for calendar in self.calendars}}[resource.calendar]
