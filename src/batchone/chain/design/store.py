"""Design's tables, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from psycopg.types.json import Json, Jsonb

from batchone.contracts.design import Configuration
from batchone.contracts.pack import Pack
from batchone.kernel.clock import Clock
from batchone.kernel.database import Row, Transaction, load_queries
from batchone.kernel.money import Money

_SQL = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Installed:
    """Which pack is installed, and the hash of its content."""

    pack: str
    version: str
    hash: str


async def lock_packs(tx: Transaction, tenant: str) -> None:
    """Let one installation into a tenant go on at a time."""
    await tx.run(_SQL["lock_packs"], tenant=tenant)


async def add_pack(tx: Transaction, tenant: str, pack: Pack, files: Mapping[str, str], clock: Clock, actor: str) -> None:
    """Store a checked pack."""
    await tx.run(
        _SQL["add_pack"], tenant=tenant, pack=pack.id, version=pack.version,
        rank=[int(part) for part in pack.version.split(".")], product=pack.product.id, hash=pack.hash,
        files=Jsonb(dict(files)), installed=clock.now(), installed_by=actor,
    )  # fmt: skip


async def installed(tx: Transaction, tenant: str, pack: str, version: str) -> Installed | None:
    """The pack of this id and version."""
    return _installed(await tx.one(_SQL["pack_key"], tenant=tenant, pack=pack, version=version))


async def newest(tx: Transaction, tenant: str, product: str) -> Installed | None:
    """The newest version of the pack that makes a product."""
    return _installed(await tx.one(_SQL["newest"], tenant=tenant, product=product))


async def of_version(tx: Transaction, tenant: str, product: str, version: str) -> Installed | None:
    """One version of the pack that makes a product."""
    return _installed(await tx.one(_SQL["of_version"], tenant=tenant, product=product, version=version))


async def every_newest(tx: Transaction, tenant: str) -> tuple[Installed, ...]:
    """The newest version for each product, by product id."""
    rows = await tx.all(_SQL["every_newest"], tenant=tenant)
    return tuple(Installed(row["pack"], row["version"], row["hash"]) for row in rows)


async def files(tx: Transaction, digest: str) -> dict[str, str] | None:
    """The files of the pack with this content hash."""
    row = await tx.one(_SQL["files"], hash=digest)
    return None if row is None else dict(row["files"])


async def add_configuration(tx: Transaction, frozen: Configuration) -> None:
    """Store a frozen configuration."""
    await tx.run(
        _SQL["add_configuration"], tenant=frozen.tenant, id=frozen.id, product=frozen.product, pack=frozen.pack,
        version=frozen.version, picks=Json(dict(frozen.picks)), choices=Json(dict(frozen.choices)),
        price=frozen.price.amount, currency=frozen.price.currency, lead_s=frozen.lead_s, completed=frozen.completed_at,
        actor=frozen.actor, contents=Jsonb(dict(frozen.contents)),
    )  # fmt: skip


async def configuration(tx: Transaction, tenant: str, configuration_id: str) -> Configuration | None:
    """A frozen configuration."""
    row = await tx.one(_SQL["configuration"], tenant=tenant, id=configuration_id)
    if row is None:
        return None
    return Configuration(
        id=row["id"], tenant=row["tenant"], product=row["product"], pack=row["pack"], version=row["version"],
        picks=row["picks"], choices=row["choices"], price=Money(row["price"], row["currency"]), lead_s=row["lead_s"],
        completed_at=row["completed"].astimezone(UTC), actor=row["actor"], contents=row["contents"],
    )  # fmt: skip


async def configuration_of_key(tx: Transaction, tenant: str, person: str, key: str) -> Configuration | None:
    """What a person froze under a key; whoever asks has the key to himself until commit."""
    await tx.run(_SQL["lock_key"], tenant=tenant, person=person, key=key)
    row = await tx.one(_SQL["configuration_of_key"], tenant=tenant, person=person, key=key)
    return None if row is None else await configuration(tx, tenant, row["configuration"])


async def keep_key(tx: Transaction, frozen: Configuration, key: str) -> None:
    """Remember under which key something was frozen."""
    await tx.run(_SQL["keep_key"], tenant=frozen.tenant, person=frozen.actor, key=key, configuration=frozen.id)


def _installed(row: Row | None) -> Installed | None:
    return None if row is None else Installed(row["pack"], row["version"], row["hash"])
