"""The tables of the schema `enterprises`, read and written inside a transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchone.contracts.enterprises import Actor, Person
from batchone.kernel.database import Row, Transaction
from batchone.network.enterprises.audit import SQL


@dataclass(frozen=True)
class KnownPerson:
    """A person and the hash of their password, if they have one."""

    person: Person
    password: str | None


@dataclass(frozen=True)
class OpenSession:
    """A session as it is stored: everything but its secret."""

    csrf: str
    opened: datetime
    expires: datetime
    actor: Actor


async def add_tenant(tx: Transaction, tenant: str, name: str, now: datetime) -> bool:
    """Add a tenant; False if it is there."""
    return bool(await tx.run(SQL["add_tenant"], tenant=tenant, name=name, now=now))


async def has_tenant(tx: Transaction, tenant: str) -> bool:
    """Whether there is such a tenant."""
    return await tx.one(SQL["tenant"], tenant=tenant) is not None


async def add_person(tx: Transaction, person: Person, password: str | None, now: datetime) -> bool:
    """Add a person; False if one of that id is there."""
    return bool(
        await tx.run(
            SQL["add_person"], tenant=person.tenant, person=person.id, name=person.name, role=person.role, party=person.party,
            password=password, now=now,
        )
    )  # fmt: skip


async def known_person(tx: Transaction, tenant: str, person: str, *, hold: bool = False) -> KnownPerson | None:
    """A person with the hash of their password; with `hold` neither changes until the transaction ends."""
    row = await tx.one(SQL["person_held" if hold else "person"], tenant=tenant, person=person)
    return KnownPerson(_person(row), row["password"]) if row else None


async def people(tx: Transaction, tenant: str) -> tuple[Person, ...]:
    """Everybody of a tenant, by id."""
    return tuple(_person(row) for row in await tx.all(SQL["people"], tenant=tenant))


async def set_password(tx: Transaction, tenant: str, person: str, password: str | None) -> None:
    """Replace the hash of a password."""
    await tx.run(SQL["set_password"], tenant=tenant, person=person, password=password)


async def set_active(tx: Transaction, tenant: str, person: str, *, active: bool) -> bool:
    """Let a person in, or keep them out; False if there is nobody of that id."""
    return bool(await tx.run(SQL["set_active"], tenant=tenant, person=person, active=active))


async def attempts(tx: Transaction, tenant: str, person: str, now: datetime) -> tuple[int, datetime]:
    """How often signing in was tried since it last succeeded, and until when it is barred; nobody else may count meanwhile."""
    await tx.run(SQL["open_attempts"], tenant=tenant, person=person, now=now)
    row = await tx.one(SQL["attempts"], tenant=tenant, person=person)
    assert row is not None
    return int(row["attempts"]), row["barred_until"]


async def count_attempt(
    tx: Transaction, tenant: str, person: str, attempts: int, now: datetime, barred_until: datetime
) -> None:
    """Remember an attempt."""
    await tx.run(SQL["count_attempt"], tenant=tenant, person=person, attempts=attempts, now=now, barred_until=barred_until)


async def forget_attempts(tx: Transaction, tenant: str, person: str) -> None:
    """Forget a person's attempts."""
    await tx.run(SQL["forget_attempts"], tenant=tenant, person=person)


async def open_session(tx: Transaction, digest: bytes, session: OpenSession) -> None:
    """Store a new session."""
    await tx.run(
        SQL["open_session"], digest=digest, csrf=session.csrf, tenant=session.actor.tenant, person=session.actor.person,
        now=session.opened, expires=session.expires,
    )  # fmt: skip


async def session(tx: Transaction, digest: bytes, now: datetime) -> OpenSession | None:
    """A session that has not ended, of a person who may sign in."""
    row = await tx.one(SQL["session"], digest=digest, now=now)
    return OpenSession(row["csrf"], row["opened"], row["expires"], _actor(row, "session")) if row else None


async def prolong_session(tx: Transaction, digest: bytes, expires: datetime) -> None:
    """Let a session end later."""
    await tx.run(SQL["prolong_session"], digest=digest, expires=expires)


async def end_session(tx: Transaction, digest: bytes) -> Actor | None:
    """End a session; whose it was."""
    row = await tx.one(SQL["end_session"], digest=digest)
    return _actor(row, "session") if row else None


async def end_access_by_password(tx: Transaction, tenant: str, person: str) -> None:
    """End a person's sessions and sign-in links."""
    await tx.run(SQL["end_sessions_of"], tenant=tenant, person=person)
    await tx.run(SQL["end_links_of"], tenant=tenant, person=person)


async def add_link(tx: Transaction, digest: bytes, tenant: str, person: str, now: datetime, expires: datetime) -> None:
    """Store a new sign-in link."""
    await tx.run(SQL["add_link"], digest=digest, tenant=tenant, person=person, now=now, expires=expires)


async def link(tx: Transaction, digest: bytes) -> tuple[Actor, datetime] | None:
    """Whom a link signs in, and until when."""
    row = await tx.one(SQL["link"], digest=digest)
    return (_actor(row, "session"), row["expires"]) if row else None


async def add_token(
    tx: Transaction, digest: bytes, tenant: str, person: str, label: str, issued_by: str, now: datetime
) -> None:
    """Store a new API token."""
    await tx.run(SQL["add_token"], digest=digest, tenant=tenant, person=person, label=label, issued_by=issued_by, now=now)


async def token(tx: Transaction, digest: bytes) -> Actor | None:
    """Whom a token acts for."""
    row = await tx.one(SQL["token"], digest=digest)
    return _actor(row, "token") if row else None


async def revoke_tokens(tx: Transaction, tenant: str, person: str, label: str, now: datetime) -> int:
    """Revoke a person's tokens of that label; how many there were."""
    return await tx.run(SQL["revoke_tokens"], tenant=tenant, person=person, label=label, now=now)


async def forget_what_is_over(tx: Transaction, now: datetime, attempts_before: datetime, links_before: datetime) -> None:
    """Delete what no longer has any effect."""
    await tx.run(SQL["forget_old_sessions"], now=now)
    await tx.run(SQL["forget_old_attempts"], before=attempts_before)
    await tx.run(SQL["forget_old_links"], before=links_before)


def _person(row: Row) -> Person:
    return Person(row["id"], row["tenant"], row["name"], row["role"], row["party"], row["active"])


def _actor(row: Row, via: Literal["session", "token"]) -> Actor:
    return Actor(row["tenant"], row["id"], row["name"], row["role"], row["party"], via)
