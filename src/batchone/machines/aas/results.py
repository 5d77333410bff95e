"""The HTTP border of API 3.0: errors as its `Result`, not as our problem details."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from batchone.kernel.errors import BatchoneError, Refused
from batchone.kernel.http import problem

_CODE_MAX = 32


def as_json(content: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


class ResultRoute(APIRoute):
    """A route whose refusals are `Result` objects: what cannot be read is 400, the rest keeps its status."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors turned into answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except BatchoneError as error:
                return _result(error)
            except RequestValidationError as error:
                faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
                return _result(
                    Refused("aas.request", f"The request is not valid: {faults}.", "See the guide for what there is.")
                )

        return answer


def _result(error: BatchoneError) -> Response:
    message = {
        "code": error.code[:_CODE_MAX], "messageType": "Error" if error.status < 500 else "Exception",
        "text": f"{error.what} {error.cure}".strip(),
    }  # fmt: skip
    told = as_json({"messages": [message]}, 400 if type(error) is Refused else error.status)
    for name in ("Retry-After", "WWW-Authenticate"):
        if (said := problem(error).headers.get(name)) is not None:
            told.headers[name] = said
    return told
