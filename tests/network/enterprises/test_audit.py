"""The record is only ever added to, and what is done to it behind our back shows."""

import asyncio

import psycopg
import pytest

from batchone.contracts.enterprises import Actor, AuditEntry
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.errors import Refused
from batchone.network.enterprises import verify_audit
from batchone.network.enterprises.service import EnterprisesService

pytestmark = pytest.mark.engine

ME = Actor("t", "ana", "Ana", "planner")


async def write(service: EnterprisesService, *subjects: str) -> None:
    for subject in subjects:
        await service.record(ME, "order.expedited", subject, f"key {subject}", "done", {"why": "late"})


async def tamper(database: Database, statement: str) -> None:
    """As somebody could who owns the database."""
    async with database.transaction() as tx:
        await tx.run("SET LOCAL session_replication_role = replica")
        await tx.run(statement)


async def test_a_line_says_who_did_what_when_and_what_came_of_it(service: EnterprisesService, clock: ManualClock) -> None:
    await write(service, "O-1")
    assert await service.audit("t", 10) == (
        AuditEntry(1, clock.now(), "t", "ana", "planner", "order.expedited", "O-1", "key O-1", "done", {"why": "late"}),
    )


async def test_the_newest_lines_come_first_and_only_ones_own(service: EnterprisesService) -> None:
    await write(service, "O-1", "O-2", "O-3")
    await service.record(Actor("u", "eve", "Eve", "admin"), "x", "y", "", "done", {})
    assert [entry.subject for entry in await service.audit("t", 2)] == ["O-3", "O-2"]
    assert [entry.seq for entry in await service.audit("u", 10)] == [1]


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_senseless_number_of_lines_is_refused(service: EnterprisesService, limit: int) -> None:
    with pytest.raises(Refused):
        await service.audit("t", limit)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE enterprises.audit SET outcome = 'nothing'", "DELETE FROM enterprises.audit", "TRUNCATE enterprises.audit"],
)
async def test_the_database_refuses_to_change_the_record(
    service: EnterprisesService, migrated: Database, statement: str
) -> None:
    await write(service, "O-1")
    with pytest.raises(psycopg.errors.RestrictViolation, match="only ever added"):
        async with migrated.transaction() as tx:
            await tx.run(statement)
    assert len(await service.audit("t", 10)) == 1


async def test_an_untouched_record_holds_together(service: EnterprisesService, migrated: Database) -> None:
    assert (await verify_audit(migrated, "t")).sound
    await write(service, "O-1", "O-2", "O-3")
    found = await service.verify_audit("t")
    assert found.sound
    assert found.lines == 3
    await write(service, "O-4")
    later = await service.verify_audit("t")
    assert later.sound
    assert later.head != found.head


@pytest.mark.parametrize(
    ("statement", "line", "fault"),
    [
        ("UPDATE enterprises.audit SET outcome = 'nothing' WHERE seq = 2", 2, "not what was written"),
        ("UPDATE enterprises.audit SET details = '{}' WHERE seq = 3", 3, "not what was written"),
        ("UPDATE enterprises.audit SET time = time - interval '1 microsecond' WHERE seq = 1", 1, "not what was written"),
        ("DELETE FROM enterprises.audit WHERE seq = 2", 2, "missing"),
        ("DELETE FROM enterprises.audit WHERE seq = 4", 4, "gone"),
        ("UPDATE enterprises.audit SET before = hash WHERE seq = 2", 2, "does not follow"),
        ("UPDATE enterprises.audit SET seq = -seq + 10 WHERE seq IN (3, 4)", 3, "missing"),
    ],
)
async def test_a_change_behind_our_back_is_found_at_its_line(
    service: EnterprisesService, migrated: Database, statement: str, line: int, fault: str
) -> None:
    await write(service, "O-1", "O-2", "O-3", "O-4")
    await tamper(migrated, statement)
    found = await verify_audit(migrated, "t")
    assert not found.sound
    assert found.broken_at == line
    assert fault in found.fault
    assert found.lines == line - 1


async def test_a_last_line_rewritten_with_a_fitting_hash_is_found(service: EnterprisesService, migrated: Database) -> None:
    from dataclasses import replace

    from batchone.network.enterprises.audit import BEGINNING, hash_of

    await write(service, "O-1")
    entry = replace((await service.audit("t", 1))[0], outcome="nothing")
    await tamper(
        migrated,
        f"UPDATE enterprises.audit SET outcome = 'nothing', hash = '\\x{hash_of(entry, BEGINNING).hex()}' WHERE seq = 1",
    )
    assert (await verify_audit(migrated, "t")).broken_at == 1


async def test_lines_written_at_once_stand_in_one_chain(service: EnterprisesService, migrated: Database) -> None:
    await asyncio.gather(*(write(service, f"O-{n}") for n in range(30)))
    found = await verify_audit(migrated, "t")
    assert found.sound
    assert found.lines == 30


async def test_a_long_record_is_followed_to_its_end(
    service: EnterprisesService, migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchone.network.enterprises.audit._LINES_AT_ONCE", 3)
    await write(service, *(f"O-{n}" for n in range(10)))
    assert (await verify_audit(migrated, "t")).lines == 10
    await tamper(migrated, "UPDATE enterprises.audit SET outcome = 'nothing' WHERE seq = 8")
    assert (await verify_audit(migrated, "t")).broken_at == 8


async def test_text_that_the_database_cannot_store_does_not_lose_the_line(
    service: EnterprisesService, migrated: Database
) -> None:
    await service.record(ME, "a\0b", "\ud800", "", "done", {"\0": "\udfff%s %(x)s"})
    (entry,) = await service.audit("t", 1)
    assert entry.action == "a\N{REPLACEMENT CHARACTER}b"
    assert entry.details == {"\N{REPLACEMENT CHARACTER}": "?%s %(x)s"}
    assert (await verify_audit(migrated, "t")).sound
