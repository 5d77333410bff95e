"""Certificates: whom connections trust, who waits to be judged, and our own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.certificates import Certificates
from batchone.kernel.errors import NotFound
from batchone.web.pages.connect import Engineer, ThisWeb, led_to, waiting_in_quarantine
from batchone.web.session import actor_of

router = APIRouter(prefix="/connect/certificates")
_PAGE = "/connect/certificates"
Server = Annotated[str, Form()]
Fingerprint = Annotated[str, Form()]


@router.get("")
async def certificates(visit: Engineer, web: ThisWeb) -> HTMLResponse:
    """Ours, and those that servers showed."""
    service = web.services.get(Certificates)
    return web.renderer.page(
        visit, "certificates.html", own=await service.own(visit.tenant), seen=await service.seen(visit.tenant),
        waiting=await waiting_in_quarantine(web, visit.tenant),
    )  # fmt: skip


@router.get("/{which}.pem")
async def pem(which: str, visit: Engineer, web: ThisWeb) -> Response:
    """Our certificate as a file, for a machine's list of trusted clients."""
    found = next(
        (each for each in await web.services.get(Certificates).own(visit.tenant) if each.in_use == (which == "own")), None
    )
    if found is None or which not in {"own", "next"}:
        raise NotFound("web.certificate", f"There is no certificate {which[:60]}.", "Take one of the page.")
    headers = {"Content-Disposition": f'attachment; filename="batchone-{which}.pem"'}
    return Response(found.pem, media_type="application/x-pem-file", headers=headers)


@router.post("/approve")
async def approve(request: Request, visit: Engineer, web: ThisWeb, server: Server, fingerprint: Fingerprint) -> Response:
    """Trust a server's certificate."""
    await web.services.get(Certificates).approve(visit.tenant, server, fingerprint, actor_of(visit))
    return led_to(request, _PAGE)


@router.post("/reject")
async def reject(request: Request, visit: Engineer, web: ThisWeb, server: Server, fingerprint: Fingerprint) -> Response:
    """Trust it no more, or never."""
    await web.services.get(Certificates).revoke(visit.tenant, server, fingerprint, actor_of(visit))
    return led_to(request, _PAGE)


@router.post("/renew")
async def renew(request: Request, visit: Engineer, web: ThisWeb) -> Response:
    """Make our next certificate."""
    await web.services.get(Certificates).renew(visit.tenant, actor_of(visit))
    return led_to(request, _PAGE)


@router.post("/take-over")
async def take_over(request: Request, visit: Engineer, web: ThisWeb, fingerprint: Fingerprint) -> Response:
    """Use our next certificate from now on."""
    await web.services.get(Certificates).take_over(visit.tenant, fingerprint, actor_of(visit))
    return led_to(request, _PAGE)
