"""What the design domain answers: products, live configuration, frozen configurations, explosions, drawings.

Choices are texts: option id to value id (`{"height_cm": "45"}`). Unknown products, options or values, and choices
that exclude one another, are refused with `batchone.kernel.errors.Refused`; its `where` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Check, Pack, Text
from batchone.kernel.facts import fact
from batchone.kernel.money import Money

Choices = Mapping[str, str]
"""Option id to value id."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product that a tenant offers, and the pack version that says what it is."""

    id: str
    name: Text
    sector: str
    pack: str
    version: str
    base_price: Money


class Standing(StrEnum):
    """Where a value stands, given the explicit choices.

    `chosen`: picked by the person. `forced`: nobody picked it, but every valid configuration with the choices of the
    other options has it. `selectable`: some valid configuration with the choices of the other options has it.
    `excluded`: none has.
    """

    CHOSEN = "chosen"
    SELECTABLE = "selectable"
    FORCED = "forced"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is excluded or forced: a minimal set of choices and rules (leave one out and the reason is gone)."""

    text: Text
    choices: Choices
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueState:
    """A value now.

    The differences are what total price and lead would change by if it were chosen; none when excluded.
    """

    id: str
    name: Text
    look: str | None
    standing: Standing
    reason: Reason | None
    price_difference: Money | None
    lead_difference_s: float | None


@dataclass(frozen=True, slots=True)
class OptionState:
    """An option now: what the person chose, if anything, and what the completion has."""

    id: str
    name: Text
    unit: str | None
    chosen: str | None
    completed: str
    values: tuple[ValueState, ...]


@dataclass(frozen=True, slots=True)
class ConfigurationState:
    """Every option and value after a click. Price and lead are those of `completion`, a valid configuration.

    The completion keeps every choice; what is left takes its default where that is possible, in the pack's order of
    options, and the cheapest possible values elsewhere.
    """

    product: str
    pack: str
    version: str
    choices: Choices
    completion: Choices
    options: tuple[OptionState, ...]
    price: Money
    lead_s: float


@dataclass(frozen=True, slots=True)
class Configuration:
    """A complete, valid set of choices, frozen. `picks` are the explicit ones, `choices` has every option."""

    id: str
    tenant: str
    product: str
    pack: str
    version: str
    picks: Choices
    choices: Choices
    price: Money
    lead_s: float
    completed_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class BomLine:
    """What the item needs: a quantity (in the module's unit) of a variant, consumed by operation `op`."""

    module: str
    module_name: Text
    variant: str
    variant_name: Text
    quantity: float
    unit: str
    op: str
    cost: Money
    """Cost of one unit of quantity."""


@dataclass(frozen=True, slots=True)
class RoutedOperation:
    """An operation of this very item, filled in. `parameters` are what the machine is told, beside `program`."""

    op: str
    group: str
    name: Text
    equipment_class: str
    after: tuple[str, ...]
    """Operations of this routing that must be finished; operations that this configuration skips are seen through."""
    duration_s: float
    setup_key: str | None
    program: str
    parameters: Mapping[str, float | str]
    energy_kwh: float
    attended: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Exploded:
    """Bill of materials and routing of one configuration, from the same rules as its price."""

    configuration: str
    product: str
    pack: str
    version: str
    bom: tuple[BomLine, ...]
    operations: tuple[RoutedOperation, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A frozen configuration with one option's value changed, exploded, and what that changes in price and lead."""

    option: str
    option_name: Text
    value: str
    value_name: Text
    price_difference: Money
    lead_s: float
    exploded: Exploded


@fact("product.released")
@dataclass(frozen=True)
class ProductReleased:
    """A version of a product can be ordered from now on."""

    product: str
    pack: str
    version: str
    hash: str


@fact("configuration.completed")
@dataclass(frozen=True)
class ConfigurationCompleted:
    """A configuration was frozen."""

    configuration: str
    product: str
    pack: str
    version: str
    choices: Mapping[str, str]
    price: Money
    lead_s: float


class Design(Protocol):
    """What the design domain does for others."""

    async def products(self, tenant: str) -> tuple[Product, ...]:
        """The products that a tenant offers, each in its newest version, by id."""
        ...

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        """The whole pack of a product; the newest version unless one is named."""
        ...

    async def configure(self, tenant: str, product: str, choices: Choices) -> ConfigurationState:
        """Every option and value, given explicit choices; refused when they exclude one another."""
        ...

    async def complete(self, tenant: str, product: str, choices: Choices, actor: Actor, key: str = "") -> Configuration:
        """Complete and freeze; says `configuration.completed`. The same `key` of the same person answers with the same
        configuration, and is refused for other choices; an empty one is no key."""
        ...

    async def alternatives(self, tenant: str, configuration_id: str) -> tuple[Alternative, ...]:
        """Every value that one option of a frozen configuration could have instead, the others as they are; nothing is
        frozen."""
        ...

    async def configuration(self, tenant: str, configuration_id: str) -> Configuration:
        """A frozen configuration."""
        ...

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        """Bill of materials and routing, with the pack version that the configuration was made with."""
        ...

    async def drawing(self, tenant: str, product: str, choices: Choices) -> str:
        """SVG of the product as `choices` complete it; holds no script and no reference outside itself."""
        ...

    async def install(self, tenant: str, files: Mapping[str, str], actor: Actor) -> Product:
        """Install a pack from its files' text by name. The same again changes nothing; other content under the same
        version is refused; a pack with one fault installs nothing. A new version says `product.released`."""
        ...
