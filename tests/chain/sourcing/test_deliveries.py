"""The suppliers' side of call-offs, and what is done when they are late."""

from datetime import datetime, timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import (
    CallOff,
    CallOffConfirmed,
    CallOffReceived,
    CallOffSent,
    MaterialAllocated,
    MaterialExpected,
    Sourcing,
)
from batchone.kernel.errors import Conflict, NotFound, Refused

pytestmark = pytest.mark.engine
NEAR = Actor("t", "nora", "Nora", "supplier", "near")
FAR = Actor("t", "fred", "Fred", "supplier", "far")
PLANNER = Actor("t", "paula", "Paula", "planner")


@pytest.fixture
async def sourcing(chain):
    """Seven oak benches were ordered and six frames are there: near is asked for five more."""
    at = chain.context.clock.now() + timedelta(hours=48)
    items = tuple(f"I-{place}" for place in range(7))
    order = OrderPlaced("O", "SO-1", "P", "c", chain.design.freeze().id, "bench", 7, 0, items, at, at, at)
    await chain.tell(order, only="sourcing")
    return chain.context.get(Sourcing)


async def oak(sourcing, state: str = "") -> CallOff:
    return next(each for each in await sourcing.call_offs("t", state, "", 50) if each.variant == "oak")


async def expected(chain) -> list[datetime]:
    return [each.at for each in await chain.said(MaterialExpected) if (each.item, each.op) == ("I-6", "10")]


async def test_a_call_off_is_sent_confirmed_and_received_as_a_lot_for_who_waits(chain, clock, sourcing) -> None:
    sent = await oak(sourcing)
    assert (sent.state, sent.supplier, sent.supplier_name, sent.quantity, sent.product) == ("sent", "near", "Near", 5, "bench")
    at = clock.now() + timedelta(hours=3)
    confirmed = await sourcing.confirm("t", sent.id, at, NEAR)
    assert (confirmed.state, confirmed.confirmed_for) == ("confirmed", at)
    assert await expected(chain) == [clock.now() + timedelta(hours=4), at]
    await clock.advance(3 * 3600)
    received = await sourcing.deliver("t", sent.id, "LOT-1", NEAR)
    assert (received.state, received.lot, received.received) == ("received", "LOT-1", clock.now())
    (fact,) = await chain.said(CallOffReceived)
    assert (fact.call_off, fact.lot, fact.quantity) == (sent.id, "LOT-1", 5)
    last = (await chain.said(MaterialAllocated))[-1]
    assert (last.item, last.op, last.lot, last.supplier, last.complete) == ("I-6", "10", "LOT-1", "near", True)


async def test_doing_it_again_changes_nothing(chain, clock, sourcing) -> None:
    sent = await oak(sourcing)
    for _ in range(2):
        await sourcing.confirm("t", sent.id, sent.needed, NEAR)
    for _ in range(2):
        assert (await sourcing.deliver("t", sent.id, "LOT-1", NEAR)).state == "received"
    assert len(await chain.said(CallOffConfirmed)) == 1
    assert len(await chain.said(CallOffReceived)) == 1
    assert len(await chain.rows("SELECT 1 FROM sourcing.lots WHERE lot = 'LOT-1'")) == 1


async def test_a_supplier_who_changes_the_date_changes_what_is_expected(chain, clock, sourcing) -> None:
    sent = await oak(sourcing)
    for hours in (3, 9):
        await sourcing.confirm("t", sent.id, clock.now() + timedelta(hours=hours), NEAR)
    assert (await expected(chain))[-1] == clock.now() + timedelta(hours=9)
    assert len(await chain.said(CallOffConfirmed)) == 2


async def test_a_supplier_sees_and_answers_only_its_own(sourcing, clock) -> None:
    sent = await oak(sourcing)
    assert await sourcing.call_offs("t", "", "far", 9) == ()
    with pytest.raises(NotFound):
        await sourcing.confirm("t", sent.id, clock.now(), FAR)
    with pytest.raises(NotFound):
        await sourcing.deliver("t", sent.id, "L", FAR)
    assert (await sourcing.deliver("t", sent.id, "L", PLANNER)).state == "received"


async def test_what_cannot_be_is_refused(sourcing, clock) -> None:
    sent = await oak(sourcing)
    for wrong in (clock.now() - timedelta(seconds=1), clock.now() + timedelta(days=400), clock.now().replace(tzinfo=None)):
        with pytest.raises(Refused, match=r"date|confirmed for"):
            await sourcing.confirm("t", sent.id, wrong, NEAR)
    for lot in ("", " ", "x" * 65, "a\0"):
        with pytest.raises(Refused, match="lot number"):
            await sourcing.deliver("t", sent.id, lot, NEAR)
    with pytest.raises(Refused, match="Use one of sent"):
        await sourcing.call_offs("t", "lost", "", 9)
    with pytest.raises(Refused, match="1 to 1000"):
        await sourcing.call_offs("t", "", "", 0)
    await sourcing.deliver("t", sent.id, "L", NEAR)
    with pytest.raises(Conflict, match="as lot L already"):
        await sourcing.deliver("t", sent.id, "M", NEAR)
    with pytest.raises(Conflict, match="cannot be confirmed"):
        await sourcing.confirm("t", sent.id, sent.needed, NEAR)


async def test_lists_are_newest_first_or_oldest_first(chain, sourcing, clock) -> None:
    await clock.advance(60)
    await sourcing.deliver("t", (await oak(sourcing)).id, "L", NEAR)
    await chain.tell(
        OrderPlaced("O2", "SO-2", "P", "c", chain.design.freeze("pine").id, "bench", 5, 0,
                    tuple(f"I2-{n}" for n in range(5)), clock.now(), clock.now(), clock.now()),
        only="sourcing",
    )  # fmt: skip
    newest = await sourcing.call_offs("t", "", "", 50)
    oldest = await sourcing.call_offs("t", "", "", 50, oldest_first=True)
    assert [each.sent for each in newest] == sorted((each.sent for each in newest), reverse=True)
    assert {each.id for each in newest} == {each.id for each in oldest}
    assert [each.sent for each in oldest] == sorted(each.sent for each in oldest)
    assert newest[0].sent > oldest[0].sent


class TestLate:
    async def chase(self, chain) -> int:
        return await chain.context.get(Sourcing).chase()

    async def test_before_it_is_late_nothing_is_done(self, chain, sourcing, clock) -> None:
        await clock.advance(4 * 3600 - 1)
        assert await self.chase(chain) == 0

    async def test_once_late_a_later_date_is_said_once(self, chain, sourcing, clock) -> None:
        sent = await oak(sourcing)
        await clock.advance(4 * 3600)
        for _ in range(3):
            await self.chase(chain)
        assert await expected(chain) == [sent.needed, sent.needed + timedelta(hours=4)]
        assert (await oak(sourcing)).state == "sent"

    async def test_a_supplier_who_never_confirms_is_overdue_after_twice_its_lead_and_another_is_asked(
        self, chain, sourcing, clock
    ) -> None:
        sent = await oak(sourcing)
        await clock.advance(8 * 3600)
        for _ in range(2):
            await self.chase(chain)
        assert (await oak(sourcing, "overdue")).id == sent.id
        again = [each for each in await chain.said(CallOffSent) if each.variant == "oak"][1:]
        assert [(each.supplier, each.quantity) for each in again] == [("far", 20)]
        assert (await expected(chain))[-1] == clock.now() + timedelta(days=2)

    async def test_a_confirmed_date_counts_from_there(self, chain, sourcing, clock) -> None:
        sent = await oak(sourcing)
        await sourcing.confirm("t", sent.id, clock.now() + timedelta(hours=10), NEAR)
        await clock.advance(13 * 3600)
        await self.chase(chain)
        assert (await oak(sourcing)).state == "confirmed"
        await clock.advance(3600)
        await self.chase(chain)
        assert (await oak(sourcing, "overdue")).id == sent.id

    async def test_what_comes_after_all_is_taken_in_but_cannot_be_confirmed(self, chain, sourcing, clock) -> None:
        sent = await oak(sourcing)
        await clock.advance(8 * 3600)
        await self.chase(chain)
        with pytest.raises(Conflict, match="overdue"):
            await sourcing.confirm("t", sent.id, clock.now(), NEAR)
        assert (await sourcing.deliver("t", sent.id, "L", NEAR)).state == "received"
        stock = next(each for each in await sourcing.stock("t") if each.variant == "oak")
        assert (stock.waiting, stock.on_hand, stock.on_order) == (0, 4, 20)

    async def test_the_loop_chases_at_its_pace(self, chain, sourcing, clock) -> None:
        import asyncio

        work = asyncio.create_task(chain.running["sourcing"].work["chase"]())
        for _ in range(20):
            await asyncio.sleep(0.01)
        await clock.advance(8 * 3600)
        for _ in range(100):
            await asyncio.sleep(0.01)
            await clock.advance(60)
        work.cancel()
        assert (await oak(sourcing, "overdue")).supplier == "near"


async def test_facts_are_said_by_who_did_it(chain, sourcing) -> None:
    sent = await oak(sourcing)
    await sourcing.deliver("t", sent.id, "L", NEAR)
    rows = await chain.rows("SELECT actor FROM kernel.outbox WHERE name = 'calloff.received'")
    assert [row["actor"] for row in rows] == ["nora"]
