"""Planning: follows what happens to orders, items and machines, and answers from the plan in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from batchone.chain.planning import store
from batchone.chain.planning.book import Reserved, held_of
from batchone.chain.planning.exporting import exported
from batchone.chain.planning.history import compared, operations_of
from batchone.chain.planning.honesty import reserve
from batchone.chain.planning.model import Assignment
from batchone.chain.planning.past import past_plans
from batchone.chain.planning.picture import Placement
from batchone.chain.planning.planner import Planner, assignment_of, stored
from batchone.chain.planning.promise import Inserted, awaited, insert_items, overtime_for, reasons, with_overtime
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.words import machine_name
from batchone.contracts.design import Design
from batchone.contracts.planning import (
    Dispatch,
    Exported,
    ExportForm,
    Insertion,
    PlanDiff,
    PlannedOperation,
    PlanSummary,
    PlanWindow,
    Tried,
    Wish,
)
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import MaterialDate
from batchone.kernel.database import Transaction
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard

_IN_LOOP = 8
"""Items that are inserted between two answers; more of them are inserted in a thread."""


class PlanningService:
    """Implements `contracts.planning.Planning`, and handles the facts that planning hears."""

    def __init__(self, context: Context, planner: Planner) -> None:
        self._context = context
        self._planner = planner

    async def on_order_placed(self, tx: Transaction, heard: Heard) -> None:
        """A new order takes the place that its promise reserved."""
        order, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(order, OrderPlaced)
        exploded = await self._context.get(Design).explode(tenant, order.configuration)
        row = await store.take_reservation(tx, tenant, order.reservation)
        placed: list[dict[str, Placement]] = [{} for _ in order.items]
        for index, (item, held) in enumerate(zip(order.items, row["placed"] if row else [], strict=False)):
            for values, _ in held:
                found = _placement(item, assignment_of(values))
                placed[index][found.op] = found
        everything = [each for item in placed for each in item.values()]
        finish = max((each.end for each in everything), default=order.due)
        await store.add_order(tx, tenant, order, order.priority, heard.envelope.time, finish, row)
        for item, places in zip(order.items, placed, strict=True):
            await store.add_operations(tx, tenant, order.order, item, exploded.operations, places)
        if everything:
            await self._planner.accept_insertion(tx, order.order, everything, finish)
            self._planner.book.became(order.reservation, order.order)

    async def on_material_expected(self, tx: Transaction, heard: Heard) -> None:
        """Material will come at a time."""
        fact = heard.fact
        await store.material(tx, heard.envelope.tenant, fact.item, fact.op, fact.at)

    async def on_material_allocated(self, tx: Transaction, heard: Heard) -> None:
        """Material is there once everything is."""
        fact = heard.fact
        if fact.complete:
            await store.material(tx, heard.envelope.tenant, fact.item, fact.op, None)

    async def on_job_released(self, tx: Transaction, heard: Heard) -> None:
        """A machine has it."""
        fact = heard.fact
        await store.released(tx, heard.envelope.tenant, fact.item, fact.op, fact.run, fact.equipment, fact.also)

    async def on_job_started(self, tx: Transaction, heard: Heard) -> None:
        """A machine began it."""
        fact = heard.fact
        await store.started(
            tx, heard.envelope.tenant, fact.item, fact.op, fact.run, fact.equipment, fact.position, fact.at, fact.expected_end
        )

    async def on_job_finished(self, tx: Transaction, heard: Heard) -> None:
        """A machine ended it; a failed one is planned again."""
        fact, tenant = heard.fact, heard.envelope.tenant
        if fact.state == "finished":
            await store.finished(tx, tenant, fact.item, fact.op, fact.run, fact.started, fact.at)
        else:
            await store.again(tx, tenant, fact.item, fact.op, fact.run + 1)

    async def on_item_held(self, tx: Transaction, heard: Heard) -> None:
        """The item waits for a decision."""
        await store.held(tx, heard.envelope.tenant, heard.fact.item, is_held=True)

    async def on_item_released(self, tx: Transaction, heard: Heard) -> None:
        """The item goes on, and some operations are done again."""
        fact, tenant = heard.fact, heard.envelope.tenant
        await store.held(tx, tenant, fact.item, is_held=False)
        for op, run in fact.redo:
            await store.again(tx, tenant, fact.item, op, run)

    async def on_item_finished(self, tx: Transaction, heard: Heard) -> None:
        """The item is done."""
        fact, tenant = heard.fact, heard.envelope.tenant
        honesty = await self._planner.honesty()
        outcome = await store.item_finished(tx, tenant, fact.item, fact.order, heard.envelope.time)
        if outcome is not None:
            honesty.learn_all([outcome])

    async def on_equipment_changed(self, tx: Transaction, heard: Heard) -> None:
        """A machine went down or came back."""
        fact = heard.fact
        await store.set_equipment(tx, heard.envelope.tenant, fact.equipment, fact.state, fact.at)

    async def on_product_released(self, _: Transaction, __: Heard) -> None:
        """The plant may have changed."""
        self._planner.forget_packs()

    async def after(self, heard: Sequence[Heard]) -> None:
        """What was heard makes the plan worth looking at."""
        for each in heard:
            self._planner.changed(each.envelope.name)

    async def insert(
        self,
        tenant: str,
        configuration: str,
        quantity: int,
        priority: int,  # noqa: ARG002 - an insertion moves nothing, whoever asks
        material: Sequence[MaterialDate],
        hold_s: float,
        instead_of: Sequence[str] = (),
    ) -> Insertion:
        """Insert into the plan in force, and reserve; what is given back is free for it."""
        exploded = await self._context.get(Design).explode(tenant, configuration)
        pack = await self._context.get(Design).pack(tenant, exploded.product, exploded.version)
        reservation, book = self._context.ids.new("R"), self._planner.book
        async with book.lock:
            timeline = await self._planner.timeline()
            book.give_back(instead_of)
            now = self._context.clock.now()
            if quantity > _IN_LOOP:
                inserted = await asyncio.to_thread(insert_items, timeline, exploded, quantity, reservation, material, now)
            else:
                inserted = insert_items(timeline, exploded, quantity, reservation, material, now)
            origin, each = timeline.problem.origin, len(exploded.operations)
            parts = tuple(inserted.operations[n * each : (n + 1) * each] for n in range(quantity))
            items = tuple(held_of(*pair, origin) for pair in zip(inserted.items, parts, strict=True))
            held = Reserved(reservation, now + timedelta(seconds=hold_s), items, parts, origin)
            book.reserve(held)
        try:
            finish, p90_finish = await self._dates(timeline, inserted, material, now)
            planned = origin + timedelta(seconds=inserted.finish_s)
            async with self._context.database.transaction() as tx:
                for given_back in instead_of:
                    await store.take_reservation(tx, tenant, given_back)
                await store.reserve(
                    tx, tenant, reservation, configuration, quantity, held.expires, stored(held), given=now, finish=planned,
                    likely=finish, sure=p90_finish,
                )  # fmt: skip
            # Another plan may have come into force before there was a row that it could move.
            while book.reserved.get(reservation, held) is not held:
                held = book.reserved[reservation]
                async with self._context.database.transaction() as tx:
                    await store.move_reservation(tx, tenant, reservation, stored(held))
        except BaseException:
            book.give_back([reservation])
            raise
        return Insertion(
            reservation=reservation,
            plan=await self._planner.number_in_force(),
            finish=finish,
            p90_finish=p90_finish,
            reasons=reasons(inserted, exploded, pack, material, origin),
        )

    async def _dates(
        self, timeline: Timeline, inserted: Inserted, material: Sequence[MaterialDate], now: datetime
    ) -> tuple[datetime, datetime]:
        """The p50 and p90 finish of what was inserted."""
        origin = timeline.problem.origin
        now_s = round((now - origin).total_seconds())
        reliability = await self._planner.reliability()
        deliveries = awaited(inserted, material, origin)
        expected = reserve(inserted.last.assignments, inserted.last.limits, now_s, reliability, deliveries)
        honesty = await self._planner.honesty()
        return honesty.dates(now, origin + timedelta(seconds=inserted.finish_s), expected)

    async def try_out(self, tenant: str, wishes: Sequence[Wish], instead_of: Sequence[str] = ()) -> tuple[Tried | None, ...]:
        """Each wish inserted into a fork of the timeline, which is thrown away."""
        del tenant
        book = self._planner.book
        async with book.lock:
            fork = (await self._planner.timeline()).fork()
        now = self._context.clock.now()
        for name in instead_of:
            book.take_out(fork, name)
        packs = await self._planner.packs()
        found = [await self._try(fork, wish, now) for wish in wishes]
        return tuple(
            replace(each, name=machine_name(packs, each.equipment)) if each is not None and each.equipment else each
            for each in found
        )

    async def _try(self, timeline: Timeline, wish: Wish, now: datetime) -> Tried | None:
        fork = timeline.fork()
        try:
            inserted = await asyncio.to_thread(
                insert_items, fork, wish.exploded, wish.quantity, "wish", wish.material, now
            )  # fmt: skip
            if not wish.overtime:
                return Tried(*await self._dates(timeline, inserted, wish.material, now))
            origin = timeline.problem.origin
            overtime = overtime_for(timeline.problem, inserted, max(0, round((now - origin).total_seconds())))
            if overtime is None:
                return None
            opened = with_overtime(timeline, overtime)
            inserted = await asyncio.to_thread(
                insert_items, opened, wish.exploded, wish.quantity, "wish", wish.material, now
            )  # fmt: skip
        except Refused:
            return None
        since, until = (origin + timedelta(seconds=second) for second in (overtime.start_s, overtime.end_s))
        return Tried(
            *await self._dates(opened, inserted, wish.material, now), equipment=overtime.resource, start=since, end=until
        )

    async def summary(self, tenant: str) -> PlanSummary:
        """The plan in force."""
        found = await self.summaries(tenant, 1)
        if not found:
            raise NotFound("planning.no_plan", "There is no plan yet.", "Place an order; the plan follows.")
        return found[0]

    async def summaries(self, tenant: str, limit: int) -> tuple[PlanSummary, ...]:
        """The newest plans."""
        async with self._context.database.transaction() as tx:
            return await store.summaries(tx, tenant, limit)

    async def window(self, tenant: str, start: datetime, end: datetime, limit: int) -> PlanWindow:
        """The plan in force in a window."""
        summary = await self.summary(tenant)
        async with self._context.database.transaction() as tx:
            return PlanWindow(summary, await store.window(tx, tenant, start, end, limit))

    async def of_order(self, tenant: str, order: str) -> tuple[PlannedOperation, ...]:
        """The planned operations of an order."""
        async with self._context.database.transaction() as tx:
            return await store.of_order(tx, tenant, order)

    async def dispatch_list(self, tenant: str, until: datetime) -> tuple[Dispatch, ...]:
        """What should be done next."""
        async with self._context.database.transaction() as tx:
            return await store.dispatch(tx, tenant, until)

    async def export(self, tenant: str, form: ExportForm, equipment: str, language: str) -> Exported:
        """The plan in force as a file."""
        summary = await self.summary(tenant)
        picture = await self._planner.picture()
        return Exported(summary.number, await asyncio.to_thread(exported, picture, summary, form, equipment, language))

    async def replan(self, tenant: str, why: str) -> PlanSummary:
        """Plan anew now."""
        made = await self._planner.plan_once(search=True, why=why)
        return made if made is not None else await self.summary(tenant)

    async def plan(self, tenant: str, number: int) -> PlanWindow:
        """Any plan as it was when it came into force."""
        ((past,), _) = await past_plans(self._context.database, tenant, number)
        return PlanWindow(past.summary, operations_of(past))

    async def diff(self, tenant: str, before: int, after: int) -> PlanDiff:
        """What one plan differs in from another."""
        (earlier, later), due = await past_plans(self._context.database, tenant, before, after)
        return compared(earlier, later, due)


def _placement(item: str, a: Assignment) -> Placement:
    def at(second: int) -> datetime:
        return datetime.fromtimestamp(second, tz=UTC)

    op = a.operation.rsplit("/", 1)[1]
    return Placement(item, op, 1, a.resource, a.track + 1, at(a.setup_start_s), at(a.start_s), at(a.end_s), a.also)
