"""Bringing stock, needs and call-offs of some variants into agreement, after anything about them has changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import structlog

from batchone.chain.sourcing import model, store
from batchone.chain.sourcing.store import Shelf
from batchone.contracts.sourcing import CallOffSent, MaterialAllocated, MaterialExpected
from batchone.kernel.database import Transaction
from batchone.kernel.ids import Ids

_log = structlog.get_logger(__name__)
ACTOR = "sourcing"


@dataclass(frozen=True)
class Settler:
    """Sets free stock aside for who waits, calls off what is short, and says when the rest is expected.

    `grace` is how many lead times a delivery may be late before nobody counts on it any more. The variants must be locked
    by the caller (`store.lock`).
    """

    ids: Ids
    grace: float

    async def settle(self, tx: Transaction, shelf: Shelf, variants: Collection[str], now: datetime) -> None:
        """Do all that there is to do; a second time changes nothing."""
        served = await self._allocate(tx, shelf, variants)
        await self._call_off(tx, shelf, variants, now)
        await self._expect(tx, shelf, variants, served, now)

    async def _allocate(self, tx: Transaction, shelf: Shelf, variants: Collection[str]) -> set[store.Operation]:
        free = await store.free_lots(tx, shelf, variants)
        waiting = await store.waiting(tx, shelf, {lot.variant for lot in free}) if free else []
        made = model.allocate(free, waiting)
        if not made:
            return set()
        served = await store.allocate(tx, shelf.tenant, made)
        for each, last in model.completed(made, {one.operation for one in served if one.complete}):
            of, lot = each.waiting, each.free
            fact = MaterialAllocated(of.item, of.op, of.module, of.variant, each.quantity, lot.lot, lot.supplier, complete=last)
            await tx.say(shelf.tenant, fact, actor=ACTOR)
        for one in served:
            if one.finished:
                await store.consume(tx, shelf.tenant, *one.operation)
        return {one.operation for one in served if not one.complete}

    async def _call_off(self, tx: Transaction, shelf: Shelf, variants: Collection[str], now: datetime) -> None:
        levels = await store.levels(tx, shelf, variants)
        short = [level for level in levels.values() if level.position <= level.reorder_at]
        if not short:
            return
        suppliers = await store.suppliers(tx, shelf, {level.module for level in short}, now)
        for level in short:
            wanted = model.demand(level, suppliers.get(level.module, ()))
            if wanted is None:
                _log.warning("sourcing.no_supplier", tenant=shelf.tenant, module=level.module, variant=level.variant)
                continue
            call_off = self.ids.new("CO")
            needed = await store.add_call_off(tx, shelf, call_off, level, wanted, now)
            sent = CallOffSent(call_off, wanted.supplier.id, level.module, level.variant, wanted.quantity, needed)
            await tx.say(shelf.tenant, sent, actor=ACTOR)

    async def _expect(
        self, tx: Transaction, shelf: Shelf, variants: Collection[str], served: Collection[store.Operation], now: datetime
    ) -> None:
        waiting = await store.waiting(tx, shelf, variants)
        supplies = await store.supplies(tx, shelf, variants, self.grace) if waiting else []
        known = {(each.item, each.op, each.variant): each.expected for each in waiting}
        dates = {
            need: at for need, at in model.expected(waiting, supplies, now).items() if known[need] != at
        }  # fmt: skip
        for row in await store.expect(tx, shelf.tenant, dates, served):
            fact = MaterialExpected(row["order_id"], row["item"], row["op"], row["expected"])
            await tx.say(shelf.tenant, fact, actor=ACTOR)
