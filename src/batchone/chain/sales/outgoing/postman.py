"""The postman: takes what is due, sends it, and stores what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog

from batchone.chain.sales.outgoing import model, store
from batchone.chain.sales.outgoing.channels import Mailer, Undeliverable, Webhook
from batchone.chain.sales.outgoing.model import Letter
from batchone.contracts.sales import Channel, NoticeFailed, NoticeSent
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import TryLater

_log = structlog.get_logger(__name__)
ACTOR = "sales"
EVERY_S = 5.0
_AT_ONCE = 5


@dataclass(frozen=True)
class Postman:
    """Sends by the channels that are set up; `people` is the clock by which people live, also where plant time runs fast."""

    database: Database
    people: Clock
    mailer: Mailer | None = None
    webhook: Webhook | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that are set up."""
        found: list[Channel] = []
        if self.mailer is not None:
            found.append("email")
        if self.webhook is not None:
            found.append("webhook")
        return tuple(found)

    async def rounds(self) -> None:
        """Go round for ever."""
        while True:
            if await self.once() == 0:
                await self.people.sleep(EVERY_S)

    async def once(self) -> int:
        """Send what is due; how many were tried."""
        async with self.database.transaction() as tx:
            letters = await store.claim(tx, self.channels, self.people.now(), _AT_ONCE)
        for letter in letters:
            await self._deliver(letter)
        return len(letters)

    async def _deliver(self, letter: Letter) -> None:
        if not letter.wanted:
            await self._settle(letter, "dropped")
            return
        try:
            await self._send(letter)
        except Undeliverable as error:
            await self._settle(letter, "failed", error.what)
        except TryLater as error:
            await self._settle(letter, "waiting", error.what)
        else:
            await self._settle(letter, "sent")

    async def _send(self, letter: Letter) -> None:
        if letter.channel == "webhook":
            assert self.webhook is not None
            await self.webhook.send(letter)
            return
        assert self.mailer is not None
        assert letter.contact is not None
        wish = self.mailer.settings
        made = model.mail(letter, letter.contact, wish.sender, ZoneInfo(wish.time_zone), wish.pages, self.people.now())
        await asyncio.to_thread(self.mailer.send, made)

    async def _settle(self, letter: Letter, state: str, fault: str = "") -> None:
        now = self.people.now()
        due = model.again_at(letter, now) if state == "waiting" else now
        if due is None:
            state, due = "failed", now
        if fault:
            _log.warning("notice.not_sent", notice=letter.id, channel=letter.channel, state=state, what=fault)
        async with self.database.transaction() as tx:
            await store.settle(tx, letter, state, due, fault)
            if state == "sent":
                await tx.say(letter.tenant, NoticeSent(letter.id, letter.order, letter.channel), actor=ACTOR)
            elif state == "failed":
                await tx.say(letter.tenant, NoticeFailed(letter.id, letter.order, letter.channel, fault), actor=ACTOR)
