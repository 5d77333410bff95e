"""Writing the rules of a product: a draft is tried, with its faults and what it would change, before it becomes a version.

Owned by `chain.design`. Nothing of a draft is kept; what is released is a version of the pack like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from batchone.contracts.design import Choices, Product, Reason
from batchone.contracts.enterprises import Actor
from batchone.kernel.money import Money


@dataclass(frozen=True, slots=True)
class RulesText:
    """The rules of a product in force, as their author wrote them."""

    product: str
    pack: str
    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something wrong at a line (column 0 where only the line is known) of one of the pack's files; `warning` if it is not
    in the way of a release."""

    file: str
    line: int
    column: int
    what: str
    cure: str
    warning: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many configurations there are: between two numbers, which are the same where it is known exactly.

    Decimal digits, as there may be more than any machine number holds.
    """

    least: str
    most: str


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """An order to try, real or made up: its choices, under a name."""

    name: str
    choices: Choices


@dataclass(frozen=True, slots=True)
class Tested:
    """An order under the draft: whether it can be made, or the reason why not; how it is completed, what it costs now and
    cost before, and how many lines its bill of materials and how many operations its routing has."""

    name: str
    possible: bool
    reason: Reason | None
    completed: Choices
    price: Money | None
    price_before: Money | None
    lines: int
    operations: int


@dataclass(frozen=True, slots=True)
class RulesTried:
    """What a draft is worth. With faults nothing but `marks` is known.

    `forced` are options of which one value alone is left, with that value; `dead` are values, by option, that no
    configuration has, today. `gained` is a configuration that the draft allows and the version in force does not, `lost`
    one of the other way round; none where there is none, and not `compared` where a rule is beyond that comparison.
    """

    marks: tuple[Mark, ...]
    valid: bool
    forced: Choices
    dead: Mapping[str, tuple[str, ...]]
    count: Count | None
    compared: bool
    gained: Choices | None
    lost: Choices | None
    orders: tuple[Tested, ...]


class Authoring(Protocol):
    """What design does for whoever writes rules."""

    async def rules(self, tenant: str, product: str) -> RulesText:
        """The rules in force."""
        ...

    async def try_rules(self, tenant: str, product: str, text: str, orders: tuple[TrialOrder, ...]) -> RulesTried:
        """Try a draft (at most 200,000 characters) on at most 200 orders; nothing is kept."""
        ...

    async def release_rules(self, tenant: str, product: str, text: str, base: str, actor: Actor) -> Product:
        """Make a draft the next version. `base` is the version that its author began from: where another one came into
        force since, that is a `Conflict`. A draft with faults is refused."""
        ...
