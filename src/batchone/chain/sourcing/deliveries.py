"""The suppliers' side of call-offs, and what is done when they are late."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchone.chain.sourcing import store
from batchone.chain.sourcing.settle import Settler
from batchone.chain.sourcing.store import Shelf
from batchone.contracts.enterprises import Actor
from batchone.contracts.sourcing import CallOff, CallOffConfirmed, CallOffReceived
from batchone.kernel.database import Database, Transaction
from batchone.kernel.errors import Conflict, NotFound, Refused

_FURTHEST = timedelta(days=366)
_LOT_MAX = 64


async def confirm(tx: Transaction, settler: Settler, call_off: CallOff, at: datetime, now: datetime, who: str) -> None:
    """The supplier names a date; another one later is a change of mind, and what waits for it is told."""
    if call_off.confirmed_for == at and call_off.state != "overdue":
        return
    if call_off.state in ("received", "overdue"):
        raise Conflict(
            "sourcing.call_off_over", f"The call-off {call_off.id} is {call_off.state}; it cannot be confirmed any more.",
            "Deliver it if you have made it, and ask the planner otherwise.", call_off=call_off.id, state=call_off.state,
        )  # fmt: skip
    if not call_off.sent <= at <= now + _FURTHEST:
        raise Refused(
            "sourcing.date", f"A call-off of {call_off.sent:%Y-%m-%d %H:%M} UTC cannot be confirmed for {at.isoformat()}.",
            "Name a date after it was sent, within a year from now.", call_off=call_off.id,
        )  # fmt: skip
    await store.confirm(tx, call_off.tenant, call_off.id, at)
    fact = CallOffConfirmed(call_off.id, call_off.supplier, call_off.variant, call_off.quantity, at)
    await tx.say(call_off.tenant, fact, actor=who, time=now)
    await settler.settle(tx, Shelf(call_off.tenant, call_off.product), [call_off.variant], now)


async def deliver(tx: Transaction, settler: Settler, call_off: CallOff, lot: str, now: datetime, who: str) -> None:
    """The delivery comes in as a lot and goes to who waits; one that was given up is still welcome."""
    if not lot.strip() or len(lot) > _LOT_MAX or not lot.isprintable():
        raise Refused(
            "sourcing.lot", "The lot number is empty, too long or not readable.",
            f"Give the number on the delivery: 1 to {_LOT_MAX} printable characters.",
        )  # fmt: skip
    if call_off.state == "received":
        if call_off.lot == lot:
            return
        raise Conflict(
            "sourcing.delivered", f"The call-off {call_off.id} came in as lot {call_off.lot} already.",
            "Deliver the other lot against its own call-off.", call_off=call_off.id, lot=call_off.lot,
        )  # fmt: skip
    await store.receive(tx, call_off, lot, now)
    fact = CallOffReceived(call_off.id, lot, call_off.variant, call_off.quantity)
    await tx.say(call_off.tenant, fact, actor=who, time=now)
    await settler.settle(tx, Shelf(call_off.tenant, call_off.product), [call_off.variant], now)


async def locked(tx: Transaction, tenant: str, call_off: str, actor: Actor | None) -> CallOff:
    """A call-off, its variant locked; a supplier finds only its own."""
    found = await store.call_off(tx, tenant, call_off)
    if found is None or (actor is not None and actor.role == "supplier" and actor.party != found.supplier):
        raise NotFound(
            "sourcing.no_call_off", f"There is no call-off {call_off}.", "Look it up among the call-offs.", call_off=call_off
        )
    await store.lock(tx, Shelf(tenant, found.product), [found.variant])
    again = await store.call_off(tx, tenant, call_off)
    assert again is not None
    return again


async def chase(database: Database, settler: Settler, now: datetime) -> int:
    """See to call-offs that are late: say the new date, and once the grace is over send the demand to another supplier.

    Each has its own transaction, so one that cannot be seen to does not hold up the others. How many were seen to.
    """
    async with database.transaction() as tx:
        late = await store.late(tx, now, settler.grace)
    for tenant, call_off in late:
        async with database.transaction() as tx:
            await _chase(tx, settler, await locked(tx, tenant, call_off, None), now)
    return len(late)


async def _chase(tx: Transaction, settler: Settler, call_off: CallOff, now: datetime) -> None:
    shelf = Shelf(call_off.tenant, call_off.product)
    supplies = await store.supplies(tx, shelf, [call_off.variant], settler.grace)
    open_one = next((each for each in supplies if each.call_off == call_off.id), None)
    if open_one is None or open_one.expected > now:
        return
    if open_one.deadline <= now:
        await store.overdue(tx, call_off.tenant, call_off.id)
    else:
        await store.tell_late(tx, call_off.tenant, call_off.id)
    await settler.settle(tx, shelf, [call_off.variant], now)
