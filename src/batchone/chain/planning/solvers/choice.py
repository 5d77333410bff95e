"""Which search a problem gets: the fastest one that knows all of its rules."""

from __future__ import annotations

from typing import Literal

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers import flows, shop
from batchone.chain.planning.solvers.plant import PlantSearch
from batchone.chain.planning.solvers.port import Search


class Shop:
    """The search of a plain shop."""

    method = shop.METHOD

    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None) -> None:
        self._search = shop.ShopSearch(compiled, seed, start)
        self.stride = max(50, 4_000_000 // max(1, compiled.n))

    @property
    def worth(self) -> tuple[int, ...]:
        """The makespan."""
        return (self._search.best,)

    def run(self, steps: int) -> bool:
        """Moves of the tabu search."""
        return self._search.run(steps)

    def schedule(self) -> Schedule:
        """The best as a schedule."""
        return self._search.schedule()

    def learn(self, other: Shop) -> None:
        """Takes the best of another walk into the elite."""
        self._search.learn(other._search)


Kind = Literal["line", "hybrid", "shop", "plant"]


def kind_of(compiled: Compiled) -> Kind:
    """The kind of search that a problem gets."""
    if flows.line_of(compiled) is not None:
        return "line"
    if flows.stages_of(compiled) is not None:
        return "hybrid"
    return "shop" if not compiled.extras and not compiled.problem.weights and shop.fits(compiled) else "plant"


def search_for(compiled: Compiled, seed: int, start: Schedule | None) -> Search:
    """A search of the problem from a schedule, or from nothing."""
    match kind_of(compiled):
        case "line":
            return flows.Line(compiled, seed, start)
        case "hybrid":
            return flows.Hybrid(compiled, seed)
        case "shop":
            return Shop(compiled, seed, start)
        case "plant":
            return PlantSearch(compiled, seed, start)
