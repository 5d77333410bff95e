"""What is wrong with a pack: every fault has a file, a line, and a cure."""

from __future__ import annotations

from dataclasses import dataclass

from batchone.contracts.pack import Pack
from batchone.kernel.errors import Refused


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A line of a file and a column in it, counted from 1; column 0 where only the line is known."""

    file: str
    line: int
    column: int = 0


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """Something wrong in a pack: where, what, and how to cure it. Column 0 means that only the line is known."""

    file: str
    line: int
    what: str
    cure: str
    column: int = 0

    @property
    def where(self) -> str:
        """File, line and column as editors read them."""
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.cure}"


@dataclass(frozen=True, slots=True)
class PackReport:
    """All faults, by file and line; the pack, when there are none. Warnings do not keep a pack from being installed."""

    faults: tuple[Fault, ...]
    pack: Pack | None
    warnings: tuple[Fault, ...] = ()


class PackRefused(Refused):
    """A pack has faults; nothing of it is used. `faults` has them all."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(
            "pack.faulty",
            f"The pack has {count}; the first is {faults[0]}",
            "Correct them all; a pack with one fault installs nothing.",
            faults="\n".join(map(str, faults)),
        )
        self.faults = faults
