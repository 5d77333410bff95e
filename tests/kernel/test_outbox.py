"""Facts leave with the state that they tell of, and have their effect once."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest

from batchone.kernel.bus import EVENTS
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, Transaction
from batchone.kernel.facts import Envelope, fact
from batchone.kernel.outbox import Heard, hear, relay_once, subject_of

pytestmark = pytest.mark.engine


@fact("test.said")
@dataclass(frozen=True)
class Said:
    text: str


async def test_a_fact_said_in_a_transaction_that_fails_is_never_published(database: Database) -> None:
    async def fails_after_saying() -> None:
        async with database.transaction() as tx:
            await tx.say("t", Said("lost"), actor="me")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fails_after_saying()
    assert await relay_once(database, MemoryBus()) == 0


async def test_facts_are_published_in_the_order_in_which_they_were_said(database: Database) -> None:
    bus = MemoryBus()
    async with database.transaction() as tx:
        for n in range(5):
            await tx.say("t", Said(str(n)), actor="me")
    assert await relay_once(database, bus) == 5
    assert await relay_once(database, bus) == 0
    bodies = [Envelope.from_json(m.data).open() for m in bus._logs["EVENTS"].messages]
    assert bodies == [Said(str(n)) for n in range(5)]


async def test_facts_that_are_said_at_once_keep_their_order_and_times(database: Database, clock: ManualClock) -> None:
    bus, times = MemoryBus(), [clock.now() + timedelta(seconds=n) for n in range(300)]
    async with database.transaction() as tx:
        await tx.say_all("t", [Said(f"it's {n} %") for n in range(300)], actor="me", times=times)
        await tx.say_all("t", [], actor="me", times=[])
        assert tx.said == 300
    while await relay_once(database, bus):
        pass
    found = [Envelope.from_json(m.data) for m in bus._logs["EVENTS"].messages]
    assert [(each.open(), each.time, each.actor) for each in found] == [
        (Said(f"it's {n} %"), time, "me") for n, time in enumerate(times)
    ]  # fmt: skip


async def test_a_fact_delivered_twice_is_handled_once(database: Database) -> None:
    bus = MemoryBus()
    handled: list[str] = []

    async def handle(tx: Transaction, heard: Heard) -> None:
        handled.append(heard.fact.text)

    async with database.transaction() as tx:
        await tx.say("t", Said("once"), actor="me")
    await relay_once(database, bus)
    again = bus._logs["EVENTS"].messages[0]
    await bus.publish(subject_of("t", "test.said"), again.data, id="another message, the same fact")
    task = asyncio.create_task(hear(database, bus, "consumer", {Said: handle}))
    async with asyncio.timeout(5):
        while await bus.pending(EVENTS, "consumer"):
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert handled == ["once"]
