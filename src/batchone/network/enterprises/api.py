"""Routes about who one is and what was done. Signing in and out is the pages' matter; programs send an API token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor, AuditEntry, Enterprises, Person
from batchone.kernel.module import Context
from batchone.network.enterprises.service import AUDIT_LIMIT_MAX

Anybody = Annotated[Actor, Depends(allow())]
Admin = Annotated[Actor, Depends(allow("admin"))]


class TokenRequest(BaseModel):
    """What the new token is for."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(min_length=1, max_length=200)


class TokenAnswer(BaseModel):
    """The new token's secret, which is shown this once."""

    token: str
    label: str


def router(context: Context) -> APIRouter:
    """The routes, over the protocol alone."""
    routes = APIRouter(prefix="/api", tags=["enterprises"])

    @routes.get("/me")
    async def me(actor: Anybody) -> Actor:
        """Who the request is made by."""
        return actor

    @routes.post("/tokens", status_code=201)
    async def issue_token(request: TokenRequest, actor: Anybody, response: Response) -> TokenAnswer:
        """A new API token that acts for whoever asks; send it as `Authorization: Bearer ...`. Each request makes one."""
        response.headers["Cache-Control"] = "no-store"
        secret = await context.get(Enterprises).issue_token(actor.tenant, actor.person, request.label, actor)
        return TokenAnswer(token=secret, label=request.label)

    @routes.get("/people")
    async def people(actor: Admin) -> tuple[Person, ...]:
        """Everybody of the enterprise."""
        return await context.get(Enterprises).people(actor.tenant)

    @routes.get("/audit")
    async def audit(actor: Admin, limit: Annotated[int, Query(ge=1, le=AUDIT_LIMIT_MAX)] = 100) -> tuple[AuditEntry, ...]:
        """The newest lines of the record, newest first."""
        return await context.get(Enterprises).audit(actor.tenant, limit)

    return routes
