"""Production's tables, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from batchone.chain.production.model import Judged
from batchone.contracts.design import Exploded
from batchone.contracts.production import ConsumedLot, Hold, ItemRecord, Job, Measurement, StationNow
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.database import Row, Transaction, load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")


async def add_item(
    tx: Transaction, tenant: str, item: str, order: OrderPlaced, choices: Mapping[str, str], exploded: Exploded, at: datetime
) -> None:
    """An item and its operations, all waiting."""
    consuming = {line.op for line in exploded.bom}
    await tx.run(
        _SQL["add_item"], tenant=tenant, item=item, order=order.order, product=order.product, version=exploded.version, at=at,
        configuration=order.configuration, priority=order.priority, choices=Jsonb(dict(choices)),
    )  # fmt: skip
    await tx.many(
        _SQL["add_operation"],
        [
            {
                "tenant": tenant, "item": item, "op": step.op, "place": place, "after": list(step.after),
                "duration_s": step.duration_s, "setup_key": step.setup_key or "", "program": step.program,
                "parameters": Jsonb(dict(step.parameters)), "needs_material": step.op in consuming,
                "needs": list(step.needs), "waits": Jsonb([(w.after, w.least_s, w.most_s) for w in step.waits]),
            }
            for place, step in enumerate(exploded.operations)
        ],
    )  # fmt: skip


async def add_lot(tx: Transaction, tenant: str, item: str, lot: ConsumedLot, *, complete: bool) -> None:
    """Material set aside for an item's operation."""
    await tx.run(
        _SQL["add_lot"], tenant=tenant, item=item, op=lot.op, module=lot.module, variant=lot.variant, lot=lot.lot,
        supplier=lot.supplier, quantity=lot.quantity,
    )  # fmt: skip
    if complete:
        await tx.run(_SQL["material_complete"], tenant=tenant, item=item, op=lot.op)


async def ready(tx: Transaction, tenant: str, items: Sequence[str]) -> dict[tuple[str, str], Row]:
    """The operations of these items that could be released now, by (item, op)."""
    rows = await tx.all(_SQL["ready"], tenant=tenant, items=list(items))
    return {(row["item"], row["op"]): row for row in rows}


async def open_counts(tx: Transaction, tenant: str) -> dict[str, int]:
    """How many jobs each equipment has."""
    return {row["equipment"]: row["jobs"] for row in await tx.all(_SQL["open_counts"], tenant=tenant)}


async def held(tx: Transaction, tenant: str, now: datetime) -> set[tuple[str, int]]:
    """The tools and people that jobs hold; a crew is free when its setup is over."""
    taken: set[tuple[str, int]] = set()
    for row in await tx.all(_SQL["holding"], tenant=tenant, now=now):
        places = places_of(row)
        taken.update(places[: row["needs"]] if row["set_up"] else places)
    return taken


def places_of(row: Row) -> tuple[tuple[str, int], ...]:
    """The tools and people of a job."""
    return tuple((str(name), int(number)) for name, number in row["also"])


async def was_held_for(tx: Transaction, tenant: str, item_id: str, check_id: str) -> bool:
    """Whether an item was ever held for this."""
    return await tx.one(_SQL["was_held_for"], tenant=tenant, item=item_id, check_id=check_id) is not None


async def add_job(
    tx: Transaction,
    job: str,
    operation: Row,
    equipment: str,
    setup_s: float,
    at: datetime,
    also: Sequence[tuple[str, int]] = (),
) -> bool:
    """A job for an operation's present run, which holds these tools and people; false if there is one already."""
    added = await tx.run(
        _SQL["add_job"], id=job, tenant=operation["tenant"], item=operation["item"], order=operation["order_id"],
        op=operation["op"], run=operation["run"], equipment=equipment, program=operation["program"],
        parameters=Jsonb(operation["parameters"]), seconds=operation["duration_s"], setup_key=operation["setup_key"],
        setup_s=setup_s, facts=Jsonb(operation["choices"]), at=at, also=Jsonb(list(also)),
    )  # fmt: skip
    if added:
        await tx.run(
            _SQL["operation_state"], tenant=operation["tenant"], item=operation["item"], op=operation["op"], state="released"
        )
        if operation["setup_key"]:
            await tx.run(_SQL["set_setup"], tenant=operation["tenant"], equipment=equipment, setup_key=operation["setup_key"])
    return bool(added)


async def setup_of(tx: Transaction, tenant: str, equipment: str) -> str:
    """The setup an equipment stands at; empty when unknown."""
    row = await tx.one(_SQL["setup_of"], tenant=tenant, equipment=equipment)
    return str(row["setup_key"]) if row else ""


async def job(tx: Transaction, tenant: str, job_id: str, *, lock: bool = False) -> Row | None:
    """A job's row."""
    return await tx.one(_SQL["job_for_update" if lock else "job"], tenant=tenant, id=job_id)


async def unconfirmed(tx: Transaction, tenant: str) -> list[Row]:
    """Jobs whose machine has not confirmed them yet."""
    return await tx.all(_SQL["unconfirmed"], tenant=tenant)


async def busy_equipment(tx: Transaction, tenant: str) -> list[str]:
    """Equipment with a job that is open, or ended and not cleared at the machine."""
    return [row["equipment"] for row in await tx.all(_SQL["uncleared_equipment"], tenant=tenant)]


async def uncleared(tx: Transaction, tenant: str, equipment: str) -> list[str]:
    """Ended jobs of an equipment of which it was not noted that the machine has forgotten them."""
    return [row["id"] for row in await tx.all(_SQL["uncleared"], tenant=tenant, equipment=equipment)]


async def confirm(tx: Transaction, job_id: str) -> None:
    """The machine has the job."""
    await tx.run(_SQL["confirm_job"], id=job_id)


async def withdraw(tx: Transaction, row: Row, reason: str, at: datetime) -> None:
    """The machine never took the job: its operation waits again, with the same run."""
    await _end(tx, row, "withdrawn", at, at, None, 0.0, reason, cleared=True)
    await tx.run(_SQL["operation_state"], tenant=row["tenant"], item=row["item"], op=row["op"], state="waiting")


async def start(tx: Transaction, job_id: str, started: datetime, position: int | None) -> None:
    """The machine began."""
    await tx.run(_SQL["start_job"], id=job_id, started=started, position=position)


async def finish(
    tx: Transaction, row: Row, started: datetime, ended: datetime, position: int | None, energy_kwh: float
) -> None:
    """The machine ended the job well."""
    await _end(tx, row, "finished", started, ended, position, energy_kwh, "", cleared=False)
    await tx.run(_SQL["operation_state"], tenant=row["tenant"], item=row["item"], op=row["op"], state="done")


async def fail(
    tx: Transaction, row: Row, started: datetime, ended: datetime, position: int | None, energy_kwh: float, reason: str
) -> None:
    """The job ended badly: its operation waits again, as the next run."""
    await _end(tx, row, "failed", started, ended, position, energy_kwh, reason, cleared=False)
    await again(tx, row["tenant"], row["item"], row["op"])


async def _end(
    tx: Transaction, row: Row, state: str, started: datetime, finished: datetime, position: int | None, energy_kwh: float,
    reason: str, *, cleared: bool,
) -> None:  # fmt: skip
    await tx.run(
        _SQL["end_job"], id=row["id"], state=state, started=started, finished=finished, position=position,
        energy_kwh=energy_kwh, reason=reason, cleared=cleared,
    )  # fmt: skip


async def again(tx: Transaction, tenant: str, item: str, op: str) -> int:
    """An operation waits to be done again; its new run."""
    row = await tx.one(_SQL["operation_again"], tenant=tenant, item=item, op=op)
    return int(row["run"]) if row else 0


async def cleared(tx: Transaction, job_id: str) -> None:
    """The machine was told that its report is stored."""
    await tx.run(_SQL["clear_job"], id=job_id)


async def add_measurements(tx: Transaction, row: Row, judged: Sequence[Judged], at: datetime) -> None:
    """What the machine measured, with the limits that held."""
    await tx.many(
        _SQL["add_measurement"],
        [
            {
                "tenant": row["tenant"], "job": row["id"], "item": row["item"], "op": row["op"], "check_id": one.check.id,
                "name": Jsonb(dict(one.check.name)), "value": one.value, "unit": one.check.unit, "low": one.check.minimum,
                "high": one.check.maximum, "passed": one.passed, "time": at,
            }
            for one in judged
        ],
    )  # fmt: skip


async def failed_before(tx: Transaction, tenant: str, item: str, check: str) -> int:
    """In how many jobs this item failed a check."""
    row = await tx.one(_SQL["failed_before"], tenant=tenant, item=item, check_id=check)
    return int(row["times"]) if row else 0


async def begin_item(tx: Transaction, tenant: str, item: str, prefix: str, at: datetime) -> None:
    """The first job of an item began: it gets its serial number."""
    row = await tx.one(_SQL["item_for_update"], tenant=tenant, item=item)
    if row is None or row["state"] != "planned":
        return
    number = await tx.one(_SQL["next_serial"], tenant=tenant, product=row["product"])
    assert number is not None
    serial = f"{prefix}{at:%y}{number['last']:07d}"
    await tx.run(_SQL["item_started"], tenant=tenant, item=item, serial=serial, at=at)


async def item(tx: Transaction, tenant: str, item_id: str, *, lock: bool = False) -> Row | None:
    """An item's row, by id or (not locking) serial."""
    return await tx.one(_SQL["item_for_update" if lock else "item"], tenant=tenant, item=item_id)


async def item_state(tx: Transaction, tenant: str, item_id: str, state: str) -> None:
    """Set an item's state."""
    await tx.run(_SQL["item_state"], tenant=tenant, item=item_id, state=state)


async def open_operations(tx: Transaction, tenant: str, item_id: str) -> int:
    """How many of an item's operations are not done."""
    row = await tx.one(_SQL["open_operations"], tenant=tenant, item=item_id)
    assert row is not None
    return int(row["open"])


async def finish_item(tx: Transaction, tenant: str, item_id: str, at: datetime) -> float:
    """The item is finished; the energy that went into it, kWh."""
    await tx.run(_SQL["item_finished"], tenant=tenant, item=item_id, at=at)
    row = await tx.one(_SQL["energy_of_item"], tenant=tenant, item=item_id)
    assert row is not None
    return float(row["energy"])


async def hold(
    tx: Transaction, hold_id: str, tenant: str, item_id: str, check: str, reason: Mapping[str, str], at: datetime
) -> None:
    """An item is held."""
    await tx.run(_SQL["add_hold"], id=hold_id, tenant=tenant, item=item_id, check_id=check, reason=Jsonb(dict(reason)), at=at)
    await item_state(tx, tenant, item_id, "held")


async def release(tx: Transaction, tenant: str, item_id: str, hold_id: str, decision: str, at: datetime) -> None:
    """One hold of an item is decided (all of them for an empty id); with none left the item goes on."""
    await tx.run(_SQL["release_holds"], tenant=tenant, item=item_id, hold=hold_id, decision=decision, at=at)
    await tx.run(_SQL["item_not_held"], tenant=tenant, item=item_id)


async def operations(tx: Transaction, tenant: str, item_id: str) -> list[Row]:
    """An item's operations: op, run, state, in the order of the routing."""
    return await tx.all(_SQL["operations_of_item"], tenant=tenant, item=item_id)


async def record(tx: Transaction, tenant: str, item_id: str) -> ItemRecord | None:
    """The whole record of an item."""
    row = await item(tx, tenant, item_id)
    if row is None:
        return None
    where = {"tenant": tenant, "item": row["item"]}
    steps = await tx.all(_SQL["operations_of_item"], **where)
    jobs = tuple(job_of(each) for each in await tx.all(_SQL["jobs_of_item"], **where))
    return ItemRecord(
        item=row["item"], serial=row["serial"], order=row["order_id"], product=row["product"],
        configuration=row["configuration"], state=row["state"], operations_total=len(steps),
        operations_done=sum(step["state"] == "done" for step in steps), jobs=jobs,
        lots=tuple(
            ConsumedLot(each["module"], each["variant"], each["quantity"], each["lot"], each["supplier"], each["op"])
            for each in await tx.all(_SQL["lots_of_item"], **where)
        ),
        measurements=tuple(
            Measurement(
                each["job"], each["op"], each["check_id"], each["name"], each["value"], each["unit"], each["low"],
                each["high"], each["passed"], each["time"],
            )
            for each in await tx.all(_SQL["measurements_of_item"], **where)
        ),
        holds=tuple(
            Hold(each["since"], each["reason"], each["check_id"], each["released"], each["decision"])
            for each in await tx.all(_SQL["holds_of_item"], **where)
        ),
        energy_kwh=round(sum(each.energy_kwh or 0.0 for each in jobs), 4), started=row["started"], finished=row["finished"],
    )  # fmt: skip


async def items_of_order(tx: Transaction, tenant: str, order: str) -> list[str]:
    """The items of an order."""
    return [row["item"] for row in await tx.all(_SQL["items_of_order"], tenant=tenant, order=order)]


async def items_begun(tx: Transaction, tenant: str, after: str, limit: int) -> list[str]:
    """Items with a serial number, in the order of their ids, behind one."""
    return [row["item"] for row in await tx.all(_SQL["items_begun"], tenant=tenant, after=after, limit=limit)]


async def jobs(tx: Transaction, tenant: str, state: str, equipment: str, limit: int) -> tuple[Job, ...]:
    """Jobs, newest first."""
    rows = await tx.all(_SQL["jobs"], tenant=tenant, state=state, equipment=equipment, limit=limit)
    return tuple(job_of(row) for row in rows)


async def stations(tx: Transaction, tenant: str) -> tuple[StationNow, ...]:
    """Every open job."""
    return tuple(
        StationNow(
            row["equipment"], row["id"], row["item"], row["order_id"], row["op"], row["position"], row["state"],
            row["started"] or row["released"], tuple(name for name, _ in places_of(row)),
        )
        for row in await tx.all(_SQL["stations"], tenant=tenant)
    )  # fmt: skip


async def finished_since(tx: Transaction, tenant: str, since: datetime) -> tuple[datetime, ...]:
    """When items were finished."""
    return tuple(row["finished"] for row in await tx.all(_SQL["finished_since"], tenant=tenant, since=since))


async def once(tx: Transaction, tenant: str, key: str, subject: str) -> str | None:
    """Remember a command's key; the subject it was first used for, or none if it is new."""
    if await tx.run(_SQL["add_command"], tenant=tenant, key=key, subject=subject):
        return None
    row = await tx.one(_SQL["command"], tenant=tenant, key=key)
    return str(row["subject"]) if row else None


def job_of(row: Mapping[str, Any]) -> Job:
    """A row as a job."""
    return Job(
        id=row["id"], item=row["item"], order=row["order_id"], op=row["op"], run=row["run"], equipment=row["equipment"],
        position=row["position"], program=row["program"], parameters=row["parameters"], state=row["state"],
        released=row["released"], started=row["started"], finished=row["finished"], energy_kwh=row["energy_kwh"],
        reason=row["reason"],
    )  # fmt: skip
