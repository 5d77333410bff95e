"""What machines told that nothing declares, or that could not be read: set aside, counted, shown, and for a person to judge.

It is kept over restarts, and bounded: so many paths of a connection and so many of a tenant. What goes beyond is counted
together, under the path `OTHERS` of its connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.contracts.things import Thing

OTHERS = "(others)"
"""Stands for every path that found no place of its own."""
QuarantineReason = Literal["undeclared", "unreadable"]


@dataclass(frozen=True)
class Quarantined:
    """Samples that were set aside under a path: how many, why, since when, and the last one (times are plant time).

    At a declared connection the path is `<connection>/<address>`, at one of a pack `<equipment>/<signal>`.

    `undeclared`: nothing declares the signal. `unreadable`: what came in could not be read; `what` says what was wrong the last
    time. Where a person judged it to be of no interest, `dismissed_by` and `dismissed` say who and when; it is counted on.
    """

    connection: str
    path: str
    reason: QuarantineReason
    count: int
    first: datetime
    last: datetime
    value: float | None
    what: str
    dismissed_by: str = ""
    dismissed: datetime | None = None


class Quarantines(Protocol):
    """What was set aside, and what becomes of it."""

    async def listed(self, tenant: str) -> tuple[Quarantined, ...]:
        """Every entry, by connection, the largest first; those that nobody judged before those dismissed."""
        ...

    async def adopt(self, tenant: str, connection: str, path: str, thing: Thing, actor: Actor) -> None:
        """Declare what came under a path as the one signal of a thing, so that it is read as such from now on.

        The thing is a known one, or a new one with its place. A machine of a pack tells its signals by name, so there the path
        is the signal's own. `NotFound` when nothing undeclared stands there.
        """
        ...

    async def dismiss(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        """Show it no more among what waits for a judgement; `NotFound` when it is not there."""
        ...

    async def restore(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        """Let it wait for a judgement again."""
        ...
