"""From the outbox to the bus, and from the bus to the handlers of a domain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import structlog

from batchone.kernel.bus import EVENTS, Bus, Message
from batchone.kernel.database import Database, Transaction
from batchone.kernel.facts import Envelope, name_of

_log = structlog.get_logger(__name__)
_BATCH = 200
_IDLE_S = 0.5


def subject_of(tenant: str, name: str) -> str:
    """Where facts of this name travel."""
    return f"events.{tenant}.{name}"


async def relay(database: Database, bus: Bus) -> None:
    """Publish what was said, in order, until cancelled.

    Several processes may run a relay; an advisory lock lets one work at a time. A fact is marked after the bus has
    stored it, so a crash in between publishes it again under the same id.
    """
    while True:
        published = await relay_once(database, bus)
        if published < _BATCH:
            await database.said.wait(_IDLE_S)


async def relay_once(database: Database, bus: Bus) -> int:
    """Publish one batch; how many facts it held."""
    async with database.transaction() as tx:
        lock = await tx.one("SELECT pg_try_advisory_xact_lock(hashtext('batchone.relay')) AS mine")
        if lock is None or not lock["mine"]:
            return 0
        rows = await tx.all(
            "SELECT seq, id, tenant, name, version, time, actor, body::text AS body FROM kernel.outbox "
            "WHERE NOT published ORDER BY seq LIMIT %(limit)s",
            limit=_BATCH,
        )
        for row in rows:
            envelope = Envelope(**{key: row[key] for key in ("id", "tenant", "name", "version", "time", "actor", "body")})
            await bus.publish(subject_of(envelope.tenant, envelope.name), envelope.to_json(), id=envelope.id)
        if rows:
            await tx.run("UPDATE kernel.outbox SET published = true WHERE seq = ANY(%(seqs)s)", seqs=[r["seq"] for r in rows])
        return len(rows)


@dataclass(frozen=True)
class Heard:
    """A fact as its handler sees it: the envelope and the opened fact."""

    envelope: Envelope
    fact: Any


FactHandler = Callable[[Transaction, Heard], Awaitable[None]]
"""Handles one fact inside a transaction that also remembers the handling; it may be called again after a crash only if
that transaction did not commit."""


async def hear(
    database: Database, bus: Bus, consumer: str, handlers: Mapping[type, FactHandler], *, batch: int = 50,
    after: Callable[[Sequence[Heard]], Awaitable[None]] | None = None, alone: asyncio.Lock | None = None,
) -> None:  # fmt: skip
    """Hand each fact to the handler of its kind, once, in order, until cancelled.

    A batch of facts is handled in one transaction and acknowledged after the commit. `after` is called with what was
    handled, outside the transaction, for wake-ups that may be lost. `alone` is held while a batch is handled, by a module
    whose other work would otherwise take the same rows in another order.
    """
    by_name = {name_of(kind).name: handler for kind, handler in handlers.items()}

    async def handle(messages: Sequence[Message]) -> None:
        heard: list[Heard] = []
        async with alone or nullcontext(), database.transaction() as tx:
            for message in messages:
                envelope = Envelope.from_json(message.data)
                if await tx.first_time(consumer, envelope.id):
                    item = Heard(envelope, envelope.open())
                    await by_name[envelope.name](tx, item)
                    heard.append(item)
        if after is not None and heard:
            await after(heard)

    await bus.consume(EVENTS, consumer, [subject_of("*", name) for name in by_name], handle, batch=batch)
