"""A promise: items inserted into the plan in force, the reasons for the date, and how sure it is.

Pure. The uncertainty is learnt from how finished orders missed the finish they were promised; before there are enough of
them a margin of the waiting time stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.chain.planning.insertion import JobInsertion, insert
from batchone.chain.planning.limits import Cause
from batchone.chain.planning.model import Alternative, Job, Operation
from batchone.chain.planning.timeline import Timeline
from batchone.contracts.design import Exploded
from batchone.contracts.pack import Pack, Text
from batchone.contracts.sales import Reason
from batchone.contracts.sourcing import MaterialDate

LEARN_FROM = 30
"""Fewer finished orders than this say little about the ninth decile."""
MARGIN_SHARE, MARGIN_MIN_S = 0.25, 3600
REASONS_MAX = 4
_WORTH_TELLING_S = 60


@dataclass(frozen=True)
class Inserted:
    """Where every item of a possible order fits; `operations` are what was put into the timeline."""

    finish_s: int
    items: tuple[JobInsertion, ...]
    operations: tuple[Operation, ...]


def routed(exploded: Exploded, item: str, order: str, earliest: Mapping[str, int]) -> tuple[Operation, ...]:
    """The operations of one item; `earliest` seconds by op, from its material."""
    known = {step.op for step in exploded.operations}
    return tuple(
        Operation(
            id=f"{item}/{step.op}",
            job=order,
            alternatives=(Alternative(step.equipment_class, round(step.duration_s)),),
            predecessors=tuple(f"{item}/{op}" for op in step.after if op in known),
            earliest_s=earliest.get(step.op, 0),
            setup_key=step.setup_key,
            attended=step.attended,
        )
        for step in exploded.operations
    )


def insert_items(
    timeline: Timeline, exploded: Exploded, quantity: int, name: str, material: Sequence[MaterialDate], now: datetime
) -> Inserted:
    """Insert `quantity` items one after another; the timeline holds them afterwards."""
    origin = timeline.problem.origin
    earliest: dict[str, int] = {}
    for date in material:
        second = max(0, round((date.at - origin).total_seconds()))
        earliest[date.need.op] = max(earliest.get(date.need.op, 0), second)
    now_s = max(0, round((now - origin).total_seconds()))
    items: list[JobInsertion] = []
    everything: list[Operation] = []
    for index in range(quantity):
        operations = routed(exploded, f"{name}.{index}", name, earliest)
        fitted = insert(timeline, Job(name), operations, now_s=now_s)
        timeline.reserve(fitted.assignments, operations)
        items.append(fitted)
        everything += operations
    return Inserted(max(each.completion_s for each in items), tuple(items), tuple(everything))


def margin(outcomes: Sequence[float], wait_s: float) -> timedelta:
    """From the p50 to the p90 finish: the ninth decile of how late orders were, once there are enough of them."""
    guess = max(MARGIN_MIN_S, MARGIN_SHARE * wait_s)
    if len(outcomes) < LEARN_FROM:
        return timedelta(seconds=guess)
    ordered = sorted(outcomes)
    return timedelta(seconds=max(60.0, ordered[round(0.9 * (len(ordered) - 1))]))


def reasons(
    inserted: Inserted, exploded: Exploded, pack: Pack, material: Sequence[MaterialDate], origin: datetime
) -> tuple[Reason, ...]:
    """What holds the last item, the longest wait first, in words of the pack."""
    last = max(inserted.items, key=lambda each: each.completion_s)
    steps = {step.op: step for step in exploded.operations}
    starts = {a.operation: a for a in last.assignments}
    found: list[tuple[int, Reason]] = []
    for limit in last.limits:
        step = steps[limit.operation.rsplit("/", 1)[1]]
        if limit.waited_s < _WORTH_TELLING_S or limit.cause in (Cause.NOTHING, Cause.PRECEDENCE):
            continue
        at = starts[limit.operation]
        begin, end = origin + timedelta(seconds=at.start_s - limit.waited_s), origin + timedelta(seconds=at.start_s)
        if limit.cause is Cause.MATERIAL:
            found.append((limit.waited_s, _material_reason(step.op, pack, material, begin, end)))
        else:
            kind = {Cause.RESOURCE: "equipment", Cause.SETUP: "setup", Cause.CALENDAR: "calendar"}[limit.cause]
            found.append((limit.waited_s, Reason(kind, at.resource, _words(kind, step.name, limit.waited_s), begin, end)))
    found.sort(key=lambda pair: -pair[0])
    return tuple(reason for _, reason in found[:REASONS_MAX])


def _material_reason(op: str, pack: Pack, material: Sequence[MaterialDate], begin: datetime, end: datetime) -> Reason:
    date = max((each for each in material if each.need.op == op), key=lambda each: each.at)
    module = next(each for each in pack.modules if each.id == date.need.module)
    waited = round((end - begin).total_seconds())
    return Reason("module", module.id, _words("module", module.name, waited), begin, end)


_SENTENCES: Mapping[str, Text] = {
    "equipment": {"en": "{name}: busy for {time}", "zh": "{name}：需等待 {time}"},
    "setup": {"en": "{name}: set up for {time}", "zh": "{name}：换型 {time}"},
    "calendar": {"en": "{name}: no working time for {time}", "zh": "{name}：非工作时间 {time}"},
    "module": {"en": "{name}: delivered in {time}", "zh": "{name}：{time} 后到货"},
}


def _words(kind: str, name: Text, seconds: int) -> Text:
    return {
        language: sentence.format(name=name.get(language, ""), time=_duration(seconds, language))
        for language, sentence in _SENTENCES[kind].items()
    }


def _duration(seconds: int, language: str) -> str:
    units = {"en": ("d", "h", "min"), "zh": ("天", "小时", "分钟")}[language]
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.1f} {units[0]}"
    return f"{seconds / 3600:.1f} {units[1]}" if seconds >= 5400 else f"{max(1, round(seconds / 60))} {units[2]}"
