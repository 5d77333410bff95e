"""What the design domain answers: products, live configuration, frozen configurations, explosions, drawings.

Choices are texts: option id to value id (`{"height_cm": "45"}`). Unknown products, options or values, and choices
that exclude one another, are refused with `batchone.kernel.errors.Refused`; its `where` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Check, Own, Pack, Text
from batchone.contracts.sharing import Wait
from batchone.kernel.facts import fact
from batchone.kernel.money import Money

Choices = Mapping[str, str]
"""Option id to value id."""

Wish = Literal["default", "cheapest", "earliest", "popular"]
"""What a completion should be best at."""

Popularity = Mapping[str, Mapping[str, int]]
"""How often each value of each option was ordered."""


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
    """Why a value is excluded or forced: a minimal set of choices and rules (leave one out and the reason is gone).

    `give_up` names, for an excluded value, the fewest choices to give up so that it becomes possible; none where no change
    of choices allows it, and for a forced value.
    """

    text: Text
    choices: Choices
    rules: tuple[str, ...]
    give_up: tuple[str, ...] | None = None


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
    """What choosing it would change; none for an excluded value, and for one whose price takes too long to find (choose it)."""
    lead_difference_s: float | None
    own: Own | None = None
    """What the customer may bring to this value."""


@dataclass(frozen=True, slots=True)
class OptionState:
    """An option now: what the person chose, if anything, and what the completion has."""

    id: str
    name: Text
    unit: str | None
    chosen: str | None
    completed: str
    values: tuple[ValueState, ...]
    slot: str = ""
    """The slot of the part that it belongs to (`part.2`); empty for an option of the product itself."""
    step: int | None = None
    """The step of a quantity; none for an option with named values."""


@dataclass(frozen=True, slots=True)
class ConfigurationState:
    """Every option and value after a click. Price and lead are those of `completion`, a valid configuration.

    The completion keeps every choice; what is left takes its default where that is possible, in the pack's order of
    options, and the cheapest possible values elsewhere. Options of parts are there as far as the completion has the part.
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
class PriceLine:
    """One line of a price: the base, a chosen value, a price rule or a quantity break, for one item.

    `subject` names it: `option = value`, a price rule's id, or from which quantity on.
    """

    kind: Literal["base", "value", "rule", "break"]
    subject: str
    name: Text
    amount: Money


@dataclass(frozen=True, slots=True)
class PriceBreak:
    """What one item costs from a quantity on, rounded for reading."""

    quantity: int
    unit: Money


@dataclass(frozen=True, slots=True)
class Price:
    """What `quantity` items of a configuration cost on a day, in one currency.

    Everything is added up exactly; `total` is the exact price of one item times the quantity and less the break, rounded
    once, half to even, to the currency's smallest coin. `unit` is the same for one item, for reading: the total need not be
    a multiple of it. `price_list` is the list in force (empty: the pack's own prices). `cost` is what the material of one
    item costs; only sellers are told.
    """

    day: date
    quantity: int
    unit: Money
    total: Money
    price_list: str
    lines: tuple[PriceLine, ...]
    breaks: tuple[PriceBreak, ...]
    cost: Money | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A valid completion of some choices, the best by a wish; price and lead are of one item."""

    wish: Wish
    choices: Choices
    price: Money
    lead_s: float


@dataclass(frozen=True, slots=True)
class ChoiceDifference:
    """An option that two configurations answer differently; None where one of them does not have it."""

    option: str
    name: Text
    one: str | None
    one_name: Text | None
    other: str | None
    other_name: Text | None


@dataclass(frozen=True, slots=True)
class BomDifference:
    """A variant that two configurations need in different quantities (zero: not at all), at an operation."""

    module: str
    variant: str
    variant_name: Text
    op: str
    one: float
    other: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two configurations of a product side by side; differences are what the other has more than the one."""

    one: Choices
    other: Choices
    options: tuple[ChoiceDifference, ...]
    price_one: Money
    price_other: Money
    price_difference: Money
    lead_difference_s: float
    bom: tuple[BomDifference, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a frozen configuration can still be sold and built on a day, by the newest version of its pack.

    `reasons` say exactly why not: an option or value that is gone, or a minimal set of choices and rules. `added` are
    options that the newest version has beside, with what it would complete them to; `bom` is what engineering changed for
    this configuration. An order that was placed is made by the version that it was placed with, whatever this says.
    """

    configuration: str
    version: str
    newest: str
    day: date
    buildable: bool
    reasons: tuple[Reason, ...]
    added: Choices
    bom: tuple[BomDifference, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A complete, valid set of choices, frozen. `picks` are the explicit ones, `choices` has every option.

    `contents` is what the customer brought to chosen values: option id to a text, or to the digest of a picture.
    """

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
    contents: Mapping[str, str] = field(default_factory=dict)


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
    slot: str = ""
    """The slot of the part that needs it (`part.2`); empty for what the product itself needs."""


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
    slot: str = ""
    """The slot of the part that it makes (`part.2`); empty for the product itself."""
    needs: tuple[str, ...] = ()
    """Classes of tools and skills of people, one of each from the beginning of the setup to the end."""
    waits: tuple[Wait, ...] = ()
    """How long after some of `after` it starts; what this configuration skips is not waited for."""


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

    async def configure(self, tenant: str, product: str, choices: Choices, party: str = "") -> ConfigurationState:
        """Every option and value today, given explicit choices; refused when they exclude one another.

        Prices are those that `party` (a customer's id) is offered; empty: those of everybody.
        """
        ...

    async def suggest(
        self, tenant: str, product: str, choices: Choices, wish: Wish, popularity: Popularity, party: str = ""
    ) -> Suggestion:
        """The completion of these choices that fits the wish best; `popularity` says what was ordered how often."""
        ...

    async def compare(self, tenant: str, product: str, one: Choices, other: Choices, party: str = "") -> Comparison:
        """Two sets of choices side by side, each completed."""
        ...

    async def price(
        self, tenant: str, product: str, choices: Choices, quantity: int, party: str = "", with_cost: bool = False
    ) -> Price:  # fmt: skip
        """What `quantity` of the completed choices cost today; `with_cost` is for sellers only."""
        ...

    async def price_of(self, tenant: str, configuration_id: str, quantity: int, party: str = "") -> Price:
        """What `quantity` of a frozen configuration cost today, with the pack version that it was made with.

        Refused, with the reason, when one of its values is not sold any more.
        """
        ...

    async def judge(self, tenant: str, configuration_id: str, day: date | None = None) -> Judgement:
        """Whether a frozen configuration can still be sold and built on a day (today unless one is named)."""
        ...

    async def complete(
        self,
        tenant: str,
        product: str,
        choices: Choices,
        actor: Actor,
        key: str = "",
        contents: Mapping[str, str] | None = None,
    ) -> Configuration:
        """Complete and freeze; says `configuration.completed`. The same `key` of the same person answers with the same
        configuration, and is refused for other choices; an empty one is no key.

        `contents` are what the customer brings to values that take something of their own: a text, or a picture's digest.
        """
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
