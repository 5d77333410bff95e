"""The routes of submodels and their elements: by id alone, and below the shell that they belong to."""

# Annotations name functions of the scope that they stand in, so they are not put off.
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from aas_core3 import types as aas
from fastapi import APIRouter, Depends, Path, Response

from batchone.kernel.errors import NotFound, Refused
from batchone.machines.aas import views
from batchone.machines.aas.asked import (
    Extent,
    IdShort,
    Paged,
    Reader,
    SemanticId,
    ShellId,
    SubmodelId,
    Wide,
    cut,
    meaning,
    page,
)
from batchone.machines.aas.model import submodel_reference
from batchone.machines.aas.results import as_json
from batchone.machines.aas.service import AasService, Page, node_of
from batchone.machines.aas.views import Level, Node

Submodels = Page[aas.Submodel]
Find = Callable[..., Coroutine[Any, Any, Node]]
View = Callable[[Node, Level], Any]
_VIEWS: Mapping[str, View] = {
    "": lambda node, level: views.core(node) if level == "core" else node,
    "/$metadata": lambda node, _: views.metadata(node),
    "/$value": lambda node, level: views.value(views.core(node) if level == "core" else node),
}
"""What the ends of addresses show of a submodel or element; `$reference` and `$path` need to know where it stands."""


def add(routes: APIRouter, service: AasService) -> None:
    """Add them."""

    async def by_id(actor: Reader, submodel: SubmodelId) -> Node:
        return node_of(await service.submodel(actor.tenant, submodel))

    async def of_shell(actor: Reader, shell: ShellId, submodel: SubmodelId) -> Node:
        own = (await service.shell(actor.tenant, shell)).submodels or ()
        if submodel not in {reference.keys[0].value for reference in own}:
            raise NotFound("aas.not_its_submodel", f"{submodel} is no submodel of {shell}.", "See its submodel-refs.")
        return await by_id(actor, submodel)

    _lists(routes, service)
    for prefix, find in (("/submodels/{submodel}", by_id), ("/shells/{shell}/submodels/{submodel}", of_shell)):
        _submodel(routes, prefix, find)
        _elements(routes, f"{prefix}/submodel-elements", find)
        _element(routes, f"{prefix}/submodel-elements/{{path}}", find)


def _get(routes: APIRouter, path: str, answer: Callable[..., Coroutine[Any, Any, Response]]) -> None:
    routes.add_api_route(path, answer, methods=["GET"])


def _lists(routes: APIRouter, service: AasService) -> None:
    async def listed(actor: Reader, paging: Paged, id_short: IdShort = "", semantic_id: SemanticId = "") -> Submodels:
        means = meaning(semantic_id) if semantic_id else ""
        return await service.submodels(actor.tenant, id_short, means, paging.cursor, paging.limit)

    def shown(view: View) -> Callable[..., Coroutine[Any, Any, Response]]:
        async def submodels(
            found: Annotated[Submodels, Depends(listed)], level: Wide = "deep", extent: Extent = "withoutBlobValue"  # noqa: ARG001
        ) -> Response:  # fmt: skip
            """Submodels: all of them, or those with an idShort and a semantic id."""
            return page([view(node_of(each), level) for each in found.result], found.cursor)

        return submodels

    async def references(found: Annotated[Submodels, Depends(listed)]) -> Response:
        """References to submodels."""
        return page([node_of(submodel_reference(each.id)) for each in found.result], found.cursor)

    async def paths(
        actor: Reader, paging: Paged, id_short: IdShort = "", semantic_id: SemanticId = "", level: Wide = "deep"
    ) -> Response:
        """The idShort paths of submodels, one submodel after the other; a page is of paths."""
        means = meaning(semantic_id) if semantic_id else ""
        found = await service.submodel_paths(actor.tenant, id_short, means, paging.cursor, paging.limit, level)
        return page(found.result, found.cursor)

    for end, view in _VIEWS.items():
        _get(routes, f"/submodels{end}", shown(view))
    _get(routes, "/submodels/$reference", references)
    _get(routes, "/submodels/$path", paths)


def _submodel(routes: APIRouter, prefix: str, find: Find) -> None:
    def shown(view: View) -> Callable[..., Coroutine[Any, Any, Response]]:
        async def submodel(
            found: Annotated[Node, Depends(find)], level: Wide = "deep", extent: Extent = "withoutBlobValue"  # noqa: ARG001
        ) -> Response:  # fmt: skip
            """A submodel."""
            return as_json(view(found, level))

        return submodel

    async def reference(found: Annotated[Node, Depends(find)]) -> Response:
        """A reference to a submodel."""
        return as_json(views.reference(found, []))

    async def paths(found: Annotated[Node, Depends(find)], level: Wide = "deep") -> Response:
        """The idShort paths of a submodel."""
        return as_json(views.paths(found, level))

    for end, view in _VIEWS.items():
        _get(routes, f"{prefix}{end}", shown(view))
    _get(routes, f"{prefix}/$reference", reference)
    _get(routes, f"{prefix}/$path", paths)


def _elements(routes: APIRouter, prefix: str, find: Find) -> None:
    def shown(view: View) -> Callable[..., Coroutine[Any, Any, Response]]:
        async def elements(
            found: Annotated[Node, Depends(find)], paging: Paged, level: Wide = "deep", extent: Extent = "withoutBlobValue"  # noqa: ARG001
        ) -> Response:  # fmt: skip
            """The elements directly below a submodel."""
            return cut([view(each, level) for each in views.children(found)], paging)

        return elements

    async def references(found: Annotated[Node, Depends(find)], paging: Paged) -> Response:
        """References to the elements directly below a submodel."""
        return cut([views.reference(found, [(each["idShort"], each)]) for each in views.children(found)], paging)

    async def paths(found: Annotated[Node, Depends(find)], paging: Paged, level: Wide = "deep") -> Response:
        """The idShort paths of a submodel's elements."""
        return cut(views.paths(found, level), paging)

    # In a list a bare value would not tell whose it is, so each is named.
    _get(routes, prefix, shown(_VIEWS[""]))
    _get(routes, f"{prefix}/$metadata", shown(_VIEWS["/$metadata"]))
    _get(routes, f"{prefix}/$value", shown(lambda node, level: {node["idShort"]: _VIEWS["/$value"](node, level)}))
    _get(routes, f"{prefix}/$reference", references)
    _get(routes, f"{prefix}/$path", paths)


def _element(routes: APIRouter, prefix: str, find: Find) -> None:
    async def steps(
        found: Annotated[Node, Depends(find)], path: Annotated[str, Path(description="An idShort path, `Jobs[0].Equipment`.")]
    ) -> tuple[Node, list[tuple[str, Node]]]:
        return found, views.trail(found, path)

    Steps = tuple[Node, list[tuple[str, Node]]]  # noqa: N806 - a type

    def shown(view: View) -> Callable[..., Coroutine[Any, Any, Response]]:
        async def element(
            found: Annotated[Steps, Depends(steps)], level: Wide = "deep", extent: Extent = "withoutBlobValue"  # noqa: ARG001
        ) -> Response:  # fmt: skip
            """An element."""
            return as_json(view(found[1][-1][1], level))

        return element

    async def reference(found: Annotated[Steps, Depends(steps)]) -> Response:
        """A reference to an element."""
        return as_json(views.reference(*found))

    async def paths(found: Annotated[Steps, Depends(steps)], path: str, level: Wide = "deep") -> Response:
        """The idShort paths of a collection or list and of what is below it."""
        element = found[1][-1][1]
        if element["modelType"] not in views.CONTAINERS:
            raise Refused("aas.no_paths", f"Nothing can stand below {path}.", "Ask for the paths of a collection or list.")
        return as_json(views.paths(element, level, path))

    async def attachment(found: Annotated[Steps, Depends(steps)], path: str) -> Response:
        """The file of an element: none holds one."""
        raise NotFound("aas.no_file", f"{path} in {found[0]['id']} is no file.", "No submodel here holds a file.")

    _get(routes, prefix, shown(_VIEWS[""]))
    _get(routes, f"{prefix}/$metadata", shown(_VIEWS["/$metadata"]))
    _get(routes, f"{prefix}/$value", shown(_element_value))
    _get(routes, f"{prefix}/$reference", reference)
    _get(routes, f"{prefix}/$path", paths)
    _get(routes, f"{prefix}/attachment", attachment)


def _element_value(node: Node, level: Level) -> Any:
    """The value of an element; a number, text or truth by its name, for an answer is an object or a list."""
    value = _VIEWS["/$value"](node, level)
    return value if isinstance(value, dict | list) else {node["idShort"]: value}
