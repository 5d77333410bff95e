"""Routes of how long samples are kept: engineers see what is due, admins drop it and bring it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import DroppedDay, Kept, Retention, RetentionPreview
from batchone.kernel.module import Context

Engineer = Annotated[Actor, Depends(allow("engineer"))]
Admin = Annotated[Actor, Depends(allow("admin"))]


@dataclass(frozen=True)
class DayToDrop:
    """A day of a preview."""

    kept: Kept
    day: date
    digest: str


def retaining(context: Context) -> APIRouter:
    """`/api/history/retention/...`."""
    routes = APIRouter(prefix="/retention", tags=["history"])

    @routes.get("")
    async def retention(actor: Engineer, restored: bool = False) -> RetentionPreview:
        """What dropping would take away now: days, rows, bytes, signals. Nothing is changed."""
        return await context.get(Retention).preview(actor.tenant, restored)

    @routes.post("/drop")
    async def drop(actor: Admin, day: DayToDrop) -> DroppedDay:
        """Archive a day of the preview, then drop it. The digest is the preview's, so that nothing goes but what was seen."""
        return await context.get(Retention).drop(actor.tenant, day.kept, day.day, day.digest, actor)

    @routes.get("/dropped")
    async def dropped(actor: Engineer) -> tuple[DroppedDay, ...]:
        """The days that were dropped, newest first."""
        return await context.get(Retention).dropped(actor.tenant)

    @routes.post("/dropped/{drop}/restore")
    async def restore(actor: Admin, drop: str) -> DroppedDay:
        """Bring a dropped day back from the archive."""
        return await context.get(Retention).restore(actor.tenant, drop, actor)

    return routes
