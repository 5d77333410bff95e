"""Reading rules.yaml: what goes together, and what it costs.

A table of allowed or forbidden rows is read as the rule that it says, so nothing else needs to know of tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from batchone.chain.design.packs.nodes import Items, Node
from batchone.chain.design.packs.reading import Entry, Reading, Said, decimal, identifier, money, scalar
from batchone.contracts.pack import Break, PriceList, PriceRule, Rule
from batchone.kernel.money import Money

ROWS_MAX = 2_000
_SIZE = re.compile(r"(<=|>=|<|>) ?(-?[0-9]+(?:\.[0-9]+)?)\Z")
_CELL = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*\Z|-?[0-9]+(\.[0-9]+)?\Z")


@dataclass(frozen=True)
class Selling:
    """rules.yaml."""

    rules: tuple[Rule, ...]
    prices: tuple[PriceRule, ...]
    lists: tuple[PriceList, ...]
    breaks: tuple[Break, ...]


def read_rules(reading: Reading, node: Node) -> Selling:
    """rules.yaml."""
    entry = Entry.of(reading, node, "rules", "tables prices lists breaks")
    rules = [_rule(reading, each) for each in entry.several(("rule",), "rules", "id rule message", "part since until")]
    tables = entry.several(("table",), "tables", "id of message", "allow forbid part since until")
    for index, each in enumerate(tables):
        reading.places["rule", str(len(rules))] = reading.places["table", str(index)]
        rules.append(_table(reading, each))
    prices = entry.several(("price",), "prices", "id when", "price lead part since until")
    lists = entry.several(("list",), "lists", "id name", "currency groups base_price values rules since until")
    breaks = entry.several(("break",), "breaks", "from percent")
    return Selling(
        tuple(rules),
        tuple(_price(reading, each) for each in prices),
        tuple(_list(reading, each) for each in lists),
        _breaks(reading, breaks),
    )


def _rule(reading: Reading, entry: Entry) -> Rule:
    part, (since, until) = entry.of_part(), entry.span()
    rule = Rule(entry.declared("rule"), entry.condition("rule"), entry.text("message"), part, since, until)
    reading.part = ""
    return rule


def _table(reading: Reading, entry: Entry) -> Rule:
    part, (since, until) = entry.of_part(), entry.span()
    words = [scalar(reading, node) for node in entry.items("of", least=1)]
    for word, node in zip(words, entry.items("of"), strict=True):
        reading.said.append(Said(word, node.place, part, 0, "word"))
    if entry.has("allow") == entry.has("forbid"):
        reading.fault(entry.place(), "A table allows rows, or forbids them.", "Give 'allow:' or 'forbid:', and only one.")
    key = "allow" if entry.has("allow") else "forbid"
    rows = [_row(reading, words, node) for node in entry.items(key, least=1)]
    if len(rows) > ROWS_MAX:
        reading.fault(entry.place(key), f"The table has {len(rows)} rows.", f"Give {ROWS_MAX} at most.")
    text = " or ".join(f"({row})" for row in rows if row) or "true"
    rule = Rule(entry.declared("rule"), text if key == "allow" else f"not ({text})", entry.text("message"), part, since, until)
    reading.said.append(Said(rule.rule, entry.place(key), part, 0, "repeated"))
    reading.part = ""
    return rule


def _row(reading: Reading, words: list[str], node: Node) -> str:
    """A row as a condition; its faults are told where the row stands."""
    if not isinstance(node, Items) or len(node.items) != len(words):
        reading.fault(node.place, "The row does not fit the table.", f"Write one cell for each of {', '.join(words)}.")
        return ""
    cells = [_cell(reading, word, cell) for word, cell in zip(words, node.items, strict=True)]
    text = " and ".join(cell for cell in cells if cell) or "true"
    reading.said.append(Said(text, node.place, reading.part))
    return text


def _cell(reading: Reading, word: str, node: Node) -> str:
    """A cell: a value, a list of values, a size such as `">= 480"`, or `any`."""
    if isinstance(node, Items):
        values = [scalar(reading, each) for each in node.items]
        if values and all(_CELL.match(value) for value in values):
            return f"{word} in {{{', '.join(values)}}}"
        reading.fault(node.place, "The list has what is no value.", "Write values, such as [a, b].")
        return ""
    text = scalar(reading, node)
    size = _SIZE.match(text)
    if size:
        return f"{word} {size[1]} {size[2]}"
    if text == "any":
        return ""
    if text and not _CELL.match(text):
        reading.fault(node.place, f"'{text}' is no cell.", 'Write a value, [a, b], any, or a size such as ">= 480".')
        return ""
    return f"{word} = {text}" if text else ""


def _price(reading: Reading, entry: Entry) -> PriceRule:
    part, (since, until) = entry.of_part(), entry.span()
    price = PriceRule(
        id=entry.declared("price rule"),
        when=entry.condition("when"),
        price=entry.money("price", signed=True),
        lead_s=entry.quantity("lead", "s"),
        slot=part,
        since=since,
        until=until,
    )
    reading.part = ""
    return price


def _list(reading: Reading, entry: Entry) -> PriceList:
    name, (since, until) = entry.declared("price list"), entry.span()
    currency = entry.word("currency", reading.currency)
    if currency != reading.currency:
        what = f"The list is in {currency}, and the pack in {reading.currency}."
        reading.fault(entry.place("currency"), what, "Convert it; a pack has one currency.")
    values: dict[str, Mapping[str, Money]] = {}
    for option, node in entry.pairs("values").items():
        reading.refer("option", option, node.place)
        known = " ".join(reading.declared.get(f"value of {option}", {}))
        if option in reading.declared.get("option", {}):
            prices = Entry.of(reading, node, "", known)
            values[option] = {value: money(reading, each, signed=True) for value, each in prices.table.entries.items()}
    rules: dict[str, Money] = {}
    for rule, node in entry.pairs("rules").items():
        reading.refer("price rule", rule, node.place)
        rules[rule] = money(reading, node, signed=True)
    return PriceList(
        id=name,
        name=entry.text("name"),
        groups=tuple(identifier(reading, node) for node in entry.items("groups")),
        base_price=entry.money("base_price") if entry.has("base_price") else None,
        values=values,
        rules=rules,
        since=since,
        until=until,
    )


def _breaks(reading: Reading, entries: list[Entry]) -> tuple[Break, ...]:
    found: list[Break] = []
    for entry in entries:
        quantity, percent = entry.integer("from", least=2, most=1_000_000, default=2), Decimal(0)
        if entry.has("percent"):
            percent = decimal(reading, entry.node("percent"))
            if not -100 < percent <= 100:
                reading.fault(entry.place("percent"), f"percent is {percent}.", "Give a number above -100, to 100.")
        if found and quantity <= found[-1].quantity:
            reading.fault(entry.place("from"), "The breaks are not in order.", "Let each begin at more than the one before.")
        found.append(Break(quantity, percent))
    return tuple(found)
