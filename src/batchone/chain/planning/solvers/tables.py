"""The problem as compiled code reads it: arrays of records, lists of lists as offsets and values.

Indexes are those of `Compiled`. Keys are one greater, so that 0 is *no key*; tracks of all resources are numbered through.
A pool is a set of resources of which one is needed (a skill, a tool, a setup crew). A group is a set of operations tied by
waits that must not last too long: they are placed together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import NEVER, Calendar, Measure, Tariff

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Floats = NDArray[np.float64]
Records = NDArray[np.void]
Flags = NDArray[np.bool_]


OPERATION = np.dtype(
    [
        ("option_at", np.int32), ("pred_at", np.int32), ("succ_at", np.int32), ("need_at", np.int32), ("ready", np.int64),
        ("key", np.int32), ("attended", np.bool_), ("fixed", np.bool_), ("job", np.int32), ("batch", np.int32),
        ("group", np.int32), ("before_resource", np.int32), ("before_start", np.int64),
    ]
)  # fmt: skip
RESOURCE = np.dtype(
    [
        ("track_at", np.int32), ("calendar", np.int32), ("matrix", np.int32), ("detached", np.bool_), ("crew", np.int32),
        ("capacity", np.int32),
    ]
)  # fmt: skip
CALENDAR = np.dtype(
    [("always", np.bool_), ("head_at", np.int32), ("cycle_at", np.int32), ("head_end", np.int64), ("cycle_s", np.int64)]
)
OPTION = np.dtype([("resource", np.int32), ("seconds", np.int64), ("kw", np.float64)])
PRED = np.dtype([("op", np.int32), ("lag", np.int64)])
TRACK = np.dtype([("resource", np.int32), ("free", np.int64), ("key", np.int32)])
SPAN = np.dtype([("start", np.int64), ("end", np.int64), ("upto", np.int64)])
GROUP = np.dtype([("op_at", np.int32), ("tie_at", np.int32)])
TIE = np.dtype([("before", np.int32), ("after", np.int32), ("most", np.int64)])
JOB = np.dtype([("op_at", np.int32), ("due", np.int64), ("weight", np.int64)])
PRICE = np.dtype([("since", np.int64), ("price", np.float64)])


class Tables(NamedTuple):
    """Everything a plan depends on, as records; see the module.

    `op`, `resource`, `calendars`, `groups` and `jobs` have one record more than there are, so that `x_at` of the next one ends
    the list of each. Spans of a calendar's head run from its `head_at` to its `cycle_at`, those of its cycle on to the next
    `head_at`. `cycle`: length and beginning of the tariff's cycle. `measures`: what a second (or thousandth, or change) of each
    measure counts in a search.
    """

    op: Records
    option: Records
    pred: Records
    succ: Small
    need: Small
    pool_at: Small
    pool: Small
    resource: Records
    track: Records
    calendars: Records
    spans: Records
    groups: Records
    group_op: Small
    tie: Records
    jobs: Records
    job_op: Small
    setup: Small
    prices: Records
    cycle: Ints
    measures: Floats


def tables_of(compiled: Compiled) -> Tables:
    """The tables of a compiled problem."""
    pools = _Pools(compiled)
    # What a fixed operation is known to hold needs no choosing; its tracks are free behind it.
    held = {i for i, head in compiled.heads.items() if head.also}
    operations = compiled.problem.operations
    needs = [[] if i in held else [pools.of(name) for name in op.needs] for i, op in enumerate(operations)]
    crews = [pools.of(m.crew) if m is not None and m.crew else -1 for m in _matrices(compiled)]
    group, members, ties = _groups(compiled)
    need_at, need = flat(needs)
    pool_at, pool = flat(pools.members)
    job_at, job_op = flat(_jobs(compiled))
    calendars = list({id(each): each for each in compiled.calendar}.values())
    table, spans = _hours(calendars)
    tariff = compiled.problem.tariff or Tariff(((0, 0.0),))
    option_at, option_resource = flat([[r for r, _ in options] for options in compiled.options])
    option = np.zeros(len(option_resource), OPTION)
    option["resource"] = option_resource
    option["seconds"] = [s for options in compiled.options for _, s in options]
    # What is running draws whatever a search decides; a schedule counts what is left of it.
    option["kw"] = [0.0 if compiled.is_running(i) else kw for i, each in enumerate(compiled.power) for kw in each]
    pred_at, pred_op = flat(compiled.preds)
    pred = np.zeros(len(pred_op), PRED)
    pred["op"], pred["lag"] = pred_op, [lag for lags in compiled.lags for lag in lags]
    succ_at, succ = flat(compiled.succs)
    op = _operations(compiled, group)
    op["option_at"], op["pred_at"], op["succ_at"], op["need_at"] = option_at, pred_at, succ_at, need_at
    jobs = np.zeros(len(compiled.due) + 1, JOB)
    jobs["op_at"] = job_at
    jobs["due"][:-1] = [NEVER if due is None else due for due in compiled.due]
    jobs["weight"][:-1] = compiled.weight
    groups = np.zeros(len(members) + 1, GROUP)
    groups["op_at"], group_op = flat(members)
    groups["tie_at"] = flat([[0] * len(tie) for tie in ties])[0]
    return Tables(
        op, option, pred, succ, need, pool_at, pool,
        _resources(compiled, crews, calendars),
        _tracks(compiled),
        table, spans, groups, group_op,
        np.array([tie for each in ties for tie in each], TIE),
        jobs, job_op, _setup(compiled),
        np.array(list(tariff.prices), PRICE),
        np.array([tariff.cycle_s, tariff.starts_s], np.int64),
        _measures(compiled),
    )  # fmt: skip


def _operations(compiled: Compiled, group: Small) -> Records:
    operations = compiled.problem.operations
    batches = {key: i for i, key in enumerate(sorted({op.batch_key for op in operations if op.batch_key is not None}))}
    before = {each.operation: each for each in compiled.problem.before}
    out = np.zeros(compiled.n + 1, OPERATION)
    rows = out[:-1]
    rows["ready"], rows["attended"], rows["job"] = compiled.ready, compiled.attended, compiled.job
    rows["key"] = np.array(compiled.key, np.int32) + 1
    rows["fixed"] = [i in compiled.heads for i in range(compiled.n)]
    rows["batch"] = [-1 if op.batch_key is None else batches[op.batch_key] for op in operations]
    rows["group"] = group
    rows["before_resource"] = [_resource(compiled, before.get(op.id)) for op in operations]
    rows["before_start"] = [before[op.id].start_s if op.id in before else 0 for op in operations]
    return out


def _resources(compiled: Compiled, crews: list[int], calendars: list[Calendar]) -> Records:
    problem = compiled.problem
    matrices = {matrix.id: index for index, matrix in enumerate(problem.setups)}
    which = {id(each): index for index, each in enumerate(calendars)}
    out = np.zeros(compiled.m + 1, RESOURCE)
    out["track_at"][1:] = np.cumsum(compiled.positions)
    rows = out[:-1]
    rows["calendar"] = [which[id(each)] for each in compiled.calendar]
    rows["matrix"] = [matrices[r.setup] if r.setup else -1 for r in problem.resources]
    rows["detached"], rows["crew"] = compiled.detached, crews
    rows["capacity"] = [r.batch for r in problem.resources]
    return out


def _tracks(compiled: Compiled) -> Records:
    out = np.zeros(sum(compiled.positions), TRACK)
    out["resource"] = np.repeat(np.arange(compiled.m), compiled.positions)
    out["free"] = [at for tracks in compiled.free0 for at in tracks]
    out["key"] = [key + 1 for keys in compiled.key0 for key in keys]
    return out


def _jobs(compiled: Compiled) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in compiled.due]
    for i in compiled.topological:
        members[compiled.job[i]].append(i)
    return members


def flat(lists: Iterable[Sequence[int]]) -> tuple[Small, Small]:
    """Offsets and values of a list of lists."""
    each = list(lists)
    at = np.zeros(len(each) + 1, np.int32)
    np.cumsum([len(one) for one in each], out=at[1:])
    return at, np.array([value for one in each for value in one], np.int32)


class _Pools:
    """Names of needs to the resources that serve them, numbered as they are met."""

    def __init__(self, compiled: Compiled) -> None:
        self._known: dict[str, int] = {}
        self._resources = compiled.problem.resources
        self.members: list[list[int]] = []

    def of(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = len(self.members)
            self.members.append([i for i, r in enumerate(self._resources) if name == r.id or name in r.classes])
        return self._known[name]


def _matrices(compiled: Compiled) -> list[Any]:
    by_id = {matrix.id: matrix for matrix in compiled.problem.setups}
    return [by_id[r.setup] if r.setup else None for r in compiled.problem.resources]


def _resource(compiled: Compiled, before: Any) -> int:
    return -1 if before is None else compiled.resource_index.get(before.resource, -2)


def _setup(compiled: Compiled) -> Small:
    """Seconds by matrix, key before and key after, both with 0 for *no key*."""
    keys: list[str | None] = [None, *compiled.keys]
    matrices = compiled.problem.setups
    out = np.zeros((max(1, len(matrices)), len(keys), len(keys)), np.int32)
    for index, matrix in enumerate(matrices):
        out[index, 1:, 1:] = matrix.change_s
        np.fill_diagonal(out[index], 0)
        out[index, 0, 1:] = matrix.first_s
        for a, b, seconds in matrix.pairs:
            if a in compiled.key_index and b in compiled.key_index:
                out[index, compiled.key_index[a] + 1, compiled.key_index[b] + 1] = seconds
        out[index, :, 0] = 0
    return out


def _hours(calendars: Sequence[Calendar]) -> tuple[Records, Records]:
    spans: list[tuple[int, int, int]] = []
    table = np.zeros(len(calendars) + 1, CALENDAR)
    for index, calendar in enumerate(calendars):
        head_at = len(spans)
        spans += _summed(calendar.head)
        table[index] = (calendar.always, head_at, len(spans), calendar.head_end_s, calendar.cycle_s)
        spans += _summed(calendar.cycle)
    table[-1] = (False, len(spans), len(spans), 0, 0)
    return table, np.array(spans, SPAN)


def _summed(intervals: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    worked, out = 0, []
    for a, b in intervals:
        worked += b - a
        out.append((a, b, worked))
    return out


def _measures(compiled: Compiled) -> Floats:
    """The weight of each measure, in the order of `Measure`: an aim by rank makes each measure a thousandth of the one before,
    which is what a search trades by; which plan is better is always judged exactly."""
    order = list(Measure)
    weights = np.zeros(len(order), np.float64)
    problem = compiled.problem
    for rank, measure in enumerate(problem.aim):
        weights[order.index(measure)] = problem.weights[rank] if problem.weights else 1e-3**rank
    return weights


def _groups(compiled: Compiled) -> tuple[Small, list[list[int]], list[list[tuple[int, int, int]]]]:
    """The group of each operation (-1: none), the members of each in topological order, and its ties (before, after, most)."""
    tied = [
        (compiled.operation_index[wait.after], i, wait.most_s)
        for i, op in enumerate(compiled.problem.operations)
        for wait in op.waits
        if wait.most_s is not None and wait.after in compiled.operation_index and i not in compiled.heads
    ]
    group = np.full(compiled.n, -1, np.int32)
    if not tied:
        return group, [], []
    root = _roots(compiled, tied)
    number = {head: index for index, head in enumerate(sorted(set(root.values())))}
    members: list[list[int]] = [[] for _ in number]
    for i in compiled.topological:
        if i in root:
            group[i] = number[root[i]]
            members[group[i]].append(i)
    ties: list[list[tuple[int, int, int]]] = [[] for _ in number]
    for p, i, most in tied:
        ties[group[i]].append((p, i, most))
    return group, members, ties


def _roots(compiled: Compiled, tied: Sequence[tuple[int, int, int]]) -> dict[int, int]:
    """Some one operation that stands for all that it is tied to, for each that is tied and may move."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            i = parent[i]
        return i

    for p, i, _ in tied:
        if p in compiled.heads:
            root(i)
        else:
            parent[root(i)] = root(p)
    return {i: root(i) for i in list(parent)}
