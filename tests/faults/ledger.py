"""The books after a fault: what was ordered, made, measured, used and stored, each counted from two sides."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import ceil
from pathlib import Path
from typing import Any

import nats
import pyarrow as pa
import pyarrow.compute as pc
from nats.js.api import ConsumerConfig, DeliverPolicy
from tests.faults.harness import Customers, Faulty

from batchone.machines import columns
from batchone.machines.connect.spool import _entries
from batchone.machines.history.segments import rows_in


async def audit(faulty: Faulty, customers: Customers, acknowledged: Iterable[str] = ()) -> None:
    """Every book agrees: orders, jobs, genealogy, material, samples."""
    await _orders(faulty, customers)
    await _jobs(faulty)
    await _material(faulty)
    await _genealogy(faulty)
    await _facts(faulty)
    await _samples(faulty, set(acknowledged))


async def _orders(faulty: Faulty, customers: Customers) -> None:
    """Every accepted order, and none besides, is there once; numbers have no gap; each item was finished once."""
    rows = await faulty.rows("SELECT id, number, key, status, quantity FROM sales.orders ORDER BY number")
    assert {row["key"]: row["number"] for row in rows} == customers.accepted
    numbers = [int(row["number"].rsplit("-", 1)[1]) for row in rows]
    assert numbers == list(range(1, len(rows) + 1))
    assert {row["status"] for row in rows} <= {"finished", "in_transit", "delivered"}
    finished = Counter(row["item"] for row in await _said(faulty, "item.finished"))
    items = [row["item"] for row in await faulty.rows("SELECT item FROM production.items")]
    assert len(items) == sum(row["quantity"] for row in rows)
    assert finished == Counter(items)
    serials = [row["serial"] for row in await faulty.rows("SELECT serial FROM production.items")]
    assert all(serials)
    assert len(serials) == len(set(serials))
    ready = Counter(row["order_id"] for row in await faulty.rows("SELECT order_id FROM logistics.shipments"))
    assert ready == Counter(row["id"] for row in rows)


async def _jobs(faulty: Faulty) -> None:
    """One run of an operation is one job at one machine, in production's book and in the plant's own."""
    rows = await faulty.rows("SELECT * FROM production.jobs")
    given = [row for row in rows if row["state"] != "withdrawn"]
    of_plant = plant_jobs(faulty.home / "plantsim")
    assert of_plant == {row["id"] for row in given}, {
        "withdrawn, yet run": [dict(row) for row in rows if row["state"] == "withdrawn" and row["id"] in of_plant],
        "not run": sorted({row["id"] for row in given} - of_plant),
    }
    runs: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in given:
        runs[row["item"], row["op"]].append(row)
    again: Counter[tuple[str, str]] = Counter()
    for released in await _said(faulty, "item.released"):
        again.update((released["item"], op) for op, _ in released["redo"])
    for key, jobs in runs.items():
        assert sorted(job["run"] for job in jobs) == list(range(1, len(jobs) + 1)), (key, jobs)
        ended = Counter(job["state"] for job in jobs)
        assert ended["finished"] == 1 + again[key], (key, ended, again[key], jobs)
        assert ended["finished"] + ended["failed"] == len(jobs)
        assert {job["reason"] for job in jobs if job["state"] == "failed"} <= {"power lost"}, jobs
    for name in ("job.released", "job.started", "job.finished"):
        assert Counter(fact["job"] for fact in await _said(faulty, name)) == Counter(row["id"] for row in given), name
    assert await faulty.rows("SELECT id, equipment, state FROM production.jobs WHERE NOT cleared") == []
    assert await faulty.rows("SELECT equipment, job FROM connect.sent") == []


async def _material(faulty: Faulty) -> None:
    """What came in is on the shelf, set aside or used; what items used is what the shelf gave, lot by lot."""
    unsound = """SELECT l.* FROM sourcing.lots l LEFT JOIN LATERAL (
                   SELECT coalesce(sum(quantity) FILTER (WHERE consumed), 0) AS used,
                     coalesce(sum(quantity) FILTER (WHERE NOT consumed), 0) AS aside
                   FROM sourcing.allocations a WHERE a.lot = l.id) a ON true
                 WHERE l.received <> l.free + l.allocated + l.consumed OR l.consumed <> a.used OR l.allocated <> a.aside"""
    assert await faulty.rows(unsound) == []
    assert await faulty.rows("SELECT * FROM sourcing.needs WHERE consumed <> quantity") == []
    given = """SELECT a.item, a.op, a.variant, l.lot, a.quantity FROM sourcing.allocations a
               JOIN sourcing.lots l ON l.id = a.lot"""
    taken = "SELECT item, op, variant, lot, quantity FROM production.lots"
    assert _bag(await faulty.rows(given)) == _bag(await faulty.rows(taken))
    call_offs = "SELECT id AS call_off, quantity FROM sourcing.call_offs WHERE state = 'received'"
    lots = "SELECT call_off, received AS quantity FROM sourcing.lots WHERE call_off <> ''"
    assert _bag(await faulty.rows(call_offs)) == _bag(await faulty.rows(lots))


async def _genealogy(faulty: Faulty) -> None:
    """Every item has all its operations, every piece of its bill of materials, and a passed measurement for every check."""
    person, pack = faulty.loop.person(), faulty.loop.demo.pack
    for row in await faulty.rows("SELECT item FROM production.items"):
        item = await person.get(f"/api/items/{row['item']}")
        explosion = await person.get(f"/api/configurations/{item['configuration']}/explosion")
        ops = {step["op"] for step in explosion["operations"]}
        assert {job["op"] for job in item["jobs"] if job["state"] == "finished"} == ops
        assert item["operations_done"] == item["operations_total"] == len(ops)
        needed: Counter[tuple[str, str, str]] = Counter()
        for line in explosion["bom"]:
            needed[line["op"], line["module"], line["variant"]] += ceil(round(float(line["quantity"]), 6))
        got: Counter[tuple[str, str, str]] = Counter()
        for lot in item["lots"]:
            assert lot["lot"]
            got[lot["op"], lot["module"], lot["variant"]] += lot["quantity"]
        assert got == needed, item["item"]
        measured = {m["check"]: m for m in sorted(item["measurements"], key=lambda m: m["time"])}
        assert measured.keys() == {check.id for check in pack.checks if check.op in ops}
        seen = {hold["check"] for hold in item["holds"] if hold["released"]}
        assert all(m["passed"] is not False or check in seen for check, m in measured.items()), item["item"]
        assert all(hold["released"] for hold in item["holds"])


async def _facts(faulty: Faulty) -> None:
    """Every fact has left, and plans are numbered without a gap."""
    assert await faulty.rows("SELECT seq, name FROM kernel.outbox WHERE NOT published") == []
    plans = [row["number"] for row in await faulty.rows("SELECT number FROM planning.plans ORDER BY number")]
    assert plans == list(range(1, len(plans) + 1))


async def _samples(faulty: Faulty, acknowledged: set[str]) -> None:
    """Every batch that was acknowledged to a driver is in the catalogue, and every sample of it in a segment, once.

    Samples go on coming; what is asked of is what the stream and the write-ahead files hold now.
    """
    acknowledged = acknowledged | await batches_waiting(faulty.home)
    sent = await _stream(faulty)
    wanted = acknowledged | {columns.id_of(batch) for batch in sent}
    stored: set[str] = set()

    async def look() -> bool:
        stored.update(row["batch"] for row in await faulty.rows("SELECT batch FROM history.batch"))
        return wanted <= stored

    await faulty.loop.until(look, "every acknowledged batch in the catalogue", timeout_s=60)
    lives: dict[str, set[int]] = defaultdict(set)
    for name in stored:
        life, _, sequence = name.rpartition("-")
        lives[life].add(int(sequence))
    gaps = {life: sorted(set(range(1, max(seen) + 1)) - seen) for life, seen in lives.items()}
    assert not any(gaps.values()), gaps
    live = await faulty.rows("SELECT file, packed FROM history.segment WHERE retired_at IS NULL")
    root = faulty.home / "history"
    kept = _counted(pa.Table.from_batches([rows_in(root / row["file"], packed=row["packed"])]) for row in live)
    distinct = {columns.id_of(batch): batch.replace_schema_metadata(None) for batch in sent}
    shipped = _counted(pa.Table.from_batches([batch]) for batch in distinct.values())
    keys = ["path", "source_time", "value"]
    lost = shipped.join(kept, keys=keys, join_type="left anti")
    assert len(lost) == 0, lost.slice(0, 10).to_pylist()
    # A machine that is connected anew tells its last values again, which is two batches; one batch is stored once.
    both = shipped.join(kept, keys=keys, right_suffix="_kept", join_type="inner")
    twice = both.filter(pc.greater(both["count_kept"], both["count"]))
    assert len(twice) == 0, twice.slice(0, 10).to_pylist()


def _counted(tables: Iterable[pa.Table]) -> pa.Table:
    """How often each sample is there."""
    all_of_them = pa.concat_tables([_keys(table) for table in tables])
    counted = all_of_them.group_by(all_of_them.column_names).aggregate([([], "count_all")])
    return counted.rename_columns([*all_of_them.column_names, "count"])


def _keys(table: pa.Table) -> pa.Table:
    path = table["path"].cast(pa.string())
    value = table["value"].cast(pa.string())
    return pa.table({"path": path, "source_time": table["source_time"].cast(pa.timestamp("us", tz="UTC")), "value": value})


async def _stream(faulty: Faulty) -> list[pa.RecordBatch]:
    """Every batch in the stream of samples."""
    client = await nats.connect(faulty.loop.demo.deployment.note.nats)
    try:
        stream = client.jetstream()
        info = await stream.stream_info("SAMPLES")
        pull = await stream.pull_subscribe(
            "samples.>", stream="SAMPLES", config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL, max_ack_pending=-1)
        )
        found: list[pa.RecordBatch] = []
        while len(found) < info.state.messages:
            messages = await pull.fetch(500, timeout=10)
            found.extend(columns.from_bytes(message.data) for message in messages)
        return found
    finally:
        await client.close()


async def batches_waiting(home: Path) -> set[str]:
    """The batches that are in write-ahead files now: acknowledged to their drivers, not yet stored by the bus."""
    return {entry.id for path in (home / "connect").glob("*/*.log") for entry in _entries(path.read_bytes())}


def plant_jobs(folder: Path) -> set[str]:
    """Every job that the plant ever began, by its machines' own journals."""
    found: set[str] = set()
    for path in folder.glob("*.jsonl"):
        found |= {told["job"] for line in path.read_text().splitlines() if "job" in (told := json.loads(line))}
    return found


async def _said(faulty: Faulty, name: str) -> list[Any]:
    rows = await faulty.rows("SELECT body FROM kernel.outbox WHERE name = %(name)s ORDER BY seq", name=name)
    return [row["body"] for row in rows]


def _bag(rows: list[Any]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.values()) for row in rows)
