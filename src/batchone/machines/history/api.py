"""Routes of the historian."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import History, HistoryStats, SamplePage, Trend
from batchone.kernel.errors import Refused
from batchone.kernel.module import Context
from batchone.machines.history.api_retaining import retaining
from batchone.machines.history.api_sql import sql
from batchone.machines.history.exporting import MEDIA, Format, exported
from batchone.machines.history.grafana import grafana
from batchone.machines.history.model import POINTS_MIN

PATHS_MAX = 64
POINTS_MAX = 20_000
PAGE_ROWS = 50_000
EXPORT_ROWS_MAX = 20_000_000
HEADER_MAX = 4_000

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

    @routes.get("/samples.{format_}")
    async def samples(actor: Reader, format_: Format, path: Paths, start: datetime, end: datetime) -> StreamingResponse:
        """Every sample of signals between two times as one file: an Arrow stream, Parquet or CSV, sent while it is read.

        The header `Batchone-Missing` tells what is not there, and why: lost files, dropped days, signals without samples.
        """
        history = context.get(History)
        first = await history.samples(actor.tenant, path, start, end, "", PAGE_ROWS)
        if first.total > EXPORT_ROWS_MAX:
            what = f"These are {first.total} samples; one file holds {EXPORT_ROWS_MAX} at most."
            raise Refused("history.too_many", what, "Ask for a shorter time or for fewer signals.")

        async def pages() -> AsyncIterator[SamplePage]:
            page = first
            yield page
            while page.next:
                page = await history.samples(actor.tenant, path, start, end, page.next, PAGE_ROWS)
                yield page

        return StreamingResponse(
            exported(pages(), format_), media_type=MEDIA[format_],
            headers={
                "Content-Disposition": f'attachment; filename="samples.{format_}"',
                "Batchone-Missing": ", ".join(f"{gap.reason} {quote(gap.what)}" for gap in first.gaps)[:HEADER_MAX],
            },
        )  # fmt: skip

    @routes.get("/stats")
    async def stats(actor: Reader) -> HistoryStats:
        """What the historian holds."""
        return await context.get(History).stats(actor.tenant)

    routes.include_router(retaining(context))
    routes.include_router(grafana(context))
    routes.include_router(sql(context))
    return routes
