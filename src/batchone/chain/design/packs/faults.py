"""What is wrong with a pack: every fault has a file, a line, and a cure."""

from __future__ import annotations

from dataclasses import dataclass

from batchone.contracts.pack import Pack
from batchone.kernel.errors import Refused


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """Something wrong in a pack: where, what, and how to cure it."""

    file: str
    line: int
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what} {self.cure}"


@dataclass(frozen=True, slots=True)
class PackReport:
    """All faults, by file and line; the pack, when there are none."""

    faults: tuple[Fault, ...]
    pack: Pack | None


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
