"""Production: hears of orders and material, answers about items and jobs, carries out people's commands."""

from __future__ import annotations

from datetime import datetime

from batchone.chain.production import store
from batchone.chain.production.execution import Execution
from batchone.chain.production.reports import release_item
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.machines import Connect
from batchone.contracts.production import ConsumedLot, ItemRecord, Job, StationNow
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import MaterialAllocated
from batchone.kernel.database import Transaction
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard


class ProductionService:
    """Implements `contracts.production.Production`."""

    def __init__(self, context: Context, execution: Execution) -> None:
        self._context = context
        self._execution = execution

    async def on_order_placed(self, tx: Transaction, heard: Heard) -> None:
        """Every item of an order, with its operations, waits to be made."""
        order, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(order, OrderPlaced)
        design = self._context.get(Design)
        exploded = await design.explode(tenant, order.configuration)
        configuration = await design.configuration(tenant, order.configuration)
        for item in order.items:
            await store.add_item(tx, tenant, item, order, configuration.choices, exploded, heard.envelope.time)

    async def on_material_allocated(self, tx: Transaction, heard: Heard) -> None:
        """A lot was set aside for an operation of an item."""
        fact = heard.fact
        assert isinstance(fact, MaterialAllocated)
        lot = ConsumedLot(fact.module, fact.variant, fact.quantity, fact.lot, fact.supplier, fact.op)
        await store.add_lot(tx, heard.envelope.tenant, fact.item, lot, complete=fact.complete)

    async def on_product_released(self, tx: Transaction, heard: Heard) -> None:  # noqa: ARG002
        """The plant may have changed."""
        self._execution.forget_packs()

    async def item(self, tenant: str, item: str) -> ItemRecord:
        """An item's record."""
        async with self._context.database.transaction() as tx:
            record = await store.record(tx, tenant, item)
        if record is None:
            raise NotFound("production.no_item", f"There is no item {item}.", "Look the item up from its order.", item=item)
        return record

    async def items_of_order(self, tenant: str, order: str) -> tuple[ItemRecord, ...]:
        """The records of an order's items."""
        async with self._context.database.transaction() as tx:
            found = [await store.record(tx, tenant, item) for item in await store.items_of_order(tx, tenant, order)]
        return tuple(record for record in found if record is not None)

    async def items_begun(self, tenant: str, after: str, limit: int) -> tuple[ItemRecord, ...]:
        """The records of items with a serial number, behind one."""
        async with self._context.database.transaction() as tx:
            found = [await store.record(tx, tenant, item) for item in await store.items_begun(tx, tenant, after, limit)]
        return tuple(record for record in found if record is not None)

    async def jobs(self, tenant: str, state: str, equipment: str, limit: int) -> tuple[Job, ...]:
        """Jobs, newest first."""
        async with self._context.database.transaction() as tx:
            return await store.jobs(tx, tenant, state, equipment, limit)

    async def stations(self, tenant: str) -> tuple[StationNow, ...]:
        """Every job at an equipment now."""
        async with self._context.database.transaction() as tx:
            return await store.stations(tx, tenant)

    async def finished_since(self, tenant: str, since: datetime) -> tuple[datetime, ...]:
        """When items were finished."""
        async with self._context.database.transaction() as tx:
            return await store.finished_since(tx, tenant, since)

    async def release_item(
        self, tenant: str, item: str, redo: tuple[str, ...], note: str, key: str, actor: Actor
    ) -> ItemRecord:
        """A person lets a held item go on."""
        async with self._context.database.transaction() as tx:
            if await self._repeated(tx, tenant, key, f"release {item}"):
                return await self.item(tenant, item)
            found = await store.item(tx, tenant, item, lock=True)
            if found is None:
                raise NotFound("production.no_item", f"There is no item {item}.", "Look the item up from its order.", item=item)
            if found["state"] != "held":
                raise Conflict(
                    "production.not_held", f"The item {item} is not held.", "Only a held item can be released.", item=item
                )
            routing = [row["op"] for row in await store.operations(tx, tenant, item)]
            unknown = set(redo) - set(routing)
            if unknown:
                raise Refused(
                    "production.no_op",
                    f"The item has no operation {', '.join(sorted(unknown))}.",
                    f"Choose from {', '.join(routing)}.",
                )
            again = tuple(op for op in routing if op in redo)
            await release_item(
                tx, tenant, item, found["order_id"], "", again, note or "released", actor.person, self._context.clock.now()
            )
        await self._record(actor, "item.release", item, key, {"redo": ",".join(again), "note": note})
        self._execution.wake()
        return await self.item(tenant, item)

    async def abort_job(self, tenant: str, job: str, key: str, actor: Actor) -> Job:
        """A person stops a job at its machine."""
        async with self._context.database.transaction() as tx:
            row = await store.job(tx, tenant, job)
            if row is None:
                raise NotFound("production.no_job", f"There is no job {job}.", "Look it up at its equipment.", job=job)
            repeated = await self._repeated(tx, tenant, key, f"abort {job}")
        if not repeated:
            if row["state"] not in ("released", "started"):
                raise Conflict("production.job_over", f"The job {job} is over.", "Only an open job can be stopped.", job=job)
            await self._context.get(Connect).abort_job(tenant, row["equipment"], job)
            await self._record(actor, "job.abort", job, key, {"equipment": row["equipment"]})
        return store.job_of(row)

    async def _repeated(self, tx: Transaction, tenant: str, key: str, subject: str) -> bool:
        before = await store.once(tx, tenant, key, subject)
        if before is not None and before != subject:
            raise Conflict("production.key_used", "This Idempotency-Key was used for something else.", "Send a new key.")
        return before is not None

    async def _record(self, actor: Actor, action: str, subject: str, key: str, details: dict[str, str]) -> None:
        await self._context.get(Enterprises).record(actor, action, subject, key, "done", details)
