"""Alarms and how their rules stand, in PostgreSQL; what happens is said in the transaction that stores it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from batchone.contracts.machines import Alarm, AlarmRaised, AlarmReturned, AlarmState
from batchone.kernel.database import Row, Transaction, load_queries
from batchone.kernel.ids import Ids
from batchone.machines import columns
from batchone.machines.alarms.model import About, Key, Rules, State, Transitions

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")
_ACTOR = "alarms"


async def load_state(tx: Transaction, tenant: str, rules: Rules) -> tuple[State, list[Key]]:
    """How the rules stood when they last changed, and the keys of raised ones that no rule covers any more."""
    state, place, orphans = State.fresh(rules), rules.keys(), []
    for row in await tx.all(_QUERIES["standing"], tenant=tenant):
        key: Key = (row["path"], row["limit"])
        at = place.get(key)
        if at is None:
            orphans.append(key)
            continue
        state.on[at], state.raised[at] = row["holds"], row["raised"]
        state.since_us[at], state.began_with[at] = row["since_us"], row["began_with"]
    for row in await tx.all(_QUERIES["judged"], tenant=tenant):
        at = rules.paths.get(row["path"])
        if at is not None:
            state.judged_us[at] = row["until_us"]
    return state, orphans


def changed(before: State, after: State, transitions: Transitions) -> NDArray[np.int64]:
    """The places of the rules that must be stored: those that stand otherwise, and those that came and went."""
    differs = (before.on != after.on) | (before.raised != after.raised)
    differs |= after.on & (before.since_us != after.since_us)
    return np.union1d(np.flatnonzero(differs), transitions.rule)


async def save_state(tx: Transaction, tenant: str, rules: Rules, after: State, changed: NDArray[np.int64]) -> None:
    """Store the rules that changed, and up to where their paths were judged; one that did not change stands as before."""
    await tx.many(
        _QUERIES["put_standing"],
        [
            {
                "tenant": tenant, "path": rules.abouts[at].path, "limit": rules.abouts[at].limit,
                "holds": bool(after.on[at]), "since_us": int(after.since_us[at]),
                "began_with": float(after.began_with[at]), "raised": bool(after.raised[at]),
            }
            for at in changed
        ],
    )  # fmt: skip
    paths = {rules.abouts[at].path for at in changed}
    await tx.many(
        _QUERIES["put_judged"],
        [{"tenant": tenant, "path": path, "until_us": int(after.judged_us[rules.paths[path]])} for path in sorted(paths)],
    )


async def tell(tx: Transaction, ids: Ids, tenant: str, rules: Rules, transitions: Transitions) -> None:
    """Store raisings and returns, and say them."""
    for rule, is_raise, time_us, value in zip(
        transitions.rule, transitions.raised, transitions.time_us, transitions.value, strict=True
    ):
        about, at = rules.abouts[rule], columns.from_us(int(time_us))
        if is_raise:
            await put_raised(tx, ids, tenant, about, float(value), at)
        else:
            await put_returned(tx, tenant, (about.path, about.limit), at)


async def put_raised(tx: Transaction, ids: Ids, tenant: str, about: About, value: float | None, at: datetime) -> None:
    """Raise an alarm unless it stands already; an earlier occurrence that nobody acknowledged ends, as ISA-18.2 has it
    return to unacknowledged."""
    key: dict[str, Any] = {"tenant": tenant, "path": about.path, "limit": about.limit, "at": at}
    alarm = ids.new("AL")
    added = await tx.run(
        _QUERIES["add"], **key, id=alarm, equipment=about.equipment, priority=about.priority, bound=about.bound,
        value=value, unit=about.unit, name=orjson.dumps(dict(about.name)).decode(),
    )  # fmt: skip
    if added:
        await tx.run(_QUERIES["supersede"], **key)
        said = AlarmRaised(alarm, about.path, about.equipment, about.limit, about.priority, value, at)
        await tx.say(tenant, said, actor=_ACTOR, time=at)


async def put_returned(tx: Transaction, tenant: str, key: Key, at: datetime) -> None:
    """Return an alarm, if it stands."""
    path, limit = key
    row = await tx.one(_QUERIES["return"], tenant=tenant, path=path, limit=limit, at=at)
    if row is not None:
        await tx.say(tenant, AlarmReturned(row["id"], path, row["equipment"], at), actor=_ACTOR, time=at)


async def drop_standing(tx: Transaction, tenant: str, keys: Sequence[Key]) -> None:
    """Forget rules that no pack declares any more."""
    await tx.many(_QUERIES["drop_standing"], [{"tenant": tenant, "path": path, "limit": limit} for path, limit in keys])


async def acknowledge(tx: Transaction, tenant: str, alarm: str, by: str, at: datetime) -> bool:
    """Note that somebody has seen it; false if somebody had before, or there is none."""
    return bool(await tx.run(_QUERIES["acknowledge"], tenant=tenant, id=alarm, by=by, at=at))


async def get(tx: Transaction, tenant: str, alarm: str) -> Alarm | None:
    """One alarm."""
    row = await tx.one(_QUERIES["get"], tenant=tenant, id=alarm)
    return _alarm(row) if row is not None else None


async def active(tx: Transaction, tenant: str, equipment: str) -> tuple[Alarm, ...]:
    """Alarms that have not ended, worst first; all equipment if it is empty."""
    return tuple(_alarm(row) for row in await tx.all(_QUERIES["active"], tenant=tenant, equipment=equipment))


async def newest(tx: Transaction, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
    """The newest alarms, ended ones too."""
    rows = await tx.all(_QUERIES["history"], tenant=tenant, equipment=equipment, limit=limit)
    return tuple(_alarm(row) for row in rows)


def _state_of(row: Row) -> AlarmState:
    """An acknowledged alarm stays called so when it has ended; `returned` tells that its condition is over."""
    if row["acknowledged"] is not None:
        return "acknowledged"
    return "unacknowledged" if row["returned"] is None else "returned"


def _alarm(row: Row) -> Alarm:
    return Alarm(
        id=row["id"], path=row["path"], equipment=row["equipment"], limit=row["limit"], priority=row["priority"],
        bound=row["bound"], value=row["value"], unit=row["unit"], name=row["name"], state=_state_of(row),
        raised=row["raised"], returned=row["returned"], acknowledged=row["acknowledged"],
        acknowledged_by=row["acknowledged_by"],
    )  # fmt: skip
