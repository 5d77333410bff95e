"""Material is conserved whatever happens, in whatever order, however often."""

import asyncio
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchone.contracts.design import ProductReleased
from batchone.contracts.enterprises import system
from batchone.contracts.production import JobFinished
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import CallOffReceived, Sourcing
from batchone.kernel.errors import Conflict

pytestmark = pytest.mark.engine
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(1, 5), st.booleans()),
        st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("confirm"), st.integers(0, 9), st.integers(0, 72)),
        st.tuples(st.just("finish"), st.integers(0, 30), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 60), st.booleans()),
        st.tuples(st.just("release"), st.just(0), st.booleans()),
    ),
    min_size=1,
    max_size=20,
)


class World:
    """One tenant's store, and everything that may happen to it."""

    def __init__(self, chain, tenant: str) -> None:
        self.chain, self.tenant = chain, tenant
        self.sourcing = chain.context.get(Sourcing)
        self.system = system(tenant, "test")
        self.orders: list[OrderPlaced] = []

    async def tell(self, fact, *, twice: bool = False) -> None:
        for _ in range(2 if twice else 1):
            await self.chain.tell(fact, tenant=self.tenant, only="sourcing")

    async def order(self, quantity: int, wide: bool) -> None:
        number = len(self.orders)
        chance = random.Random(number)
        frozen = self.chain.design.freeze(
            chance.choice(["oak", "pine"]), chance.choice(["red", "blue"]), "wide" if wide else "small"
        )
        at = self.chain.context.clock.now() + timedelta(hours=chance.randint(1, 99))
        items = tuple(f"I-{number}-{place}" for place in range(quantity))
        self.orders.append(
            OrderPlaced(f"O-{number}", f"SO-{number:04d}", "P", "c", frozen.id, "bench", quantity, 0, items, at, at, at)
        )
        await self.tell(self.orders[-1], twice=wide)

    async def deliver(self, which: int, twice: bool) -> None:
        open_ones = [c for c in await self.sourcing.call_offs(self.tenant, "", "", 99) if c.state != "received"]
        if open_ones:
            chosen = open_ones[which % len(open_ones)]
            for _ in range(2 if twice else 1):
                await self.sourcing.deliver(self.tenant, chosen.id, f"L-{chosen.id}", self.system)

    async def confirm(self, which: int, hours: int) -> None:
        open_ones = [c for c in await self.sourcing.call_offs(self.tenant, "", "", 99) if c.state in ("sent", "confirmed")]
        if open_ones:
            chosen = open_ones[which % len(open_ones)]
            await self.sourcing.confirm(self.tenant, chosen.id, chosen.sent + timedelta(hours=hours), self.system)

    async def finish(self, which: int, twice: bool) -> None:
        jobs = [(item, op) for order in self.orders for item in order.items for op in ("10", "20", "30")]
        if jobs:
            item, op = jobs[which * 7 % len(jobs)]
            now = self.chain.context.clock.now()
            await self.tell(JobFinished("J", item, "O", op, 1, "saw", "finished", now, now, 0.0, ""), twice=twice)

    async def wait(self, hours: int, chase: bool) -> None:
        await self.chain.context.clock.advance(hours * 3600)
        if chase:
            await self.sourcing.chase()

    async def release(self, _: int, twice: bool) -> None:
        await self.tell(ProductReleased("bench", "bench", "1.0.0", "h"), twice=twice)

    async def check(self) -> None:
        lots = await self.rows("SELECT * FROM sourcing.lots WHERE tenant = %(tenant)s")
        for lot in lots:
            assert lot["received"] == lot["free"] + lot["allocated"] + lot["consumed"], lot
            assert min(lot["free"], lot["allocated"], lot["consumed"]) >= 0, lot
        came = sum(fact.quantity for fact in await self.chain.said(CallOffReceived, self.tenant))
        assert sum(lot["received"] for lot in lots) == 72 + came
        given = await self.rows(
            "SELECT lot, sum(quantity) FILTER (WHERE NOT consumed) AS kept, sum(quantity) FILTER (WHERE consumed) AS used "
            "FROM sourcing.allocations WHERE tenant = %(tenant)s GROUP BY lot"
        )
        booked = {row["lot"]: (row["kept"] or 0, row["used"] or 0) for row in given}
        assert {lot["id"]: (lot["allocated"], lot["consumed"]) for lot in lots} == {
            lot["id"]: booked.get(lot["id"], (0, 0)) for lot in lots
        }
        await self.check_needs()

    async def check_needs(self) -> None:
        needs = await self.rows("SELECT * FROM sourcing.needs WHERE tenant = %(tenant)s")
        assert sum(n["quantity"] for n in needs) == sum(map(self.units, self.orders))
        stock = await self.sourcing.stock(self.tenant)
        assert sum(n["allocated"] for n in needs) == sum(level.allocated for level in stock)
        for level in stock:
            waiting = sum(n["quantity"] - n["allocated"] - n["consumed"] for n in needs if n["variant"] == level.variant)
            assert waiting == level.waiting
            assert level.on_hand == 0 or level.waiting == 0, "nobody waits beside free stock"
            assert level.on_hand + level.on_order - level.waiting > level.reorder_at, "what is short is called off"
        counted = await self.rows(
            "SELECT o.missing, sum(n.quantity - n.allocated - n.consumed) AS really FROM sourcing.operations o "
            "JOIN sourcing.needs n USING (tenant, item, op) WHERE o.tenant = %(tenant)s GROUP BY o.item, o.op, o.missing"
        )
        assert all(row["missing"] == row["really"] for row in counted)

    def units(self, order: OrderPlaced) -> int:
        wide = self.chain.design.configurations[order.configuration].choices["size"] == "wide"
        return order.quantity * (1 + (2 if wide else 1) + 4)

    async def rows(self, sql: str):
        return await self.chain.rows(sql, tenant=self.tenant)


@pytest.mark.timeout(400)
@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_received_is_free_and_allocated_and_consumed_after_every_step(chain, steps) -> None:
    world = World(chain, chain.context.ids.new("T"))
    await world.release(0, True)
    await world.check()
    for step, *values in steps:
        await getattr(world, step)(*values)
        await world.check()


async def test_what_happens_at_the_same_time_neither_blocks_nor_loses_anything(chain) -> None:
    """A refusal may come of it (a call-off is confirmed that has just come in), never a deadlock."""
    world = World(chain, chain.context.ids.new("T"))
    await world.release(0, False)
    for quantity in (5, 4, 5, 3):
        await world.order(quantity, True)
    for _ in range(3):
        outcomes = await asyncio.gather(
            *(world.deliver(which, True) for which in range(4)),
            *(world.confirm(which, 9) for which in range(4)),
            *(world.finish(which, True) for which in range(6)),
            world.order(3, False),
            world.wait(9, True),
            return_exceptions=True,
        )
        assert [each for each in outcomes if each is not None and not isinstance(each, Conflict)] == []
        await world.check()
