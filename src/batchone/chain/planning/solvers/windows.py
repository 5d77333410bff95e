"""CP-SAT on windows of a schedule: some operations are ordered anew, everything else stays.

The solver never holds the plan. It is asked for an order of a window, with the order in force as its hint; that order is
timed by `replay`, which knows calendars exactly, and taken only if the whole plan is better. So a window in which the
solver finds nothing, or in which breaks were only approximated, costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ortools.sat.python import cp_model

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Measure
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED, Schedule
from batchone.chain.planning.solvers.neighbourhood import Gate, Neighbourhoods, Window

METHOD = "windows"
_TRACKS_APART = 4
"""Up to so many tracks a resource are told apart; more are a capacity, unless setups make them differ."""
_SIZES = (20, 60, 200)
"""Least, first and greatest number of operations in a window."""
_STRICT = 40
"""Windows up to this size weigh the measures strictly one after the other."""
_GREATEST = 1 << 58
"""The solver counts its objective in 64 bits."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one window gave: a whole schedule, if any; whether the search of the window was finished; and whether the
    measures were weighed strictly, so that a finished search means what it seems to mean.
    """

    schedule: Schedule | None
    finished: bool = False
    strict: bool = False


def improve(
    compiled: Compiled,
    schedule: Schedule,
    seed: int,
    *,
    left_s: Callable[[], float],
    better: Callable[[Schedule], None],
    workers: int = 2,
    window_s: float = 2.0,
) -> tuple[Schedule, bool]:
    """Works on windows until no time is left; the best schedule, and whether it is proven best in all measures.

    `left_s` says how many seconds are left; `better` is told of each better schedule. The seed decides the windows and the
    solver's chance; how far it comes also depends on the machine.
    """
    chance = Random(seed)
    drawing = Neighbourhoods(compiled, chance)
    aim = compiled.problem.aim
    least, size, most = _SIZES
    while left_s() > 0.05:
        window = drawing.draw(schedule, size)
        if not window.operations:
            return schedule, True
        if window.crowded:
            size = max(least, size - 1)
            continue
        limit = min(max(window_s, left_s() / 2) if window.whole else window_s, left_s())
        found = solve_window(compiled, schedule, window, limit, seed=chance.randrange(1 << 30), workers=workers)
        if found.schedule is not None and found.schedule.objective().key(aim) < schedule.objective().key(aim):
            schedule = found.schedule
            better(schedule)
        # Without breaks a window of everything is the problem itself.
        if window.whole and found.finished and found.strict and all(calendar.always for calendar in compiled.calendar):
            return schedule, True
        size = min(most, size + 8) if found.finished else max(least, size - 6)
    return schedule, False


def solve_window(compiled: Compiled, schedule: Schedule, window: Window, limit_s: float, *, seed: int, workers: int) -> Found:
    """The best order of a window that CP-SAT finds within a time, timed as a whole schedule."""
    model = _Model(compiled, schedule, window)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(model.cp)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Found(None)
    resource, track, order = model.read(solver)
    return Found(replay(compiled, resource, track, order), status == cp_model.OPTIMAL, model.strict)


@dataclass
class _Choice:
    """One place an operation may take in the model."""

    resource: int
    track: int
    seconds: int
    here: Any


@dataclass
class _Model:
    """The window as a constraint model; times are in seconds as they are, cut to the window's span."""

    compiled: Compiled
    schedule: Schedule
    window: Window
    cp: Any = field(init=False)
    strict: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.cp = cp_model.CpModel()
        c, w = self.compiled, self.window
        self.low = min(w.begin.values())
        self.high = self._horizon()
        self.start = {i: self.cp.new_int_var(w.begin[i], max(w.begin[i], self.high), "") for i in w.operations}
        self.end = {i: self.cp.new_int_var(w.begin[i], max(w.begin[i], self._latest(i)), "") for i in w.operations}
        self.choices = {i: self._choices(i) for i in w.operations}
        self.setup_terms: list[tuple[Any, int]] = []
        self._one_choice_each()
        self._predecessors_first()
        for r in sorted({choice.resource for choices in self.choices.values() for choice in choices}):
            if self._apart(r):
                for k in range(c.positions[r]):
                    self._one_at_a_time(r, k)
            else:
                self._capacity(r)
        self._objective()
        self._hint()

    def _horizon(self) -> int:
        """By when everything in the window is over: what the present order needs, and room to try another."""
        c, inside = self.compiled, self.window.operations
        ends = [self.schedule.end[i] for i in inside]
        if not self.window.whole:
            return max(ends) + (max(ends) - self.low)
        # One after the other on the slowest resource, each with the longest setup: nothing sensible takes longer.
        setups = [
            c.setup_s(r, a, b) for r in range(c.m) if c.setup[r] for a in range(-1, len(c.keys)) for b in range(len(c.keys))
        ]
        slowest = [max(self._length(i, r, seconds) for r, seconds in c.options[i]) for i in inside]
        begin = max([*self.window.begin.values(), *(free for tracks in c.free0 for free in tracks)])
        return max(*ends, begin + sum(slowest) + len(inside) * max(setups, default=0))

    def _latest(self, i: int) -> int:
        return min(self.high, max(self.window.latest_end[i], self.schedule.end[i]))

    def _apart(self, r: int) -> bool:
        return self.compiled.setup[r] is not None or self.compiled.positions[r] <= _TRACKS_APART

    def _choices(self, i: int) -> list[_Choice]:
        c = self.compiled
        out = []
        for r, seconds in c.options[i]:
            length = self._length(i, r, seconds)
            tracks = range(c.positions[r]) if self._apart(r) else (UNPLACED,)
            out += [_Choice(r, k, length, self.cp.new_bool_var("")) for k in tracks]
        return out

    def _length(self, i: int, r: int, seconds: int) -> int:
        """How long the operation takes with the breaks it has where it stands now, or would have elsewhere at that time."""
        start = self.compiled.calendar[r].next_start(self.schedule.start[i])
        return self.compiled.finish(i, r, start, seconds) - start

    def _one_choice_each(self) -> None:
        for i, choices in self.choices.items():
            self.cp.add_exactly_one(choice.here for choice in choices)
            for choice in choices:
                self.cp.add(self.end[i] == self.start[i] + choice.seconds).only_enforce_if(choice.here)

    def _predecessors_first(self) -> None:
        for i in self.window.operations:
            for p in self.compiled.preds[i]:
                if p in self.start:
                    self.cp.add(self.start[i] >= self.end[p])

    def _on(self, r: int, k: int) -> list[tuple[int, _Choice]]:
        return [
            (i, choice)
            for i, choices in self.choices.items()
            for choice in choices
            if (choice.resource, choice.track) == (r, k)
        ]

    def _interval(self, i: int, choice: _Choice) -> Any:
        return self.cp.new_optional_interval_var(self.start[i], choice.seconds, self.end[i], choice.here, "")

    def _one_at_a_time(self, r: int, k: int) -> None:
        gate = self.window.gates[r, k]
        members = self._on(r, k)
        for i, choice in members:
            until = max(gate.until_s, self.schedule.end[i] if self._stands(i, r, k) else 0)
            self.cp.add(self.end[i] <= min(until, self.high)).only_enforce_if(choice.here)
        self.cp.add_no_overlap([*(self._interval(i, choice) for i, choice in members), *map(self._standing, gate.between)])
        if self.compiled.setup[r] is None:
            for i, choice in members:
                self.cp.add(self.start[i] >= gate.free_s).only_enforce_if(choice.here)
        else:
            self._sequence(r, gate, members)

    def _standing(self, i: int) -> Any:
        """An operation outside the window, where it is."""
        s = self.schedule
        return self.cp.new_fixed_size_interval_var(s.start[i], s.end[i] - s.start[i], "")

    def _stands(self, i: int, r: int, k: int) -> bool:
        return (self.schedule.resource[i], self.schedule.track[i]) == (r, k)

    def _sequence(self, r: int, gate: Gate, members: list[tuple[int, _Choice]]) -> None:
        """The order on a track as a circuit through a depot, with the setup of each step."""
        c, cp, s = self.compiled, self.cp, self.schedule
        always, empty = cp.new_constant(1), cp.new_bool_var("")
        nodes = [(i, choice.here, self.start[i], self.end[i]) for i, choice in members]
        nodes += [(i, always, s.start[i], s.end[i]) for i in gate.between]
        arcs: list[tuple[int, int, Any]] = [(0, 0, empty)]
        for x, (i, here, start, end) in enumerate(nodes, 1):
            arcs.append((x, x, ~here))
            cp.add_implication(empty, ~here)
            first, last = cp.new_bool_var(""), cp.new_bool_var("")
            arcs += [(0, x, first), (x, 0, last)]
            self._after(r, first, i, start, gate.free_s, c.setup_s(r, gate.key, c.key[i]))
            for y, (j, _, follows, _) in enumerate(nodes, 1):
                if i != j:
                    step = cp.new_bool_var("")
                    arcs.append((x, y, step))
                    self._after(r, step, j, follows, end, c.setup_s(r, c.key[i], c.key[j]))
        cp.add_circuit(arcs)

    def _after(self, r: int, step: Any, i: int, start: Any, free: Any, setup: int) -> None:
        """If `step` is taken, operation `i` follows what ends at `free`, with a setup between."""
        self.cp.add(start >= free + setup).only_enforce_if(step)
        if not setup:
            return
        self.setup_terms.append((step, setup))
        if not self.compiled.detached[r] and i in self.start:
            self.cp.add(start >= self.window.begin[i] + setup).only_enforce_if(step)
            for p in self.compiled.preds[i]:
                if p in self.end:
                    self.cp.add(start >= self.end[p] + setup).only_enforce_if(step)

    def _capacity(self, r: int) -> None:
        """Interchangeable tracks as one capacity, less what stands outside the window."""
        c, s = self.compiled, self.schedule
        outside = (i for i in range(c.n) if s.resource[i] == r and i not in self.start)
        broken = [free for free in c.free0[r] if self.low < free == c.available[r]]
        intervals = [
            *(self._interval(i, choice) for i, choice in self._on(r, UNPLACED)),
            *(self._standing(i) for i in outside if s.end[i] > self.low and s.start[i] < self.high),
            *(self.cp.new_fixed_size_interval_var(self.low, free - self.low, "") for free in broken),
        ]
        self.cp.add_cumulative(intervals, [1] * len(intervals), c.positions[r])

    def _objective(self) -> None:
        """The measures of the aim, weighed against each other; all ends together break ties."""
        n, span = len(self.window.operations), self.high - self.low + 1
        weight, total = 1, sum(self.end.values())
        room = n * span
        self.strict = n <= _STRICT
        for measure in reversed(self.compiled.problem.aim):
            term, most = self._term(measure)
            if term is None:
                continue
            # Strictly: one second of this measure outweighs all that the lesser ones can be.
            self.strict = self.strict and (room + 1) * (most + 1) < _GREATEST
            weight = room + 1 if self.strict else min(weight * 20, _GREATEST // (most + 1))
            total = total + weight * term
            room += weight * most
        self.cp.minimize(total)

    def _term(self, measure: Measure) -> tuple[Any, int]:
        match measure:
            case Measure.TARDINESS:
                return self._tardiness()
            case Measure.SETUP:
                most = sum(seconds for _, seconds in self.setup_terms)
                return (sum(seconds * step for step, seconds in self.setup_terms), most) if most else (None, 0)
            case Measure.MAKESPAN:
                return self._makespan()
            case _:
                return None, 0

    def _tardiness(self) -> tuple[Any, int]:
        c = self.compiled
        terms, most = [], 0
        by_job: dict[int, list[int]] = {}
        for i in self.window.off:
            by_job.setdefault(c.job[i], []).append(i)
        for j, last in by_job.items():
            due, weight = c.due[j], c.weight[j]
            worst = 0 if due is None else max(self.high + self.window.off[i] - due for i in last)
            if due is None or not weight or worst <= 0:
                continue
            late = self.cp.new_int_var(0, worst, "")
            for i in last:
                self.cp.add(late >= self.end[i] + self.window.off[i] - due)
            terms.append(weight * late)
            most += weight * worst
        return (sum(terms), most) if terms else (None, 0)

    def _makespan(self) -> tuple[Any, int]:
        whole = max(self.schedule.end)
        last = self.cp.new_int_var(0, max(whole, self.high) + self.high, "")
        first = self.compiled.problem.aim[0] is Measure.MAKESPAN
        for i in self.window.operations:
            self.cp.add(last >= self.end[i] + (max(0, whole - self.window.latest_end[i]) if first else 0))
            for choice in self.choices[i] if first else []:
                gate = self.window.gates.get((choice.resource, choice.track))
                if gate is not None and gate.until_s < whole:
                    self.cp.add(last >= self.end[i] + whole - gate.until_s).only_enforce_if(choice.here)
        return last, whole + self.high

    def _hint(self) -> None:
        s = self.schedule
        for i in self.window.operations:
            self.cp.add_hint(self.start[i], s.start[i])
            self.cp.add_hint(self.end[i], s.end[i])
            for choice in self.choices[i]:
                there = choice.resource == s.resource[i] and choice.track in (UNPLACED, s.track[i])
                self.cp.add_hint(choice.here, there)

    def read(self, solver: Any) -> tuple[list[int], list[int], list[int]]:
        """Resource, track and rank of every operation of the problem, with the window as the solver ordered it."""
        s = self.schedule
        resource, track, order = list(s.resource), list(s.track), list(s.start)
        for i, choices in self.choices.items():
            taken = next(choice for choice in choices if solver.value(choice.here))
            resource[i], track[i], order[i] = taken.resource, taken.track, solver.value(self.start[i])
        loose = [UNPLACED if i not in self.compiled.heads and not self._apart(r) else track[i] for i, r in enumerate(resource)]
        return resource, loose, order
