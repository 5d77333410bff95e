"""What people set of alarms, in PostgreSQL: what is shelved or out of service, and how limits were changed; and the figures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import numpy as np
import orjson

from batchone.contracts.alarms import (
    AlarmLimitChanged,
    AlarmRestored,
    AlarmStatistics,
    AlarmSuppressed,
    LimitEdition,
    LimitSettings,
    Rationale,
    Suppressed,
    Suppression,
)
from batchone.contracts.machines import MachineState
from batchone.kernel.database import Row, Transaction
from batchone.kernel.errors import Conflict
from batchone.machines import columns
from batchone.machines.alarms import statistics as figures
from batchone.machines.alarms.model import About, Key
from batchone.machines.alarms.store import ACTOR, QUERIES


async def suppressed(tx: Transaction, tenant: str, now: datetime) -> tuple[Suppressed, ...]:
    """What is shelved or out of service, the newest first."""
    return tuple(Suppressed(**row) for row in await tx.all(QUERIES["suppressed"], tenant=tenant, now=now))


async def suppress(tx: Transaction, tenant: str, what: Suppressed) -> None:
    """Shelve an alarm or take it out of service, instead of what was; an alarm that is out of service is not shelved."""
    key = (what.path, what.limit)
    ended = await _end(tx, tenant, key, "", what.by, what.since)
    if what.kind == "shelved" and ended is not None and ended["kind"] == "out_of_service":
        raise Conflict(
            "alarms.out_of_service", f"{what.limit} of {what.path} is out of service.", "Put it back before you shelve it."
        )
    await tx.run(
        QUERIES["put_suppression"], tenant=tenant, path=what.path, limit=what.limit, kind=what.kind, since=what.since,
        until=what.until, by=what.by, reason=what.reason,
    )  # fmt: skip
    said = AlarmSuppressed(what.path, what.limit, what.kind, what.until, what.by, what.reason, what.since)
    await tx.say(tenant, said, actor=what.by, time=what.since)


async def restore(tx: Transaction, tenant: str, key: Key, kind: Suppression, by: str, at: datetime) -> bool:
    """Show an alarm again; false when it was not suppressed so."""
    row = await _end(tx, tenant, key, kind, by, at)
    if row is None or (row["until"] is not None and row["until"] <= at):
        return False
    await tx.say(tenant, AlarmRestored(*key, kind, by, at), actor=by, time=at)
    return True


async def expire(tx: Transaction, tenant: str, now: datetime) -> tuple[Suppressed, ...]:
    """End the shelves whose time is over, and say so."""
    rows = await tx.all(QUERIES["expire"], tenant=tenant, by=ACTOR, now=now)
    for row in rows:
        said = AlarmRestored(row["path"], row["limit"], row["kind"], ACTOR, row["until"])
        await tx.say(tenant, said, actor=ACTOR, time=row["until"])
    return tuple(Suppressed(**row) for row in rows)


async def _end(tx: Transaction, tenant: str, key: Key, kind: str, by: str, at: datetime) -> Row | None:
    return await tx.one(QUERIES["end_suppression"], tenant=tenant, path=key[0], limit=key[1], kind=kind, by=by, at=at)


async def put_equipment(tx: Transaction, tenant: str, equipment: str, state: MachineState, since: datetime) -> None:
    """Remember the state of an equipment; an earlier one that comes late changes nothing."""
    await tx.run(QUERIES["put_equipment"], tenant=tenant, equipment=equipment, state=state, since=since)


async def put_loss(tx: Transaction, tenant: str, connection: str, at: datetime) -> None:
    """Remember when a connection lost samples last."""
    await tx.run(QUERIES["put_loss"], tenant=tenant, connection=connection, at=at)


async def end_losses(tx: Transaction, tenant: str, before: datetime) -> dict[str, datetime]:
    """The connections that lost nothing since a time, and when they did last; they are forgotten."""
    return {row["connection"]: row["last"] for row in await tx.all(QUERIES["end_losses"], tenant=tenant, before=before)}


async def changes(tx: Transaction, tenant: str) -> dict[Key, LimitEdition]:
    """The newest edition of every limit that was ever changed."""
    rows = await tx.all(QUERIES["editions_now"], tenant=tenant)
    return {(row["path"], row["limit"]): _edition(row) for row in rows}


async def editions(tx: Transaction, tenant: str, key: Key) -> tuple[LimitEdition, ...]:
    """Every edition of a limit, the newest first."""
    rows = await tx.all(QUERIES["editions"], tenant=tenant, path=key[0], limit=key[1])
    return tuple(_edition(row) for row in rows)


async def put_edition(tx: Transaction, tenant: str, key: Key, edition: LimitEdition) -> None:
    """Add an edition and say so; `Conflict` when that version is there already."""
    path, limit = key
    assert edition.at is not None
    added = await tx.run(
        QUERIES["put_edition"], tenant=tenant, path=path, limit=limit, version=edition.version,
        settings=orjson.dumps(edition.settings).decode(), rationale=orjson.dumps(edition.rationale).decode(),
        by=edition.by, at=edition.at, why=edition.why,
    )  # fmt: skip
    if not added:
        raise Conflict(
            "alarms.limit_changed",
            f"Somebody changed {limit} of {path} meanwhile.",
            "Look at it as it is now, and change that.",
        )
    said = AlarmLimitChanged(path, limit, edition.version, edition.by, edition.at)
    await tx.say(tenant, said, actor=edition.by, time=edition.at)


def _edition(row: Row) -> LimitEdition:
    return LimitEdition(
        row["version"], LimitSettings(**row["settings"]), Rationale(**row["rationale"]), row["by"], row["at"], row["why"]
    )


async def statistics(
    tx: Transaction, tenant: str, start: datetime, end: datetime, *, operators: int, design: Collection[str], now: datetime
) -> AlarmStatistics:
    """The figures of a window, of what is stored of it."""
    window = {"tenant": tenant, "start": start, "end": end}
    abouts = [About(**row) for row in await tx.all(QUERIES["raised_names"], **window)]
    place = {(about.path, about.limit): at for at, about in enumerate(abouts)}
    rows = await tx.all(QUERIES["raisings"], **window)
    raisings = figures.Raisings(
        abouts,
        np.array([place[row["path"], row["limit"]] for row in rows], np.int64),
        np.array([columns.to_us(row["raised"]) for row in rows], np.int64),
        np.array([_seconds(row["raised"], row["returned"]) for row in rows], np.float64),
        np.array([_seconds(row["raised"], row["acknowledged"]) for row in rows], np.float64),
    )
    row = await tx.one(QUERIES["counts"], **window, stale=end - figures.STALE_AFTER, design=list(design), now=now)
    assert row is not None
    suppressed_now: Mapping[Suppression, int] = {
        "shelved": row["shelved"], "suppressed_by_design": row["suppressed_by_design"],
        "out_of_service": row["out_of_service"],
    }  # fmt: skip
    counted = figures.Now(row["stale"], suppressed_now, row["raised_suppressed"])
    return figures.statistics(raisings, counted, start, end, operators)


def _seconds(start: datetime, end: datetime | None) -> float:
    return float("nan") if end is None else (end - start) / timedelta(seconds=1)
