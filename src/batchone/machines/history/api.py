"""Routes of the historian."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import History, HistoryStats, Trend
from batchone.kernel.module import Context
from batchone.machines.history.model import POINTS_MIN

PATHS_MAX = 64
POINTS_MAX = 20_000

_reader = allow("planner", "operator", "engineer")
Reader = Annotated[Actor, Depends(_reader)]
Paths = Annotated[list[str], Query(alias="path", min_length=1, max_length=PATHS_MAX)]
Points = Annotated[int, Query(ge=POINTS_MIN, le=POINTS_MAX)]


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

    return routes
