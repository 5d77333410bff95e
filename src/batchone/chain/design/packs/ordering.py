"""Reading pack.yaml and options.yaml: what can be ordered.

Options and derived attributes of a part are read with the part's id as their slot; `parts.lay_out` gives each slot its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, cast

from batchone.chain.design.packs.aiming import read_aim
from batchone.chain.design.packs.nodes import Node, Scalar, Table
from batchone.chain.design.packs.reading import Entry, Reading, Said, identifier, scalar
from batchone.contracts.pack import Default, Derived, Option, Own, PackProduct, Part, Place, Several, Text, Value
from batchone.contracts.sharing import Aim
from batchone.kernel.money import Money

QUANTITY_VALUES_MAX = 500
SLOTS_MAX = 100
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")
_LOOK = re.compile(r"(#[0-9a-fA-F]{3,8}|[a-z]+)\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_YES = {"en": "Yes", "zh": "是", "de": "Ja", "fr": "Oui", "es": "Sí", "ja": "はい"}
_NO = {"en": "No", "zh": "否", "de": "Nein", "fr": "Non", "es": "No", "ja": "いいえ"}
_OPTIONAL = "values quantity several unit default defaults price_each"


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
    aim: Aim | None


@dataclass
class Choosing:
    """options.yaml: options, derived attributes and options with several values of the product and of its parts."""

    options: list[Option] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    several: list[Several] = field(default_factory=list)
    parts: tuple[Part, ...] = ()


def read_header(reading: Reading, node: Node) -> Header:
    """pack.yaml; sets the languages and the currency of the reading."""
    entry = Entry.of(reading, node, "pack version sector licence languages currency name product place", "aim")
    entry.mark("pack")
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
        aim=read_aim(reading, entry),
    )


def read_options(reading: Reading, node: Node) -> Choosing:
    """options.yaml."""
    entry = Entry.of(reading, node, "options", "derived parts")
    found = Choosing()
    _scope(reading, entry, "", found)
    parts = entry.several(("part",), "parts", "id name count options", "of derived")
    for part in parts:
        name = part.declared("part")
        reading.part = name
        _scope(reading, part, name, found)
    reading.part = ""
    found.parts = tuple(
        Part(part.id(), part.text("name"), part.id("count"), part.reference("part", "of") if part.has("of") else "")
        for part in parts
    )
    _refuse_rings(reading, parts, found.parts)
    for part, each in zip(parts, found.parts, strict=True):
        counting = next((o for o in found.options if o.id == each.count and o.slot == each.within), None)
        whole = counting is not None and counting.step == 1
        if each.count and (counting is None or not whole or int(counting.values[0].id) < 0):
            what = f"'{each.count}' is no quantity of what holds {each.id}, with step 1 and from 0."
            reading.fault(part.place("count"), what, "Declare the quantity there.")
        elif counting is not None and int(counting.values[-1].id) > SLOTS_MAX:
            what = f"{counting.values[-1].id} of {each.id} are too many."
            reading.fault(part.place("count"), what, f"Let {each.count} go to {SLOTS_MAX} at most.")
    return found


def _refuse_rings(reading: Reading, entries: list[Entry], parts: tuple[Part, ...]) -> None:
    """Parts that hold one another would need material without end."""
    within = {part.id: part.within for part in parts}
    for entry, part in zip(entries, parts, strict=True):
        chain = [part.id]
        while (above := within.get(chain[-1], "")) and above not in chain:
            chain.append(above)
        if above == part.id and part.id == min(chain):
            what = f"The parts {' → '.join([*reversed(chain), chain[-1]])} hold one another."
            reading.fault(entry.place("of"), what, "Let the outermost be held by the product: take its 'of' out.")


def _scope(reading: Reading, entry: Entry, part: str, found: Choosing) -> None:
    """The options and derived attributes of the product or of a part."""
    options = entry.several(("option", part), "options", "id name", _OPTIONAL, least=1)
    first = len(found.options)
    for option in options:
        found.options.extend(_option(reading, part, option, found.several))
    by_id = {option.id: option for option in reversed(found.options[first:])}
    for each in entry.several(("derived", part), "derived", "id", "of table formula unit"):
        found.derived.append(_derived(reading, part, each, by_id))


def _product(entry: Entry) -> PackProduct:
    entry.mark("product")
    serial = entry.word("serial")
    if entry.has("serial") and not re.match(r"[A-Z0-9]{1,8}\Z", serial):
        entry.reading.fault(entry.place("serial"), f"'{serial}' is no prefix.", "Use one to eight capital letters and digits.")
    return PackProduct(entry.id(), entry.text("name"), serial, entry.money("base_price"))


def _place(entry: Entry) -> Place:
    return Place(entry.id("enterprise"), entry.id("site"), entry.id("area"), entry.id("line"))


def kind_of(kind: str, part: str) -> str:
    """Under what an id is declared: ids of options are unique in their part."""
    return f"{kind} of {part}" if part else kind


def _full(part: str, option: str) -> str:
    return f"{part}.{option}" if part else option


def _option(reading: Reading, part: str, entry: Entry, several: list[Several]) -> list[Option]:
    option = entry.declared(kind_of("option", part))
    if entry.has("several"):
        return _members(reading, part, option, entry, several)
    if not entry.has("default"):
        reading.fault(entry.place(), "'default' is missing.", "Add 'default:'.")
    unit = entry.unit() if entry.has("unit") else None
    if entry.has("quantity"):
        values, step = _counted(reading, part, option, unit, entry)
    else:
        values, step = _values(reading, part, option, unit, entry), None
    kind = f"value of {_full(part, option)}"
    default = scalar(reading, entry.node("default")) if entry.has("default") else ""
    if default:
        reading.refer(kind, default, entry.place("default"))
    defaults = [Entry.of(reading, each, "when value") for each in entry.items("defaults")]
    for each in defaults:
        reading.refer(kind, each.word("value"), each.place("value"))
    return [
        Option(
            option, entry.text("name"), unit, default, tuple(values),
            tuple(Default(each.condition("when"), each.word("value")) for each in defaults), slot=part, step=step,
        )
    ]  # fmt: skip


def _values(reading: Reading, part: str, option: str, unit: str | None, entry: Entry) -> list[Value]:
    optional = "price lead look since until own"
    required, optional = ("id", f"{optional} name") if unit is not None else ("id name", optional)
    if not entry.has("values"):
        reading.fault(entry.place(), "'values' is missing.", "Add 'values:', or 'quantity:' for a range of numbers.")
    if entry.has("price_each"):
        reading.fault(entry.place("price_each"), f"{option} is no quantity.", "Give each value its 'price:'.")
    entries = entry.several(("option", part, option, "values"), "values", required, optional, least=1)
    return [_value(reading, part, option, unit, value) for value in entries]


def _counted(reading: Reading, part: str, option: str, unit: str | None, entry: Entry) -> tuple[list[Value], int]:
    """The values of a quantity: whole numbers from the first to the last by the step."""
    if entry.has("values"):
        reading.fault(entry.place("values"), f"{option} has values and a quantity.", "Keep one of the two.")
    span = entry.sub("quantity", "from to", "step")
    first, last = span.integer("from", least=-(10**9)), span.integer("to", least=-(10**9))
    step = span.integer("step", least=1, default=1)
    count = (last - first) // step + 1
    if last < first:
        reading.fault(span.place("to"), "It ends before it begins.", "Exchange the two numbers.")
    elif count > QUANTITY_VALUES_MAX:
        what = f"{option} has {count} values, and a quantity may have {QUANTITY_VALUES_MAX}."
        reading.fault(entry.place("quantity"), what, "Use a larger step, or a smaller range.")
        count = 1
    each = entry.money("price_each", signed=True) if entry.has("price_each") else Money.zero(reading.currency)
    values = []
    for number in range(first, first + max(count, 1) * step, step):
        text = f"{number} {unit}" if unit else str(number)
        reading.declared.setdefault(f"value of {_full(part, option)}", {})[str(number)] = entry.place("quantity")
        reading.places["value", part, option, str(number)] = entry.place("quantity")
        name = dict.fromkeys(reading.languages, text)
        values.append(Value(str(number), name, each * number, 0.0, number=Decimal(number)))
    return values, step


def _members(reading: Reading, part: str, option: str, entry: Entry, several: list[Several]) -> list[Option]:
    """An option with several values: one option, yes or no, for each of them."""
    for key in ("quantity", "defaults", "price_each", "unit"):
        if entry.has(key):
            reading.fault(entry.place(key), f"{option} takes several values.", f"Take '{key}' out.")
    limits, name = entry.sub("several", "", "least most"), entry.text("name")
    values = _values(reading, part, option, None, entry)
    members = [value.id for value in values]
    least = limits.integer("least", default=0)
    most = limits.integer("most", default=len(members)) if limits.has("most") else len(members)
    if not least <= most <= len(members):
        what = f"{option} takes {least} to {most} of {len(members)} values."
        reading.fault(entry.place("several"), what, "Order them: least, most, and how many there are.")
    chosen = {word for word, _ in entry.words("default")} if entry.has("default") else set()
    for word, place in entry.words("default") if entry.has("default") else ():
        reading.refer(f"value of {_full(part, option)}", word, place)
    several.append(Several(option, name, tuple(members), least, most, part))
    zero = Money.zero(reading.currency)
    found = []
    for value in values:
        place = reading.places["value", part, option, value.id] if value.id else entry.place()
        yes = Value("yes", _said(reading, _YES), value.price, value.lead_s, value.look, None, value.since, value.until)
        if value.own is not None:
            reading.fault(place, f"{option} takes several values, and none can be the customer's own.", "Take 'own' out.")
        member = f"{option}.{value.id}"
        for word in ("yes", "no"):
            reading.places["value", part, member, word] = place
        found.append(
            Option(
                member, {each: f"{name.get(each, '')}: {value.name.get(each, '')}" for each in reading.languages}, None,
                "yes" if value.id in chosen else "no", (yes, Value("no", _said(reading, _NO), zero, 0.0)),
                slot=part, of=option,
            )
        )  # fmt: skip
    return found


def _said(reading: Reading, words: Mapping[str, str]) -> Text:
    return {language: words.get(language, words["en"]) for language in reading.languages}


def _value(reading: Reading, part: str, option: str, unit: str | None, entry: Entry) -> Value:
    value, number = _value_id(reading, unit, entry)
    reading.declare(f"value of {_full(part, option)}", value, entry.place("id"))
    reading.places.setdefault(("value", part, option, value), entry.place("id"))
    name = entry.text("name") if entry.has("name") or unit is None else dict.fromkeys(reading.languages, f"{value} {unit}")
    since, until = entry.span()
    return Value(
        id=value,
        name=name,
        price=entry.money("price", signed=True),
        lead_s=entry.quantity("lead", "s"),
        look=_look(entry) if entry.has("look") else None,
        number=number,
        since=since,
        until=until,
        own=_own(entry) if entry.has("own") else None,
    )


def _own(entry: Entry) -> Own:
    """What the customer brings: `{kind: text, most: 24}` or `{kind: picture, most: 4 MB, least_px: 300}`."""
    own = entry.sub("own", "kind most", "required least_px most_px")
    kind = own.one_of("kind", ("text", "picture"))
    if kind == "picture":
        most = int(own.quantity("most", "byte", least=1))
    else:
        most = own.integer("most", least=1, most=500, default=1)
    least_px = own.integer("least_px", least=1, default=1)
    most_px = own.integer("most_px", least=1, most=20_000, default=10_000)
    if kind == "picture" and most > OWN_BYTES_MAX:
        own.reading.fault(own.place("most"), "That is too large.", f"Allow {OWN_BYTES_MAX} bytes at most.")
    if kind == "text" and (own.has("least_px") or own.has("most_px")):
        own.reading.fault(own.place(), "A text has no pixels.", "Take them out.")
    if least_px > most_px:
        own.reading.fault(own.place("least_px"), "It ends before it begins.", "Exchange the two numbers.")
    required = own.boolean("required") if own.has("required") else False
    return Own(cast(Literal["text", "picture"], kind), most, required, least_px, most_px)


OWN_BYTES_MAX = 4_000_000


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


def _derived(reading: Reading, part: str, entry: Entry, options: dict[str, Option]) -> Derived:
    name = entry.declared(kind_of("derived attribute", part))
    if name in options:
        reading.fault(entry.place("id"), f"There is an option '{name}' too.", "Give the derived attribute another id.")
    if entry.has("formula"):
        if entry.has("of") or entry.has("table"):
            reading.fault(entry.place("formula"), f"{name} has a formula and a table.", "Keep one of the two.")
        formula = entry.word("formula")
        reading.say(entry.node("formula"), formula, "number")
        reading.said.append(Said(name, entry.place("formula"), part, 0, "number"))  # and in its unit
        return Derived(name, (), {}, formula, entry.unit() if entry.has("unit") else "", part)
    if entry.has("unit"):
        reading.fault(entry.place("unit"), f"{name} follows by a table.", "Take the unit out, or write a formula.")
    if not entry.has("of") or not entry.has("table"):
        reading.fault(entry.place(), f"{name} does not say how it follows.", "Add 'of:' and 'table:', or 'formula:'.")
        return Derived(name, (), {}, slot=part)
    kind = kind_of("option", part)
    of = (entry.reference(kind, "of"),) if isinstance(entry.node("of"), Scalar) else entry.references(kind, "of", least=1)
    known = [options[each] for each in of if each in options]
    table = _steps(reading, entry.node("table"), known) if len(known) == len(of) else {}
    return Derived(name, of, table, slot=part)


def _steps(reading: Reading, node: Node, options: list[Option]) -> dict[str, object]:
    """A table over options: for each value of the first a result, or a table over the others."""
    if not isinstance(node, Table):
        reading.fault(node.place, "A table should stand here.", "Write {value: result, ...}.")
        return {}
    [first, *rest] = options
    known = [value.id for value in first.values]
    for value in known:
        if value not in node.entries:
            reading.fault(node.place, f"The table has nothing for {first.id} = {value}.", f"Add '{value}: ...'.")
    found: dict[str, object] = {}
    for key, then in node.entries.items():
        if key not in known:
            reading.fault(then.place, f"There is no value of {first.id} '{key}'.", f"Use one of {', '.join(known)}.")
        elif rest and isinstance(then, Table):
            found[key] = _steps(reading, then, rest)
        else:
            found[key] = identifier(reading, then)
    return found
