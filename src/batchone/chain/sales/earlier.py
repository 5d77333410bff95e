"""What would make a promised date earlier: which changes to try in the plan, and which of them to tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.chain.sales.model import dates
from batchone.contracts.design import Alternative, Exploded
from batchone.contracts.planning import Tried
from batchone.contracts.sales import Earlier, Promise

WORTH_S = 900
"""A date that is earlier by less is not told."""
TOLD_MAX = 3
"""Values of options that are told, those that help most first."""
TRIED_MAX, ITEMS_MAX, TRIED_LEAST = 40, 400, 2
"""Values of options that are tried, as long as all the items that are inserted for it are no more than so many; of a large
order the first few."""


@dataclass(frozen=True)
class Change:
    """One thing to try: so many of something exploded, with an alternative value, fewer pieces, or overtime."""

    exploded: Exploded
    quantity: int
    lead_s: float
    alternative: Alternative | None = None
    overtime: bool = False


def changes(exploded: Exploded, quantity: int, lead_s: float, alternatives: Sequence[Alternative]) -> tuple[Change, ...]:
    """What is worth trying: values that change a module, machine time or the lead; half of the quantity; overtime."""
    same, most = _making(exploded), max(TRIED_LEAST, min(TRIED_MAX, ITEMS_MAX // quantity))
    found, seen = list[Change](), {(same, lead_s)}
    for each in alternatives:
        makes = (_making(each.exploded), each.lead_s)
        # Values that make no difference in the plant cannot make one in the date, and those that make the same one give it.
        if makes not in seen and each.lead_s <= lead_s and len(found) < most:
            seen.add(makes)
            found.append(Change(each.exploded, quantity, each.lead_s, each))
    if quantity > 1:
        found.append(Change(exploded, quantity // 2, lead_s))
    return (*found, Change(exploded, quantity, lead_s, overtime=True))


def _making(exploded: Exploded) -> tuple[object, ...]:
    steps = tuple((step.op, step.equipment_class, step.after, step.duration_s, step.setup_key) for step in exploded.operations)
    return steps, tuple((line.variant, line.quantity, line.op) for line in exploded.bom)


def earlier(promise: Promise, transit_s: float, tried: Sequence[tuple[Change, Tried | None]]) -> tuple[Earlier, ...]:
    """What came of trying, as people are told it: only what is earlier by a quarter of an hour, what helps most first."""
    found: list[Earlier] = []
    for change, got in tried:
        if got is not None:
            when = dates(got, change.lead_s, transit_s)
            if when.p90 + timedelta(seconds=WORTH_S) <= promise.p90:
                found.append(_told(promise, change, got, when.p50, when.p90))
    found.sort(key=lambda each: each.p90)
    options = [each for each in found if each.kind == "option"][:TOLD_MAX]
    return tuple(each for each in found if each.kind != "option" or each in options)


def _told(promise: Promise, change: Change, got: Tried, p50: datetime, p90: datetime) -> Earlier:
    if change.alternative is not None:
        other = change.alternative
        return Earlier(
            "option", _words(_OPTION, option=other.option_name, value=other.value_name), p50, p90, option=other.option,
            value=other.value, price_change=(other.price_difference.rounded() * promise.quantity).rounded(),
        )  # fmt: skip
    if change.overtime:
        hours = f"{(got.end - got.start).total_seconds() / 3600:.2g}" if got.start and got.end else ""
        text = _words(_OVERTIME, name=got.name, hours=dict.fromkeys(_OVERTIME, hours))
        return Earlier("overtime", text, p50, p90, equipment=got.equipment, start=got.start, end=got.end)
    part = dict.fromkeys(_SPLIT, f"{change.quantity}")
    whole = dict.fromkeys(_SPLIT, f"{promise.quantity}")
    return Earlier("split", _words(_SPLIT, part=part, whole=whole), p50, p90, quantity=change.quantity)


_OPTION = {"en": "{option}: {value} instead", "zh": "{option}改选{value}"}
_SPLIT = {"en": "{part} of {whole} delivered first", "zh": "{whole} 件中先交付 {part} 件"}
_OVERTIME = {"en": "{hours} h of overtime on {name}", "zh": "{name}加班 {hours} 小时"}


def _words(sentences: Mapping[str, str], **names: Mapping[str, str]) -> dict[str, str]:
    return {
        language: sentence.format(**{key: text.get(language) or text.get("en", "") for key, text in names.items()})
        for language, sentence in sentences.items()
    }
