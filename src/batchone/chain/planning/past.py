"""Plans of the history, read from their tables."""

from __future__ import annotations

import asyncio
from datetime import datetime

from batchone.chain.planning import store
from batchone.chain.planning.history import Past, rebuilt
from batchone.kernel.database import Database
from batchone.kernel.errors import NotFound


async def past_plans(database: Database, tenant: str, *numbers: int) -> tuple[list[Past], dict[str, tuple[datetime, int]]]:
    """The plans of some numbers, and when each order was due and what its lateness counts. `NotFound` if one is not there."""
    async with database.transaction() as tx:
        summaries = [await store.summary(tx, tenant, number) for number in numbers]
        changes = await store.changes_up_to(tx, tenant, max(numbers))
        items = {row[0] for rows in changes.values() for row in rows}
        order_of = await store.orders_of(tx, tenant, list(items))
        due = await store.due_of(tx, tenant, list(set(order_of.values())))
    past = []
    for number, summary in zip(numbers, summaries, strict=True):
        if summary is None:
            raise NotFound("planning.plan", f"There is no plan {number}.", "Name one of the history.", number=number)
        upto = [rows for of, rows in changes.items() if of <= number]
        past.append(await asyncio.to_thread(rebuilt, summary, upto, order_of, due))
    return past, due
