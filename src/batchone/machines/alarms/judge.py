"""The judgement of samples: `(rules, state, readings) -> (state, transitions)`, pure and without a loop over samples.

A condition begins when a value lies beyond its bound, and is over when a value is back inside by the deadband; in between
it stays as it was (hysteresis). It counts as raised once it has lasted the on-delay, and returns once it has been over for
the off-delay (ANSI/ISA-18.2: deadband, on-delay, off-delay). A value stands until the next one comes, so a condition may
last long enough with no further sample: judging no readings at a later `now_us` finds that out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batchone.machines.alarms.model import Readings, Rules, State, Transitions

_Ints = NDArray[np.int64]


def judge(rules: Rules, state: State, readings: Readings, now_us: int) -> tuple[State, Transitions]:
    """The state after `readings`, and what happened meanwhile.

    Readings no newer than what was judged of their path before change nothing, so the same batch may come again. Of
    readings of one path and time the last one counts.
    """
    readings = _in_order(state, readings)
    judged = state.judged_us.copy()
    np.maximum.at(judged, readings.path, readings.time_us)
    first = np.searchsorted(readings.path, rules.path_of, "left")
    count = np.searchsorted(readings.path, rules.path_of, "right") - first
    touched = np.flatnonzero((count > 0) | (state.on != state.raised))
    if len(touched) == 0:
        return replace(state, judged_us=judged), _none()
    runs = _runs(rules, state, readings, touched, first[touched], count[touched])
    return _conclude(rules, state, judged, touched, runs, now_us)


@dataclass(frozen=True)
class _Runs:
    """Stretches in which a condition held or did not, rule by rule, each from its start to the next one's."""

    rule: _Ints
    on: NDArray[np.bool_]
    start: _Ints
    value: NDArray[np.float64]

    @property
    def last(self) -> NDArray[np.bool_]:
        """Whether a stretch is the last of its rule, which goes on."""
        return np.append(self.rule[1:] != self.rule[:-1], True)


def _in_order(state: State, readings: Readings) -> Readings:
    new = np.flatnonzero(readings.time_us > state.judged_us[readings.path])
    order = new[np.lexsort((readings.time_us[new], readings.path[new]))]
    path, time = readings.path[order], readings.time_us[order]
    # The sort is stable: of equal times the later arrival stands last.
    keep = np.append((path[1:] != path[:-1]) | (time[1:] != time[:-1]), True) if len(order) else np.zeros(0, np.bool_)
    return Readings(path[keep], time[keep], readings.value[order[keep]])


def _runs(rules: Rules, state: State, readings: Readings, touched: _Ints, first: _Ints, count: _Ints) -> _Runs:
    """For each touched rule one row of its old state and one for each reading; then only the rows where it changes."""
    length = count + 1
    head = np.cumsum(length) - length
    rule = np.repeat(touched, length)
    row = np.arange(len(rule))
    within = row - np.repeat(head, length)
    is_head = within == 0
    reading = np.where(is_head, 0, np.repeat(first, length) + within - 1)
    has = len(readings.value) > 0
    value = np.where(is_head, state.began_with[rule], readings.value[reading] if has else np.nan)
    time = np.where(is_head, state.since_us[rule], readings.time_us[reading] if has else 0)
    beyond = np.where(rules.upper[rule], value - rules.bound[rule], rules.bound[rule] - value)
    on, off = ~is_head & (beyond > 0), ~is_head & (beyond <= -rules.deadband[rule])
    level = np.where(is_head, state.on[rule], on)
    # A value inside the deadband says nothing: the last row that said something is carried forward.
    level = level[np.maximum.accumulate(np.where(is_head | on | off, row, 0))]
    changes = is_head | np.append(False, level[1:] != level[:-1])
    rule = rule[changes]
    return _Runs(rule, level[changes], time[changes], value[changes])


def _conclude(rules: Rules, state: State, judged: _Ints, touched: _Ints, runs: _Runs, now_us: int) -> tuple[State, Transitions]:
    goes_on = runs.last
    place = np.arange(len(runs.rule))
    first = np.append(True, runs.rule[1:] != runs.rule[:-1])
    present = np.maximum(judged[rules.path_of[runs.rule]], now_us)
    end = np.where(goes_on, present, np.append(runs.start[1:], 0))
    due = runs.start + np.where(runs.on, rules.on_delay_us[runs.rule], rules.off_delay_us[runs.rule])
    # A stretch that lasts its delay settles whether the rule counts as raised; a shorter one leaves that as it was.
    settles = due <= end
    settled = np.maximum.accumulate(np.where(settles | first, place, 0))
    raised = np.where(settles[settled], runs.on[settled], state.raised[runs.rule])
    before = np.where(first, state.raised[runs.rule], np.append(False, raised[:-1]))
    told = np.flatnonzero(raised != before)
    last = np.flatnonzero(goes_on)
    after = State(state.on.copy(), state.since_us.copy(), state.began_with.copy(), state.raised.copy(), judged)
    after.on[touched], after.since_us[touched] = runs.on[last], runs.start[last]
    after.began_with[touched], after.raised[touched] = runs.value[last], raised[last]
    told = told[np.lexsort((told, due[told]))]
    return after, Transitions(runs.rule[told], raised[told], due[told], runs.value[told])


def _none() -> Transitions:
    return Transitions(np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0))
