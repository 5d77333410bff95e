"""Samples and alarms for Grafana, in the protocol of its data source plugin SimpleJson (`grafana-simple-json-datasource`).

The plugin asks `GET /` whether we are there, `POST /search` which signals there are, `POST /query` for their samples and
`POST /annotations` for what happened; it sends the API token that is set in it as a header, `Authorization: Bearer ...`.
The plugin JSON (`simpod-json-datasource`) asked the same before its version 0.4.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.alarms import Alarm, Alarms
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import History
from batchone.kernel.module import Context
from batchone.machines.history.model import POINTS_MIN

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_POINTS_MAX = 20_000
_TARGETS_MAX = 64
_FOUND_MAX = 1_000
_ALARMS_MAX = 1_000


class Range(BaseModel):
    """From when to when."""

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")


class Target(BaseModel):
    """A signal by its path. Grafana sends a row that is not filled in yet, too."""

    target: str | None = ""
    hide: bool = False


class Query(BaseModel):
    """What a panel shows."""

    range: Range
    targets: list[Target] = Field(max_length=_TARGETS_MAX)
    points: int = Field(default=600, alias="maxDataPoints")


class Search(BaseModel):
    """What somebody has typed so far."""

    target: str = ""


class Asked(BaseModel):
    """An annotation query: the equipment whose alarms are wanted, or nothing for all. It is told back as it came."""

    model_config = ConfigDict(extra="allow")
    query: str | None = ""


class Annotations(BaseModel):
    """Which annotations are wanted, and when."""

    range: Range
    annotation: Asked = Asked()


def grafana(context: Context) -> APIRouter:
    """`/api/history/grafana/...`."""
    routes = APIRouter(prefix="/grafana", tags=["history"])

    @routes.get("")
    @routes.get("/", include_in_schema=False)
    async def there(actor: Reader) -> dict[str, str]:
        """We are here, and the token is good."""
        return {"tenant": actor.tenant}

    @routes.post("/search")
    async def search(actor: Reader, body: Search) -> list[str]:
        """The signals of the newest day whose path holds the text; a thousand at most."""
        newest = (await context.get(History).stats(actor.tenant)).newest
        paths = await context.get(History).signals(actor.tenant, newest) if newest else ()
        return [path for path in paths if body.target in path][:_FOUND_MAX]

    @routes.post("/query")
    async def query(actor: Reader, body: Query) -> list[dict[str, object]]:
        """Samples of each signal, thinned to what the panel can show: `[value, milliseconds]`, oldest first."""
        paths = list(dict.fromkeys(each.target for each in body.targets if each.target and not each.hide))
        if not paths:
            return []
        points = min(max(body.points, POINTS_MIN), _POINTS_MAX)
        trend = await context.get(History).trend(actor.tenant, paths, body.range.start, body.range.end, points)
        return [
            {"target": path, "datapoints": [
                [value, 1000 * at] for at, value in zip(trend.times_s[path], trend.values[path], strict=True)
            ]}
            for path in paths
        ]  # fmt: skip

    @routes.post("/annotations")
    async def annotations(actor: Reader, body: Annotations) -> list[dict[str, object]]:
        """Alarms that were raised in the time; the annotation's query names their equipment."""
        found = await context.get(Alarms).history(actor.tenant, body.annotation.query or "", _ALARMS_MAX)
        return [
            {"annotation": body.annotation.model_dump(), **_told(alarm)}
            for alarm in found
            if body.range.start <= alarm.raised < body.range.end
        ]

    return routes


def _told(alarm: Alarm) -> dict[str, object]:
    return {
        "title": f"{alarm.path or alarm.equipment} {alarm.limit}", "time": int(1000 * alarm.raised.timestamp()),
        "tags": [alarm.priority, alarm.state], "text": alarm.name.get("en", ""),
    }  # fmt: skip
