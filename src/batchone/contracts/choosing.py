"""Choosing over several visits: choices under way with undo, saved and shared configurations, and customers' own pictures.

Owned by `chain.design`. What is under way belongs to the person who began it; for anybody else it is not there. Limits are
stated with each call; what goes beyond them is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.design import Choices, Reason
from batchone.contracts.enterprises import Actor

PictureFormat = Literal["png", "jpeg", "webp"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A choice that was made and is not possible any more, because the product changed since."""

    option: str
    value: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Choices under way. `revision` counts every change; whoever changes them names the one that they saw.

    `contents` is what the customer brought to chosen values (a text, or a picture's digest). `lost` are choices of a former
    version of the product that today's does not allow; they are left out of `choices`, and gone with the next change.
    """

    id: str
    product: str
    version: str
    revision: int
    choices: Choices
    contents: Mapping[str, str]
    can_undo: bool
    can_redo: bool
    changed: datetime
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A named configuration that whoever has its token may see, fork and vote for; one vote a person."""

    token: str
    tenant: str
    name: str
    product: str
    version: str
    choices: Choices
    contents: Mapping[str, str]
    saved: datetime
    forked_from: str
    votes: int
    mine: bool
    voted: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A customer's picture, kept by the digest (SHA-256) of its content; sizes in bytes and pixels."""

    digest: str
    format: PictureFormat
    size: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PictureContent:
    """A picture and its content, in base 64."""

    picture: Picture
    base64: str


class Choosing(Protocol):
    """What design keeps for a person between two clicks."""

    async def begin(self, tenant: str, product: str, choices: Choices, actor: Actor) -> UnderWay:
        """Begin with some choices; of more than 50 under way, a person's oldest are forgotten."""
        ...

    async def under_way(self, tenant: str, choosing: str, actor: Actor) -> UnderWay:
        """Take up again what is under way."""
        ...

    async def click(
        self, tenant: str, choosing: str, revision: int, take: Choices, drop: tuple[str, ...], contents: Mapping[str, str],
        actor: Actor,
    ) -> UnderWay:  # fmt: skip
        """Take values, drop choices, bring contents. Of two clicks on one revision the second is a `Conflict` that names the
        revision and the choices to take up; choices that exclude one another are refused and change nothing."""
        ...

    async def undo(self, tenant: str, choosing: str, revision: int, actor: Actor) -> UnderWay:
        """Go back one change (up to 200 are remembered)."""
        ...

    async def redo(self, tenant: str, choosing: str, revision: int, actor: Actor) -> UnderWay:
        """Go forward again what was undone."""
        ...

    async def save(self, tenant: str, choosing: str, name: str, actor: Actor) -> Saved:
        """Save what is under way under a name of 1 to 80 characters; at most 200 a person."""
        ...

    async def saved(self, tenant: str, actor: Actor) -> tuple[Saved, ...]:
        """What a person saved, the newest first."""
        ...

    async def shared(self, token: str, actor: Actor | None) -> Saved:
        """What was saved under a token, for anybody who has it."""
        ...

    async def fork(self, token: str, actor: Actor) -> UnderWay:
        """Go on from a saved configuration as one's own."""
        ...

    async def vote(self, token: str, wanted: bool, actor: Actor) -> Saved:
        """Give one's vote, or take it back."""
        ...

    async def keep_picture(self, tenant: str, base64: str, actor: Actor) -> Picture:
        """Keep a PNG, JPEG or WebP picture of at most 4 MB and 25 million pixels; the same again is the same picture.

        It is decoded whole before it is kept; at most 200 a person.
        """
        ...

    async def picture(self, tenant: str, digest: str) -> PictureContent:
        """A picture that was kept."""
        ...
