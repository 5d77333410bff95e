"""A sector pack as frozen data: what can be ordered, what it is made of, how it is made, what is measured.

The same shapes for every sector; the words inside come from the pack's files (`docs/guides/packs.md`). Durations are
seconds (`_s`), energy kilowatt-hours (`_kwh`), power kilowatts (`_kw`), prices exact `Money`. Texts that people read
are mappings from language to text. Conditions are kept as written, in the language of rules; the design domain reads
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Never

from batchone.contracts.sharing import Aim, Auxiliary, TariffHours, Wait
from batchone.kernel.money import Money

Text = Mapping[str, str]
"""A text people read, by language (`en`, `zh`)."""

Protocol = Literal["opcua", "modbus", "sparkplug"]
Scope = Literal["equipment", "position"]
Reaction = Literal["rework", "hold"]


@dataclass(frozen=True, slots=True)
class Own:
    """What a customer brings to a value: a text of at most `most` characters, or a picture of at most `most` bytes.

    `least_px` and `most_px` bound both sides of a picture. Where it is `required`, nothing is frozen without it.
    """

    kind: Literal["text", "picture"]
    most: int
    required: bool = False
    least_px: int = 1
    most_px: int = 10_000


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an option, sold from `since` until the end of `until` (without them, always).

    `number` is its magnitude where the option has numbers; `look` is what the drawing uses; `own` what the customer brings.
    """

    id: str
    name: Text
    price: Money
    lead_s: float
    look: str | None = None
    number: Decimal | None = None
    since: date | None = None
    until: date | None = None
    own: Own | None = None


@dataclass(frozen=True, slots=True)
class Default:
    """The value that an option takes by itself where `when` holds."""

    when: str
    value: str


@dataclass(frozen=True, slots=True)
class Option:
    """A choice with a domain. One with a `unit`, and a `quantity`, has numbers as values, which can be compared.

    `defaults` are looked at in their order before `default`. `slot` is the place of the part that the option belongs to
    (`part.2`), empty for the product's own; `of` is the option with several values whose member this is, if it is one.
    `step` is the step of a quantity, from its first value to its last.
    """

    id: str
    name: Text
    unit: str | None
    default: str
    values: tuple[Value, ...]
    defaults: tuple[Default, ...] = ()
    slot: str = ""
    of: str = ""
    step: int | None = None

    def value(self, value: str) -> Value:
        """The value of that id; `KeyError` when the option has none such."""
        return next((each for each in self.values if each.id == value), None) or _missing(value)


@dataclass(frozen=True, slots=True)
class Several:
    """An option that takes several values, from `least` to `most`: each member is an option `id.member`, yes or no."""

    id: str
    name: Text
    members: tuple[str, ...]
    least: int
    most: int
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that the product holds several times, each configured for itself.

    `count` is the option that says how many there are, `within` the part that holds it (empty: the product). Slots are
    numbered from 1; the option `x` of the second is called `part.2.x`.
    """

    id: str
    name: Text
    count: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """An attribute that follows from options: by a table, nested in the order of `of`, or by a `formula` in a `unit`."""

    id: str
    of: tuple[str, ...]
    table: Mapping[str, object]
    formula: str | None = None
    unit: str = ""
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint between choices, with the message a person reads when it stands in the way.

    One of a `part` is kept in each of its slots. It is in force from `since` until the end of `until`.
    """

    id: str
    rule: str
    message: Text
    part: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class PriceRule:
    """What a combination adds to price and lead; a discount is negative. With a `slot`, a combination in that slot."""

    id: str
    when: str
    price: Money
    lead_s: float
    slot: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """Other prices for some time (`since` to the end of `until`) or for some groups of customers (none named: everybody).

    What it does not name keeps the pack's price: `values` are by option and value, `rules` by price rule.
    """

    id: str
    name: Text
    groups: tuple[str, ...]
    base_price: Money | None
    values: Mapping[str, Mapping[str, Money]]
    rules: Mapping[str, Money]
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """From `quantity` items of one configuration on, the price changes by `percent` (below zero: a discount)."""

    quantity: int
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Addition:
    """`by` is added where `when` holds, as many times as the number `of` says (once where none is named)."""

    when: str
    by: Decimal
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Law:
    """A number that follows the configuration: a base and what conditions add to it."""

    base: Decimal
    add: tuple[Addition, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One make of a module. `stock` is the opening stock; at `reorder_at` another `lot` is called off."""

    id: str
    name: Text
    cost: Money
    stock: int
    reorder_at: int
    lot: int


@dataclass(frozen=True, slots=True)
class Supplier:
    """A firm that supplies a module: its lead time, least quantity, and share of deliveries that came on time."""

    id: str
    name: Text
    town: str
    lead_s: float
    moq: int
    on_time: float


@dataclass(frozen=True, slots=True)
class Module:
    """Something bought or made ahead, in variants. `unit` is what its quantity counts (`piece` where none is given)."""

    id: str
    name: Text
    unit: str
    variants: tuple[Variant, ...]
    suppliers: tuple[Supplier, ...]

    def variant(self, variant: str) -> Variant:
        """The variant of that id; `KeyError` when the module has none such."""
        return next((each for each in self.variants if each.id == variant), None) or _missing(variant)


@dataclass(frozen=True, slots=True)
class Choice:
    """The variant taken where `when` holds."""

    when: str
    variant: str


@dataclass(frozen=True, slots=True)
class BomRule:
    """One line of the bill of materials: where `when` holds, exactly one of `choose` holds; operation `at` consumes
    it. With a `slot`, a line of the part in that slot.
    """

    module: str
    at: str
    quantity: Law
    when: str
    choose: tuple[Choice, ...]
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the routing, before a configuration fills it in.

    `group` is the operation that it is shown as (itself, unless the pack says otherwise). `setup`, `program` and the
    texts among `parameters` are templates such as `"{foot}-{height_cm}"`. `energy_kwh` is nominal, per item. With a `slot`
    it makes the part in that slot, and its id ends in the slot's numbers (`40.2`). `needs`: classes of tools and skills of
    people, one of each from the beginning of the setup to the end. `waits`: how long after some of `after` it starts.
    """

    op: str
    group: str
    name: Text
    equipment_class: str
    after: tuple[str, ...]
    cycle_s: Law
    setup: str | None
    program: str
    parameters: Mapping[str, Law | str]
    energy_kwh: float
    when: str
    slot: str = ""
    needs: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """The same stretch on some days of the week (0 is Monday), in seconds from midnight UTC; `to_s` is at most
    86,400.
    """

    days: tuple[int, ...]
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a resource works: the stretches of `week` less those of `breaks`. With no `week`, always."""

    id: str
    week: tuple[WeeklyTime, ...]
    breaks: tuple[WeeklyTime, ...]


@dataclass(frozen=True, slots=True)
class SetupPair:
    """The time of one change of the setup key."""

    before: str
    after: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What a change of the setup key costs: the pair's time where it is listed, else `change_s`. `crew`: the class or skill of
    which one is taken while the setup lasts."""

    change_s: float
    pairs: tuple[SetupPair, ...]
    crew: str | None = None

    def time_s(self, before: str | None, after: str | None) -> float:
        """Seconds from one key to another; nothing when the key stays, or when either is unknown (`None`)."""
        if before is None or after is None or before == after:
            return 0.0
        times = (pair.time_s for pair in self.pairs if (pair.before, pair.after) == (before, after))
        return next(times, self.change_s)


@dataclass(frozen=True, slots=True)
class EquipmentClass:
    """What equipment can do. An operation on an unattended class, once started, runs on through breaks."""

    id: str
    name: Text
    setup: Setup | None
    calendar: str
    attended: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """Where equipment answers.

    `port` for opcua and modbus (servers on the line), `group` for sparkplug (a broker client).
    """

    id: str
    protocol: Protocol
    port: int | None
    group: str | None


@dataclass(frozen=True, slots=True)
class Power:
    """Of the whole equipment, in kW: with no item, and with every position at work."""

    idle_kw: float
    run_kw: float


@dataclass(frozen=True, slots=True)
class Equipment:
    """A machine or station. `positions` is how many items it works on at once; `unit` is the Modbus unit id."""

    id: str
    name: Text
    equipment_class: str
    cell: str
    positions: int
    connection: str
    unit: int | None
    power: Power
    mtbf_s: float
    mttr_s: float


@dataclass(frozen=True, slots=True)
class Meter:
    """A Modbus energy meter that reads the sum of some equipment."""

    id: str
    name: Text
    connection: str
    unit: int
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a signal in its unit: low and high warn, low_low and high_high alarm. Any subset."""

    low: float | None = None
    high: float | None = None
    low_low: float | None = None
    high_high: float | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A typed point of every equipment of a class, or of each position. Its id is unique within the class."""

    id: str
    equipment_class: str
    scope: Scope
    name: Text
    unit: str
    every_s: float
    limits: Limits
    physics: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Check:
    """A measurement of an operation. With neither `minimum` nor `maximum` it is only recorded."""

    id: str
    op: str
    name: Text
    measure: str
    unit: str
    minimum: float | None
    maximum: float | None
    reaction: Reaction
    redo: tuple[str, ...]
    physics: Mapping[str, object]

    def passed(self, measured: float) -> bool:
        """Whether a measured value lies within the limit, bounds included; not-a-number never passes."""
        low = self.minimum if self.minimum is not None else float("-inf")
        high = self.maximum if self.maximum is not None else float("inf")
        return low <= measured <= high


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of one item at full pace, its shares by cell, how far a figure may lie off, and the carbon of a kWh in
    grams. `tariff` covers the day, its hours in order; empty where energy has no price.
    """

    nominal_kwh: float
    shares: Mapping[str, float]
    tolerance: float
    carbon_g_per_kwh: float
    tariff: tuple[TariffHours, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who orders in the demo."""

    name: str
    town: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """Somebody who carries finished items, and how long it takes."""

    id: str
    name: Text
    transit_s: float


@dataclass(frozen=True, slots=True)
class Demo:
    """Seeded demo orders: mean time between them, share with priority, and the weight of each value of each option."""

    seed: int
    every_s: float
    express: float
    customers: tuple[Customer, ...]
    weights: Mapping[str, Mapping[str, float]]
    carriers: tuple[Carrier, ...]


@dataclass(frozen=True, slots=True)
class PackProduct:
    """The type of thing that the pack makes. `serial` is the prefix of its serial numbers."""

    id: str
    name: Text
    serial: str
    base_price: Money


@dataclass(frozen=True, slots=True)
class Place:
    """The ISA-95 path of the line: enterprise, site, area, line."""

    enterprise: str
    site: str
    area: str
    line: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A whole pack. `hash` is the SHA-256 of its files; `drawing` is its SVG as written.

    Parts are laid out: options, derived attributes, price rules, lines, operations and checks of a part are there once for
    each slot that it can have. Rules stand as written.
    """

    id: str
    version: str
    hash: str
    sector: str
    licence: str
    languages: tuple[str, ...]
    currency: str
    name: Text
    product: PackProduct
    place: Place
    options: tuple[Option, ...]
    derived: tuple[Derived, ...]
    rules: tuple[Rule, ...]
    prices: tuple[PriceRule, ...]
    modules: tuple[Module, ...]
    bom: tuple[BomRule, ...]
    routing: tuple[Operation, ...]
    calendars: tuple[Calendar, ...]
    classes: tuple[EquipmentClass, ...]
    connections: tuple[Connection, ...]
    equipment: tuple[Equipment, ...]
    meters: tuple[Meter, ...]
    signals: tuple[Signal, ...]
    checks: tuple[Check, ...]
    energy: Energy
    demo: Demo
    drawing: str
    parts: tuple[Part, ...] = ()
    several: tuple[Several, ...] = ()
    lists: tuple[PriceList, ...] = ()
    breaks: tuple[Break, ...] = ()
    auxiliaries: tuple[Auxiliary, ...] = ()
    aim: Aim | None = None

    def option(self, option: str) -> Option:
        """The option of that id; `KeyError` when there is none."""
        return next((each for each in self.options if each.id == option), None) or _missing(option)

    def module(self, module: str) -> Module:
        """The module of that id; `KeyError` when there is none."""
        return next((each for each in self.modules if each.id == module), None) or _missing(module)

    def operation(self, op: str) -> Operation:
        """The operation of that id; `KeyError` when there is none."""
        return next((each for each in self.routing if each.op == op), None) or _missing(op)

    def equipment_class(self, equipment_class: str) -> EquipmentClass:
        """The class of that id; `KeyError` when there is none."""
        return next((each for each in self.classes if each.id == equipment_class), None) or _missing(equipment_class)

    def calendar(self, calendar: str) -> Calendar:
        """The calendar of that id; `KeyError` when there is none."""
        return next((each for each in self.calendars if each.id == calendar), None) or _missing(calendar)

    def connection(self, connection: str) -> Connection:
        """The connection of that id; `KeyError` when there is none."""
        return next((each for each in self.connections if each.id == connection), None) or _missing(connection)

    def machine(self, equipment: str) -> Equipment:
        """The equipment of that id; `KeyError` when there is none."""
        return next((each for each in self.equipment if each.id == equipment), None) or _missing(equipment)

    def equipment_of(self, equipment_class: str) -> tuple[Equipment, ...]:
        """All equipment of a class, in the order of the pack."""
        return tuple(each for each in self.equipment if each.equipment_class == equipment_class)

    def serving(self, need: str) -> tuple[Auxiliary, ...]:
        """The tools of a class, or the people of a skill, in the order of the pack."""
        return tuple(each for each in self.auxiliaries if need in each.serves)

    def signals_of(self, equipment_class: str) -> tuple[Signal, ...]:
        """The signals of a class, in the order of the pack (which numbers them on Modbus)."""
        return tuple(each for each in self.signals if each.equipment_class == equipment_class)

    def checks_of(self, op: str) -> tuple[Check, ...]:
        """The checks of an operation, in the order of the pack (which numbers them on Modbus)."""
        return tuple(each for each in self.checks if each.op == op)

    def path(self, equipment: Equipment) -> str:
        """The ISA-95 path of an equipment: enterprise/site/area/line/cell/equipment (IEC 62264-1)."""
        place = self.place
        return "/".join((place.enterprise, place.site, place.area, place.line, equipment.cell, equipment.id))


def _missing(key: str) -> Never:
    raise KeyError(key)
