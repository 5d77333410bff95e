"""Operations put beside a plan without moving it, judged with what stands around them: the whole plan need not be judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from batchone.chain.planning.judged import broken_by_places, news
from batchone.chain.planning.picture import OpenOperation, Picture
from batchone.chain.planning.validator import Violation

_NEAR = 4
"""Neighbours on a track, before and behind, that are looked at: those next to it, and the last that left a setup."""


def broken_beside(picture: Picture, added: Collection[str]) -> tuple[Violation, ...]:
    """The rules that operations break where they were put, and those that others break because of them.

    `picture`: the added operations, by id, and everything on the tracks that they are on.
    """
    near = _around(picture, added)
    without = replace(near, operations=tuple(each for each in near.operations if each.id not in added))
    return news(_broken(near), _broken(without))


def _around(picture: Picture, added: Collection[str]) -> Picture:
    """The added operations and their neighbours alone."""
    tracks: dict[tuple[str | None, int | None], list[OpenOperation]] = {}
    for each in picture.operations:
        tracks.setdefault((each.equipment, each.position), []).append(each)
    kept: set[str] = set()
    for line in tracks.values():
        line.sort(key=lambda each: (each.start or picture.now, each.id))
        for i, each in enumerate(line):
            if each.id in added:
                kept.update(other.id for other in line[max(0, i - _NEAR) : i + _NEAR + 1])
    operations = tuple(each for each in picture.operations if each.id in kept)
    orders = {each.order for each in operations}
    return replace(
        picture, operations=operations, orders=tuple(order for order in picture.orders if order.id in orders)
    )  # fmt: skip


def _broken(picture: Picture) -> tuple[Violation, ...]:
    return broken_by_places(picture.problem(), picture.in_force())
