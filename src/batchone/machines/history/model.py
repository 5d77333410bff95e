"""What the historian talks about, and its pure decisions: which segments to merge, how wide a step of a trend is."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from batchone.contracts.machines import Kept
from batchone.kernel.errors import Refused
from batchone.machines.history.packing import UNTIL

POINTS_MIN = 4
"""First, smallest, largest and last sample of a signal: a trend keeps at least these."""

BatchKey = tuple[str, str]
"""Tenant and batch id."""

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""No sample is earlier, none as late."""

Missing = Mapping[str, Literal["lost", "away"]]
"""Files that could not be read, and why: they are gone or damaged, or stand in an object store that is away."""


@dataclass(frozen=True)
class Segment:
    """A Parquet file of samples as the catalogue names it.

    `file` is relative to the historian's folder; `first` and `last` are the least and greatest source time; `paths` is
    how many signals it holds; `packed` is the shape of merged ones (see `packing`); `kept` is the class that says for how
    long it is kept; `alone` says that no other segment holds one of its samples, which readers need not look for then. One
    that `moved` is in the object store under the name `file`, its bytes' SHA-256 being `object`; the file in the folder is
    then a copy that comes and goes.
    """

    id: str
    tenant: str
    day: date
    file: str
    first: datetime
    last: datetime
    rows: int
    bytes: int
    paths: int
    packed: bool = False
    kept: Kept = "standard"
    alone: bool = False
    object: str = ""
    moved: bool = False

    @property
    def shape(self) -> str:
        """In which shape its rows stand in the file: plain or packed."""
        return "packed" if self.packed else "plain"

    @property
    def can_be_packed(self) -> bool:
        """Whether a merge, of this one alone if need be, makes it smaller."""
        return not self.packed and self.last < UNTIL


@dataclass(frozen=True)
class Shelf:
    """The live segments of one tenant, class of retention and day, and for how long none was added (real seconds)."""

    tenant: str
    kept: Kept
    day: date
    segments: tuple[Segment, ...]
    quiet_s: float


@dataclass(frozen=True)
class MergeRules:
    """When segments are merged.

    `fan_in` segments of like size become one, so that a sample is rewritten a few times only; a shelf that was quiet for
    `settled_s` is merged as far as `rows_max`, the most rows of a merged segment, allows.
    """

    fan_in: int
    settled_s: float
    rows_max: int


def to_merge(shelf: Shelf, rules: MergeRules) -> tuple[Segment, ...]:
    """The segments of a shelf that should become one now; none when it is well as it is.

    Sizes fall into tiers by powers of `fan_in` (a size-tiered log-structured merge, O'Neil et al. 1996): a full tier is
    merged together with all smaller ones. Of a settled shelf what nothing can be merged with is packed by itself.
    """
    small = sorted((s for s in shelf.segments if s.rows < rules.rows_max), key=lambda s: (s.rows, s.id))
    tiers: dict[int, int] = defaultdict(int)
    for segment in small:
        tiers[_tier(segment.rows, rules.fan_in)] += 1
    full = [tier for tier, count in tiers.items() if count >= rules.fan_in]
    if full:
        small = [s for s in small if _tier(s.rows, rules.fan_in) <= max(full)]
    elif shelf.quiet_s < rules.settled_s:
        return ()
    chosen = _fitting(small, rules.rows_max)
    if len(chosen) > 1:
        return chosen
    return () if full else tuple(segment for segment in shelf.segments if segment.can_be_packed)[:1]


def _tier(rows: int, fan_in: int) -> int:
    return int(math.log(rows, fan_in))


def _fitting(segments: Iterable[Segment], rows_max: int) -> tuple[Segment, ...]:
    chosen: list[Segment] = []
    rows = 0
    for segment in segments:
        rows += segment.rows
        if rows > rows_max:
            break
        chosen.append(segment)
    return tuple(chosen)


@dataclass(frozen=True)
class Steps:
    """How a window is divided for a thinned trend: steps of `width_us`, whose borders are multiples of the width.

    Because the borders do not move with the window, a chart that follows the present keeps showing the same samples.
    """

    width_us: int
    count: int

    @staticmethod
    def of(start_us: int, end_us: int, points: int) -> Steps:
        """Steps for at most `points` samples a signal: two for each step, and the first and last of all."""
        count = max(1, (points - 2) // 2)
        if count == 1:
            return Steps(1 << 62, 1)
        # A window whose borders are no multiples touches one step more than its length has.
        return Steps(max(1, -((start_us - end_us) // (count - 1))), count)


def check_time(time: datetime) -> None:
    """Refuse a time without zone."""
    if time.tzinfo is None:
        raise Refused("history.zone", "A time lacks its zone.", "Write it as 2026-01-01T08:00:00Z.")


def check_window(start: datetime, end: datetime) -> None:
    """Refuse a window without zone or length."""
    check_time(start)
    check_time(end)
    if start >= end:
        raise Refused("history.window", f"The window from {start} to {end} has no length.", "Let it start before its end.")


_SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))


def windows_before(end: datetime, least: datetime) -> list[tuple[datetime, datetime]]:
    """Windows from `end` back to `least`, the newest first, each longer than the one before: most of what is looked for last
    is in the first, and the rest costs few questions."""
    found: list[tuple[datetime, datetime]] = []
    last = end
    while last > least:
        span = _SPANS[min(len(found), len(_SPANS) - 1)]
        first = max(last - span, least)
        found.append((first, last))
        last = first
    return found


def check_points(points: int) -> None:
    """Refuse a trend too thin to show anything."""
    if points < POINTS_MIN:
        raise Refused("history.points", f"A trend of {points} points shows nothing.", f"Ask for at least {POINTS_MIN}.")


def shelves(rows: Sequence[tuple[Segment, float]]) -> list[Shelf]:
    """Live segments, each with its shelf's quiet time, gathered by tenant, class of retention and day."""
    found: dict[tuple[str, Kept, date], list[Segment]] = defaultdict(list)
    quiet: dict[tuple[str, Kept, date], float] = {}
    for segment, quiet_s in rows:
        shelf = segment.tenant, segment.kept, segment.day
        found[shelf].append(segment)
        quiet[shelf] = quiet_s
    return [Shelf(*shelf, tuple(segments), quiet[shelf]) for shelf, segments in found.items()]


def to_move(shelf: Shelf, rules: MergeRules, before: datetime) -> tuple[Segment, ...]:
    """The segments of a shelf, of which none has moved yet, that may go to the object store: none of their samples is later
    than `before`, nothing was added for a while, and there is nothing to merge."""
    if shelf.quiet_s < rules.settled_s or to_merge(shelf, rules):
        return ()
    return tuple(segment for segment in shelf.segments if segment.last < before)


KeepS = Mapping[Kept, float | None]
"""For how many seconds of plant time the samples of each class are kept; None: for good."""


def due(segments: Iterable[Segment], keep_s: KeepS, now: datetime) -> list[tuple[Segment, ...]]:
    """The shelves of which every sample is older than its class is kept, oldest first: a shelf goes whole or stays whole."""
    found: dict[tuple[str, Kept, date], list[Segment]] = defaultdict(list)
    for segment in segments:
        found[segment.tenant, segment.kept, segment.day].append(segment)
    return [
        tuple(sorted(shelf, key=lambda segment: segment.id))
        for (_, kept, _), shelf in sorted(found.items(), key=lambda item: (item[0][2], item[0]))
        if (keep := keep_s.get(kept)) is not None and max(each.last for each in shelf) < now - timedelta(seconds=keep)
    ]


def digest(segments: Iterable[Segment]) -> str:
    """Names exactly these segments, so that nothing goes but what somebody has seen."""
    return hashlib.sha256("\n".join(sorted(segment.id for segment in segments)).encode()).hexdigest()[:16]
