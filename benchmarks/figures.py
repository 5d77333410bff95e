"""Numbers of a run: percentiles, medians, tables, and the report that a benchmark hands back."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True)
class Options:
    """How to measure: `quick` for a small run that only shows that everything works, `profile` to say where time goes;
    `seconds` and `seeds` of each search, where there is one (None: as the benchmark says); `only` instances whose names hold
    it."""

    quick: bool = False
    profile: bool = False
    seconds: float | None = None
    seeds: int | None = None
    only: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under column names; units stand in the names. `notes` say what the reader must know."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass
class Report:
    """What a benchmark found: tables, and profiles as text by name."""

    name: str
    tables: list[Table] = field(default_factory=list)
    profiles: dict[str, str] = field(default_factory=dict)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def p50(values: Sequence[float]) -> float:
    """The median; of an even number the mean of the middle two."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The ninety-ninth percentile; of fewer than a hundred values the greatest."""
    return percentile(values, 0.99)


def ratio(peer: float, ours: float) -> float:
    """How many times the peer's figure is of ours; not-a-number where there is none to compare with."""
    return peer / ours if ours else math.nan


def gap(found: float, best: float) -> float | None:
    """By how many per cent a figure is above the best; None where the best is 0, of which nothing is a part."""
    return 100 * (found - best) / best if best else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that there are; None where there are none."""
    there = [value for value in values if value is not None]
    return statistics.mean(there) if there else None


def exponent(smaller: tuple[float, float], greater: tuple[float, float]) -> float:
    """The power of the size with which a cost grows from one (size, cost) to another."""
    (n0, cost0), (n1, cost1) = smaller, greater
    return math.log(max(cost1, 1e-9) / max(cost0, 1e-9)) / math.log(n1 / n0)


def kept(*figures: bool) -> str:
    """Whether all that was wanted is so, as the tables say it."""
    return "yes" if all(figures) else "no"


def text(table: Table) -> str:
    """The table in aligned columns."""
    cells = [tuple(table.columns), *(tuple(_cell(value) for value in row) for row in table.rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
    lines = ["  ".join(map(_aligned, row, widths, range(len(widths)))) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([f"\n{table.title}", *(line.rstrip() for line in lines), *(f"  {note}" for note in table.notes)])


def _aligned(cell: str, width: int, at: int) -> str:
    return cell.ljust(width) if at == 0 else cell.rjust(width)


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "-"
    places = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 4)}f}"
