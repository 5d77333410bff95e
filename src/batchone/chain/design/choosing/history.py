"""Going back and forth between choices: pure decisions over what was chosen when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from batchone.chain.design.configure import reason_against
from batchone.chain.design.model import Blueprint
from batchone.contracts.choosing import Lost
from batchone.contracts.design import Choices, Reason
from batchone.kernel.errors import Conflict

STEPS_MAX = 200
"""How many changes can be undone; the oldest are forgotten first."""


@dataclass(frozen=True)
class Step:
    """What was chosen, and what the customer brought to it, at one moment."""

    choices: Mapping[str, str]
    contents: Mapping[str, str]


@dataclass(frozen=True)
class History:
    """The steps of a choosing, the position of the one that holds, and the revision that counts every change."""

    steps: tuple[Step, ...]
    position: int
    revision: int

    @property
    def now(self) -> Step:
        """What holds."""
        return self.steps[self.position]

    @property
    def can_undo(self) -> bool:
        """Whether there is something before it."""
        return self.position > 0

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return self.position + 1 < len(self.steps)

    def then(self, step: Step) -> History:
        """After another change; what was undone before is gone."""
        steps = (*self.steps[: self.position + 1], step)[-(STEPS_MAX + 1) :]
        return replace(self, steps=steps, position=len(steps) - 1)

    def moved(self, by: int) -> History:
        """One step back (-1) or forth (1); refused at the end."""
        if not 0 <= self.position + by < len(self.steps):
            word = "undone" if by < 0 else "done again"
            raise Conflict("design.no_step", f"There is nothing to be {word}.", "Go on choosing.")
        return replace(self, position=self.position + by)


def clicked(choices: Choices, take: Choices, drop: Iterable[str]) -> dict[str, str]:
    """The choices after a click."""
    left = {option: value for option, value in choices.items() if option not in {*drop}}
    return {**left, **take}


def carried_over(blueprint: Blueprint, choices: Choices) -> tuple[dict[str, str], tuple[Lost, ...]]:
    """The choices that the product still allows, and those that it does not, each with the reason.

    As few as can be are lost.
    """
    lost: list[Lost] = []
    kept: dict[str, str] = {}
    for option, value in choices.items():
        if value in blueprint.vocabulary.options.get(option, ()):
            kept[option] = value
        else:
            said = {"en": f"{option} = {value} is not offered any more.", "zh": f"{option} = {value} 已不再提供。"}
            text = {language: said.get(language, said["en"]) for language in blueprint.pack.languages}
            lost.append(Lost(option, value, Reason(text, {option: value}, ())))
    for option in blueprint.space.least_given_up(kept) or ():
        others = {each: value for each, value in kept.items() if each not in {each.option for each in lost}}
        lost.append(Lost(option, kept[option], reason_against(blueprint, others)))
    gone = {each.option for each in lost}
    return {option: value for option, value in kept.items() if option not in gone}, tuple(lost)
