"""What requests of API 3.0 say: pages, ids in base64url, levels; and how lists are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from fastapi import Depends, Path, Query, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.kernel.errors import Refused
from batchone.machines.aas.addresses import decode, encode
from batchone.machines.aas.results import as_json
from batchone.machines.aas.views import Level

PAGE_MAX = 100
"""How many entries one answer holds; who asks for more gets these, and a cursor."""

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Wide = Annotated[Level, Query(description="`core`: what stands directly below, and nothing below that.")]
Extent = Annotated[
    Literal["withoutBlobValue", "withBlobValue"], Query(description="Taken, without effect: no submodel holds a blob.")
]
IdShort = Annotated[str, Query(alias="idShort", max_length=128)]

SemanticId = Annotated[str, Query(alias="semanticId", max_length=4000)]


@dataclass(frozen=True)
class Paging:
    """Which page of a list is asked for; `cursor` is the last page's, decoded, empty for the first page."""

    limit: int
    cursor: str


def _paging(limit: Annotated[int, Query(ge=1)] = PAGE_MAX, cursor: Annotated[str, Query(max_length=4000)] = "") -> Paging:
    return Paging(min(limit, PAGE_MAX), decode(cursor) if cursor else "")


Paged = Annotated[Paging, Depends(_paging)]


def _shell(shell: Annotated[str, Path(description="The id of the shell, base64url.")]) -> str:
    return decode(shell)


def _submodel(submodel: Annotated[str, Path(description="The id of the submodel, base64url.")]) -> str:
    return decode(submodel)


ShellId = Annotated[str, Depends(_shell)]
SubmodelId = Annotated[str, Depends(_submodel)]


def asset_id(text: str) -> tuple[str, str]:
    """Name and value of an asset id, as a filter says it."""
    found = _json(text)
    if isinstance(found, dict) and isinstance(name := found.get("name"), str) and isinstance(value := found.get("value"), str):
        return name, value
    raise Refused("aas.asset_id", "An asset id has a name and a value.", 'Send base64url of {"name": ..., "value": ...}.')


def meaning(text: str) -> str:
    """The last key of a reference that a filter by semantic id says."""
    match _json(text):
        case {"keys": [*_, {"value": str(value)}]}:
            return value
    raise Refused("aas.semantic_id", "A semantic id is a reference with keys.", "Send base64url of its JSON.")


def _json(text: str) -> object:
    try:
        return orjson.loads(decode(text))
    except orjson.JSONDecodeError as error:
        raise Refused("aas.json", f"A filter is no JSON: {error}.", "Send base64url of its JSON.") from error


def page(result: Sequence[object], cursor: str | None) -> Response:
    """A page of a list, with the cursor that leads to the next one."""
    return as_json({"paging_metadata": {} if cursor is None else {"cursor": encode(cursor)}, "result": list(result)})


def cut(whole: Sequence[object], paging: Paging) -> Response:
    """A page of a list that is there as a whole; its cursor counts."""
    start = int(paging.cursor) if paging.cursor.isdecimal() else 0
    if paging.cursor != (str(start) if start else ""):
        raise Refused("aas.cursor", "This cursor leads nowhere.", "Take it from the page before, unchanged.")
    end = start + paging.limit
    return page(whole[start:end], str(end) if end < len(whole) else None)
