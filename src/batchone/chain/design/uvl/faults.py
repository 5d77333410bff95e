"""What is wrong with a text in UVL: line, column, what stands there and what was expected."""

from __future__ import annotations

from dataclasses import dataclass

from batchone.kernel.errors import Refused


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One fault. Lines and columns count from 1, a tab is one column; `expected` says what would be right there."""

    line: int
    column: int
    what: str
    expected: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.what} Expected {self.expected}."


class UvlRefused(Refused):
    """A text is no feature model that can be used here. `faults` has all that were found, by line."""

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        first = faults[0]
        more = "" if len(faults) == 1 else f" ({len(faults)} faults in all)"
        super().__init__(
            "design.uvl",
            f"{file}:{first.line}:{first.column}: {first.what}{more}",
            f"Write {first.expected}.",
            file=file,
            line=first.line,
            column=first.column,
            expected=first.expected,
            faults="\n".join(f"{file}:{fault}" for fault in faults),
        )
        self.faults = faults


class Halt(Exception):
    """Reading cannot go on past this fault; caught where the text is read as a whole."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def halt(line: int, column: int, what: str, expected: str) -> Halt:
    """A fault to raise."""
    return Halt(Fault(line, column, what, expected))
