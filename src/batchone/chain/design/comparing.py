"""Two configurations side by side, and a configuration of yesterday against the pack of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from batchone.chain.design.completion import complete
from batchone.chain.design.configure import reason_against
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import money, total
from batchone.contracts.design import (
    BomDifference,
    BomLine,
    ChoiceDifference,
    Choices,
    Comparison,
    Configuration,
    Judgement,
    Reason,
)
from batchone.contracts.pack import Text


def compare(blueprint: Blueprint, one: Choices, other: Choices) -> Comparison:
    """What differs between two complete, valid configurations of one pack."""
    first, second = total(blueprint, one), total(blueprint, other)
    return Comparison(
        one=one,
        other=other,
        options=tuple(
            _difference(blueprint, option, one.get(option), other.get(option))
            for option in blueprint.vocabulary.options
            if one.get(option) != other.get(option)
        ),
        price_one=money(blueprint, first.amount),
        price_other=money(blueprint, second.amount),
        price_difference=money(blueprint, second.amount - first.amount),
        lead_difference_s=second.lead_s - first.lead_s,
        bom=bom_differences(explode(blueprint, "", one).bom, explode(blueprint, "", other).bom),
    )


def bom_differences(one: Iterable[BomLine], other: Iterable[BomLine]) -> tuple[BomDifference, ...]:
    """The variants that are needed in another quantity, by operation."""
    names: dict[tuple[str, str, str], Text] = {}
    found: dict[tuple[str, str, str], list[float]] = {}
    for side, lines in enumerate((one, other)):
        for line in lines:
            key = (line.module, line.variant, line.op)
            names[key] = line.variant_name
            found.setdefault(key, [0.0, 0.0])[side] += line.quantity
    return tuple(
        BomDifference(module, variant, names[module, variant, op], op, first, second)
        for (module, variant, op), (first, second) in found.items()
        if first != second
    )


def judge(own: Blueprint, newest: Blueprint, frozen: Configuration, day: date) -> Judgement:
    """A frozen configuration against the newest version of its pack on a day; `own` is the version that it was made with."""
    reasons = [*_gone(newest, frozen.choices)]
    known = {o: v for o, v in frozen.choices.items() if v in newest.vocabulary.options.get(o, ())}
    possible = newest.space.possible(known)
    if not possible:
        reasons.append(reason_against(newest, known))
    buildable = possible and not reasons
    added: Mapping[str, str] = {}
    bom: tuple[BomDifference, ...] = ()
    if buildable:
        whole = complete(newest, known)
        added = {option: value for option, value in whole.items() if option not in frozen.choices}
        bom = bom_differences(explode(own, frozen.id, frozen.choices).bom, explode(newest, frozen.id, whole).bom)
    return Judgement(
        configuration=frozen.id,
        version=frozen.version,
        newest=newest.pack.version,
        day=day,
        buildable=buildable,
        reasons=tuple(reasons),
        added=added,
        bom=bom,
    )


def _gone(newest: Blueprint, choices: Choices) -> Iterable[Reason]:
    """Options and values that the newest version does not know."""
    for option, value in choices.items():
        values = newest.vocabulary.options.get(option)
        if values is None:
            what = {"en": f"There is no option '{option}' any more.", "zh": f"已没有选项“{option}”。"}
        elif value not in values:
            what = {"en": f"'{value}' is no value of {option} any more.", "zh": f"{option} 已没有取值“{value}”。"}
        else:
            continue
        said = {language: what.get(language, what["en"]) for language in newest.pack.languages}
        yield Reason(said, {option: value}, (), (option,))


def _difference(blueprint: Blueprint, option: str, one: str | None, other: str | None) -> ChoiceDifference:
    def name(value: str | None) -> Text | None:
        return None if value is None else blueprint.values[option, value].name

    return ChoiceDifference(option, blueprint.option[option].name, one, name(one), other, name(other))
