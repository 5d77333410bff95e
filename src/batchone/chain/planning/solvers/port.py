"""What every compiled search can do, so that `solve` drives them all alike."""

from __future__ import annotations

from typing import Protocol, Self

from batchone.chain.planning.schedule import Schedule


class Search(Protocol):
    """One walk through the plans of a problem. Two of them, with other seeds, run in two threads.

    `worth`: the measures that it searches by, as a key that only falls. `stride`: steps that take about a sixth of a second.
    """

    stride: int

    @property
    def method(self) -> str:
        """As it stands in a plan's `produced_by`."""
        ...

    @property
    def worth(self) -> tuple[int, ...]:
        """The key of the best plan so far."""
        ...

    def run(self, steps: int) -> bool:
        """Does about so many steps, the same ones whenever it is asked for the same; whether the best became better."""
        ...

    def schedule(self) -> Schedule:
        """The best plan so far."""
        ...

    def learn(self, other: Self) -> None:
        """Takes the best of another walk over, if it is better."""
        ...
