"""After each click: where every value stands, why, and what choosing it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchone.chain.design.completion import complete
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import Total, money, total
from batchone.contracts.design import Choices, ConfigurationState, OptionState, Reason, Standing, ValueState
from batchone.contracts.pack import Option, Text, Value
from batchone.kernel.errors import Refused


def configure(blueprint: Blueprint, picks: Choices) -> ConfigurationState:
    """Every option and value, given explicit picks; refused when they are unknown or exclude one another."""
    choices = blueprint.known(picks)
    refuse_impossible(blueprint, choices)
    completion = complete(blueprint, choices)
    now = total(blueprint, completion)
    pack = blueprint.pack
    return ConfigurationState(
        product=pack.product.id,
        pack=pack.id,
        version=pack.version,
        choices=choices,
        completion=completion,
        options=tuple(_OptionNow(blueprint, choices, completion, now, option).state() for option in pack.options),
        price=money(blueprint, now.amount),
        lead_s=now.lead_s,
    )


def refuse_impossible(blueprint: Blueprint, choices: Choices) -> None:
    """Choices that exclude one another are refused with a minimal reason."""
    if blueprint.space.possible(choices):
        return
    reason = reason_against(blueprint, choices)
    raise Refused(
        "design.impossible",
        f"These choices exclude one another: {_listed(reason.choices)}. {reason.text.get('en', '')}".strip(),
        f"Change one of {', '.join(reason.choices)}.",
        choices=_listed(reason.choices),
        rules=", ".join(reason.rules),
    )


def reason_against(blueprint: Blueprint, choices: Choices, *literals: int) -> Reason:
    """Why the choices leave no room for the literals: a minimal set of them and of rules, with the rules' messages."""
    kept, rules = blueprint.space.conflict(choices, *literals)
    messages = [rule.message for rule in blueprint.pack.rules if rule.id in rules]
    return Reason(text=_joined(messages, blueprint.pack.languages), choices=kept, rules=rules)


@dataclass(frozen=True)
class _OptionNow:
    """One option under the picks of the others."""

    blueprint: Blueprint
    picks: Choices
    completion: Choices
    now: Total
    option: Option

    def state(self) -> OptionState:
        """The option and each of its values."""
        others = {option: value for option, value in self.picks.items() if option != self.option.id}
        is_open = {
            value.id: value.id == self.completion[self.option.id]
            or self.blueprint.space.possible({**others, self.option.id: value.id})
            for value in self.option.values
        }
        return OptionState(
            id=self.option.id,
            name=self.option.name,
            unit=self.option.unit,
            chosen=self.picks.get(self.option.id),
            completed=self.completion[self.option.id],
            values=tuple(self._value(value, others, is_open) for value in self.option.values),
        )

    def _value(self, value: Value, others: Choices, is_open: Mapping[str, bool]) -> ValueState:
        standing = self._standing(value, is_open)
        reason = self._reason(value, others, standing)
        if standing is Standing.EXCLUDED:
            return ValueState(value.id, value.name, value.look, standing, reason, None, None)
        then = self._then(value, others)
        difference = money(self.blueprint, then.amount - self.now.amount)
        return ValueState(value.id, value.name, value.look, standing, reason, difference, then.lead_s - self.now.lead_s)

    def _standing(self, value: Value, is_open: Mapping[str, bool]) -> Standing:
        if self.picks.get(self.option.id) == value.id:
            return Standing.CHOSEN
        if not is_open[value.id]:
            return Standing.EXCLUDED
        return Standing.FORCED if sum(is_open.values()) == 1 else Standing.SELECTABLE

    def _reason(self, value: Value, others: Choices, standing: Standing) -> Reason | None:
        atom = self.blueprint.space.atom(self.option.id, value.id)
        if standing is Standing.EXCLUDED:
            return reason_against(self.blueprint, others, atom)
        if standing is Standing.FORCED and len(self.option.values) > 1:
            return reason_against(self.blueprint, others, -atom)
        return None

    def _then(self, value: Value, others: Choices) -> Total:
        if value.id == self.completion[self.option.id]:
            return self.now
        return total(self.blueprint, complete(self.blueprint, {**others, self.option.id: value.id}))


def _joined(messages: list[Text], languages: tuple[str, ...]) -> Text:
    gap = {"zh": "", "ja": ""}
    return {language: gap.get(language, " ").join(message[language] for message in messages) for language in languages}


def _listed(choices: Choices) -> str:
    return ", ".join(f"{option} = {value}" for option, value in choices.items())
