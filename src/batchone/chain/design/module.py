"""The declaration of design."""

from __future__ import annotations

import secrets
from pathlib import Path

from pydantic import Field

from batchone.chain.design.api import router
from batchone.chain.design.authoring import AuthoringService
from batchone.chain.design.choosing import ChoosingService, PictureFiles
from batchone.chain.design.editions import Editions
from batchone.chain.design.service import DesignService
from batchone.contracts.authoring import Authoring
from batchone.contracts.choosing import Choosing
from batchone.contracts.design import ConfigurationCompleted, Design, ProductReleased
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Settings

_TOKEN_BYTES = 24


class DesignSettings(Settings):
    """Settings of design."""

    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Price groups: for each the parties (customers' ids) that belong to it. A price list names the groups that it is for."""


async def _build(context: Context, settings: DesignSettings) -> Running:
    editions = Editions(context.database, settings.groups)
    choosing = ChoosingService(
        context.database, context.clock, context.ids, editions, PictureFiles(context.home / "design" / "pictures"),
        lambda: secrets.token_urlsafe(_TOKEN_BYTES),
    )  # fmt: skip
    design = DesignService(context.database, context.clock, context.ids, editions)
    authoring = AuthoringService(context.database, context.clock, editions, design)
    return Running(provides={Design: design, Choosing: choosing, Authoring: authoring})


MODULE = Module(
    name="design",
    build=_build,
    settings=DesignSettings,
    provides=(Design, Choosing, Authoring),
    says=(ProductReleased, ConfigurationCompleted),
    schema="design",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
