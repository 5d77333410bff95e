"""How orders stand, from the facts of planning, production and logistics."""

from __future__ import annotations

from collections.abc import Mapping

from batchone.chain.sales import model, store
from batchone.contracts.logistics import CustodyTransferred, OrderDelivered
from batchone.contracts.planning import PlanAccepted
from batchone.contracts.production import ItemFinished, ItemHeld, ItemReleased, JobStarted
from batchone.kernel.database import Transaction
from batchone.kernel.outbox import FactHandler, Heard


async def on_plan_accepted(tx: Transaction, heard: Heard) -> None:
    """The planned delivery of every open order, and since when it is beyond p90; an older plan changes nothing."""
    fact, envelope = heard.fact, heard.envelope
    assert isinstance(fact, PlanAccepted)
    for order in await store.plan(tx, envelope.tenant, fact.number, fact.finishes, envelope.time):
        await _refresh(tx, envelope.tenant, order)


async def on_job_started(tx: Transaction, heard: Heard) -> None:
    """The first job puts the order into production."""
    fact, tenant = heard.fact, heard.envelope.tenant
    assert isinstance(fact, JobStarted)
    if await store.start(tx, tenant, fact.order, fact.at):
        await _refresh(tx, tenant, fact.order)


async def on_item_held(tx: Transaction, heard: Heard) -> None:
    """An item must not go on."""
    fact, envelope = heard.fact, heard.envelope
    assert isinstance(fact, ItemHeld)
    if await store.hold(tx, envelope.tenant, fact.order, fact.item, envelope.time, held=True):
        await _refresh(tx, envelope.tenant, fact.order)


async def on_item_released(tx: Transaction, heard: Heard) -> None:
    """A held item goes on."""
    fact, envelope = heard.fact, heard.envelope
    assert isinstance(fact, ItemReleased)
    if await store.hold(tx, envelope.tenant, fact.order, fact.item, envelope.time, held=False):
        await _refresh(tx, envelope.tenant, fact.order)


async def on_item_finished(tx: Transaction, heard: Heard) -> None:
    """One of the order's items is done; the order is when all are."""
    fact, tenant = heard.fact, heard.envelope.tenant
    assert isinstance(fact, ItemFinished)
    if await store.finish_item(tx, tenant, fact.order, fact.item):
        await _refresh(tx, tenant, fact.order)


async def on_custody_transferred(tx: Transaction, heard: Heard) -> None:
    """The carrier took the items; from now on its word is the planned delivery."""
    fact, envelope = heard.fact, heard.envelope
    assert isinstance(fact, CustodyTransferred)
    if await store.take(tx, envelope.tenant, fact.order, envelope.time, fact.expected):
        await _refresh(tx, envelope.tenant, fact.order)


async def on_order_delivered(tx: Transaction, heard: Heard) -> None:
    """The customer has the items."""
    fact, tenant = heard.fact, heard.envelope.tenant
    assert isinstance(fact, OrderDelivered)
    if await store.deliver(tx, tenant, fact.order, fact.at):
        await _refresh(tx, tenant, fact.order)


async def _refresh(tx: Transaction, tenant: str, order: str) -> None:
    known = await store.progress(tx, tenant, order)
    if known is not None:
        await store.set_status(tx, tenant, order, model.status_of(known))


HANDLERS: Mapping[type, FactHandler] = {
    PlanAccepted: on_plan_accepted,
    JobStarted: on_job_started,
    ItemHeld: on_item_held,
    ItemReleased: on_item_released,
    ItemFinished: on_item_finished,
    CustodyTransferred: on_custody_transferred,
    OrderDelivered: on_order_delivered,
}
