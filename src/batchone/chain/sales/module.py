"""The declaration of sales."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.sales.api import router
from batchone.chain.sales.outgoing.channels import Mailer, Webhook
from batchone.chain.sales.outgoing.postman import Postman
from batchone.chain.sales.progress import HANDLERS
from batchone.chain.sales.service import SalesService, SalesSettings
from batchone.contracts.design import Design
from batchone.contracts.logistics import Logistics
from batchone.contracts.planning import Planning, PromiseMoved
from batchone.contracts.sales import (
    ContactChanged,
    NoticeFailed,
    NoticeRead,
    NoticeSent,
    OrderPlaced,
    PromiseGiven,
    PromiseReplaced,
    Sales,
)
from batchone.contracts.sourcing import Sourcing
from batchone.kernel.clock import SystemClock
from batchone.kernel.module import Context, Module, Running


async def _build(context: Context, settings: SalesSettings) -> Running:
    people = SystemClock()
    mailer = Mailer(settings.email) if settings.email else None
    webhook = Webhook(settings.webhook, people) if settings.webhook else None
    postman = Postman(context.database, people, mailer, webhook)
    service = SalesService(context, settings, postman)
    return Running(
        provides={Sales: service},
        hears={**HANDLERS, PromiseMoved: service.on_promise_moved},
        work={"postman": postman.rounds} if postman.channels else {},
    )


MODULE = Module(
    name="sales",
    build=_build,
    settings=SalesSettings,
    provides=(Sales,),
    requires=(Design, Sourcing, Planning, Logistics),
    hears=(*HANDLERS, PromiseMoved),
    says=(PromiseGiven, PromiseReplaced, OrderPlaced, NoticeRead, NoticeSent, NoticeFailed, ContactChanged),
    schema="sales",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
