"""Sourcing: hears of products, orders and jobs, answers about material, takes suppliers' words and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from batchone.chain.sourcing import deliveries, model, store
from batchone.chain.sourcing.settle import ACTOR, Settler
from batchone.chain.sourcing.store import Shelf
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Actor
from batchone.contracts.production import JobFinished
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import BomExploded, CallOff, CallOffState, MaterialDate, MaterialNeed, StockLevel
from batchone.kernel.database import Transaction
from batchone.kernel.errors import Refused, TryLater
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import Seconds, Settings

_LIMIT_MAX = 1000
STATES: tuple[CallOffState, ...] = get_args(CallOffState)


class SourcingSettings(Settings):
    """Settings of sourcing."""

    grace_lead_times: float = 1.0
    """How many lead times a delivery may be late before it is overdue and sent to another supplier. With 1, a supplier who
    never confirms has twice its lead time."""
    chase_every_s: Seconds = 60.0
    """How often late call-offs are looked for, in plant time."""


class SourcingService:
    """Implements `contracts.sourcing.Sourcing`."""

    def __init__(self, context: Context, settings: SourcingSettings) -> None:
        self._context = context
        self._settings = settings
        self._settler = Settler(context.ids, settings.grace_lead_times)

    async def on_product_released(self, tx: Transaction, heard: Heard) -> None:
        """The catalogue is the pack's; variants seen for the first time get their opening stock."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, ProductReleased)
        pack = await self._context.get(Design).pack(tenant, fact.product, fact.version)
        shelf = Shelf(tenant, fact.product)
        opening = {each.id: each.stock for module in pack.modules for each in module.variants}
        await store.set_catalogue(tx, shelf, pack)
        await store.lock(tx, shelf, opening)
        await store.open_stock(tx, shelf, opening, heard.envelope.time)
        await self._settler.settle(tx, shelf, opening, self._context.clock.now())

    async def on_order_placed(self, tx: Transaction, heard: Heard) -> None:
        """What the order's items need is known, set aside, or called off."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, OrderPlaced)
        exploded = await self._context.get(Design).explode(tenant, fact.configuration)
        needs = model.merge(MaterialNeed.of(line) for line in exploded.bom)
        shelf, variants = Shelf(tenant, fact.product), {need.variant for need in needs}
        await store.lock(tx, shelf, variants)
        if await store.add_order(tx, tenant, fact, needs):
            await tx.say(tenant, BomExploded(fact.order, fact.items, needs), actor=ACTOR)
            await self._settler.settle(tx, shelf, variants, self._context.clock.now())

    async def on_job_finished(self, tx: Transaction, heard: Heard) -> None:
        """What was set aside for the operation has gone into the item; done again, an operation takes nothing more."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, JobFinished)
        if fact.state != "finished":
            return
        for shelf, variants in (await store.shelves_of_operation(tx, tenant, fact.item, fact.op)).items():
            await store.lock(tx, shelf, variants)
        if await store.finish_operation(tx, tenant, fact.item, fact.op):
            await store.consume(tx, tenant, fact.item, fact.op)

    async def material_dates(
        self, tenant: str, product: str, needs: Sequence[MaterialNeed], count: int
    ) -> tuple[MaterialDate, ...]:
        """When each need could be met by an order placed now."""
        if type(count) is not int or count < 1:
            raise Refused("sourcing.count", f"Material for {count} items was asked for.", "Ask for one item at least.")
        shelf, variants = Shelf(tenant, product), {need.variant for need in needs}
        async with self._context.database.transaction() as tx:
            levels = await store.levels(tx, shelf, variants)
            supplies = await store.supplies(tx, shelf, variants, self._settings.grace_lead_times)
            now = self._context.clock.now()
            suppliers = await store.suppliers(tx, shelf, {need.module for need in needs}, now)
        if missing := variants - set(levels):
            raise TryLater(
                "sourcing.catalogue", f"Sourcing does not know {', '.join(sorted(missing))} of {product} yet.",
                "Try again in a moment; if it stays so, install the pack again.", product=product,
            )  # fmt: skip
        dates = model.material_dates(needs, count, levels, supplies, suppliers, now, self._settings.grace_lead_times)
        return tuple(_met(each) for each in dates)

    async def stock(self, tenant: str) -> tuple[StockLevel, ...]:
        """Stock of every variant."""
        async with self._context.database.transaction() as tx:
            return await store.stock(tx, tenant)

    async def call_offs(
        self, tenant: str, state: str, supplier: str, limit: int, oldest_first: bool = False
    ) -> tuple[CallOff, ...]:
        """Call-offs, newest first unless asked otherwise."""
        if state and state not in STATES:
            raise Refused("sourcing.state", f"No call-off is '{state}'.", f"Use one of {', '.join(STATES)}, or nothing.")
        if not 1 <= limit <= _LIMIT_MAX:
            raise Refused("sourcing.limit", f"A list of {limit} is not possible.", f"Use a limit from 1 to {_LIMIT_MAX}.")
        async with self._context.database.transaction() as tx:
            return await store.call_offs(tx, tenant, state, supplier, limit, oldest_first=oldest_first)

    async def confirm(self, tenant: str, call_off: str, at: datetime, actor: Actor) -> CallOff:
        """The supplier confirms a date; says `calloff.confirmed`."""
        if at.tzinfo is None:
            raise Refused("sourcing.date", "The date has no time zone.", "Write it as 2026-01-31T12:00:00Z.")
        async with self._context.database.transaction() as tx:
            found = await deliveries.locked(tx, tenant, call_off, actor)
            now = self._context.clock.now()
            await deliveries.confirm(tx, self._settler, found, at.astimezone(UTC), now, actor.person)
            return await deliveries.locked(tx, tenant, call_off, actor)

    async def deliver(self, tenant: str, call_off: str, lot: str, actor: Actor) -> CallOff:
        """The delivery is in store; says `calloff.received`."""
        async with self._context.database.transaction() as tx:
            found = await deliveries.locked(tx, tenant, call_off, actor)
            await deliveries.deliver(tx, self._settler, found, lot, self._context.clock.now(), actor.person)
            return await deliveries.locked(tx, tenant, call_off, actor)

    async def chase(self) -> int:
        """See to all late call-offs once; how many there were."""
        return await deliveries.chase(self._context.database, self._settler, self._context.clock.now())

    async def chase_loop(self) -> None:
        """See to late call-offs, again and again; at most once a real second where plant time runs fast."""
        while True:
            await self.chase()
            await self._context.clock.sleep(max(self._settings.chase_every_s, self._context.clock.speed))


def _met(answer: MaterialDate | MaterialNeed) -> MaterialDate:
    if isinstance(answer, MaterialNeed):
        raise Refused(
            "sourcing.nobody", f"There is no {answer.variant} in store, and nobody supplies it.",
            "Add a supplier of it to the pack.", variant=answer.variant,
        )  # fmt: skip
    return answer
