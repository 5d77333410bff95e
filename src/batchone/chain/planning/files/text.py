"""Instances of the literature are lines of numbers; here each keeps its line and column, for whoever wrote it wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from batchone.chain.planning.checks import MAX_DURATION_S, MAX_OPERATIONS
from batchone.kernel.errors import Refused

ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)
"""Where the seconds of a format that knows no dates begin: a Monday."""

_FIELD = re.compile(r"\S+")
_SHOWN = 40


def malformed(name: str, where: str, what: str, expected: str) -> Refused:
    """The error of every reader: which file, where in it, what stands there and what should."""
    return Refused(
        "planning.file", f"{name}, {where}: {what}; expected {expected}.", "Correct the file there and read it again."
    )


@dataclass(frozen=True, slots=True)
class Line:
    """The fields of one line with their columns, counted from 1."""

    name: str
    number: int
    fields: tuple[tuple[int, str], ...]

    def wrong(self, field: int, expected: str) -> Refused:
        """The error of a field (counted from 0), or of its absence."""
        if field >= len(self.fields):
            return malformed(self.name, f"line {self.number}", f"it ends after {len(self.fields)} fields", expected)
        column, text = self.fields[field]
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        return malformed(
            self.name, f"line {self.number}, column {column} (field {field + 1})", f"{shown!r} stands there", expected
        )

    def whole(self, field: int, expected: str, least: int = 0, most: int = MAX_DURATION_S) -> int:
        """A whole number of a range."""
        text = self.fields[field][1] if field < len(self.fields) else ""
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not least <= int(text) <= most:
            raise self.wrong(field, f"{expected}: a whole number from {least} to {most}")
        return int(text)

    def wholes(self, count: int, expected: str, least: int = 0) -> list[int]:
        """Exactly so many whole numbers."""
        if len(self.fields) > count:
            raise self.wrong(count, f"the end of the line after {count} fields of {expected}")
        return [self.whole(field, expected, least) for field in range(count)]


class Lines:
    """The lines of a text one after another; blank ones and those that begin with `#` are passed over."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._lines = self._split(text)
        self.last = 0

    def _split(self, text: str) -> Iterator[Line]:
        for number, raw in enumerate(text.splitlines(), 1):
            fields = tuple((found.start() + 1, found.group()) for found in _FIELD.finditer(raw))
            if fields and not fields[0][1].startswith("#"):
                yield Line(self.name, number, fields)

    def next(self, expected: str) -> Line:
        """The next line."""
        line = next(self._lines, None)
        if line is None:
            raise malformed(self.name, f"line {self.last + 1}", "the file ends there", expected)
        self.last = line.number
        return line

    def end(self) -> None:
        """Nothing more may come."""
        line = next(self._lines, None)
        if line is not None:
            raise line.wrong(0, "the end of the file")


def refuse_too_many(name: str, operations: int) -> None:
    """Refuses a file that says it has more operations than can be planned, before they are read."""
    if operations > MAX_OPERATIONS:
        raise Refused(
            "planning.too_large",
            f"{name} has {operations} operations or more; at most {MAX_OPERATIONS} can be planned at once.",
            "Plan a part of it.",
        )
