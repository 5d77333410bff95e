"""What a person saved, in memory: as much of `Choosing` as pages ask for."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace

from batchone.chain.design.choosing.pictures import look_at
from batchone.contracts.choosing import Picture, PictureContent, Saved, UnderWay
from batchone.contracts.design import Choices
from batchone.contracts.enterprises import Actor
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.ids import Ids


class FakeChoosing:
    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self.under: dict[str, UnderWay] = {}
        self.kept: dict[str, tuple[str, Saved]] = {}
        self.votes: dict[str, set[str]] = {}
        self.pictures: dict[str, tuple[Picture, str]] = {}

    async def begin(self, tenant: str, product: str, choices: Choices, actor: Actor) -> UnderWay:
        made = UnderWay(self._ids.new("W"), product, "1.0.0", 1, dict(choices), {}, False, False, self._clock.now())
        self.under[made.id] = made
        return made

    async def click(
        self, tenant: str, choosing: str, revision: int, take: Choices, drop: tuple[str, ...], contents: Mapping[str, str],
        actor: Actor,
    ) -> UnderWay:  # fmt: skip
        self.under[choosing] = replace(self.under[choosing], revision=revision + 1, contents=dict(contents))
        return self.under[choosing]

    async def save(self, tenant: str, choosing: str, name: str, actor: Actor) -> Saved:
        if not name:
            raise Refused("design.name", "The name is empty.", "Give it 1 to 80 characters.")
        now = self.under[choosing]
        return await self.shared(self.keep(now.product, name, now.choices, actor.person, tenant, now.contents), actor)

    def keep(
        self, product: str, name: str, choices: Choices, person: str, tenant: str, contents: Mapping[str, str] | None = None
    ) -> str:
        token, now = self._ids.new("T"), self._clock.now()
        self.kept[token] = (
            person,
            Saved(token, tenant, name, product, "1.0.0", choices, contents or {}, now, "", 0, False, False),
        )
        return token

    async def saved(self, tenant: str, actor: Actor) -> tuple[Saved, ...]:
        mine = [token for token, (person, _) in self.kept.items() if person == actor.person]
        return tuple([await self.shared(token, actor) for token in reversed(mine)])

    async def shared(self, token: str, actor: Actor | None) -> Saved:
        if token not in self.kept:
            raise NotFound("design.saved", "Nothing is saved there.", "Ask for the link again.")
        person, kept = self.kept[token]
        votes, who = self.votes.get(token, set()), actor.person if actor else ""
        return replace(kept, votes=len(votes), mine=person == who, voted=who in votes)

    async def keep_picture(self, tenant: str, base64: str, actor: Actor) -> Picture:
        found = look_at(b64decode(base64))
        self.pictures[found.digest] = found, base64
        return found

    async def picture(self, tenant: str, digest: str) -> PictureContent:
        return PictureContent(await self.look_up(digest), self.pictures[digest][1])

    async def look_up(self, digest: str) -> Picture:
        if digest not in self.pictures:
            raise NotFound("design.picture", "There is no such picture.", "Bring it again.")
        return self.pictures[digest][0]

    async def vote(self, token: str, wanted: bool, actor: Actor) -> Saved:
        votes = self.votes.setdefault(token, set())
        (votes.add if wanted else votes.discard)(actor.person)
        return await self.shared(token, actor)
