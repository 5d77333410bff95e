"""Reading entries of a pack: each value checked where it stands, every fault kept, a stand-in returned for what is faulty.

A stand-in (`""`, `0`) never leaves this folder: a pack with a fault is not handed out. So readers go on after a fault and
all faults come out at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from batchone.chain.design.packs.faults import Fault, Place
from batchone.chain.design.packs.nodes import NOTHING, Items, Node, Scalar, Table, told
from batchone.chain.design.packs.units import is_unit, unit_fault
from batchone.chain.design.rules import RESERVED
from batchone.contracts.pack import Addition, Law, Text
from batchone.kernel import quantities
from batchone.kernel.errors import Refused
from batchone.kernel.money import Money, minor_digits

ID = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*\Z")
_MONEY = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,3})?)(?: ([A-Z]{3}))?\Z")
FILE_OF = {
    "option": "options.yaml",
    "value": "options.yaml",
    "part": "options.yaml",
    "module": "modules.yaml",
    "variant": "modules.yaml",
    "operation": "routing.yaml",
    "class": "resources.yaml",
    "calendar": "resources.yaml",
    "connection": "resources.yaml",
    "equipment": "resources.yaml",
    "tool class or skill": "resources.yaml",
    "cell": "resources.yaml",
}


@dataclass(frozen=True)
class Said:
    """A text in the language of rules, yet to be read: where it stands, and of which part.

    `kind` says what it should be: a condition, a number, a template, a word; `repeated` is a condition whose parts are told
    of elsewhere.
    """

    text: str
    place: Place
    part: str
    column: int = 0
    kind: Literal["truth", "number", "template", "word", "repeated"] = "truth"


@dataclass
class Reading:
    """What was found so far: faults, ids declared with their places, references and conditions yet to be resolved.

    `part` is the part whose entry is being read; `warnings` are told and keep nobody from installing.
    """

    languages: tuple[str, ...] = ()
    currency: str = "XXX"
    faults: list[Fault] = field(default_factory=list)
    declared: dict[str, dict[str, Place]] = field(default_factory=dict)
    references: list[tuple[str, str, Place]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    part: str = ""
    warnings: list[Fault] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    places: dict[tuple[str, ...], Place] = field(default_factory=dict)

    def fault(self, place: Place, what: str, cure: str) -> None:
        """Keep a fault."""
        self.faults.append(Fault(place.file, place.line, what, cure, place.column))

    def warn(self, place: Place, what: str, cure: str) -> None:
        """Keep a warning."""
        self.warnings.append(Fault(place.file, place.line, what, cure, place.column))

    def say(self, node: Node, text: str, kind: Literal["truth", "number", "template"] = "truth") -> None:
        """Keep a text in the language of rules (or a template) that stands at a node."""
        column = node.column if isinstance(node, Scalar) else 0
        self.said.append(Said(text, node.place, self.part, column, kind))

    def declare(self, kind: str, name: str, place: Place) -> None:
        """An id of a kind; the same id again is a fault."""
        known = self.declared.setdefault(kind, {})
        if name in known:
            first = known[name]
            self.fault(place, f"The {kind} '{name}' is declared already in {first.file}:{first.line}.", "Give it another id.")
        elif name:
            known[name] = place

    def refer(self, kind: str, name: str, place: Place) -> None:
        """A use of an id; whether it is declared is seen when everything was read."""
        if name:
            self.references.append((kind, name, place))

    def resolve(self) -> None:
        """Every reference to something that is not declared is a fault, unless its file could not be read."""
        for kind, name, place in self.references:
            known = self.declared.get(kind, {})
            file = FILE_OF.get(kind.split(" of ")[0], "")
            if name not in known and file not in self.unread:
                among = f"Use one of {', '.join(known)}" if known else f"Declare one in {file or place.file}"
                self.fault(place, f"There is no {kind} '{name}'.", f"{among}.")

    def at(self, *path: str | int) -> Place:
        """Where something stands: its path (`"bom", 3, "at"`), or the nearest thing around it."""
        keys = tuple(map(str, path))
        while keys not in self.places and keys:
            keys = keys[:-1]
        return self.places[keys]


@dataclass
class Entry:
    """One mapping of a pack, with the keys that it may have."""

    reading: Reading
    table: Table

    @staticmethod
    def of(reading: Reading, node: Node, required: str, optional: str = "") -> Entry:
        """A mapping with these keys (separated by spaces); other keys, and missing ones, are faults."""
        table = node
        if not isinstance(table, Table):
            if not told(node):
                cure = f"Write keys and values: {required or optional}."
                reading.fault(node.place, "This should be a mapping.", cure)
            table = Table({}, {}, node.place)
        else:
            allowed = {*required.split(), *optional.split()}
            for key in table.entries:
                if key not in allowed:
                    cure = f"Take it out; known here are {', '.join(sorted(allowed))}."
                    reading.fault(table.lines[key], f"'{key}' is not known here.", cure)
            for key in required.split():
                if key not in table.entries:
                    reading.fault(table.place, f"'{key}' is missing.", f"Add '{key}:'.")
        return Entry(reading, table)

    def mark(self, *path: str) -> None:
        """Keep where the entry and its values stand, under a path."""
        self.reading.places[path] = self.place()
        for key in self.table.entries:
            self.reading.places[(*path, key)] = self.place(key)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.table.entries

    def place(self, key: str = "") -> Place:
        """Where the value of a key stands, or the entry itself."""
        node = self.table.entries.get(key)
        return self.table.place if node is None else node.place

    def node(self, key: str) -> Node:
        """The value of a key as it stands; an empty text when the key is missing."""
        return self.table.entries.get(key, NOTHING)

    def word(self, key: str, default: str = "") -> str:
        """A text on one line."""
        if not self.has(key):
            return default
        return scalar(self.reading, self.node(key))

    def id(self, key: str = "id") -> str:
        """An id."""
        return identifier(self.reading, self.node(key)) if self.has(key) else ""

    def declared(self, kind: str) -> str:
        """The entry's own id, declared as one of its kind."""
        name = self.id()
        self.reading.declare(kind, name, self.place("id"))
        return name

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of some words."""
        text = self.word(key)
        if self.has(key) and text not in allowed:
            self.reading.fault(self.place(key), f"{key} is '{text}'.", f"Use one of {', '.join(allowed)}.")
        return text

    def reference(self, kind: str, key: str) -> str:
        """The id of something declared elsewhere."""
        name = self.id(key)
        self.reading.refer(kind, name, self.place(key))
        return name

    def text(self, key: str) -> Text:
        """A text in every language of the pack."""
        if not self.has(key) or not self.reading.languages:
            return {}
        entry = Entry.of(self.reading, self.node(key), " ".join(self.reading.languages))
        texts = {language: entry.word(language) for language in self.reading.languages}
        for language, text in texts.items():
            if entry.has(language) and not text.strip():
                self.reading.fault(entry.place(language), f"The {language} text is empty.", "Write it.")
        return texts

    def quantity(self, key: str, unit: str, *, default: float = 0.0, least: float = 0.0, above: bool = False) -> float:
        """A quantity in a unit; at least `least` (or above it)."""
        if not self.has(key):
            return default
        return measured(self.reading, self.node(key), unit, least=least, above=above)

    def money(self, key: str, *, signed: bool = False) -> Money:
        """An amount in the pack's currency; zero when the key is missing."""
        node = self.table.entries.get(key)
        if node is None:
            return Money.zero(self.reading.currency)
        return money(self.reading, node, signed=signed)

    def number(self, key: str, *, default: float = 0.0, least: float = float("-inf"), most: float = float("inf")) -> float:
        """A plain number within bounds."""
        if not self.has(key):
            return default
        value = float(decimal(self.reading, self.node(key)))
        if not least <= value <= most:
            self.reading.fault(self.place(key), f"{key} is {value:g}.", f"Give a number from {least:g} to {most:g}.")
        return value

    def integer(self, key: str, *, least: int = 0, most: int = 10**9, default: int = 0) -> int:
        """A whole number within bounds."""
        if not self.has(key):
            return default
        text = self.word(key)
        if not re.match(r"-?[0-9]{1,12}\Z", text) or not least <= int(text) <= most:
            self.reading.fault(self.place(key), f"{key} is '{text}'.", f"Give a whole number from {least} to {most}.")
            return max(default, least)
        return int(text)

    def boolean(self, key: str) -> bool:
        """True or false."""
        return self.one_of(key, ("true", "false")) == "true"

    def unit(self, key: str = "unit") -> str:
        """A unit of measurement."""
        unit = self.word(key)
        if self.has(key) and not is_unit(unit):
            self.reading.fault(self.place(key), *unit_fault(unit))
        return unit

    def items(self, key: str, *, least: int = 0) -> tuple[Node, ...]:
        """A list."""
        if not self.has(key):
            return ()
        node = self.node(key)
        if not isinstance(node, Items):
            if not told(node):
                self.reading.fault(node.place, f"{key} should be a list.", "Write [a, b] or lines that begin with '-'.")
            return ()
        if len(node.items) < least:
            self.reading.fault(node.place, f"{key} has too few entries.", f"Give at least {least}.")
        return node.items

    def words(self, key: str, *, least: int = 0) -> tuple[tuple[str, Place], ...]:
        """A list of ids, each with its place; one that stands twice is a fault."""
        found: dict[str, Place] = {}
        for item in self.items(key, least=least):
            name = identifier(self.reading, item)
            if name in found and name:
                self.reading.fault(item.place, f"'{name}' stands here twice.", "Keep one of the two.")
            elif name:
                found[name] = item.place
        return tuple(found.items())

    def references(self, kind: str, key: str, *, least: int = 0) -> tuple[str, ...]:
        """A list of ids of things declared elsewhere."""
        words = self.words(key, least=least)
        for name, place in words:
            self.reading.refer(kind, name, place)
        return tuple(name for name, _ in words)

    def condition(self, key: str, default: str = "true") -> str:
        """A condition in the language of rules."""
        text = self.word(key, default)
        self.reading.say(self.table.entries.get(key, Scalar(text, "str", self.place(key))), text)
        return text

    def of_part(self) -> str:
        """The part that the entry belongs to (empty: the product); texts read until the next entry are of that part."""
        self.reading.part = self.reference("part", "part") if self.has("part") else ""
        return self.reading.part

    def day(self, key: str) -> date | None:
        """A date."""
        if not self.has(key):
            return None
        text = self.word(key)
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.reading.fault(self.place(key), f"'{text}' is no date.", "Write year-month-day, such as 2026-03-01.")
            return None

    def span(self) -> tuple[date | None, date | None]:
        """From when and until when (that day included) the entry is in force."""
        since, until = self.day("since"), self.day("until")
        if since is not None and until is not None and until < since:
            self.reading.fault(self.place("until"), "It ends before it begins.", "Exchange the two dates.")
        return since, until

    def template(self, key: str) -> str:
        """A template; its words are checked when all options were read."""
        text = self.word(key)
        self.reading.say(self.node(key), text, "template")
        return text

    def law(self, key: str, unit: str = "") -> Law:
        """A number, or a base with what conditions add; with a unit, its quantities."""
        return law(self.reading, self.node(key), unit) if self.has(key) else Law(Decimal(1))

    def several(self, path: tuple[str, ...], key: str, required: str, optional: str = "", *, least: int = 0) -> list[Entry]:
        """A list of mappings; where each stands is kept under `path` and its number."""
        entries = [Entry.of(self.reading, node, required, optional) for node in self.items(key, least=least)]
        for index, entry in enumerate(entries):
            entry.mark(*path, str(index))
        return entries

    def sub(self, key: str, required: str, optional: str = "") -> Entry:
        """A mapping within this one; an empty one, without further faults, when the key is missing."""
        if not self.has(key):
            return Entry(self.reading, Table({}, {}, self.table.place))
        return Entry.of(self.reading, self.node(key), required, optional)

    def pairs(self, key: str) -> Mapping[str, Node]:
        """A mapping with free keys."""
        node = self.node(key)
        if not self.has(key) or isinstance(node, Table):
            return node.entries if isinstance(node, Table) else {}
        self.reading.fault(node.place, f"{key} should be a mapping.", "Write {key: value}.")
        return {}


def scalar(reading: Reading, node: Node) -> str:
    """The text of a scalar."""
    if isinstance(node, Scalar) and node.kind != "null":
        return node.text
    if not told(node):
        reading.fault(node.place, "A single value should stand here.", "Write a word, a number or a quoted text.")
    return ""


def identifier(reading: Reading, node: Node) -> str:
    """An id: lower-case letters and digits, joined by `-` or `_`, and no word of the language of rules."""
    text = scalar(reading, node)
    if text and (not ID.match(text) or text in RESERVED):
        reading.fault(node.place, f"'{text}' is no id.", "Use lower-case letters and digits, joined by - or _.")
        return ""
    return text


def decimal(reading: Reading, node: Node) -> Decimal:
    """A plain number, exactly."""
    text = scalar(reading, node)
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if text and not value.is_finite():
        reading.fault(node.place, f"'{text}' is no number.", "Write a plain number such as 12 or 0.5.")
    return value if value.is_finite() else Decimal(0)


def measured(reading: Reading, node: Node, unit: str, *, least: float = 0.0, above: bool = False) -> float:
    """A quantity with its unit, as a magnitude in `unit`."""
    text = scalar(reading, node)
    if not text:
        return least
    try:
        if isinstance(node, Scalar) and node.kind != "str":
            raise Refused("quantity.unreadable", f"'{text}' has no unit.", f"Write a number and a unit, such as '10 {unit}'.")
        value = quantities.parse(text, unit)
    except Refused as error:
        reading.fault(node.place, error.what, error.cure)
        return least
    if value < least or (above and value <= least):
        reading.fault(node.place, f"'{text}' is too little.", f"Give {'more than' if above else 'at least'} {least:g} {unit}.")
    return value


def money(reading: Reading, node: Node, *, signed: bool = False) -> Money:
    """An amount in the pack's currency, with no more decimals than the currency has; zero where it is faulty."""
    text, currency = scalar(reading, node), reading.currency
    found = _MONEY.match(text)
    decimals = len(found[1].partition(".")[2]) if found else 0
    readable = isinstance(node, Scalar) and node.kind == "str" and decimals <= minor_digits(currency)
    if found is None or not readable or (text.startswith("-") and not signed):
        reading.fault(node.place, f"'{text}' is no amount of money.", 'Write a quoted decimal such as "180.00".')
        return Money.zero(currency)
    if found[2] and found[2] != currency:
        what = f"'{text}' is in {found[2]}, and the pack in {currency}."
        reading.fault(node.place, what, f"Convert it; a pack has one currency, {currency}.")
        return Money.zero(currency)
    return Money.of(found[1], currency)


def law(reading: Reading, node: Node, unit: str = "") -> Law:
    """A number, or `{base, add: [{when, by}]}`."""

    def amount(part: Node) -> Decimal:
        if not unit:
            return decimal(reading, part)
        return Decimal(repr(measured(reading, part, unit, least=float("-inf")))).normalize()

    if isinstance(node, Scalar):
        return Law(amount(node))
    entry = Entry.of(reading, node, "base", "add")
    base = amount(entry.node("base")) if entry.has("base") else Decimal(1)
    parts = [Entry.of(reading, part, "by", "when of") for part in entry.items("add")]
    return Law(base, tuple(_addition(part, amount(part.node("by")) if part.has("by") else Decimal(0)) for part in parts))


def _addition(entry: Entry, by: Decimal) -> Addition:
    if not entry.has("when") and not entry.has("of"):
        entry.reading.fault(entry.place(), "'when' is missing.", "Add 'when:' or 'of:', or add it to the base.")
    of = entry.word("of") if entry.has("of") else None
    if of is not None:
        entry.reading.say(entry.node("of"), of, "number")
    return Addition(entry.condition("when"), by, of)
