"""Routes of certificates."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from batchone.contracts.access import allow
from batchone.contracts.certificates import Certificates, PlatformCertificate, ServerCertificate
from batchone.contracts.enterprises import Actor
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
Server = Annotated[str, Body(max_length=300)]
Fingerprint = Annotated[str, Body(max_length=200)]


def router(context: Context) -> APIRouter:
    """`/api/connections/certificates/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/connections/certificates", tags=["connections"])

    @routes.get("")
    async def seen(actor: Reader) -> tuple[ServerCertificate, ...]:
        """Every certificate that a server showed, and what became of it."""
        return await context.get(Certificates).seen(actor.tenant)

    @routes.get("/own")
    async def own(actor: Reader) -> tuple[PlatformCertificate, ...]:
        """The platform's own, for servers to trust: the one in use and, before it ends, the one that will follow."""
        return await context.get(Certificates).own(actor.tenant)

    @routes.post("/approve")
    async def approve(actor: Engineer, server: Server, fingerprint: Fingerprint) -> ServerCertificate:
        """Trust a certificate that a server showed, in the place of the one approved before."""
        return await context.get(Certificates).approve(actor.tenant, server, fingerprint, actor)

    @routes.post("/revoke")
    async def revoke(actor: Engineer, server: Server, fingerprint: Fingerprint) -> ServerCertificate:
        """Trust a certificate no more; connections that rest on it are closed."""
        return await context.get(Certificates).revoke(actor.tenant, server, fingerprint, actor)

    @routes.post("/own/renew")
    async def renew(actor: Engineer) -> PlatformCertificate:
        """Make the platform's next certificate now, to be told to servers before it is used."""
        return await context.get(Certificates).renew(actor.tenant, actor)

    @routes.post("/own/take-over")
    async def take_over(actor: Engineer, fingerprint: Annotated[str, Body(max_length=200, embed=True)]) -> PlatformCertificate:
        """Use the platform's next certificate from now on."""
        return await context.get(Certificates).take_over(actor.tenant, fingerprint, actor)

    return routes
