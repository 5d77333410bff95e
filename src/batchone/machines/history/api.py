"""Routes of the historian."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import DroppedDay, History, HistoryStats, Kept, Retention, RetentionPreview, Trend
from batchone.kernel.module import Context
from batchone.machines.history.model import POINTS_MIN

PATHS_MAX = 64
POINTS_MAX = 20_000

_reader = allow("planner", "operator", "engineer")
Reader = Annotated[Actor, Depends(_reader)]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
Admin = Annotated[Actor, Depends(allow("admin"))]
Paths = Annotated[list[str], Query(alias="path", min_length=1, max_length=PATHS_MAX)]
Points = Annotated[int, Query(ge=POINTS_MIN, le=POINTS_MAX)]


@dataclass(frozen=True)
class DayToDrop:
    """A day of a preview."""

    kept: Kept
    day: date
    digest: str


def router(context: Context) -> APIRouter:
    """`/api/history/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/history", tags=["history"])

    @routes.get("/trend")
    async def trend(actor: Reader, path: Paths, start: datetime, end: datetime, points: Points = 600) -> Trend:
        """Samples of signals between two times, thinned to at most `points` a signal."""
        return await context.get(History).trend(actor.tenant, path, start, end, points)

    @routes.get("/stats")
    async def stats(actor: Reader) -> HistoryStats:
        """What the historian holds."""
        return await context.get(History).stats(actor.tenant)

    @routes.get("/retention")
    async def retention(actor: Engineer, restored: bool = False) -> RetentionPreview:
        """What dropping would take away now: days, rows, bytes, signals. Nothing is changed."""
        return await context.get(Retention).preview(actor.tenant, restored)

    @routes.post("/retention/drop")
    async def drop(actor: Admin, day: DayToDrop) -> DroppedDay:
        """Archive a day of the preview, then drop it. The digest is the preview's, so that nothing goes but what was seen."""
        return await context.get(Retention).drop(actor.tenant, day.kept, day.day, day.digest, actor)

    @routes.get("/retention/dropped")
    async def dropped(actor: Engineer) -> tuple[DroppedDay, ...]:
        """The days that were dropped, newest first."""
        return await context.get(Retention).dropped(actor.tenant)

    @routes.post("/retention/dropped/{drop}/restore")
    async def restore(actor: Admin, drop: str) -> DroppedDay:
        """Bring a dropped day back from the archive."""
        return await context.get(Retention).restore(actor.tenant, drop, actor)

    return routes
