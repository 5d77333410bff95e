"""All signals of a machine in a list, narrowed by words and by what is doubtful of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args
from urllib.parse import urlencode

from batchone.kernel.errors import Refused
from batchone.web.views.machine import SignalRow

ROWS = 100
Show = Literal["all", "silent", "bad", "uncertain", "never"]
SHOWS: tuple[Show, ...] = get_args(Show)


@dataclass(frozen=True)
class Wish:
    """What of the list is asked for."""

    q: str = ""
    show: Show = "all"
    page: int = 1

    def query(self, **changes: str | int) -> str:
        """As an address says it; everything but another page begins at the first."""
        other = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]  # the fields' own types
        show, page = "" if other.show == "all" else other.show, "" if other.page == 1 else other.page
        return urlencode({key: value for key, value in (("q", other.q), ("show", show), ("page", page)) if value})


def wish(q: str = "", show: str = "all", page: int = 1) -> Wish:
    """What a query asks for; `Refused` for a list that there is not."""
    if show not in SHOWS:
        raise Refused("web.signals", f"There is no list of signals called '{show}'.", "Choose one on the page.")
    return Wish(q.strip()[:100], show, min(max(page, 1), 1_000_000))


@dataclass(frozen=True)
class Listed:
    """One page of the list; `first` is the place of its first row, from 1."""

    rows: tuple[SignalRow, ...]
    total: int
    first: int
    pages: int


def listed(rows: Sequence[SignalRow], wished: Wish) -> Listed:
    """The rows that fit."""
    words = wished.q.casefold().split()
    fitting = [row for row in rows if _is(row, wished.show) and all(word in _text(row) for word in words)]
    pages = max(1, -(-len(fitting) // ROWS))
    first = (min(wished.page, pages) - 1) * ROWS
    return Listed(tuple(fitting[first : first + ROWS]), len(fitting), first + 1, pages)


def _is(row: SignalRow, show: Show) -> bool:
    found = {
        "all": True, "silent": row.stale and row.value is not None, "bad": row.quality == 2, "uncertain": row.quality == 1,
        "never": row.value is None,
    }  # fmt: skip
    return found[show]


def _text(row: SignalRow) -> str:
    return " ".join((row.path, row.unit, *row.name.values())).casefold()
