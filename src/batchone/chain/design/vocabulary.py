"""The words that rules may use: options, derived attributes, and the parts that a product holds.

A part that a product holds several times stands in numbered slots (`part.2`); the options of a slot are called by the
slot and their own id (`part.2.width`). A text that belongs to a part is read in each slot: its words mean the slot's
own options first, then those of what holds the part, then those of the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise

from batchone.chain.design.expressions import ALWAYS, All, Among, Expression, Some

Steps = Mapping[str, "str | Steps"]
"""A table over several options: the values of the first lead to a result, or to a table over the others."""


class RuleFault(ValueError):
    """A text that is no rule: what is wrong, how to cure it, and at which character (from 1; 0 where none is to blame)."""

    def __init__(self, what: str, cure: str, at: int = 0) -> None:
        super().__init__(f"{what} {cure}")
        self.what = what
        self.cure = cure
        self.at = at


@dataclass(frozen=True)
class Follows:
    """How a derived attribute follows: by a table over options, or by a formula in the language of rules, in a unit."""

    of: tuple[str, ...] = ()
    table: Steps = field(default_factory=dict)
    formula: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Slot:
    """One place for a part: of which part, in which slot of what holds it (empty: the product), and when something is in it."""

    part: str
    within: str
    present: Among


@dataclass(frozen=True)
class Vocabulary:
    """The words that rules may use.

    `options` has the value ids of each option in the pack's order; `numbers` the magnitudes of those that are numbers, and
    `units` the unit of those that have one; `derived` how each derived attribute follows; `several` the members of options
    that take several values; `slots` the places for parts by name; `scope` the slot in which a text is read.
    """

    options: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, Mapping[str, Decimal]]
    derived: Mapping[str, Follows]
    units: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    scope: str = ""

    def scoped(self, slot: str) -> Vocabulary:
        """The same words as a text of that slot reads them."""
        return self if slot == self.scope else replace(self, scope=slot)

    def slot_of(self, option: str) -> str:
        """The slot whose option this is; empty for the product's own."""
        head, _, _ = option.rpartition(".")
        while head and head not in self.slots:
            head, _, _ = head.rpartition(".")
        return head

    def presence(self, slot: str) -> Expression:
        """When something is in the slot; always for the product itself."""
        return self.slots[slot].present if slot else ALWAYS

    def slots_of(self, part: str) -> tuple[str, ...]:
        """The slots of a part, as seen from the scope: those within the scope's slot, or all from outside."""
        return tuple(
            name for name, slot in self.slots.items()
            if slot.part == part and (not self.scope or name.startswith(f"{self.scope}."))
        )  # fmt: skip

    def resolve(self, word: str) -> str:
        """The full id of an attribute that a text calls by this word; a fault when there is none."""
        scope = self.scope
        while True:
            full = f"{scope}.{word}" if scope else word
            if full in self.options or full in self.derived or full in self.several:
                return full
            if not scope:
                raise RuleFault(f"'{word}' is no option and no derived attribute.", f"Use one of {listed(self.words())}.")
            scope = self.slots[scope].within

    def words(self) -> set[str]:
        """The words that a text of the scope may use for attributes."""
        found: set[str] = set()
        scope = self.scope
        while True:
            for full in (*self.options, *self.derived, *self.several):
                head, _, word = full.rpartition(".")
                if head == scope:
                    found.add(word)
            if not scope:
                return found
            scope = self.slots[scope].within

    def domain(self, attribute: str) -> tuple[str, ...]:
        """What an attribute (a full id) can be, a formula's numbers aside."""
        if attribute in self.options:
            return self.options[attribute]
        follows = self.derived[attribute]
        return tuple(dict.fromkeys(_results(follows.table)))

    def among(self, word: str, wanted: frozenset[str]) -> Expression:
        """The attribute has one of the wanted values; unknown words are faults."""
        attribute = self.resolve(word)
        if attribute in self.several:
            raise RuleFault(f"{word} may have several values.", f"Write '{word} has ...' or 'count({word})'.")
        follows = self.derived.get(attribute)
        if follows is not None and follows.formula is not None:
            raise RuleFault(f"{word} is a number that follows from others.", "Compare it with a number.")
        for value in sorted(wanted - {*self.domain(attribute)}):
            raise RuleFault(f"'{value}' is no value of {word}.", f"Use one of {listed({*self.domain(attribute)})}.")
        if follows is None:
            return Among(attribute, wanted)
        return self._follows(follows.of, follows.table, wanted)

    def _follows(self, of: tuple[str, ...], table: Steps, wanted: frozenset[str]) -> Expression:
        """Where the table leads to one of the wanted results."""
        found: dict[Expression, set[str]] = {}
        for value, then in table.items():
            if isinstance(then, str):
                below: Expression | None = ALWAYS if then in wanted else None
            else:
                below = self._follows(of[1:], then, wanted)
                below = None if below == Some(()) else below
            if below is not None:
                found.setdefault(below, set()).add(value)
        ways = [(Among(of[0], frozenset(values)), below) for below, values in found.items()]
        parts = tuple(here if below == ALWAYS else All((here, below)) for here, below in ways)
        return parts[0] if len(parts) == 1 else Some(parts)

    def attributes(self, choices: Mapping[str, str]) -> dict[str, str]:
        """The choices and every derived attribute that follows from them by a table, under the words of the scope.

        An outer word is hidden by an inner one of the same name; options of parts keep their full ids too.
        """
        whole = dict(choices)
        for name, follows in self.derived.items():
            if follows.formula is None and all(of in choices for of in follows.of):
                result: str | Steps = follows.table
                for of in follows.of:
                    if not isinstance(result, str):
                        result = result[choices[of]]
                whole[name] = str(result)
        scopes = [self.scope]
        while scopes[-1]:
            scopes.append(self.slots[scopes[-1]].within)
        for scope in reversed(scopes[:-1]):
            whole.update({name[len(scope) + 1 :]: whole[name] for name in tuple(whole) if name.rpartition(".")[0] == scope})
        return whole


def _results(table: Steps) -> list[str]:
    found: list[str] = []
    for then in table.values():
        found.extend([then] if isinstance(then, str) else _results(then))
    return found


def listed(words: set[str]) -> str:
    """Words as a fault names them."""
    shown = sorted(words)
    if shown and all(word.lstrip("-").replace(".", "", 1).isdigit() for word in shown):
        numbers = sorted(shown, key=float)
        steps = {round(float(two) - float(one), 9) for one, two in pairwise(numbers)}
        shown = [f"{numbers[0]} to {numbers[-1]}"] if len(numbers) > 12 and len(steps) == 1 else shown
    return ", ".join(shown) or "none"
