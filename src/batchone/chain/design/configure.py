"""After each click: where every value stands, why, the least change that allows it, and what choosing it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchone.chain.design.completion import Effort, complete, complete_within
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import Total, money, total, within
from batchone.chain.design.regions import Region
from batchone.contracts.design import Choices, ConfigurationState, OptionState, Reason, Standing, ValueState
from batchone.contracts.pack import Option, Text, Value
from batchone.kernel.errors import Refused


def configure(blueprint: Blueprint, picks: Choices, *, differences: bool = True) -> ConfigurationState:
    """Every option and value, given explicit picks; refused when they are unknown or exclude one another.

    Without `differences` no alternative is priced. With them, those that can be within about half a second are, in the pack's
    order (see `Effort`): where hundreds of options exclude one another's defaults, the others have none.
    """
    choices = blueprint.known(picks)
    refuse_impossible(blueprint, choices)
    completion = complete(blueprint, choices)
    now = total(blueprint, completion)
    pack = blueprint.pack
    possible = open_values(blueprint, choices, completion)
    shown = [blueprint.option[option] for option in possible]
    effort = Effort()
    here = {
        option.id: each
        for region in blueprint.regions
        for each in [_Here(region, region.of(choices), region.of(completion), within(blueprint, completion, region))]
        for option in region.options
    }
    return ConfigurationState(
        product=pack.product.id,
        pack=pack.id,
        version=pack.version,
        choices=choices,
        completion=completion,
        options=tuple(
            _OptionNow(blueprint, here[each.id], completion, each, possible[each.id], effort if differences else None).state()
            for each in shown
        ),
        price=money(blueprint, now.amount),
        lead_s=now.lead_s,
    )


def open_values(blueprint: Blueprint, choices: Choices, completion: Choices) -> dict[str, frozenset[str]]:
    """For every option that the completion has, in the pack's order, the values that stay possible.

    Exact: a value is there when some valid configuration has it with the choices of the other options. The completion is
    one such configuration; options that nobody chose share their questions.
    """
    space, options = blueprint.space, blueprint.vocabulary.options
    shared = {
        space.atom(option, value): (option, value)
        for option in options
        if option in completion and option not in choices
        for value in options[option]
        if value != completion[option]
    }
    found = {option: {completion[option]} for option in options if option in completion}
    for atom in space.among(choices, shared):
        option, value = shared[atom]
        found[option].add(value)
    for option, value in choices.items():
        others = {each: chosen for each, chosen in blueprint.region[option].of(choices).items() if each != option}
        found[option].update(
            each for each in options[option] if each != value and space.possible(others, space.atom(option, each))
        )
    return {option: frozenset(values) for option, values in found.items()}


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
    messages = [blueprint.rules[rule].message for rule in rules]
    text = _joined(messages, blueprint.pack.languages) if messages else _structural(blueprint, kept)
    return Reason(text=text, choices=kept, rules=rules)


def _structural(blueprint: Blueprint, choices: Choices) -> Text:
    """What to say where no rule stands in the way: a choice of a part needs the part to be there."""
    found = {}
    for language in blueprint.pack.languages:
        named = [
            f"{blueprint.option[option].name[language]} = {blueprint.values[option, value].name[language]}"
            for option, value in choices.items()
        ]
        told = ", ".join(named)
        found[language] = f"与所选不符：{told}。" if language == "zh" else f"It does not go with {told}."
    return found


@dataclass(frozen=True)
class _Here:
    """A region, the picks in it, their completion, and what that adds there to price and lead."""

    region: Region
    picks: Choices
    completed: Choices
    now: Total


@dataclass(frozen=True)
class _OptionNow:
    """One option under the picks of the others in its region."""

    blueprint: Blueprint
    here: _Here
    completion: Choices
    option: Option
    possible: frozenset[str]
    effort: Effort | None

    def state(self) -> OptionState:
        """The option and each of its values."""
        others = {option: value for option, value in self.here.picks.items() if option != self.option.id}
        return OptionState(
            id=self.option.id,
            name=self.option.name,
            unit=self.option.unit,
            chosen=self.here.picks.get(self.option.id),
            completed=self.completion[self.option.id],
            values=tuple(self._value(value, others) for value in self.option.values),
            slot=self.option.slot,
            step=self.option.step,
        )

    def _value(self, value: Value, others: Choices) -> ValueState:
        standing = self._standing(value)
        reason = self._reason(value, others, standing)
        if standing is Standing.EXCLUDED or self.effort is None or self.effort.left < 0:
            return ValueState(value.id, value.name, value.look, standing, reason, None, None, value.own)
        then = self._then(value, others)
        difference = money(self.blueprint, then.amount - self.here.now.amount)
        lead_s = then.lead_s - self.here.now.lead_s
        return ValueState(value.id, value.name, value.look, standing, reason, difference, lead_s, value.own)

    def _standing(self, value: Value) -> Standing:
        if self.here.picks.get(self.option.id) == value.id:
            return Standing.CHOSEN
        if value.id not in self.possible:
            return Standing.EXCLUDED
        return Standing.FORCED if len(self.possible) == 1 else Standing.SELECTABLE

    def _reason(self, value: Value, others: Choices, standing: Standing) -> Reason | None:
        space = self.blueprint.space
        atom = space.atom(self.option.id, value.id)
        if standing is Standing.EXCLUDED:
            reason = reason_against(self.blueprint, others, atom)
            return Reason(reason.text, reason.choices, reason.rules, space.least_given_up(others, atom))
        if standing is Standing.FORCED and len(self.option.values) > 1:
            return reason_against(self.blueprint, others, -atom, *self._there())
        return None

    def _there(self) -> tuple[int, ...]:
        """A value is forced where the option has one at all."""
        slot = self.option.slot
        return (self.blueprint.space.literal(self.blueprint.vocabulary.slots[slot].present),) if slot else ()

    def _then(self, value: Value, others: Choices) -> Total:
        if value.id == self.completion[self.option.id]:
            return self.here.now
        like = {**self.here.completed, self.option.id: value.id}
        then = complete_within(self.blueprint, {**others, self.option.id: value.id}, self.here.region, like, self.effort)
        return within(self.blueprint, then, self.here.region)


def _joined(messages: list[Text], languages: tuple[str, ...]) -> Text:
    gap = {"zh": "", "ja": ""}
    told: Mapping[str, list[str]] = {
        language: list(dict.fromkeys(message[language] for message in messages)) for language in languages
    }
    return {language: gap.get(language, " ").join(said) for language, said in told.items()}


def _listed(choices: Choices) -> str:
    return ", ".join(f"{option} = {value}" for option, value in choices.items())
