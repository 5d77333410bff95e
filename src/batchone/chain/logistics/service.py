"""Logistics: ships finished orders, and takes the carriers' word for where they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchone.chain.logistics import model, store
from batchone.chain.logistics.model import Carrier
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import CustodyTransferred, OrderDelivered, Shipment
from batchone.contracts.production import ItemFinished
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.database import Transaction
from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard

_LIMIT_MAX = 1000


class LogisticsService:
    """Implements `contracts.logistics.Logistics`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def on_product_released(self, tx: Transaction, heard: Heard) -> None:
        """The carriers are the pack's."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, ProductReleased)
        pack = await self._context.get(Design).pack(tenant, fact.product, fact.version)
        carriers = [Carrier(each.id, each.name, each.transit_s) for each in pack.demo.carriers]
        await store.set_carriers(tx, tenant, fact.product, carriers)

    async def on_order_placed(self, tx: Transaction, heard: Heard) -> None:
        """These items will be shipped together."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, OrderPlaced)
        await store.add_order(tx, tenant, fact)
        await self._ship(tx, tenant, fact.order, heard.envelope.time)

    async def on_item_finished(self, tx: Transaction, heard: Heard) -> None:
        """With the last item the order is ready to go, once the lead of its options has passed."""
        fact, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(fact, ItemFinished)
        await store.add_finished(tx, tenant, fact.item, fact.order)
        await self._ship(tx, tenant, fact.order, heard.envelope.time)

    async def _ship(self, tx: Transaction, tenant: str, order: str, finished: datetime) -> None:
        complete = await store.complete_order(tx, tenant, order)
        if complete is None:
            return
        ready = finished + timedelta(seconds=complete.lead_s)
        carriers = await store.carriers(tx, tenant, complete.product)
        carrier = model.choose(carriers, ready, complete.promised, complete.priority)
        if carrier is None:
            raise _no_carrier(complete.product)
        await store.add_shipment(tx, tenant, self._context.ids.new("SH"), order, complete.items, carrier, ready)

    async def shipments(
        self, tenant: str, state: str, order: str, limit: int, carrier: str = "", oldest_first: bool = False
    ) -> tuple[Shipment, ...]:
        """Shipments, newest first unless asked otherwise."""
        if state and state not in model.STATES:
            cure = f"Use one of {', '.join(model.STATES)}, or nothing."
            raise Refused("logistics.state", f"No shipment is '{state}'.", cure)
        if not 1 <= limit <= _LIMIT_MAX:
            raise Refused("logistics.limit", f"A list of {limit} is not possible.", f"Use a limit from 1 to {_LIMIT_MAX}.")
        async with self._context.database.transaction() as tx:
            now = self._context.clock.now()
            return await store.shipments(tx, tenant, state, order, carrier, limit, now, oldest_first=oldest_first)

    async def take(self, tenant: str, shipment: str, actor: Actor) -> Shipment:
        """The carrier takes the items; says `custody.transferred`."""
        async with self._context.database.transaction() as tx:
            now = self._context.clock.now()
            found = _own(await store.locked(tx, tenant, shipment, now), shipment, actor)
            model.may_take(found)
            if found.state != "ready":
                return found
            taken = await store.take(tx, tenant, shipment, now)
            fact = CustodyTransferred(taken.id, taken.order, taken.items, taken.carrier, taken.expected)
            await tx.say(tenant, fact, actor=actor.person, time=now)
            return taken

    async def deliver(self, tenant: str, shipment: str, actor: Actor) -> Shipment:
        """The customer has the items; says `order.delivered`."""
        async with self._context.database.transaction() as tx:
            now = self._context.clock.now()
            found = _own(await store.locked(tx, tenant, shipment, now), shipment, actor)
            model.may_deliver(found)
            if found.state == "delivered":
                return found
            delivered = await store.deliver(tx, tenant, shipment, now)
            fact = OrderDelivered(delivered.id, delivered.order, delivered.items, now)
            await tx.say(tenant, fact, actor=actor.person, time=now)
            return delivered

    async def transit_s(self, tenant: str, product: str) -> float:
        """How long the quickest carrier needs."""
        async with self._context.database.transaction() as tx:
            quickest = model.quickest(await store.carriers(tx, tenant, product))
        if quickest is None:
            raise _no_carrier(product)
        return quickest.transit_s


def _own(shipment: Shipment | None, shipment_id: str, actor: Actor) -> Shipment:
    """The shipment, if there is one and it is this carrier's; staff may act for every carrier."""
    if shipment is None or (actor.role == "supplier" and actor.party != shipment.carrier):
        raise NotFound(
            "logistics.no_shipment", f"There is no shipment {shipment_id}.", "Look it up among the shipments.",
            shipment=shipment_id,
        )  # fmt: skip
    return shipment


def _no_carrier(product: str) -> TryLater:
    return TryLater(
        "logistics.no_carrier", f"Logistics knows no carrier for {product} yet.",
        "Try again in a moment; if it stays so, install the pack again.", product=product,
    )  # fmt: skip
