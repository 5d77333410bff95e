"""`POST /api/history/sql`: one SELECT over stored samples, for tools that speak HTTP."""

from __future__ import annotations

import io
import math
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Selects
from batchone.kernel.module import Context
from batchone.machines.history.exporting import MEDIA
from batchone.machines.history.selecting import ROWS_MAX, SECONDS_MAX, table_of

Reader = Annotated[Actor, Depends(allow("planner", "engineer"))]


class Asked(BaseModel):
    """A question. Without a zone a time is in UTC."""

    select: str = Field(max_length=20_000, description="One SELECT over samples, last and signals.")
    start: datetime | None = Field(default=None, alias="from", description="Look at samples from then on only.")
    end: datetime | None = Field(default=None, alias="to", description="And up to then only.")
    rows: int = Field(default=10_000, ge=1, le=ROWS_MAX, description="Of the answer, at most.")
    seconds: float = Field(default=SECONDS_MAX, gt=0, le=SECONDS_MAX, description="That it may take.")


def sql(context: Context) -> APIRouter:
    """`/api/history/sql`."""
    routes = APIRouter(tags=["history"])

    @routes.post("/sql")
    async def select(actor: Reader, body: Asked, format: Literal["json", "arrow", "parquet", "csv"] = "json") -> Response:  # noqa: A002
        """The answer as `columns` and `rows`, or as a file. The headers `Batchone-Cut` and `Batchone-Missing` tell whether
        there was more, and which files could not be read; JSON tells both as well."""
        found = await context.get(Selects).select(
            actor.tenant, body.select, body.start, body.end, body.rows, body.seconds
        )  # fmt: skip
        table = table_of(found)
        missing = [f"{gap.reason} {quote(gap.what)}" for gap in found.gaps]
        headers = {"Batchone-Cut": str(found.cut).lower(), "Batchone-Missing": ", ".join(missing)[:4_000]}
        if format == "json":
            rows = [[_plain(value) for value in row.values()] for row in table.to_pylist()]
            told = {"columns": table.column_names, "rows": rows, "cut": found.cut, "missing": missing}
            return JSONResponse(told, headers=headers)
        return Response(_file(table, format), media_type=MEDIA[format], headers=headers)

    return routes


def _plain(value: Any) -> Any:
    """A value as JSON has it: what is no number is nothing, a time is ISO 8601, what JSON does not know is its text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _file(table: pa.Table, format_: Literal["arrow", "parquet", "csv"]) -> bytes:
    sink = io.BytesIO()
    match format_:
        case "arrow":
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        case "parquet":
            pyarrow.parquet.write_table(table, sink, compression="zstd")
        case "csv":
            pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()
