"""Alarms and how their rules stand, in PostgreSQL; what happens is said in the transaction that stores it.

A flood is written as a flood: each statement takes thousands of rows as columns (`unnest`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from batchone.contracts.alarms import Alarm, AlarmFilter, AlarmRaised, AlarmReturned
from batchone.kernel.database import Row, Transaction, load_queries
from batchone.kernel.ids import Ids
from batchone.machines import columns
from batchone.machines.alarms.life import Occurrence, Transition, outcome, state_of
from batchone.machines.alarms.model import Key, Rules, State, Transitions

QUERIES = load_queries(Path(__file__).parent / "queries.sql")
ACTOR = "alarms"
_ONE = AlarmFilter(show="all")


async def load_state(tx: Transaction, tenant: str, rules: Rules) -> tuple[State, list[Key]]:
    """How the rules stood when they last changed, and the keys of raised ones that no rule covers any more."""
    state, place, orphans = State.fresh(rules), rules.keys(), []
    for row in await tx.all(QUERIES["standing"], tenant=tenant):
        key: Key = (row["path"], row["limit"])
        at = place.get(key)
        if at is None:
            orphans.append(key)
            continue
        state.on[at], state.raised[at] = row["holds"], row["raised"]
        state.since_us[at], state.began_with[at] = row["since_us"], row["began_with"]
    for row in await tx.all(QUERIES["judged"], tenant=tenant):
        at = rules.paths.get(row["path"])
        if at is not None:
            state.judged_us[at] = row["until_us"]
    return state, orphans


def changed(before: State, after: State, transitions: Transitions) -> NDArray[np.int64]:
    """The places of the rules that must be stored: those that stand otherwise, and those that came and went."""
    differs = (before.on != after.on) | (before.raised != after.raised)
    differs |= (after.on | after.raised) & (before.since_us != after.since_us)
    return np.union1d(np.flatnonzero(differs), transitions.rule)


async def save_state(tx: Transaction, tenant: str, rules: Rules, after: State, changed: NDArray[np.int64]) -> None:
    """Store the rules that changed, and up to where their paths were judged; one that did not change stands as before."""
    abouts = [rules.abouts[at] for at in changed]
    paths = sorted({about.path for about in abouts})
    await tx.run(
        QUERIES["put_standing"], tenant=tenant, **_keys([(about.path, about.limit) for about in abouts]),
        holds=after.on[changed].tolist(), since_us=after.since_us[changed].tolist(),
        began_with=after.began_with[changed].tolist(), raised=after.raised[changed].tolist(),
    )  # fmt: skip
    await tx.run(
        QUERIES["put_judged"], tenant=tenant, paths=paths,
        until_us=[int(after.judged_us[rules.paths[path]]) for path in paths],
    )  # fmt: skip


def told(rules: Rules, transitions: Transitions) -> Iterator[Transition]:
    """What a judgement found, one by one."""
    for rule, is_raise, time_us, value in zip(
        transitions.rule.tolist(), transitions.raised.tolist(), transitions.time_us.tolist(), transitions.value.tolist(),
        strict=True,
    ):  # fmt: skip
        yield Transition(rules.abouts[rule], is_raise, columns.from_us(time_us), value)


async def tell(
    tx: Transaction, ids: Ids, tenant: str, transitions: Sequence[Transition], design: Collection[str], now: datetime
) -> None:
    """Store raisings and returns, in the order of their time, and say them. `design` are the states of an equipment in which
    the limits of its signals are suppressed."""
    keys = list({each.key for each in transitions})
    rows = await tx.all(QUERIES["lasting"], tenant=tenant, **_keys(keys))
    found = outcome(transitions, {(row["path"], row["limit"]) for row in rows})
    said: list[tuple[datetime, AlarmRaised | AlarmReturned]] = []
    if found.returned:
        rows = await tx.all(QUERIES["return"], tenant=tenant, **_keys(list(found.returned)), at=list(found.returned.values()))
        said += [(row["returned"], AlarmReturned(row["id"], row["path"], row["equipment"], row["returned"])) for row in rows]
    if found.fresh:
        said += await _add(tx, ids, tenant, found.fresh, design, now)
    said.sort(key=lambda each: (each[0], isinstance(each[1], AlarmReturned)))
    await tx.say_all(tenant, [fact for _, fact in said], actor=ACTOR, times=[at for at, _ in said])


async def _add(
    tx: Transaction, ids: Ids, tenant: str, fresh: Sequence[Occurrence], design: Collection[str], now: datetime
) -> list[tuple[datetime, AlarmRaised | AlarmReturned]]:
    """Add occurrences; an earlier one that nobody acknowledged ends, as ISA-18.2 has it return to unacknowledged."""
    first = {(each.about.path, each.about.limit): each.raised for each in reversed(fresh)}
    await tx.run(QUERIES["supersede"], tenant=tenant, **_keys(list(first)), at=list(first.values()))
    named = {ids.new("AL"): each for each in fresh}
    abouts = [each.about for each in fresh]
    rows = await tx.all(
        QUERIES["add"], tenant=tenant, ids=list(named), **_keys([(each.path, each.limit) for each in abouts]),
        equipment=[each.equipment for each in abouts], priorities=[each.priority for each in abouts],
        bounds=[each.bound for each in abouts], values=[each.value for each in fresh], units=[each.unit for each in abouts],
        names=[orjson.dumps(dict(each.name)).decode() for each in abouts], raised=[each.raised for each in fresh],
        returned=[each.returned for each in fresh], ended=[each.ended for each in fresh], design=list(design), now=now,
    )  # fmt: skip
    said: list[tuple[datetime, AlarmRaised | AlarmReturned]] = []
    for row in rows:
        each, about = named[row["id"]], named[row["id"]].about
        raised = AlarmRaised(
            row["id"], about.path, about.equipment, about.limit, about.priority, each.value, each.raised, row["suppressed"]
        )
        said.append((each.raised, raised))
        if each.returned is not None:
            said.append((each.returned, AlarmReturned(row["id"], about.path, about.equipment, each.returned)))
    return said


async def return_all(tx: Transaction, tenant: str, keys: Sequence[Key], at: datetime) -> None:
    """Return those of these alarms that stand."""
    rows = await tx.all(QUERIES["return"], tenant=tenant, **_keys(keys), at=[at] * len(keys))
    facts = [AlarmReturned(row["id"], row["path"], row["equipment"], at) for row in rows]
    await tx.say_all(tenant, facts, actor=ACTOR, times=[at] * len(facts))


async def drop_standing(tx: Transaction, tenant: str, keys: Sequence[Key]) -> None:
    """Forget rules that nobody declares any more."""
    await tx.run(QUERIES["drop_standing"], tenant=tenant, **_keys(keys))


async def acknowledge(tx: Transaction, tenant: str, alarm: str, by: str, at: datetime) -> bool:
    """Note that somebody has seen it; false if somebody had before, or there is none."""
    return bool(await tx.run(QUERIES["acknowledge"], tenant=tenant, id=alarm, by=by, at=at))


async def get(tx: Transaction, tenant: str, alarm: str, design: Collection[str], now: datetime) -> Alarm | None:
    """One alarm."""
    found = await find(tx, tenant, _ONE, 1, design, now, alarm=alarm)
    return found[0] if found else None


async def find(
    tx: Transaction,
    tenant: str,
    wanted: AlarmFilter,
    most: int | None,
    design: Collection[str],
    now: datetime,
    *,
    alarm: str = "",
) -> tuple[Alarm, ...]:
    """Alarms that fit, what stands worst first, all newest first; only the one of an id if it is given."""
    rows = await tx.all(
        QUERIES["find"], tenant=tenant, show=wanted.show, equipment=wanted.equipment, path=wanted.path, limit=wanted.limit,
        priority=wanted.priority, since=wanted.since, until=wanted.until, most=most, design=list(design), now=now, id=alarm,
    )  # fmt: skip
    return tuple(_alarm(row) for row in rows)


async def occurred(tx: Transaction, tenant: str, key: Key) -> bool:
    """Whether an alarm was ever raised."""
    return await tx.one(QUERIES["occurred"], tenant=tenant, path=key[0], limit=key[1]) is not None


def _keys(keys: Sequence[Key]) -> Mapping[str, Any]:
    return {"paths": [path for path, _ in keys], "limits": [limit for _, limit in keys]}


def _alarm(row: Row) -> Alarm:
    state = state_of(
        returned=row["returned"] is not None, acknowledged=row["acknowledged"] is not None, ended=row["ended"] is not None,
        suppressed=row["held"],
    )  # fmt: skip
    return Alarm(
        id=row["id"], path=row["path"], equipment=row["equipment"], limit=row["limit"], priority=row["priority"],
        bound=row["bound"], value=row["value"], unit=row["unit"], name=row["name"], state=state,
        raised=row["raised"], returned=row["returned"], acknowledged=row["acknowledged"],
        acknowledged_by=row["acknowledged_by"], suppressed_until=row["until"] if row["held"] == "shelved" else None,
    )  # fmt: skip
