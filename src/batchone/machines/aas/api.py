"""Routes of API 3.0, in the read profiles SSP-002 of the shell and the submodel repository, and of packages."""

# Annotations name functions of the scope that they stand in, so they are not put off.
import asyncio
from typing import Annotated

from aas_core3 import types as aas
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from batchone.contracts.machines import Twin
from batchone.contracts.production import Production
from batchone.contracts.things import Things
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.module import Context
from batchone.machines.aas import api_submodels, package
from batchone.machines.aas.addresses import decode
from batchone.machines.aas.asked import IdShort, Paged, Reader, ShellId, asset_id, cut, page
from batchone.machines.aas.elements import model_reference
from batchone.machines.aas.results import ResultRoute, as_json
from batchone.machines.aas.service import AasService, Judgement, Page, node_of
from batchone.machines.aas.views import Node

PREFIX = "/api/aas/v3.0"
PROFILES = tuple(
    f"https://admin-shell.io/aas/API/3/0/{each}ServiceSpecification/SSP-002"
    for each in ("AssetAdministrationShellRepository", "SubmodelRepository")
)
PACKED_MAX = 16 * 1024**2
"""How many bytes a package that is brought may have."""
_XML = "application/xml"
_SHELL = aas.KeyTypes.ASSET_ADMINISTRATION_SHELL

Shells = Page[aas.AssetAdministrationShell]


def router(context: Context) -> APIRouter:
    """`/api/aas/v3.0/...`, from protocols alone."""
    service = AasService(
        lambda: context.get(Things), lambda: context.get(Twin), lambda: context.get(Production), context.clock
    )  # fmt: skip
    routes = APIRouter(prefix=PREFIX, tags=["asset administration shells"], route_class=ResultRoute)
    _shell_routes(routes, service)
    api_submodels.add(routes, service)
    _package_routes(routes, service)
    return routes


def _shell_routes(routes: APIRouter, service: AasService) -> None:
    async def listed(
        actor: Reader,
        paging: Paged,
        id_short: IdShort = "",
        asset_ids: Annotated[list[str] | None, Query(alias="assetIds")] = None,
    ) -> Shells:
        ids = [asset_id(each) for each in asset_ids or ()]
        return await service.shells(actor.tenant, id_short, ids, paging.cursor, paging.limit)

    async def one(actor: Reader, shell: ShellId) -> aas.AssetAdministrationShell:
        return await service.shell(actor.tenant, shell)

    @routes.get("/shells")
    async def shells(found: Annotated[Shells, Depends(listed)]) -> Response:
        """Shells: all of them, or those with an idShort and asset ids."""
        return page([node_of(each) for each in found.result], found.cursor)

    @routes.get("/shells/$reference")
    async def shell_references(found: Annotated[Shells, Depends(listed)]) -> Response:
        """References to shells."""
        return page([_reference(each) for each in found.result], found.cursor)

    @routes.get("/shells/{shell}")
    async def shell(found: Annotated[aas.AssetAdministrationShell, Depends(one)]) -> Response:
        """A shell."""
        return as_json(node_of(found))

    @routes.get("/shells/{shell}/$reference")
    async def shell_reference(found: Annotated[aas.AssetAdministrationShell, Depends(one)]) -> Response:
        """A reference to a shell."""
        return as_json(_reference(found))

    @routes.get("/shells/{shell}/asset-information")
    async def asset_information(found: Annotated[aas.AssetAdministrationShell, Depends(one)]) -> Response:
        """Which asset a shell is of."""
        return as_json(node_of(found.asset_information))

    @routes.get("/shells/{shell}/asset-information/thumbnail")
    async def thumbnail(found: Annotated[aas.AssetAdministrationShell, Depends(one)]) -> Response:
        """The picture of an asset: none has one."""
        raise NotFound("aas.no_thumbnail", f"The asset of {found.id} has no picture.", "No asset here has one.")

    @routes.get("/shells/{shell}/submodel-refs")
    async def submodel_references(found: Annotated[aas.AssetAdministrationShell, Depends(one)], paging: Paged) -> Response:
        """References to a shell's submodels."""
        return cut([node_of(each) for each in found.submodels or ()], paging)


def _reference(shell: aas.AssetAdministrationShell) -> Node:
    return node_of(model_reference((_SHELL, shell.id)))


def _package_routes(routes: APIRouter, service: AasService) -> None:
    @routes.get("/description")
    async def description(actor: Reader) -> Response:  # noqa: ARG001 - for who may read
        """The profiles that are kept."""
        return as_json({"profiles": PROFILES})

    @routes.get("/serialization")
    async def serialization(
        actor: Reader,
        aas_ids: Annotated[list[str] | None, Query(alias="aasIds")] = None,
        submodel_ids: Annotated[list[str] | None, Query(alias="submodelIds")] = None,
        concepts: Annotated[bool, Query(alias="includeConceptDescriptions")] = True,
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        """Shells with their submodels as one environment: JSON, or XML, or a package (AASX), as `Accept` wishes."""
        shells, submodels = ([decode(each) for each in ids or ()] for ids in (aas_ids, submodel_ids))
        environment = await service.environment(actor.tenant, shells, submodels, concepts=concepts)
        if accept.startswith(package.MEDIA_TYPE):
            said = {"Content-Disposition": 'attachment; filename="shells.aasx"'}
            return Response(await asyncio.to_thread(package.write, environment), headers=said, media_type=package.MEDIA_TYPE)
        if accept.startswith(_XML):
            return Response(package.to_xml(environment), media_type=_XML)
        return as_json(node_of(environment))

    @routes.post("/packages/check")
    async def check(actor: Reader, request: Request) -> Judgement:
        """Judge a package (AASX) that is sent as the body, and compare it with what is so now; nothing is changed."""
        packed = bytearray()
        async for chunk in request.stream():
            packed += chunk
            if len(packed) > PACKED_MAX:
                raise Refused("aas.package_size", f"The package is larger than {PACKED_MAX} bytes.", "Send fewer shells.")
        return await service.judge(actor.tenant, bytes(packed))
