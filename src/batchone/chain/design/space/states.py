"""Which options can still be chosen, which must be and which cannot be, exactly, after every click.

An option is selectable when some configuration with the choices has it and another has it not. So each configuration
that is known answers for many options at once, and the solver is asked only for what no known one has shown: it is
steered towards configurations that show as much as they can (phases), what it proves becomes a choice of its own, and
what propagation implies is not asked at all. Interchangeable features are asked about once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pysat.solvers import Glucose4

from batchone.chain.design.space.clauses import TRUE
from batchone.chain.design.space.pool import Bits, Pool, Truths, keeping, seen
from batchone.chain.design.space.swaps import Swaps
from batchone.chain.design.space.twins import SLOTS, Places, Twins
from batchone.chain.design.uvl.model import FeatureModel, Relation
from batchone.kernel.errors import Refused

Choices = Mapping[int, bool]
"""What a person chose: a feature's number, and whether it is wanted or unwanted."""

MISSES_MAX = 3
"""After so many exchanges in a row that come to nothing no more are tried: what is open hangs together by long chains."""
BASE_ROWS = 512
SWAPS_MAX = 100
"""Where more sets are open, one question to the solver shows more than exchanges would."""
CONFLICTS_MAX = 200_000
"""A question that meets more contradictions is given up: half a minute or so. Product lines meet tens."""


class State(StrEnum):
    """Where an option stands: free, in every configuration that is left, or in none."""

    SELECTABLE = "selectable"
    FORCED = "forced"
    EXCLUDED = "excluded"


_STATES = (State.SELECTABLE, State.FORCED, State.EXCLUDED)


@dataclass(frozen=True)
class States:
    """The states of `asked` features, in that order; `codes` index selectable, forced, excluded."""

    asked: NDArray[np.int64]
    codes: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.codes)

    def listed(self) -> dict[int, State]:
        """Each asked feature's state."""
        return {feature: _STATES[code] for feature, code in zip(self.asked.tolist(), self.codes.tolist(), strict=True)}

    def count(self, state: State) -> int:
        """How many are in a state."""
        return int(np.count_nonzero(self.codes == _STATES.index(state)))


@dataclass(frozen=True)
class Prepared:
    """What holds whatever is chosen: features in every configuration (`core`), in none (`dead`), and known configurations."""

    core: tuple[int, ...]
    dead: tuple[int, ...]
    rows: Bits


class OptionSpace:
    """All configurations of a feature model, asked by one solver that all sessions share; safe for threads.

    Raises `Refused` where a constraint of the model cannot be decided. `slots`: see `twins`.
    """

    def __init__(self, model: FeatureModel, slots: int = SLOTS) -> None:
        self.model = model
        self.twins = Twins(model, slots)
        clauses = self.twins.clauses
        self.solver: Any = Glucose4()
        add = self.solver.add_clause
        self._said = list(clauses.all())
        for clause in self._said:
            add(clause)
        for variable in range(clauses.top, clauses.count + 1):
            add([variable, -variable])
        self.top = clauses.top
        self.above: Places = np.zeros(self.top + 1, np.int64)
        """The variable above each variable in the tree; 0 above the root."""
        for number, feature in enumerate(model.features):
            own = clauses.variables[number]
            if own and feature.parent >= 0 and own != clauses.variables[feature.parent]:
                self.above[own] = clauses.variables[feature.parent]
        self.settled: Truths = np.zeros(self.top, bool)
        """Variables that are true or false in every configuration, as far as is known."""
        self.calls = 0
        self._lock = RLock()
        self._prepared: Prepared | None = None
        self._whole: OptionSpace | None = None

    @cached_property
    def swaps(self) -> Swaps:
        """Exchanges under the model's clauses; made when first asked for."""
        return Swaps(self._said)

    def possible(self, choices: Choices) -> bool:
        """Whether a configuration has these choices."""
        with self._lock:
            placed = self.twins.placed(choices)
            if placed is None:
                return self._knowing_all().possible(choices)
            return self.solve(_literals(choices, placed))

    def conflict(self, choices: Choices) -> tuple[int, ...] | None:
        """Chosen features that exclude one another, not always the fewest; none where the choices are possible."""
        with self._lock:
            placed = self.twins.placed(choices)
            if placed is None:
                return self._knowing_all().conflict(choices)
            if self.solve(_literals(choices, placed)):
                return None
            core = {abs(literal) for literal in self.solver.get_core() or ()}
            return tuple(feature for feature in choices if placed[feature] in core)

    @property
    def prepared(self) -> Prepared:
        """Core, dead and known configurations; found once, at the first call. `Refused` where nothing is possible."""
        with self._lock:
            if self._prepared is None:
                pool = Pool(self.top, BASE_ROWS)
                if not self.solve([]):
                    raise contradictory(self.model)
                pool.add(self.found())
                search = _Search(self, {}, {}, [], pool.rows(), pool)
                search.run(None)
                can, cannot = search.of_variables()
                for variable in np.flatnonzero(can != cannot).tolist():
                    self.solver.add_clause([variable + 1 if can[variable] else -variable - 1])
                self.settled = can != cannot
                codes = search.codes(np.arange(len(self.model.features)))
                core, dead = np.flatnonzero(codes == 1).tolist(), np.flatnonzero(codes == 2).tolist()
                self._prepared = Prepared(tuple(core), tuple(dead), pool.rows())
            return self._prepared

    def states(self, choices: Choices, asked: Sequence[int] | None = None, pool: Pool | None = None) -> States | None:
        """The exact state of the asked features, or of all; none where the choices exclude one another.

        `pool` has configurations that this session met before and is given those that are met now.
        """
        wanted: Places = np.arange(len(self.model.features)) if asked is None else np.asarray(asked, dtype=np.int64)
        with self._lock:
            base = self.prepared
            placed = self.twins.placed(choices)
            if placed is None:
                return self._knowing_all().states(choices, asked)
            pool = self.pool() if pool is None else pool
            literals = _literals(choices, placed)
            possible, implied = self.solver.propagate(assumptions=literals)
            rows = np.concatenate([keeping(base.rows, literals), keeping(pool.rows(), literals)])
            if not possible or (not len(rows) and not self.solve(literals)):
                return None
            if not len(rows):
                pool.add(self.found())
                rows = pool.rows()[-1:]
            search = _Search(self, choices, placed, implied, rows, pool)
            search.run(None if asked is None else wanted)
            return States(wanted, search.codes(wanted))

    def pool(self) -> Pool:
        """An empty pool for a session: at most a megabyte."""
        return Pool(self.top, min(BASE_ROWS, 1_000_000 // ((self.top + 7) // 8)))

    def false_optional(self) -> tuple[int, ...]:
        """Features that a group leaves open and that every configuration with their parent has; dead ones aside."""
        with self._lock:
            rows = np.unpackbits(self.prepared.rows, axis=1, count=self.top).astype(bool)
            found: list[int] = []
            core, dead = set(self.prepared.core), set(self.prepared.dead)
            variables, told = self.twins.clauses.variables, dict[int, bool]()
            for number, feature in enumerate(self.model.features):
                if feature.parent < 0 or self.model.groups[feature.group].relation is Relation.MANDATORY or number in dead:
                    continue
                # Of interchangeable features either none is false-optional or it is the only one of its set.
                own, above = variables[number], variables[feature.parent]
                if not own:
                    continue
                if number not in core and not told.get(number, False):
                    shown = bool((rows[:, above - 1] & ~rows[:, own - 1]).any())
                    told[number] = shown or self.solve([above, -own])
                if number in core or not told[number]:
                    found.append(number)
            return tuple(found)

    def close(self) -> None:
        """Free the solver's memory."""
        with self._lock:
            self.solver.delete()
            if self._whole is not None:
                self._whole.close()

    def solve(self, assumptions: list[int]) -> bool:
        """Ask the solver; `Refused` where it comes to no answer, as it may for sums of hundreds of numbers."""
        self.calls += 1
        self.solver.conf_budget(CONFLICTS_MAX)
        found = self.solver.solve_limited(assumptions=assumptions)
        if found is None:
            what = f"After {CONFLICTS_MAX:,} contradictions it is not known whether this is possible."
            raise Refused("design.too_hard", what, "Say the model's sums with fewer or rounder numbers.")
        return bool(found)

    def found(self) -> Truths:
        """The configuration that the solver found last, by variable."""
        self.model_found: list[int] = self.solver.get_model()
        return np.asarray(np.array(self.model_found[: self.top], dtype=np.int32) > 0)

    def _knowing_all(self) -> OptionSpace:
        if self._whole is None:
            self._whole = OptionSpace(self.model, len(self.model.features))
        return self._whole


def _literals(choices: Choices, placed: Mapping[int, int]) -> list[int]:
    return [placed[feature] if wanted else -placed[feature] for feature, wanted in choices.items()]


class _Search:
    """One question for the states of some features."""

    def __init__(
        self, space: OptionSpace, choices: Choices, placed: Mapping[int, int], implied: list[int], rows: Bits, pool: Pool
    ) -> None:
        self._space, self._pool, self._placed = space, pool, placed
        self._twins = space.twins
        self._base = _literals(choices, placed)
        self._named = np.array(sorted(set(placed.values())), dtype=np.int64) - 1
        self._can, self._cannot = seen(rows, space.top)
        self._numbers = np.arange(1, space.top + 1)
        self._near = np.unpackbits(rows[-1], count=space.top)
        self._asking = self._twins.asking(placed)
        self._set_can, self._set_cannot = self._gathered(self._can), self._gathered(self._cannot)
        self._fixed = space.settled.copy()
        self._fix([*implied, *self._base])
        self._tried = bytearray(self._twins.count)
        self._misses = 0

    def _gathered(self, truths: Truths) -> Truths:
        """By set, leaving out variables that choices took: those are no longer like the others."""
        if len(self._named):
            truths = truths.copy()
            truths[self._named] = False
        return self._twins.gathered(truths)

    def _fix(self, literals: Sequence[int]) -> None:
        places = np.abs(np.array(literals, dtype=np.int64)) - 1
        self._fixed[places[places < len(self._fixed)]] = True

    def run(self, asked: Places | None) -> None:
        """Ask until nothing is open."""
        space, solver = self._space, self._space.solver
        sets = np.arange(self._twins.count) if asked is None else np.unique(self._twins.set_of[asked])
        sets = sets[self._asking[sets] > 0]
        # From a configuration that is known the solver goes only as far as it must.
        if asked is not None:
            solver.set_phases(np.where(self._near, self._numbers, -self._numbers).tolist())
        while True:
            known = (self._set_can[sets] & self._set_cannot[sets]) | self._fixed[self._asking[sets] - 1]
            done, sets = self._asking[sets[known]], sets[~known]
            if not len(sets):
                break
            variables, can = self._asking[sets], self._set_can[sets]
            wanted = np.where(can, -variables, variables).tolist()
            # What is known steps back, so that members still unseen get their turn; then what is above these, and these.
            solver.set_phases([*(-done).tolist(), *self._above(variables[~can]), *wanted])
            if space.solve([*self._base, wanted[0]]):
                truths = space.found()
                self._pool.add(truths)
                self._can, self._cannot = self._can | truths, self._cannot | ~truths
                self._set_can |= self._gathered(truths)
                self._set_cannot |= self._gathered(~truths)
                if len(sets) <= SWAPS_MAX and self._misses <= MISSES_MAX:
                    self._swap(truths, sets[1:])
            else:
                self._base.append(-wanted[0])
                self._fix([-wanted[0], *solver.propagate(assumptions=self._base)[1]])

    def _swap(self, truths: Truths, sets: Places) -> None:
        """Show what is open in some sets by exchanges in the configuration that was just found."""
        space, model = self._space, self._space.model_found
        fixed = bytearray(len(model) + 1)
        fixed[1 : len(self._fixed) + 1] = self._fixed.tobytes()
        for number in sets.tolist():
            variable = int(self._asking[number])
            if self._tried[number] or (self._set_can[number] and self._set_cannot[number]) or fixed[variable]:
                continue
            self._tried[number] = 1
            turned = space.swaps.towards(model, -variable if self._set_can[number] else variable, fixed)
            if turned is None:
                self._misses += 1
                if self._misses > MISSES_MAX:
                    return
                continue
            self._misses = 0
            other = truths.copy()
            for each, value in turned.items():
                if each <= space.top:
                    other[each - 1] = value
                    (self._can if value else self._cannot)[each - 1] = True
                    # What choices name is fixed, so all that was turned speaks for its set.
                    (self._set_can if value else self._set_cannot)[self._twins.of_variable[each - 1]] = True
            self._pool.add(other)

    def _above(self, variables: Places) -> list[int]:
        """What stands above these in the tree: it must be true for them to be true."""
        marked: Truths = np.zeros(len(self._space.above), bool)
        now = variables
        while len(now):
            now = self._space.above[now]
            now = np.unique(now[(now > TRUE) & ~marked[now]])
            marked[now] = True
        return np.flatnonzero(marked).tolist()

    def of_variables(self) -> tuple[Truths, Truths]:
        """Which variables can be true, and which can be false, where nothing was chosen."""
        return self._twins.spread(self._set_can), self._twins.spread(self._set_cannot)

    def codes(self, features: Places) -> NDArray[np.int8]:
        """The state of features: 0 selectable, 1 forced, 2 excluded."""
        sets = self._twins.set_of[features]
        codes = np.where(self._set_can[sets], np.where(self._set_cannot[sets], 0, 1), 2).astype(np.int8)
        own = self._twins.own[features]
        for feature, variable in self._placed.items():
            codes[own == self._twins.own[feature]] = 1 if self._can[variable - 1] else 2
        return codes


def contradictory(model: FeatureModel) -> Refused:
    """No configuration keeps all that the model says."""
    return Refused(
        "design.contradictory",
        f"{model.features[0].name} can never be made: its rules contradict one another.",
        "Ask for the contradiction, and take one of its statements back.",
        product=model.features[0].name,
    )
