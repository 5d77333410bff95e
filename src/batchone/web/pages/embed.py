"""The configurator for other sites: the widget's script, and its answers to sites on the list of allowed origins.

There is no session here: a cookie is neither read nor asked for, so an answer holds only what everybody may see, and no page of
ours can be framed. A site that is not on the list is refused, and its visitors' browsers keep the refusal from it, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from batchone.contracts.design import Design
from batchone.kernel.errors import BatchoneError, Forbidden, Refused
from batchone.kernel.http import problem
from batchone.web.services import Web, web_of
from batchone.web.static_files import STATIC
from batchone.web.translations import best_language
from batchone.web.views import embed as view

router = APIRouter(prefix="/embed")
ThisWeb = Annotated[Web, Depends(web_of)]
_SCRIPT = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=300",
}
_WORDS = {
    "en": {"order": "Delivery date and order", "anyway": "Choose it anyway", "instead": "instead of"},
    "zh": {"order": "查看交期并下单", "anyway": "仍要选择", "instead": "将放弃"},
}
_CHOICES_MAX = 2000


@router.get("/widget.js")
async def widget(web: ThisWeb) -> Response:
    """The script; it is the same for everybody and says nothing, so everybody may load it."""
    script = Path(web.settings.assets or STATIC) / "widget.js"
    return Response(script.read_text(encoding="utf-8"), media_type="text/javascript", headers=_SCRIPT)


@router.get("/{product}")
async def state(product: str, request: Request, web: ThisWeb) -> Response:
    """Where every option stands for the choices in the query, and the drawing; for allowed sites alone."""
    origin = request.headers.get("origin", "")
    if origin not in web.settings.embed_origins:
        cure = "Whoever runs this platform adds the site to `embed_origins`."
        return problem(Forbidden("web.embed_origin", "This site may not embed the configurator.", cure, origin=origin[:200]))
    headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin", "Cache-Control": "no-store"}
    try:
        told = await _told(product, request, web)
    except BatchoneError as error:
        answer: Response = problem(error)
    else:
        answer = JSONResponse(told)
    answer.headers.update(headers)
    return answer


async def _told(product: str, request: Request, web: Web) -> dict[str, object]:
    given = request.query_params
    if len(given) > _CHOICES_MAX or len({*given}) != len(given.multi_items()):
        raise Refused("web.embed_choices", "An option is chosen twice.", "Choose one value for each option.")
    choices = {key: value for key, value in given.items() if key != "lang"}
    language = best_language([given.get("lang", "").partition("-")[0]])
    design, tenant = web.services.get(Design), web.services.tenant
    found = await design.configure(tenant, product, choices)
    drawing = await design.drawing(tenant, product, found.completion)
    return view.embedded(found, drawing, language, _WORDS.get(language, _WORDS["en"]))
