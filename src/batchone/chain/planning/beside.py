"""Operations put beside a plan without moving it, judged with what stands around them: the whole plan need not be read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from batchone.chain.planning.judged import broken_by_places, news
from batchone.chain.planning.picture import Picture
from batchone.chain.planning.validator import Violation


def broken_beside(picture: Picture, added: Collection[str]) -> tuple[Violation, ...]:
    """The rules that operations break where they were put, and those that others break because of them.

    `picture`: the added operations, by id, and everything on the tracks that they are on.
    """
    without = replace(picture, operations=tuple(each for each in picture.operations if each.id not in added))
    return news(_broken(picture), _broken(without))


def _broken(picture: Picture) -> tuple[Violation, ...]:
    return broken_by_places(picture.problem(), picture.in_force())
