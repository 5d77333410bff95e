"""Choosing: loads what is under way, decides, stores; a click that came too late is told what to take up."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace

from batchone.chain.design.choosing import store
from batchone.chain.design.choosing.history import History, Step, carried_over, clicked
from batchone.chain.design.choosing.pictures import PictureFiles, look_at, unknown_picture
from batchone.chain.design.choosing.store import Kept
from batchone.chain.design.configure import refuse_impossible
from batchone.chain.design.contents import checked
from batchone.chain.design.editions import Editions
from batchone.chain.design.model import Blueprint
from batchone.contracts.choosing import Picture, PictureContent, Saved, UnderWay
from batchone.contracts.design import Choices
from batchone.contracts.enterprises import Actor
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.ids import Ids

UNDER_WAY_MAX = 50
SAVED_MAX = 200
PICTURES_MAX = 200
NAME_MAX = 80


class ChoosingService:
    """Implements `contracts.choosing.Choosing`. `token` makes a new secret that nobody can guess."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, editions: Editions, files: PictureFiles, token: Callable[[], str]
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._ids = ids
        self._editions = editions
        self._files = files
        self._token = token

    async def begin(self, tenant: str, product: str, choices: Choices, actor: Actor) -> UnderWay:
        """Begin with some choices."""
        return await self._begin(tenant, product, Step(choices, {}), actor)

    async def under_way(self, tenant: str, choosing: str, actor: Actor) -> UnderWay:
        """Take up again what is under way."""
        kept = await self._kept(tenant, choosing, actor)
        return _told(kept, await self._blueprint(tenant, kept.product, actor))

    async def click(
        self, tenant: str, choosing: str, revision: int, take: Choices, drop: tuple[str, ...], contents: Mapping[str, str],
        actor: Actor,
    ) -> UnderWay:  # fmt: skip
        """Take values, drop choices, bring contents."""
        kept = await self._kept(tenant, choosing, actor)
        _refuse_stale(kept, revision)
        blueprint = await self._blueprint(tenant, kept.product, actor)
        now, _ = carried_over(blueprint, kept.history.now.choices)
        choices = blueprint.known(clicked(now, take, drop))
        refuse_impossible(blueprint, choices)
        brought = {**kept.history.now.contents, **contents}
        takers = {option.id for option in blueprint.pack.options}
        brought = {option: text for option, text in brought.items() if option in contents or option in takers}
        step = Step(choices, await checked(blueprint, choices, brought, lambda digest: self._picture(tenant, digest)))
        return await self._change(kept, kept.history.then(step), blueprint)

    async def undo(self, tenant: str, choosing: str, revision: int, actor: Actor) -> UnderWay:
        """Go back one change."""
        return await self._move(tenant, choosing, revision, -1, actor)

    async def redo(self, tenant: str, choosing: str, revision: int, actor: Actor) -> UnderWay:
        """Go forward again what was undone."""
        return await self._move(tenant, choosing, revision, 1, actor)

    async def save(self, tenant: str, choosing: str, name: str, actor: Actor) -> Saved:
        """Save what is under way under a name."""
        name = " ".join(name.split())
        if not name or len(name) > NAME_MAX or not name.isprintable():
            raise Refused("design.name", "The name is empty, too long or not readable.", f"Use 1 to {NAME_MAX} characters.")
        kept = await self._kept(tenant, choosing, actor)
        blueprint = await self._blueprint(tenant, kept.product, actor)
        choices, _ = carried_over(blueprint, kept.history.now.choices)
        saved = Saved(
            token=self._token(), tenant=tenant, name=name, product=kept.product, version=blueprint.pack.version,
            choices=choices, contents=kept.history.now.contents, saved=self._clock.now(), forked_from="", votes=0, mine=True,
            voted=False,
        )  # fmt: skip
        async with self._database.transaction() as tx:
            if await store.count_saved(tx, tenant, actor.person) >= SAVED_MAX:
                raise Refused("design.saved_many", f"You saved {SAVED_MAX} configurations.", "Go on from one of them.")
            await store.add_saved(tx, saved, actor.person)
        return saved

    async def saved(self, tenant: str, actor: Actor) -> tuple[Saved, ...]:
        """What a person saved, the newest first."""
        async with self._database.transaction() as tx:
            return await store.saved_by(tx, tenant, actor.person)

    async def shared(self, token: str, actor: Actor | None) -> Saved:
        """What was saved under a token, for anybody who has it."""
        tenant, person = (actor.tenant, actor.person) if actor is not None else ("", "")
        async with self._database.transaction() as tx:
            found = await store.saved_of(tx, token, tenant, person)
        if found is None:
            raise NotFound("design.unknown_saved", "Nothing is saved under this link.", "Ask for the link again.")
        return found

    async def fork(self, token: str, actor: Actor) -> UnderWay:
        """Go on from a saved configuration as one's own; only within the enterprise that offers the product."""
        saved = await self._within(token, actor)
        return await self._begin(saved.tenant, saved.product, Step(saved.choices, saved.contents), actor)

    async def vote(self, token: str, wanted: bool, actor: Actor) -> Saved:
        """Give one's vote, or take it back."""
        await self._within(token, actor)
        async with self._database.transaction() as tx:
            if wanted:
                await store.vote(tx, token, actor.tenant, actor.person, self._clock.now())
            else:
                await store.take_vote(tx, token, actor.tenant, actor.person)
        return await self.shared(token, actor)

    async def keep_picture(self, tenant: str, base64: str, actor: Actor) -> Picture:
        """Keep a picture after looking at it."""
        content = _decoded(base64)
        picture = await asyncio.to_thread(look_at, content)
        async with self._database.transaction() as tx:
            if await store.count_pictures(tx, tenant, actor.person, picture.digest) >= PICTURES_MAX:
                what = f"You sent {PICTURES_MAX} pictures."
                raise Refused("design.pictures_many", what, "Use one of them.")
        # The file is there before the row that tells of it: what is told of can always be shown.
        await asyncio.to_thread(self._files.write, picture.digest, content)
        async with self._database.transaction() as tx:
            await store.add_picture(tx, tenant, actor.person, picture, self._clock.now())
        return picture

    async def picture(self, tenant: str, digest: str) -> PictureContent:
        """A picture that was kept."""
        picture = await self._picture(tenant, digest)
        content = await asyncio.to_thread(self._files.read, picture.digest)
        return PictureContent(picture, base64.b64encode(content).decode())

    async def _picture(self, tenant: str, digest: str) -> Picture:
        async with self._database.transaction() as tx:
            found = await store.picture(tx, tenant, digest)
        if found is None:
            raise unknown_picture(digest)
        return found

    async def _within(self, token: str, actor: Actor) -> Saved:
        saved = await self.shared(token, actor)
        if saved.tenant != actor.tenant:
            raise Refused("design.other_enterprise", "This was saved with another enterprise.", "Sign in there.")
        return saved

    async def _begin(self, tenant: str, product: str, step: Step, actor: Actor) -> UnderWay:
        blueprint = await self._blueprint(tenant, product, actor)
        if not step.contents:
            refuse_impossible(blueprint, blueprint.known(step.choices))
        kept = Kept(
            self._ids.new("CH"), tenant, actor.person, product, History((step,), 0, 1), self._clock.now(),
        )  # fmt: skip
        async with self._database.transaction() as tx:
            await store.add(tx, kept, UNDER_WAY_MAX)
        return _told(kept, blueprint)

    async def _move(self, tenant: str, choosing: str, revision: int, by: int, actor: Actor) -> UnderWay:
        kept = await self._kept(tenant, choosing, actor)
        _refuse_stale(kept, revision)
        return await self._change(kept, kept.history.moved(by), await self._blueprint(tenant, kept.product, actor))

    async def _change(self, kept: Kept, history: History, blueprint: Blueprint) -> UnderWay:
        changed = replace(kept, history=history, changed=self._clock.now())
        async with self._database.transaction() as tx:
            stored = await store.change(tx, changed)
            if not stored:
                newer = await store.read(tx, kept.tenant, kept.id, kept.person)
                raise _stale(newer) if newer is not None else _unknown(kept.id)
        return _told(replace(changed, history=replace(history, revision=history.revision + 1)), blueprint)

    async def _kept(self, tenant: str, choosing: str, actor: Actor) -> Kept:
        async with self._database.transaction() as tx:
            kept = await store.read(tx, tenant, choosing, actor.person)
        if kept is None:
            raise _unknown(choosing)
        return kept

    async def _blueprint(self, tenant: str, product: str, actor: Actor) -> Blueprint:
        return await self._editions.today(tenant, product, self._clock.now().date(), actor.party)


def _told(kept: Kept, blueprint: Blueprint) -> UnderWay:
    choices, lost = carried_over(blueprint, kept.history.now.choices)
    return UnderWay(
        id=kept.id, product=kept.product, version=blueprint.pack.version, revision=kept.history.revision, choices=choices,
        contents={option: text for option, text in kept.history.now.contents.items() if option in choices},
        can_undo=kept.history.can_undo, can_redo=kept.history.can_redo, changed=kept.changed, lost=lost,
    )  # fmt: skip


def _refuse_stale(kept: Kept, revision: int) -> None:
    if kept.history.revision != revision:
        raise _stale(kept)


def _stale(kept: Kept) -> Conflict:
    choices = ", ".join(f"{option} = {value}" for option, value in kept.history.now.choices.items())
    return Conflict(
        "design.changed_meanwhile", "The choices were changed meanwhile.",
        "Take up the revision and the choices named here, then click again.", revision=kept.history.revision, choices=choices,
    )  # fmt: skip


def _unknown(choosing: str) -> NotFound:
    return NotFound("design.unknown_choosing", "Nothing is under way there.", "Begin anew.", choosing=choosing[:64])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("design.picture_base64", "The picture is not in base 64.", "Encode it.") from error
