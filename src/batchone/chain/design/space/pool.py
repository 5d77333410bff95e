"""Configurations that were found before, as bits: those that keep a person's choices answer without a solver.

A configuration is one bit a variable, so a whole one of a car line takes 260 bytes. Which variables can be true, and
which can be false, is an OR and an AND over the rows that are left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Truths = NDArray[np.bool_]


class Pool:
    """At most `most` configurations over variables 1 to `top`; the oldest make room."""

    def __init__(self, top: int, most: int, rows: Bits | None = None) -> None:
        self.top = top
        self.most = most
        self._width = (top + 7) // 8
        self._rows: Bits = np.zeros((0, self._width), np.uint8) if rows is None else rows
        self._new: list[Bits] = []

    def __len__(self) -> int:
        return len(self._rows) + len(self._new)

    @property
    def nbytes(self) -> int:
        """The memory that the rows take."""
        return len(self) * self._width

    def add(self, truths: Truths) -> None:
        """Keep a configuration."""
        self._new.append(np.packbits(truths))

    def rows(self) -> Bits:
        """All rows, the newest last."""
        if self._new:
            self._rows = np.concatenate([self._rows, np.stack(self._new)])[-self.most :]
            self._new = []
        return self._rows


def keeping(rows: Bits, literals: Sequence[int]) -> Bits:
    """The rows in which all these literals are true."""
    if not len(rows) or not literals:
        return rows
    wanted = np.asarray(literals)
    places = np.abs(wanted) - 1
    bits = rows[:, places >> 3] >> (7 - (places & 7)).astype(np.uint8) & 1
    return np.asarray(rows[(bits == (wanted > 0)).all(axis=1)])


def seen(rows: Bits, top: int) -> tuple[Truths, Truths]:
    """Which of the variables 1 to `top` are true in some of the rows, and which are false in some."""
    can = np.unpackbits(np.bitwise_or.reduce(rows, axis=0), count=top).astype(bool)
    must = np.unpackbits(np.bitwise_and.reduce(rows, axis=0), count=top).astype(bool)
    return can, ~must
