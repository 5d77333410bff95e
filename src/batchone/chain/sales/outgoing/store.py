"""Contacts and outgoing notices, read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchone.chain.sales.outgoing.model import LEASE_S, Letter
from batchone.chain.sales.store import notice_of
from batchone.contracts.sales import Channel, Contact, Customer, Outgoing
from batchone.kernel.database import Database, Row, Transaction, load_queries

_SQL = load_queries(Path(__file__).parents[1] / "queries.sql")


async def contact(tx: Transaction, tenant: str, customer: str) -> Contact | None:
    """Where a customer wants to be told."""
    row = await tx.one(_SQL["contact"], tenant=tenant, customer=customer)
    return None if row is None else Contact(row["email"], row["language"])


async def set_contact(tx: Transaction, tenant: str, customer: str, wished: Contact) -> None:
    """Where from now on; an empty address is none."""
    await tx.run(_SQL["forget_contact"], tenant=tenant, customer=customer)
    if wished.email:
        await tx.run(_SQL["add_contact"], tenant=tenant, customer=customer, email=wished.email, language=wished.language)


async def add(tx: Transaction, tenant: str, order: str, plan: int, channels: Sequence[Channel], now: datetime) -> None:
    """A notice is to leave by these channels; by e-mail only if the customer gave an address."""
    for channel in channels:
        await tx.run(_SQL["add_outgoing"], tenant=tenant, order=order, plan=plan, channel=channel, now=now)


async def claim(tx: Transaction, channels: Sequence[Channel], now: datetime, limit: int) -> list[Letter]:
    """What is due, for whoever asks alone until the lease is over."""
    rows = await tx.all(
        _SQL["claim_outgoing"], channels=list(channels), now=now, until=now + timedelta(seconds=LEASE_S), limit=limit
    )
    return [_letter(row) for row in rows]


async def settle(tx: Transaction, letter: Letter, state: str, due: datetime, fault: str) -> None:
    """What came of a try."""
    await tx.run(
        _SQL["settle_outgoing"], tenant=letter.tenant, order=letter.order, plan=letter.plan, channel=letter.channel,
        state=state, due=due, fault=fault[:500],
    )  # fmt: skip


async def outgoing(tx: Transaction, tenant: str, state: str, limit: int) -> tuple[Outgoing, ...]:
    """Outgoing notices, the newest first."""
    return tuple(
        Outgoing(
            f"{row['order_id']}.{row['plan']}", row["number"], row["channel"], row["state"], row["since"].astimezone(UTC),
            row["due"].astimezone(UTC), row["attempts"], row["fault"],
        )
        for row in await tx.all(_SQL["outgoing"], tenant=tenant, state=state, limit=limit)
    )  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How many outgoing notices wait after a failure and were given up in the last week, and what went wrong last."""

    waiting: int
    failed: int
    fault: str


async def standing(database: Database, tenant: str, now: datetime) -> Standing:
    """How it goes with the outgoing notices of a tenant."""
    async with database.transaction() as tx:
        row = await tx.one(_SQL["outgoing_standing"], tenant=tenant, since=now - timedelta(days=7))
    assert row is not None
    return Standing(row["waiting"], row["failed"], row["fault"] or "")


def _letter(row: Row) -> Letter:
    return Letter(
        row["tenant"], row["order_id"], row["number"], row["plan"], row["channel"],
        Customer(row["customer_id"], row["customer_name"], row["customer_town"]),
        Contact(row["email"], row["language"]) if row["email"] else None, notice_of(row), row["since"].astimezone(UTC),
        row["attempts"], row["replaced"],
    )  # fmt: skip
