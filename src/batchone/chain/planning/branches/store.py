"""Branches, pins and decided hours in their tables."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from batchone.chain.planning.hours import Hours
from batchone.chain.planning.model import Assignment, Bound, Objective, Plan
from batchone.chain.planning.picture import StoredPin
from batchone.contracts.by_hand import Branch, BranchResult, Change
from batchone.kernel.database import Row, Transaction, load_queries
from batchone.kernel.errors import Conflict, NotFound
from batchone.kernel.facts import adapter

_SQL = load_queries(Path(__file__).parents[1] / "queries.sql")
_CHANGES: Any = adapter(tuple[Change, ...])
_RESULT: Any = adapter(BranchResult)


@dataclass(frozen=True)
class Replaced:
    """What accepting a branch wrote over: the pins and the weights of orders that there were before."""

    pins: tuple[StoredPin, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)


_REPLACED: Any = adapter(Replaced)


@dataclass(frozen=True)
class StoredBranch:
    """A branch as it is stored: all its changes, how many of them count, and what planning it gave."""

    id: str
    name: str
    made: datetime
    made_by: str
    state: str
    every: tuple[Change, ...]
    applied: int
    last_key: str
    stale: bool
    result: BranchResult | None
    placed: bytes | None
    plan: int | None
    replaced: Replaced | None = None
    back: int | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that count."""
        return self.every[: self.applied]

    def told(self, *, solving: bool) -> Branch:
        """As the contract says it."""
        undone = tuple(self.every[self.applied :])
        return Branch(
            self.id, self.name, self.made, self.made_by, self.state, self.changes, undone, self.stale, solving,  # type: ignore[arg-type]
            self.result, self.plan, self.back,
        )  # fmt: skip


def _branch(row: Row) -> StoredBranch:
    result = None if row["result"] is None else _RESULT.validate_python(row["result"], strict=False)
    replaced = None if row["replaced"] is None else _REPLACED.validate_python(row["replaced"], strict=False)
    return StoredBranch(
        row["id"], row["name"], row["made"], row["made_by"], row["state"],
        _CHANGES.validate_python(row["changes"], strict=False), row["applied"], row["last_key"], row["stale"], result,
        row["placed"], row["plan"], replaced, row["back"],
    )  # fmt: skip


async def add_branch(
    tx: Transaction, tenant: str, branch: str, name: str, made: datetime, by: str, key: str, changes: Sequence[Change]
) -> StoredBranch:
    """A new branch; the one of this key if there is one. `Conflict` if an open one has the name."""
    known = await tx.one(_SQL["branch_of_key"], tenant=tenant, key=key)
    if known is not None:
        return _branch(known)
    row = await tx.one(
        _SQL["add_branch"], tenant=tenant, id=branch, name=name, made=made, made_by=by, key=key,
        changes=Jsonb(_CHANGES.dump_python(tuple(changes), mode="json")), applied=len(changes),
    )  # fmt: skip
    if row is None:
        raise Conflict("planning.branch_name", f"There is an open branch {name!r} already.", "Give this one another name.")
    return await read_branch(tx, tenant, branch)


async def read_branch(tx: Transaction, tenant: str, branch: str, *, for_update: bool = False) -> StoredBranch:
    """One branch. `NotFound` if there is none."""
    row = await tx.one(_SQL["branch_for_update" if for_update else "branch"], tenant=tenant, id=branch)
    if row is None:
        raise NotFound("planning.branch", f"There is no branch {branch!r}.", "Name one of the list.")
    return _branch(row)


async def read_branches(tx: Transaction, tenant: str, limit: int) -> tuple[StoredBranch, ...]:
    """Open branches and the newest closed ones."""
    return tuple(_branch(row) for row in await tx.all(_SQL["branches"], tenant=tenant, limit=limit))


async def save_branch(tx: Transaction, tenant: str, branch: StoredBranch) -> None:
    """Store what changed of an open branch. `Conflict` if it was closed meanwhile."""
    row = await tx.one(
        _SQL["set_branch"], tenant=tenant, id=branch.id, changes=Jsonb(_CHANGES.dump_python(branch.every, mode="json")),
        applied=branch.applied, last_key=branch.last_key, stale=branch.stale,
        result=None if branch.result is None else Jsonb(_RESULT.dump_python(branch.result, mode="json")),
        placed=branch.placed,
    )  # fmt: skip
    if row is None:
        raise closed(branch)


async def close_branch(
    tx: Transaction, tenant: str, branch: StoredBranch, state: str, plan: int | None, replaced: Replaced | None = None
) -> None:
    """No more changes. `Conflict` if it is closed already."""
    kept = None if replaced is None else Jsonb(_REPLACED.dump_python(replaced, mode="json"))
    if await tx.one(_SQL["close_branch"], tenant=tenant, id=branch.id, state=state, plan=plan, replaced=kept) is None:
        raise closed(branch)


async def newest_accepted(tx: Transaction, tenant: str) -> str | None:
    """The branch that was accepted last of those that were not taken back."""
    row = await tx.one(_SQL["newest_accepted"], tenant=tenant)
    return None if row is None else str(row["id"])


async def take_back(tx: Transaction, tenant: str, branch: StoredBranch, number: int) -> None:
    """What an accepted branch decided counts no longer, and what it wrote over counts again; `number`: the plan since which."""
    values = {"tenant": tenant, "id": branch.id, "plan": branch.plan, "number": number}
    if await tx.one(_SQL["set_back"], **values) is None:
        raise Conflict("planning.branch_back", f"The branch {branch.name!r} was taken back already.", "Look at the plan.")
    await tx.run(_SQL["drop_pins_of"], **values)
    await tx.run(_SQL["drop_hours_of"], **values)
    before = branch.replaced or Replaced()
    await set_pins(tx, tenant, before.pins)
    for order, weight in before.weights.items():
        await set_weight(tx, tenant, order, weight)


def closed(branch: StoredBranch) -> Conflict:
    """A closed branch cannot be changed."""
    return Conflict("planning.branch_closed", f"The branch {branch.name!r} is closed.", "Open a new one.")


def packed(plan: Plan) -> bytes:
    """A plan's places, in seconds since 1970."""
    since = round(plan.origin.timestamp())
    rows = [
        [a.operation, a.job, a.resource, a.track, a.setup_start_s + since, a.start_s + since, a.end_s + since, a.also]
        for a in plan.assignments
    ]
    return zlib.compress(orjson.dumps(rows))


def unpacked(placed: bytes, origin: datetime) -> Plan:
    """The places of a plan from an origin, to start from; what it is worth is not known."""
    back = round(origin.timestamp())
    rows = orjson.loads(zlib.decompress(placed))
    assignments = tuple(
        Assignment(operation, job, resource, track, setup - back, start - back, end - back, tuple((r, k) for r, k in also))
        for operation, job, resource, track, setup, start, end, also in rows
    )
    return Plan(origin, assignments, (), Objective(0, 0, 0), Bound(0, 0), "branch")


async def pins(tx: Transaction, tenant: str) -> tuple[StoredPin, ...]:
    """Pins of operations that no machine has yet."""
    return tuple(
        StoredPin(
            row["item"], row["op"], row["run"], row["equipment"], row["position"], row["start"], row["pinned_by"], row["plan"]
        )
        for row in await tx.all(_SQL["pins"], tenant=tenant)
    )


async def set_pins(tx: Transaction, tenant: str, found: Iterable[StoredPin]) -> None:
    """Pin operations."""
    await tx.many(_SQL["set_pin"], [
        {"tenant": tenant, "item": p.item, "op": p.op, "run": p.run, "equipment": p.equipment, "position": p.position,
         "start": p.start, "by": p.by, "plan": p.plan}
        for p in found
    ])  # fmt: skip
    await tx.run(_SQL["drop_old_pins"], tenant=tenant)


async def drop_pin(tx: Transaction, tenant: str, item: str, op: str) -> bool:
    """Let an operation go; whether it was pinned."""
    return await tx.one(_SQL["drop_pin"], tenant=tenant, item=item, op=op) is not None


async def hours(tx: Transaction, tenant: str, now: datetime) -> tuple[Hours, ...]:
    """Decided hours that are not over."""
    rows = await tx.all(_SQL["hours"], tenant=tenant, now=now)
    return tuple(Hours(row["target"], row["opened"], row["start"], row["ends"]) for row in rows)


async def add_hours(tx: Transaction, tenant: str, decided: Hours, by: str, plan: int) -> None:
    """Hours were decided on."""
    await tx.run(
        _SQL["add_hours"], tenant=tenant, target=decided.target, opened=decided.opened, start=decided.start,
        ends=decided.end, by=by, plan=plan,
    )  # fmt: skip


async def set_weight(tx: Transaction, tenant: str, order: str, weight: int) -> None:
    """A second of an order's lateness counts otherwise from now on."""
    await tx.run(_SQL["set_weight"], tenant=tenant, order=order, weight=weight)


def without_result(branch: StoredBranch) -> StoredBranch:
    """The branch as if it had never been planned."""
    return replace(branch, stale=True, result=None, placed=None)
