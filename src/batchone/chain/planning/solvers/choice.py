"""Which search a problem gets: the fastest one that knows all of its rules."""

from __future__ import annotations

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers import flows, shop
from batchone.chain.planning.solvers.plant import PlantSearch
from batchone.chain.planning.solvers.port import Search


def search_for(compiled: Compiled, seed: int, start: Schedule | None) -> Search:
    """A search of the problem from a schedule, or from nothing."""
    line = flows.line_of(compiled)
    if line is not None:
        return flows.Line(compiled, line, seed, start)
    stages = flows.stages_of(compiled)
    if stages is not None:
        return flows.Hybrid(compiled, stages, seed)
    if shop.fits(compiled):
        return shop.ShopSearch(compiled, seed, start)
    return PlantSearch(compiled, seed, start)
