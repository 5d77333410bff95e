"""Reading pack.yaml, options.yaml and rules.yaml: what can be ordered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from batchone.chain.design.packs.nodes import Node
from batchone.chain.design.packs.reading import Entry, Reading, identifier, scalar
from batchone.contracts.pack import Derived, Option, PackProduct, Place, PriceRule, Rule, Text, Value

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")
_LOOK = re.compile(r"(#[0-9a-fA-F]{3,8}|[a-z]+)\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


@dataclass(frozen=True)
class Header:
    """pack.yaml."""

    id: str
    version: str
    sector: str
    licence: str
    languages: tuple[str, ...]
    currency: str
    name: Text
    product: PackProduct
    place: Place


def read_header(reading: Reading, node: Node) -> Header:
    """pack.yaml; sets the languages and the currency of the reading."""
    entry = Entry.of(reading, node, "pack version sector licence languages currency name product place")
    reading.languages = tuple(word for word, _ in entry.words("languages", least=1))
    currency, version = entry.word("currency"), entry.word("version")
    if entry.has("currency") and not re.match(r"[A-Z]{3}\Z", currency):
        reading.fault(entry.place("currency"), f"'{currency}' is no currency.", "Use its code in ISO 4217, such as CNY.")
    if entry.has("version") and not _VERSION.match(version):
        reading.fault(entry.place("version"), f"'{version}' is no version.", "Write major.minor.patch, such as 1.0.0.")
    reading.currency = currency
    return Header(
        id=entry.id("pack"),
        version=version,
        sector=entry.id("sector"),
        licence=entry.word("licence"),
        languages=reading.languages,
        currency=currency,
        name=entry.text("name"),
        product=_product(entry.sub("product", "id name serial base_price")),
        place=_place(entry.sub("place", "enterprise site area line")),
    )


def read_options(reading: Reading, node: Node) -> tuple[tuple[Option, ...], tuple[Derived, ...]]:
    """options.yaml."""
    entry = Entry.of(reading, node, "options", "derived")
    entries = entry.several(("option",), "options", "id name default values", "unit", least=1)
    options = tuple(_option(reading, index, option) for index, option in enumerate(entries))
    by_id = {option.id: option for option in reversed(options)}
    derived = tuple(_derived(reading, each, by_id) for each in entry.several(("derived",), "derived", "id of table"))
    return options, derived


def read_rules(reading: Reading, node: Node) -> tuple[tuple[Rule, ...], tuple[PriceRule, ...]]:
    """rules.yaml."""
    entry = Entry.of(reading, node, "rules", "prices")
    rules = [
        Rule(rule.declared("rule"), rule.condition("rule"), rule.text("message"))
        for rule in entry.several(("rule",), "rules", "id rule message")
    ]
    prices = [
        PriceRule(
            id=price.declared("price rule"),
            when=price.condition("when"),
            price=price.money("price", signed=True),
            lead_s=price.quantity("lead", "s"),
        )
        for price in entry.several(("price",), "prices", "id when", "price lead")
    ]
    return tuple(rules), tuple(prices)


def _product(entry: Entry) -> PackProduct:
    serial = entry.word("serial")
    if entry.has("serial") and not re.match(r"[A-Z0-9]{1,8}\Z", serial):
        entry.reading.fault(entry.place("serial"), f"'{serial}' is no prefix.", "Use one to eight capital letters and digits.")
    return PackProduct(entry.id(), entry.text("name"), serial, entry.money("base_price"))


def _place(entry: Entry) -> Place:
    return Place(entry.id("enterprise"), entry.id("site"), entry.id("area"), entry.id("line"))


def _option(reading: Reading, index: int, entry: Entry) -> Option:
    option, unit = entry.declared("option"), entry.unit() if entry.has("unit") else None
    optional = "price lead look name" if unit is not None else "price lead look"
    required = "id" if unit is not None else "id name"
    entries = entry.several(("option", str(index), "values"), "values", required, optional, least=1)
    values = [_value(reading, option, unit, value) for value in entries]
    default = scalar(reading, entry.node("default")) if entry.has("default") else ""
    if default:
        reading.refer(f"value of {option}", default, entry.place("default"))
    return Option(option, entry.text("name"), unit, default, tuple(values))


def _value(reading: Reading, option: str, unit: str | None, entry: Entry) -> Value:
    value, number = _value_id(reading, unit, entry)
    reading.declare(f"value of {option}", value, entry.place("id"))
    name = entry.text("name") if entry.has("name") or unit is None else dict.fromkeys(reading.languages, f"{value} {unit}")
    return Value(
        id=value,
        name=name,
        price=entry.money("price", signed=True),
        lead_s=entry.quantity("lead", "s"),
        look=_look(entry) if entry.has("look") else None,
        number=number,
    )


def _look(entry: Entry) -> str:
    look = entry.word("look")
    if look and not _LOOK.match(look):
        entry.reading.fault(entry.place("look"), f"'{look}' is no look.", 'Write a colour such as "#e8e8e6" or silver.')
    return look


def _value_id(reading: Reading, unit: str | None, entry: Entry) -> tuple[str, Decimal | None]:
    if not entry.has("id"):
        return "", None
    if unit is None:
        return entry.id(), None
    text = scalar(reading, entry.node("id"))
    if not _NUMBER.match(text):
        reading.fault(entry.place("id"), f"'{text}' is no number.", "Values of an option with a unit are plain numbers.")
        return "", None
    return text, Decimal(text)


def _derived(reading: Reading, entry: Entry, options: dict[str, Option]) -> Derived:
    name, of = entry.declared("derived attribute"), entry.reference("option", "of")
    if name in options:
        reading.fault(entry.place("id"), f"There is an option '{name}' too.", "Give the derived attribute another id.")
    table = {key: identifier(reading, value) for key, value in entry.pairs("table").items()}
    if of in options and entry.has("table"):
        values = [value.id for value in options[of].values]
        for value in values:
            if value not in table:
                reading.fault(entry.place("table"), f"The table has nothing for {of} = {value}.", f"Add '{value}: ...'.")
        for key, node in entry.pairs("table").items():
            reading.refer(f"value of {of}", key, node.place)
    return Derived(name, of, table)
