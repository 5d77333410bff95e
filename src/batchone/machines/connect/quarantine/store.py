"""What was set aside, in PostgreSQL: bounded for each connection and for the tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from batchone.contracts.quarantine import OTHERS, Quarantined
from batchone.kernel.database import Database, Transaction, load_queries
from batchone.machines.connect.quarantine.counting import LISTED_MAX

_QUERIES = load_queries(Path(__file__).parent.parent / "queries.sql")
KEPT_MAX = 5_000
"""Paths of a tenant, for each reason; with those of one connection, more than a person judges. What is undeclared does not
crowd out what cannot be read."""


class QuarantineStore:
    """Each method is a transaction of its own; `TryLater` while PostgreSQL is away."""

    def __init__(self, database: Database, tenant: str, *, most: int = KEPT_MAX, most_of_one: int = LISTED_MAX) -> None:
        self._database = database
        self._tenant = tenant
        self._most = most
        self._most_of_one = most_of_one

    async def add(self, entries: Sequence[Quarantined]) -> None:
        """Count these on; a path for which there is no room any more is counted with the others of its connection."""
        if not entries:
            return
        async with self._database.transaction() as tx:
            fitting = await self._fitting(tx, entries)
            await tx.many(
                _QUERIES["count_quarantine"],
                [
                    {
                        "tenant": self._tenant, "connection": each.connection, "path": each.path, "reason": each.reason,
                        "count": each.count, "first": each.first, "last": each.last, "value": each.value, "what": each.what,
                    }
                    for each in fitting
                ],
            )  # fmt: skip

    async def _fitting(self, tx: Transaction, entries: Sequence[Quarantined]) -> list[Quarantined]:
        rows = await tx.all(
            _QUERIES["quarantine_known"], tenant=self._tenant, connections=[each.connection for each in entries],
            paths=[each.path for each in entries], reasons=[each.reason for each in entries],
        )  # fmt: skip
        known = {(row["connection"], row["path"], row["reason"]) for row in rows}
        rows = await tx.all(_QUERIES["quarantine_sizes"], tenant=self._tenant, others=OTHERS)
        sizes = Counter({(row["connection"], row["reason"]): row["paths"] for row in rows})
        whole = Counter[str]()
        for (_, reason), paths in sizes.items():
            whole[reason] += paths
        found: list[Quarantined] = []
        others: dict[tuple[str, str], Quarantined] = {}
        for each in entries:
            new = (each.connection, each.path, each.reason) not in known and each.path != OTHERS
            if each.path == OTHERS or (
                new and (whole[each.reason] >= self._most or sizes[each.connection, each.reason] >= self._most_of_one)
            ):
                before = others.get((each.connection, each.reason))
                others[each.connection, each.reason] = _joined(before, replace(each, path=OTHERS))
                continue
            if new:
                sizes[each.connection, each.reason] += 1
                whole[each.reason] += 1
            found.append(each)
        return [*found, *others.values()]

    async def listed(self) -> tuple[Quarantined, ...]:
        """Every entry, by connection, the largest first; those that nobody judged before those dismissed."""
        async with self._database.transaction() as tx:
            return tuple(Quarantined(**row) for row in await tx.all(_QUERIES["quarantine"], tenant=self._tenant))

    async def judge(self, connection: str, path: str, by: str, at: datetime | None) -> bool:
        """Dismiss a path, or with no time let it wait again; whether it is there."""
        names = {"tenant": self._tenant, "connection": connection, "path": path}
        async with self._database.transaction() as tx:
            return bool(await tx.run(_QUERIES["judge_quarantine"], **names, by=by, at=at))

    async def forget(self, connection: str, path: str) -> None:
        """Nothing is set aside under this path any more."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["forget_quarantine"], tenant=self._tenant, connection=connection, path=path)

    async def undeclared(self, connection: str, path: str) -> bool:
        """Whether an undeclared signal stands there."""
        names = {"tenant": self._tenant, "connections": [connection], "paths": [path], "reasons": ["undeclared"]}
        async with self._database.transaction() as tx:
            return await tx.one(_QUERIES["quarantine_known"], **names) is not None


def _joined(before: Quarantined | None, more: Quarantined) -> Quarantined:
    if before is None:
        return more
    newest = more if more.last >= before.last else before
    return replace(newest, count=before.count + more.count, first=min(before.first, more.first))
