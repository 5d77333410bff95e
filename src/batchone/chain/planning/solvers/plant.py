"""The search of whole plants, whatever they are made of: dispatching with other urgencies, and moving operations about.

The two take turns, and what one finds the other goes on from. Whoever has not found anything for a while gets fewer turns.
Problems with rules that dispatching does not know (tools, crews, batches, waits) are searched by moving alone.
"""

from __future__ import annotations

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.floor import FloorSearch, grid, worth_key
from batchone.chain.planning.solvers.sequence import SequenceSearch
from batchone.chain.planning.solvers.tables import tables_of

_FLOOR_COST, _SEQUENCE_COST = 250_000, 1_000_000
"""Operations placed in about a sixth of a second."""
_TIRED = 3
"""Turns without finding anything after which the other one gets most of them."""


class PlantSearch:
    """A walk that dispatches and moves in turn."""

    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None = None) -> None:
        self.compiled = compiled
        tables = tables_of(compiled)
        self._sequence = SequenceSearch(compiled, seed, start, tables)
        # Half of the walks begin with one half of the rules, so that two cores do not try the same ones.
        rules = grid(compiled)
        self._floor = None if compiled.extras or not compiled.n else FloorSearch(compiled, seed, tables, rules[seed % 2 :: 2])
        self.stride = max(4, _SEQUENCE_COST // max(1, compiled.n))
        self._floor_stride = max(1, _FLOOR_COST // max(1, compiled.n))
        self._rules = len(rules) // 2 + 1
        self._turn, self._idle = 0, [0, 0]
        self.method = "sequence"

    @property
    def worth(self) -> tuple[int, ...]:
        """The measures in the order of the aim, or their weighted sum."""
        return worth_key(self.compiled, self._sequence.worth)

    def run(self, steps: int) -> bool:
        """One turn for each `stride` of steps."""
        before = self.worth
        for _ in range(max(1, round(steps / self.stride))):
            self._turn += 1
            if self._floor is not None and self._dispatches():
                self._dispatch()
            elif self._sequence.run(self.stride):
                self.method, self._idle[1] = f"{self.method.partition('+')[0]}+moved", 0
            else:
                self._idle[1] += 1
        return self.worth < before

    def _dispatches(self) -> bool:
        """Whether this turn is for dispatching: in turn while both find something, seldom for one that is tired."""
        if self._floor is not None and self._floor.steps < self._rules:
            return True
        tired, other = self._idle[0] >= _TIRED, self._idle[1] >= _TIRED
        if tired and not other:
            return self._turn % 8 == 0
        if other and not tired:
            return self._turn % 8 != 0
        return self._turn % 2 == 0

    def _dispatch(self) -> None:
        floor = self._floor
        assert floor is not None
        found = floor.run(self._floor_stride)
        if found and floor.best is not None and floor.worth < self.worth:
            self._sequence.adopt(floor.best)
            self.method, self._idle[0] = floor.method, 0
        else:
            self._idle[0] += 1

    def schedule(self) -> Schedule:
        """The best as a schedule."""
        return self._sequence.schedule()

    def learn(self, other: PlantSearch) -> None:
        """Goes on from another walk's best, if it is better."""
        if other.worth < self.worth:
            self._sequence.learn(other._sequence)
            self.method = other.method
        if self._floor is not None and other._floor is not None:
            self._floor.learn(other._floor)
