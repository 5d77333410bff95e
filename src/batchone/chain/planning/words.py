"""Reasons for a date in words of the pack: which machine, which module, for how long, in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from batchone.chain.planning.explain import Explanation
from batchone.contracts.pack import Pack, Text
from batchone.contracts.sales import Reason

REASONS_MAX = 4
WORTH_TELLING_S = 60
_SENTENCES: Mapping[str, Text] = {
    "equipment": {"en": "{name}: busy for {time}", "zh": "{name}：需等待 {time}"},
    "setup": {"en": "{name}: set up for {time}", "zh": "{name}：换型 {time}"},
    "calendar": {"en": "{name}: no working time for {time}", "zh": "{name}：非工作时间 {time}"},
    "down": {"en": "{name}: out of order for {time}", "zh": "{name}：故障停机 {time}"},
    "module": {"en": "{name}: delivered in {time}", "zh": "{name}：{time} 后到货"},
    "material": {"en": "{name}: waits {time} for its material", "zh": "{name}：等待物料 {time}"},
    "tool": {"en": "{name}: needed elsewhere, broken or off shift for {time}", "zh": "{name}：被占用、故障或不当班 {time}"},
    "crew": {"en": "{name}: busy or away for {time}, so nobody sets up", "zh": "{name}：忙碌或不当班 {time}，无人换型"},
    "wait": {"en": "{name}: {time} between two steps", "zh": "{name}：工序间静置 {time}"},
    "batch": {"en": "{name}: waits {time} for the last of its batch", "zh": "{name}：等待同批最后一件 {time}"},
    "kept": {"en": "{name}: kept at its time in the plan for {time}", "zh": "{name}：按计划时间保留 {time}"},
}
_OF_CAUSE = {"resource": "equipment", "setup": "setup", "calendar": "calendar", "down": "down", "material": "material",
             "tool": "tool", "crew": "crew", "wait": "wait", "batch": "batch", "kept": "kept"}  # fmt: skip
_BY_STEP = frozenset({"material", "wait", "kept"})
"""Reasons that are about a step, and not about a machine, a tool or a person."""


def reason(kind: str, subject: str, name: Text, seconds: int, start: datetime, end: datetime) -> Reason:
    """A reason of a kind, about a subject that people call by a name."""
    return Reason(kind, subject, words(kind, name, seconds), start, end)


def words(kind: str, name: Text, seconds: int) -> Text:
    """The sentence of a kind of reason, in each language."""
    return {
        language: sentence.format(name=name.get(language) or name.get("en", ""), time=duration(seconds, language))
        for language, sentence in _SENTENCES[kind].items()
    }


def duration(seconds: int, language: str) -> str:
    """A duration as people say it."""
    units = {"en": ("d", "h", "min"), "zh": ("天", "小时", "分钟")}[language]
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.1f} {units[0]}"
    return f"{seconds / 3600:.1f} {units[1]}" if seconds >= 5400 else f"{max(1, round(seconds / 60))} {units[2]}"


def machine_name(packs: Sequence[Pack], equipment: str) -> Text:
    """What a machine, a tool or somebody is called; the id where no pack knows it."""
    for pack in packs:
        names = {each.id: each.name for each in pack.equipment} | {each.id: each.name for each in pack.auxiliaries}
        if equipment in names:
            return names[equipment]
    return {"en": equipment, "zh": equipment}


def explained(told: Explanation, packs: Sequence[Pack], origin: datetime) -> tuple[Reason, ...]:
    """What an order in the plan waits for, the longest first."""
    names = {step.op: step.name for pack in packs for step in pack.routing}
    found: list[Reason] = []
    for share in told.blamed():
        kind = _OF_CAUSE.get(share.cause)
        if kind is None or share.seconds < WORTH_TELLING_S or len(found) >= REASONS_MAX:
            continue
        op = share.operation.rpartition("/")[2]
        by_step = kind in _BY_STEP
        name = names.get(op, {"en": op, "zh": op}) if by_step else machine_name(packs, share.resource)
        found.append(reason(kind, op if by_step else share.resource, name, share.seconds, origin,
                            origin + timedelta(seconds=share.seconds)))  # fmt: skip
    return tuple(found)
