"""What the pages are given: the domains' protocols, the clock, ids, the tenant, and the web's own few objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from fastapi import FastAPI, Request

from batchone.kernel.bus import Bus
from batchone.kernel.clock import Clock
from batchone.kernel.ids import Ids
from batchone.web.books import Books
from batchone.web.briefs import Briefs
from batchone.web.live import LiveHub
from batchone.web.render import Renderer
from batchone.web.settings import WebSettings

P = TypeVar("P")


class Services(Protocol):
    """The part of a module's context that pages use."""

    @property
    def clock(self) -> Clock:
        """Plant time."""
        ...

    @property
    def ids(self) -> Ids:
        """New ids, for idempotency keys."""
        ...

    @property
    def bus(self) -> Bus:
        """Live broadcasts, which wake pages."""
        ...

    @property
    def tenant(self) -> str:
        """The tenant that visitors sign in to."""
        ...

    def get(self, protocol: type[P]) -> P:
        """An implementation of a read protocol."""
        ...


@dataclass(frozen=True)
class Web:
    """Everything that a page needs besides the request."""

    services: Services
    settings: WebSettings
    renderer: Renderer
    hub: LiveHub
    books: Books
    briefs: Briefs


def web_of(request: Request) -> Web:
    """The `Web` of the running app."""
    return web_of_app(request.app)


def web_of_app(app: FastAPI) -> Web:
    """The `Web` of an app."""
    return cast(Web, app.state.web)
