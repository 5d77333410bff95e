"""Dispatching as a search: the same rule with other urgencies, thousands of times.

A rule gives every operation an urgency in seconds and weighs setups against it. Which weight is best depends on how full the
plant is, so it is searched for first; then a few jobs at a time are made more or less urgent, by about as much as they are
late or early, and what is no worse is kept. One try is a whole plan, so this suits plants whose plans are long and whose
rule is nearly right; `sequence` refines what it finds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from random import Random

import numpy as np

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, urgencies
from batchone.chain.planning.model import NEVER, Measure
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.floor_kernel import Queues, Rule, dispatch_all
from batchone.chain.planning.solvers.placing_kernel import State, begun, measure
from batchone.chain.planning.solvers.sequence import heads_of, schedule_of
from batchone.chain.planning.solvers.tables import Flags, Ints, Tables

GRID = (4, 50, 20, 100, 200, 0, 400, 1000, 4000)
"""Weights of setup that are tried first, those that are best most often before the others."""

_TUNE = 0.25
"""How often the weights are changed instead of jobs."""


@dataclass(frozen=True)
class Tuned:
    """A rule with a weight of setup and a calm for each resource, and seconds by which each job is less urgent."""

    urgency: Urgency
    setup_weight: Ints
    calm_s: Ints
    later: Ints

    @staticmethod
    def of(rule: RuleOfDispatch, compiled: Compiled) -> Tuned:
        """A rule as it stands."""
        weight, calm = np.full(compiled.m, rule.setup_weight, np.int64), np.full(compiled.m, rule.calm_s, np.int64)
        return Tuned(rule.urgency, weight, calm, np.zeros(len(compiled.due), np.int64))


class Floor:
    """Dispatches a problem as often as asked."""

    def __init__(self, compiled: Compiled, tables: Tables) -> None:
        self.compiled, self.tables = compiled, tables
        self._heads = heads_of(compiled)
        self._latest = np.array(compiled.latest, np.int64)
        self._queues = _queues(compiled, tables)
        self._picky = _picky(compiled)
        self._base = {urgency: np.array(urgencies(compiled, urgency), np.int64) for urgency in Urgency}
        self._order = np.lexsort((np.arange(compiled.n), self._latest))

    def run(self, tuned: Tuned) -> State | None:
        """A whole plan by a tuned rule. None if calendars run out."""
        urgency = self._base[tuned.urgency] + tuned.later[self.tables.op["job"][:-1]]
        by_rank = self._order[np.argsort(urgency[self._order], kind="stable")].astype(np.int32)
        rank = np.empty(len(by_rank), np.int32)
        rank[by_rank] = np.arange(len(by_rank), dtype=np.int32)
        state = begun(self.tables, self._heads)
        packed = Rule(urgency, rank, by_rank, tuned.setup_weight, tuned.calm_s)
        return state if dispatch_all(self.tables, state, self._queues, packed, self._picky, len(self._heads)) else None


@dataclass
class _Walk:
    rule: Tuned
    name: str
    worth: tuple[int, ...]
    state: State


class FloorSearch:
    """Tries rules, then urgencies of jobs around the best of them; resumable, `best` never gets worse."""

    def __init__(self, compiled: Compiled, seed: int, tables: Tables, rules: tuple[RuleOfDispatch, ...] = ()) -> None:
        self.compiled, self.tables, self.steps = compiled, tables, 0
        self._floor = Floor(compiled, tables)
        self._chance = Random(seed)
        self._todo = list(rules or grid(compiled))[::-1]
        self._at: _Walk | None = None
        self._setups = sorted({int(m) for m in tables.resource["matrix"][:-1] if m >= 0})
        self._spare = max(600, int(np.median(np.array(compiled.latest))))
        self.worth: tuple[int, ...] = ()
        self.best: State | None = None
        self.method = ""

    def run(self, steps: int) -> bool:
        """Dispatches so many times; whether the best became better."""
        improved = False
        for _ in range(steps):
            self.steps += 1
            improved = (self._try_rule() if self._todo else self._shake()) or improved
        return improved

    def learn(self, other: FloorSearch) -> None:
        """Goes on from another walk's rule, if what it gives is better."""
        if other._at is not None and (self._at is None or other._at.worth < self._at.worth):
            self._at = other._at
        if other.best is not None and (self.best is None or other.worth < self.worth):
            self.best, self.worth, self.method = other.best, other.worth, other.method

    def schedule(self) -> Schedule:
        """The best as a schedule."""
        assert self.best is not None
        return schedule_of(self.compiled, self.tables, self.best)

    def _try_rule(self) -> bool:
        rule = self._todo.pop()
        return self._offer(Tuned.of(rule, self.compiled), rule.name)

    def _offer(self, rule: Tuned, name: str) -> bool:
        state = self._floor.run(rule)
        if state is None:
            return False
        worth = key_of(self.compiled, self.tables, state)
        if self._at is None or worth <= self._at.worth:
            self._at = _Walk(rule, name, worth, state)
        if self.best is None or worth < self.worth:
            self.best, self.worth, self.method = state, worth, name if name == self._at.name else f"{name}+shaken"
            return True
        return False

    def _shake(self) -> bool:
        walk = self._at
        if walk is None:
            return False
        tunes = bool(self._setups) and self._chance.random() < _TUNE
        rule = self._tuned(walk.rule) if tunes else replace(walk.rule, later=self._shifted(walk))
        return self._offer(rule, walk.name)

    def _tuned(self, rule: Tuned) -> Tuned:
        """Another weight of setup, or another calm, for the resources of one setup matrix."""
        chance, factor = self._chance, self._chance.choice((0.6, 0.8, 0.9, 1.1, 1.25, 1.6))
        here = self.tables.resource["matrix"][:-1] == chance.choice(self._setups)
        if chance.random() < 0.5:
            weight = rule.setup_weight
            return replace(rule, setup_weight=np.where(here, np.maximum(1, (weight * factor).astype(np.int64)), weight))
        # Whoever was never calm begins with what the plan has to spare.
        calm = np.where(rule.calm_s >= NEVER, self._spare, rule.calm_s)
        return replace(rule, calm_s=np.where(here, np.maximum(60, (calm * factor).astype(np.int64)), rule.calm_s))

    def _shifted(self, walk: _Walk) -> Ints:
        cost, spare = _standing(self.compiled, self.tables, walk.state)
        chance, count = self._chance, self._chance.choice((1, 2, 4, 8))
        later = walk.rule.later.copy()
        upto = np.cumsum(cost + 1.0)
        for j in np.searchsorted(upto, [chance.random() * upto[-1] for _ in range(count)]):
            later[j] -= int(-log(1 - chance.random()) * (max(0, -int(spare[j])) + 60))
        upto = np.cumsum(1 / (60.0 + cost))
        for j in np.searchsorted(upto, [chance.random() * upto[-1] for _ in range(count)]):
            later[j] += int(-log(1 - chance.random()) * (max(0, int(spare[j])) + 600))
        return later


def grid(compiled: Compiled) -> tuple[RuleOfDispatch, ...]:
    """The rules to try first, for what the problem aims at."""
    weights = GRID if any(table is not None for table in compiled.setup) else (0,)
    kinds = (Urgency.SLACK, Urgency.DUE, Urgency.WEIGHT) if _by_due(compiled) else (Urgency.WORK, Urgency.SLACK)
    return tuple(RuleOfDispatch(kind, weight) for weight in weights for kind in kinds)


def key_of(compiled: Compiled, tables: Tables, state: State) -> tuple[int, ...]:
    """What a state is worth, as an exact key: less is better."""
    worth = np.zeros(len(Measure), np.int64)
    measure(tables, state, worth)
    return worth_key(compiled, worth)


def worth_key(compiled: Compiled, worth: Ints) -> tuple[int, ...]:
    """The measures in the order of the aim, or their weighted sum."""
    order, problem = list(Measure), compiled.problem
    measured = [int(worth[order.index(each)]) for each in problem.aim]
    return (sum(w * v for w, v in zip(problem.weights, measured, strict=True)),) if problem.weights else tuple(measured)


def _by_due(compiled: Compiled) -> bool:
    return compiled.problem.aim[0] is not Measure.MAKESPAN


def _standing(compiled: Compiled, tables: Tables, state: State) -> tuple[Ints, Ints]:
    """What each job costs, and its seconds to spare: before its due time or, for the makespan, the end of the plan."""
    ends = np.full(len(compiled.due), 0, np.int64)
    np.maximum.at(ends, tables.op["job"][:-1], state.op["end"])
    whole = int(ends.max(initial=0))
    due = tables.jobs["due"][:-1]
    if _by_due(compiled):
        limit = np.where(due < NEVER, due, whole)
        return tables.jobs["weight"][:-1] * np.maximum(0, ends - limit), limit - ends
    return ends * 100 // (whole + 1), whole - ends


def _queues(compiled: Compiled, tables: Tables) -> Queues:
    keys = len(compiled.keys) + 1
    of = np.zeros(compiled.m + 1, np.int32)
    of[1:] = np.cumsum([keys if table is not None else 1 for table in compiled.setup])
    matrix = np.array([table is not None for table in compiled.setup], np.bool_)
    resource = tables.option["resource"]
    owner = np.repeat(np.arange(compiled.n), np.diff(tables.op["option_at"]))
    queue = of[resource] + np.where(matrix[resource], tables.op["key"][owner], 0)
    at = np.zeros(of[-1] + 1, np.int64)
    at[1:] = np.cumsum(np.bincount(queue, minlength=of[-1]))
    return Queues(
        of, at, np.zeros(of[-1], np.int32), np.zeros(len(resource), np.int32), np.zeros(compiled.n, np.int64),
        np.zeros(compiled.n, np.int32), np.zeros(compiled.m, np.int64), np.zeros(compiled.m, np.int32),
        np.full(compiled.m, -1, np.int32), np.zeros(2, np.int32),
    )  # fmt: skip


def _picky(compiled: Compiled) -> Flags:
    """Whether the choice of resource matters to an operation beyond which of them is free first."""
    known: dict[tuple[tuple[int, int], ...], bool] = {}
    for options in compiled.options:
        if options not in known:
            r0, d0 = options[0] if options else (0, 0)
            known[options] = len(options) > 1 and any(
                s != d0 or compiled.setup[r] is not None or compiled.calendar[r] is not compiled.calendar[r0]
                for r, s in options
            )
    return np.array([known[options] for options in compiled.options], np.bool_)
