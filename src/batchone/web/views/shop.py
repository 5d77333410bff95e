"""The configurator as a template sees it, and the pure rules of what a click means."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl, urlencode, urlsplit

from batchone.contracts.design import ConfigurationState, OptionState, Standing, ValueState
from batchone.contracts.pack import Own, Text
from batchone.contracts.sales import Earlier, Promise
from batchone.kernel.money import Money
from batchone.web.books import Book

QUANTITY_MAX = 1000


@dataclass(frozen=True)
class ValueCard:
    """One value of an option: whether it is taken, what taking it would change, or why it is blocked."""

    id: str
    input_id: str
    name: Text
    look: str | None
    checked: bool
    forced: bool
    blocked: bool
    reason: Text | None
    price_change: Money | None
    lead_change_s: float | None
    text_most: int = 0
    """How many characters of the customer's own go with it when it is taken; none for most."""
    picture: Own | None = None
    """What the customer's own picture may be when it is taken; none for most."""


@dataclass(frozen=True)
class OptionRow:
    """An option with its values; `picked` when the person chose, `completed` is the value it has now."""

    id: str
    name: Text
    picked: bool
    completed: str
    values: tuple[ValueCard, ...]


@dataclass(frozen=True)
class Shop:
    """Everything between the head and the end of the shop page."""

    product: str
    name: Text
    options: tuple[OptionRow, ...]
    price: Money
    price_change: Money | None
    lead_s: float
    quantity: int
    address: str
    query: str
    version: str
    drawing: str
    cost: Money | None
    """What the material of one item costs; for sellers only."""
    contents: Mapping[str, str]
    """What the customer brought, by option: a text, or the digest of a picture."""


def number_of(text: str | None) -> int:
    """A quantity from a form: 1 to 1000, 1 for anything else."""
    try:
        return min(max(int(text or "1"), 1), QUANTITY_MAX)
    except ValueError:
        return 1


def picks_of(form: Mapping[str, str], picked: Collection[str], options: Collection[str]) -> dict[str, str]:
    """The explicit choices after a change: those made before, and whatever differs from what the page showed.

    The form holds `o.<option>` (what is checked now), `was.<option>` (what the page showed) and names of options that
    were picked before; a default that nobody touched stays a default and never blocks anything.
    """
    picks: dict[str, str] = {}
    for option in options:
        value, shown = form.get(f"o.{option}"), form.get(f"was.{option}")
        if value and (option in picked or value != shown):
            picks[option] = value
    picks.pop(form.get("forget", ""), None)
    return picks


def contents_of(form: Mapping[str, str], options: Collection[str]) -> dict[str, str]:
    """What the customer wrote (`own.<option>`); empty texts are none."""
    found = {option: form.get(f"own.{option}", "").strip() for option in options}
    return {option: text for option, text in found.items() if text}


def in_the_way(state: ConfigurationState, option: str, value: str) -> tuple[str, ...]:
    """The fewest picked options to give up for a value; nothing when it may be taken, or when nothing helps."""
    found = next((each for row in state.options if row.id == option for each in row.values if each.id == value), None)
    if found is None or found.standing is not Standing.EXCLUDED or found.reason is None:
        return ()
    return found.reason.give_up or ()


def price_from(text: str | None, currency: str) -> Money | None:
    """A price that the page showed before; None when it says nothing readable."""
    try:
        return Money(Decimal(text), currency) if text else None
    except InvalidOperation:
        return None


def query_of(picks: Mapping[str, str], quantity: int, contents: Mapping[str, str] | None = None) -> str:
    """The choices and texts as an address' query; the same ones always give the same query."""
    own = [(f"own.{option}", text) for option, text in sorted((contents or {}).items())]
    return urlencode([*sorted(picks.items()), *own, *([("n", str(quantity))] if quantity > 1 else [])])


def address_within(url: str, product: str) -> str:
    """The part of an address that the shop opens a product with; empty for any other page's."""
    parts = urlsplit(url)
    if parts.path != f"/shop/{product}":
        return ""
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] not in {"inquiry", "date"}])
    return parts.path + (f"?{query}" if query else "")


def asked_under(address: str, inquiry: str) -> str:
    """An address that goes on with an inquiry, so that going back and forth holds capacity once; empty stays empty."""
    if not address or not inquiry:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'inquiry': inquiry})}"


def shop(
    book: Book, state: ConfigurationState, drawing: str, quantity: int, price_before: Money | None,
    contents: Mapping[str, str] | None = None, total: Money | None = None, cost: Money | None = None,
) -> Shop:  # fmt: skip
    """The view model of a configuration state; `total` is the price of all items where it is known, `cost` for sellers."""
    takes = {row.id for row in state.options for each in row.values if each.own is not None and each.id == row.completed}
    own = {option: text for option, text in (contents or {}).items() if option in takes}
    query = query_of(state.choices, quantity, own)
    address = f"/shop/{state.product}" + (f"?{query}" if query else "")
    total = total or state.price * quantity
    change = total - price_before if price_before and price_before.currency == total.currency else None
    return Shop(
        product=state.product,
        name=book.pack.product.name,
        options=tuple(_row(book, option) for option in state.options),
        price=total,
        price_change=change if change and change.amount else None,
        lead_s=state.lead_s,
        quantity=quantity,
        address=address,
        query=query,
        version=hashlib.sha256(query.encode()).hexdigest()[:10],
        drawing=drawing,
        cost=cost,
        contents=own,
    )


def _row(book: Book, option: OptionState) -> OptionRow:
    cards = tuple(_card(book, option, value) for value in option.values)
    return OptionRow(option.id, option.name, option.chosen is not None, option.completed, cards)


def _card(book: Book, option: OptionState, value: ValueState) -> ValueCard:
    checked = value.id == option.completed
    blocked = value.standing is Standing.EXCLUDED
    return ValueCard(
        id=value.id,
        input_id=f"o-{option.id}-{value.id}",
        name=book.value_name(option.id, value.id),
        look=value.look,
        checked=checked,
        forced=value.standing is Standing.FORCED,
        blocked=blocked,
        reason=value.reason.text if value.reason and (blocked or value.standing is Standing.FORCED) else None,
        text_most=value.own.most if checked and value.own is not None and value.own.kind == "text" else 0,
        picture=value.own if checked and value.own is not None and value.own.kind == "picture" else None,
        price_change=None if checked or blocked else value.price_difference,
        lead_change_s=None if checked or blocked else value.lead_difference_s,
    )


@dataclass(frozen=True)
class Offer:
    """A promise with what moved since the one shown before."""

    promise: Promise
    moved_s: float
    reasons: tuple[Text, ...]
    key: str


def offer(promise: Promise, before: Promise | None, key: str) -> Offer:
    """A promise beside the one before it; only moves of a minute or more are told."""
    moved = (promise.p90 - before.p90).total_seconds() if before else 0.0
    return Offer(promise, moved if abs(moved) >= 60 else 0.0, reasons_of(promise), key)


@dataclass(frozen=True)
class Sooner:
    """Something that would make the date earlier: by when, by how many seconds, and where it can be chosen (if anywhere)."""

    text: Text
    p90: datetime
    sooner_s: float
    price_change: Money | None
    address: str


def sooner(offers: Sequence[Earlier], promise: Promise, picks: Mapping[str, str]) -> tuple[Sooner, ...]:
    """What would make a promise earlier, as a list beside its date."""
    return tuple(
        Sooner(
            each.text, each.p90, (promise.p90 - each.p90).total_seconds(), each.price_change,
            f"/shop/{promise.product}?{query_of({**picks, each.option: each.value}, promise.quantity)}" if each.option else "",
        )
        for each in offers
    )  # fmt: skip


def reasons_of(promise: Promise) -> tuple[Text, ...]:
    """Why the date is what it is, each reason once."""
    seen: list[Text] = []
    for reason in promise.reasons:
        if reason.text not in seen:
            seen.append(reason.text)
    return tuple(seen)
