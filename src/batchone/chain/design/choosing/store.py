"""What is under way, saved, voted and kept as pictures, read and written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg.types.json import Json, Jsonb

from batchone.chain.design.choosing.history import History, Step
from batchone.contracts.choosing import Picture, Saved
from batchone.kernel.database import Row, Transaction, load_queries

_SQL = load_queries(Path(__file__).parents[1] / "queries.sql")


@dataclass(frozen=True)
class Kept:
    """What is under way, as it is stored."""

    id: str
    tenant: str
    person: str
    product: str
    history: History
    changed: datetime


async def add(tx: Transaction, kept: Kept, kept_most: int) -> None:
    """Store a new one, and forget the person's oldest beyond so many."""
    await tx.run(
        _SQL["add_choosing"], tenant=kept.tenant, id=kept.id, person=kept.person, product=kept.product,
        history=_steps(kept.history), changed=kept.changed,
    )  # fmt: skip
    await tx.run(_SQL["forget_choosing"], tenant=kept.tenant, person=kept.person, kept=kept_most)


async def read(tx: Transaction, tenant: str, choosing: str, person: str) -> Kept | None:
    """What a person has under way under this id."""
    row = await tx.one(_SQL["choosing"], tenant=tenant, id=choosing, person=person)
    if row is None:
        return None
    steps = tuple(Step(each["choices"], each["contents"]) for each in row["history"])
    history = History(steps, row["position"], row["revision"])
    return Kept(row["id"], tenant, person, row["product"], history, row["changed"].astimezone(UTC))


async def change(tx: Transaction, kept: Kept) -> bool:
    """Store another history if nobody changed it since its revision; whether that was so."""
    return bool(
        await tx.run(
            _SQL["change_choosing"], tenant=kept.tenant, id=kept.id, person=kept.person, revision=kept.history.revision,
            history=_steps(kept.history), position=kept.history.position, changed=kept.changed,
        )
    )  # fmt: skip


async def add_saved(tx: Transaction, saved: Saved, person: str) -> None:
    """Store what was saved."""
    await tx.run(
        _SQL["add_saved"], token=saved.token, tenant=saved.tenant, person=person, name=saved.name, product=saved.product,
        version=saved.version, choices=Json(dict(saved.choices)), contents=Jsonb(dict(saved.contents)), saved=saved.saved,
        forked_from=saved.forked_from,
    )  # fmt: skip


async def count_saved(tx: Transaction, tenant: str, person: str) -> int:
    """How much a person saved."""
    row = await tx.one(_SQL["count_saved"], tenant=tenant, person=person)
    return int(row["n"]) if row else 0


async def saved_by(tx: Transaction, tenant: str, person: str) -> tuple[Saved, ...]:
    """What a person saved, the newest first."""
    rows = await tx.all(_SQL["saved_by"], tenant=tenant, person=person)
    return tuple(_saved(row, tenant, person) for row in rows)


async def saved_of(tx: Transaction, token: str, tenant: str, person: str) -> Saved | None:
    """What was saved under a token, as a person sees it (empty: somebody who is not signed in)."""
    row = await tx.one(_SQL["saved_of"], token=token, tenant=tenant, person=person)
    return None if row is None else _saved(row, tenant, person)


async def vote(tx: Transaction, token: str, tenant: str, person: str, at: datetime) -> None:
    """A person's vote, once."""
    await tx.run(_SQL["add_vote"], token=token, tenant=tenant, person=person, voted=at)


async def take_vote(tx: Transaction, token: str, tenant: str, person: str) -> None:
    """Take a vote back."""
    await tx.run(_SQL["take_vote"], token=token, tenant=tenant, person=person)


async def add_picture(tx: Transaction, tenant: str, person: str, picture: Picture, at: datetime) -> None:
    """Store what is known of a picture."""
    await tx.run(
        _SQL["add_picture"], tenant=tenant, digest=picture.digest, person=person, format=picture.format, size=picture.size,
        width=picture.width, height=picture.height, kept=at,
    )  # fmt: skip


async def count_pictures(tx: Transaction, tenant: str, person: str, other_than: str) -> int:
    """How many pictures a person has beside one."""
    row = await tx.one(_SQL["count_pictures"], tenant=tenant, person=person, digest=other_than)
    return int(row["n"]) if row else 0


async def picture(tx: Transaction, tenant: str, digest: str) -> Picture | None:
    """What is known of a picture."""
    row = await tx.one(_SQL["picture"], tenant=tenant, digest=digest)
    return None if row is None else Picture(row["digest"], row["format"], row["size"], row["width"], row["height"])


def _steps(history: History) -> Json:
    return Json([{"choices": dict(each.choices), "contents": dict(each.contents)} for each in history.steps])


def _saved(row: Row, tenant: str, person: str) -> Saved:
    return Saved(
        token=row["token"], tenant=row["tenant"], name=row["name"], product=row["product"], version=row["version"],
        choices=row["choices"], contents=row["contents"], saved=row["saved"].astimezone(UTC), forked_from=row["forked_from"],
        votes=row["votes"], mine=bool(person) and (row["tenant"], row["person"]) == (tenant, person), voted=row["voted"],
    )  # fmt: skip
