"""The fewest choices to give up so that a wanted option can be had.

Each contradiction that the solver finds names choices of which one must go; a smallest set that has one of each is tried
until nothing contradicts (implicit hitting sets; Davies and Bacchus, CP 2011). So the answer is the least there is.
"""

from __future__ import annotations

from collections.abc import Collection

from batchone.chain.design.space.states import Choices, OptionSpace


def smallest_change(space: OptionSpace, choices: Choices, feature: int, *, wanted: bool = True) -> tuple[int, ...] | None:
    """The chosen features to give up, fewest first found, in the order of the choices; none where nothing would help."""
    soft = {each: on for each, on in choices.items() if each != feature}
    conflicts: list[frozenset[int]] = []
    dropped: frozenset[int] = frozenset()
    while True:
        kept = {each: on for each, on in soft.items() if each not in dropped}
        conflict = space.conflict({feature: wanted, **kept})
        if conflict is None:
            own = (feature,) if choices.get(feature) is (not wanted) else ()
            return (*own, *(each for each in soft if each in dropped))
        blamed = frozenset(conflict) - {feature}
        if not blamed:
            return None
        conflicts.append(blamed)
        dropped = _hitting(conflicts)


def _hitting(sets: Collection[frozenset[int]]) -> frozenset[int]:
    """A smallest set that has a member of each set."""
    size = 1
    while (found := _hit(frozenset(), list(sets), size)) is None:
        size += 1
    return found


def _hit(taken: frozenset[int], sets: list[frozenset[int]], size: int) -> frozenset[int] | None:
    left = [each for each in sets if not each & taken]
    if not left:
        return taken
    if not size:
        return None
    smallest: frozenset[int] = min(left, key=len)
    for member in sorted(smallest):
        found = _hit(taken | {member}, left, size - 1)
        if found is not None:
            return found
    return None
