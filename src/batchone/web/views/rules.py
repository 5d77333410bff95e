"""Rules and drafts of them as templates see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from batchone.contracts.authoring import Mark, RulesTried, Tested
from batchone.contracts.design import Choices
from batchone.contracts.pack import Text
from batchone.web.books import Book

AROUND = 2
"""So many lines are shown before and after one with a fault."""
EXACT_DIGITS = 12
_PAIR = re.compile(r"\s*([A-Za-z0-9._-]+)\s*=\s*([A-Za-z0-9._-]+)\s*\Z")


@dataclass(frozen=True)
class Line:
    """A line of the text; `gap` if lines were left out before it."""

    number: int
    text: str
    marks: tuple[Mark, ...]
    gap: bool


@dataclass(frozen=True)
class Pair:
    """An option and one of its values, as people call them."""

    option: Text
    value: Text


@dataclass(frozen=True)
class Shown:
    """A draft and what it is worth, ready to be shown.

    `many` is the number of configurations: exact digits, or the powers of ten between which it lies, the same where one is
    known; none for a draft with faults. `broken` are orders that could not be made any more, `moved` those that would cost
    something else; `own` is the author's own test order.
    """

    tried: RulesTried
    lines: tuple[Line, ...]
    elsewhere: tuple[Mark, ...]
    faults: int
    warnings: int
    exact: str
    powers: tuple[int, int] | None
    forced: tuple[Pair, ...]
    dead: tuple[Pair, ...]
    gained: tuple[Pair, ...]
    lost: tuple[Pair, ...]
    own: Tested | None
    own_choices: tuple[Pair, ...]
    orders: int
    broken: tuple[Tested, ...]
    moved: tuple[Tested, ...]


def choices_of(text: str) -> dict[str, str]:
    """The choices of an order as an author types them: `option = value`, with commas between; what is no pair is left out."""
    pairs = [_PAIR.match(each) for each in text.split(",")]
    return {found[1]: found[2] for found in pairs if found}


def shown(book: Book, text: str, found: RulesTried, *, own: bool) -> Shown:
    """A draft that was tried; the first of its orders is the author's own where there is one."""
    here = [mark for mark in found.marks if mark.file == "rules.yaml"]
    orders = found.orders[1:] if own else found.orders
    mine = found.orders[0] if own and found.orders else None
    powers = (len(found.count.least) - 1, len(found.count.most) - 1) if found.count else None
    exact = found.count.least if found.count and found.count.least == found.count.most else ""
    return Shown(
        tried=found,
        lines=_lines(text, here),
        elsewhere=tuple(mark for mark in found.marks if mark.file != "rules.yaml"),
        faults=sum(not mark.warning for mark in found.marks),
        warnings=sum(mark.warning for mark in found.marks),
        exact=exact if len(exact) <= EXACT_DIGITS else "",
        powers=powers,
        forced=pairs(book, found.forced),
        dead=tuple(_pair(book, option, value) for option, values in found.dead.items() for value in values),
        gained=pairs(book, found.gained or {}),
        lost=pairs(book, found.lost or {}),
        own=mine,
        own_choices=pairs(book, mine.completed) if mine else (),
        orders=len(orders),
        broken=tuple(each for each in orders if not each.possible),
        moved=tuple(each for each in orders if each.possible and each.price != each.price_before),
    )


def pairs(book: Book, choices: Choices) -> tuple[Pair, ...]:
    """Choices by name."""
    return tuple(_pair(book, option, value) for option, value in choices.items())


def _pair(book: Book, option: str, value: str) -> Pair:
    return Pair(book.name("option", option), book.value_name(option, value))


def _lines(text: str, marks: Sequence[Mark]) -> tuple[Line, ...]:
    """The lines with a fault and those around them."""
    lines = text.split("\n")
    wanted = sorted(
        {n for mark in marks for n in range(mark.line - AROUND, mark.line + AROUND + 1) if 1 <= n <= max(len(lines), mark.line)}
    )
    return tuple(
        Line(
            n, lines[n - 1] if n <= len(lines) else "", tuple(mark for mark in marks if mark.line == n),
            n > 1 and (index == 0 or wanted[index - 1] != n - 1),
        )
        for index, n in enumerate(wanted)
    )  # fmt: skip
