"""Routes of alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from batchone.contracts.access import allow
from batchone.contracts.alarms import (
    Alarm,
    AlarmFilter,
    AlarmKind,
    AlarmLimit,
    AlarmPriority,
    Alarms,
    AlarmStatistics,
    LimitEdition,
    LimitSettings,
    Rationale,
    Suppressed,
)
from batchone.contracts.enterprises import Actor
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Seer = Annotated[Actor, Depends(allow("operator", "engineer"))]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
Limit = Annotated[int, Query(ge=1, le=1000)]
_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Which:
    """An alarm: the path of its signal (or its equipment or connection), and which limit."""

    path: str
    kind: AlarmKind


@dataclass(frozen=True)
class Shelving(Which):
    """How long in seconds of plant time, and why."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class TakingOut(Which):
    """Why."""

    reason: str


@dataclass(frozen=True)
class Resetting(Which):
    """Why."""

    why: str


@dataclass(frozen=True)
class Changing(Which):
    """What to judge instead (null: as declared), from which version that was made, and why."""

    base: int
    why: str
    settings: LimitSettings
    rationale: Rationale = field(default_factory=Rationale)


def router(context: Context) -> APIRouter:
    """`/api/alarms/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/alarms", tags=["alarms"])
    _suppression(routes, lambda: context.get(Alarms))
    _limits(routes, lambda: context.get(Alarms))

    def alarms() -> Alarms:
        return context.get(Alarms)

    @routes.get("")
    async def find(
        actor: Reader, show: Literal["active", "suppressed", "all"] = "active", equipment: str = "", path: str = "",
        kind: AlarmKind | Literal[""] = "", priority: AlarmPriority | Literal[""] = "", since: AwareDatetime | None = None,
        until: AwareDatetime | None = None, limit: Limit = 200,
    ) -> tuple[Alarm, ...]:  # fmt: skip
        """Alarms that stand (`active`; `suppressed`: those not shown), worst first; or `all`, ended ones too, newest first."""
        wanted = AlarmFilter(show, equipment, path, kind, priority, since, until)
        return await alarms().find(actor.tenant, wanted, limit)

    @routes.post("/{alarm}/acknowledge")
    async def acknowledge(actor: Seer, alarm: str) -> Alarm:
        """Say that you have seen it. Repeating it changes nothing, so no idempotency key is asked for."""
        return await alarms().acknowledge(actor.tenant, alarm, actor)

    @routes.get("/statistics")
    async def statistics(
        actor: Reader, start: AwareDatetime | None = None, end: AwareDatetime | None = None
    ) -> AlarmStatistics:
        """The load on operators over a window; the last seven days if nothing is said."""
        until = end or context.clock.now()
        return await alarms().statistics(actor.tenant, start or until - _WINDOW, until)

    return routes


def _suppression(routes: APIRouter, alarms: Callable[[], Alarms]) -> None:
    @routes.get("/suppressed")
    async def suppressed(actor: Reader) -> tuple[Suppressed, ...]:
        """What is shelved or out of service."""
        return await alarms().suppressed(actor.tenant)

    @routes.post("/shelve")
    async def shelve(actor: Seer, wish: Shelving) -> Suppressed:
        """Set an alarm aside for a while; it comes back by itself."""
        return await alarms().shelve(actor.tenant, wish.path, wish.kind, wish.seconds, wish.reason, actor)

    @routes.post("/unshelve", status_code=204)
    async def unshelve(actor: Seer, wish: Which) -> None:
        """Take it back before its time."""
        await alarms().unshelve(actor.tenant, wish.path, wish.kind, actor)

    @routes.post("/take-out")
    async def take_out(actor: Engineer, wish: TakingOut) -> Suppressed:
        """Take an alarm out of service until it is put back."""
        return await alarms().take_out(actor.tenant, wish.path, wish.kind, wish.reason, actor)

    @routes.post("/put-back", status_code=204)
    async def put_back(actor: Engineer, wish: Which) -> None:
        """Put it back into service."""
        await alarms().put_back(actor.tenant, wish.path, wish.kind, actor)


def _limits(routes: APIRouter, alarms: Callable[[], Alarms]) -> None:
    @routes.get("/limits")
    async def limits(actor: Reader, path: str = "") -> tuple[AlarmLimit, ...]:
        """The limits of a signal, or of all that have some."""
        return await alarms().limits(actor.tenant, path)

    @routes.put("/limits")
    async def change_limit(actor: Engineer, wish: Changing) -> AlarmLimit:
        """Judge a limit otherwise from the next batch on."""
        return await alarms().change_limit(
            actor.tenant, wish.path, wish.kind, wish.base, wish.settings, wish.rationale, wish.why, actor
        )

    @routes.post("/limits/reset")
    async def reset_limit(actor: Engineer, wish: Resetting) -> AlarmLimit:
        """Judge it as declared again."""
        return await alarms().reset_limit(actor.tenant, wish.path, wish.kind, wish.why, actor)

    @routes.get("/limits/editions")
    async def limit_editions(actor: Reader, path: str, kind: AlarmKind) -> tuple[LimitEdition, ...]:
        """Every change of a limit, the newest first."""
        return await alarms().limit_editions(actor.tenant, path, kind)
