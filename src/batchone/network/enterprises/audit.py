"""The audit record: lines that are only ever added, each holding the hash of the one before it.

Who changes, removes or inserts a line in the database itself (the tables refuse it otherwise) breaks the chain at that line,
which `verify_audit` finds. Who owns the database can also rewrite the whole chain or cut off its end: against that, keep the
`head` that a verification returned somewhere else, and look for it in a later one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchone.contracts.enterprises import Actor, AuditEntry
from batchone.kernel.database import Database, Row, Transaction, load_queries

SQL = load_queries(Path(__file__).parent / "queries.sql")
BEGINNING = bytes(32)
_LINES_AT_ONCE = 2000


@dataclass(frozen=True)
class AuditCheck:
    """What a verification found: how many lines hold together, the hash of the last of them (hex), and the fault if there is
    one, at line `broken_at`."""

    tenant: str
    lines: int
    head: str
    broken_at: int | None = None
    fault: str = ""

    @property
    def sound(self) -> bool:
        """Whether the whole record holds together."""
        return self.broken_at is None


async def append(
    tx: Transaction, actor: Actor, action: str, subject: str, *, time: datetime, key: str = "", outcome: str = "done",
    details: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Add a line to the record of the actor's tenant; it stands if the transaction commits."""
    await tx.run(SQL["open_audit"], tenant=actor.tenant, hash=BEGINNING)
    end = await tx.one(SQL["lock_audit_end"], tenant=actor.tenant)
    assert end is not None
    entry = AuditEntry(
        seq=end["seq"] + 1, time=time.astimezone(UTC), tenant=actor.tenant, actor=_storable(actor.person),
        role=_storable(actor.role), action=_storable(action), subject=_storable(subject), key=_storable(key),
        outcome=_storable(outcome), details={_storable(name): _storable(text) for name, text in (details or {}).items()},
    )  # fmt: skip
    hashed = hash_of(entry, end["hash"])
    values = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    values["details"] = json.dumps(entry.details)
    await tx.run(SQL["add_audit"], **values, before=end["hash"], hash=hashed)
    await tx.run(SQL["move_audit_end"], tenant=actor.tenant, seq=entry.seq, hash=hashed)


def hash_of(entry: AuditEntry, before: bytes) -> bytes:
    """SHA-256 over the hash of the line before and the line as JSON with sorted keys."""
    content: dict[str, Any] = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    content["time"] = entry.time.astimezone(UTC).isoformat(timespec="microseconds")
    content["details"] = dict(entry.details)
    return hashlib.sha256(before + json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()


def entry_of(row: Row) -> AuditEntry:
    """A line as it is stored."""
    values = {name: row[name] for name in AuditEntry.__dataclass_fields__}
    values["time"] = row["time"].astimezone(UTC)
    return AuditEntry(**values)


async def verify_audit(database: Database, tenant: str) -> AuditCheck:
    """Read a tenant's whole record and follow its chain from the first line to the last."""
    found = AuditCheck(tenant, 0, BEGINNING.hex())
    async with database.transaction() as tx:
        # The end is read first: lines that are added meanwhile come after it.
        row = await tx.one(SQL["audit_end"], tenant=tenant)
        end = (row["seq"], row["hash"]) if row else (0, BEGINNING)
        while found.sound:
            rows = await tx.all(SQL["audit_after"], tenant=tenant, after=found.lines, limit=_LINES_AT_ONCE)
            if not rows:
                break
            found = _follow(found, rows, end)
    if found.sound and found.lines < end[0]:
        fault = f"The record ended at line {end[0]} once; the lines after {found.lines} are gone."
        return replace(found, broken_at=found.lines + 1, fault=fault)
    return found


def _follow(found: AuditCheck, rows: list[Row], end: tuple[int, bytes]) -> AuditCheck:
    for row in rows:
        fault = _fault(row, found, end)
        if fault:
            return replace(found, broken_at=found.lines + 1, fault=fault)
        found = replace(found, lines=row["seq"], head=row["hash"].hex())
    return found


def _fault(row: Row, found: AuditCheck, end: tuple[int, bytes]) -> str:
    if row["seq"] != found.lines + 1:
        return f"Line {found.lines + 1} is missing; line {row['seq']} follows."
    if row["before"].hex() != found.head:
        return f"Line {row['seq']} does not follow the line before it."
    if hash_of(entry_of(row), row["before"]) != row["hash"] or (row["seq"] == end[0] and row["hash"] != end[1]):
        return f"Line {row['seq']} is not what was written."
    return ""


def _storable(text: str) -> str:
    # PostgreSQL stores neither NUL nor half a surrogate pair; a record must not fail over what somebody sent.
    return str(text).replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
