"""Parts laid out: every option, line and operation of a part once for each slot that it can have.

What comes out has no parts any more that anything else must know of: the options of the second slot of `part` are called
`part.2.x`, its operation `40` is `40.2`, and all of it hangs on whether the slot is filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from batchone.contracts.pack import Check, Derived, Operation, Option, Pack, Part, PriceRule, Several, Text

VALUES_MAX = 20_000
"""The most values that the options of a product may have with all its parts."""


@dataclass(frozen=True)
class SlotPlace:
    """A slot: its part, the slot that it stands in (empty: the product), and its number there."""

    name: str
    part: Part
    within: str
    number: int

    @property
    def suffix(self) -> str:
        """The numbers of the slot and of those around it: `.2.1`."""
        return "".join(f".{step}" for step in self.name.split(".") if step.isdigit())


def slots_of(parts: tuple[Part, ...], options: tuple[Option, ...]) -> dict[str, SlotPlace]:
    """Every slot by name, outer ones before those in them; `options` are those of the pack as written, or laid out."""
    most = {(each.slot, each.id.removeprefix(f"{each.slot}.")): each for each in options}
    found: dict[str, SlotPlace] = {}

    def fill(within: str, holder: str) -> None:
        for part in parts:
            if part.within != holder:
                continue
            counting = most.get((holder, part.count)) or most[within, part.count]
            for number in range(1, int(counting.values[-1].id) + 1):
                name = f"{within}.{part.id}.{number}" if within else f"{part.id}.{number}"
                found[name] = SlotPlace(name, part, within, number)
                fill(name, part.id)

    fill("", "")
    return found


def size_of(parts: tuple[Part, ...], options: tuple[Option, ...]) -> int:
    """How many values the options have with all slots, found without laying them out."""
    own = {part: sum(len(each.values) for each in options if each.slot == part) for part in ("", *(p.id for p in parts))}
    counting = {(each.slot, each.id): int(each.values[-1].id) for each in options if each.step is not None}

    def within(part: str) -> int:
        return own[part] + sum(
            counting.get((part, inner.count), 0) * within(inner.id) for inner in parts if inner.within == part
        )

    return within("")


def lay_out(raw: Pack) -> Pack:
    """The pack with its parts laid out; what belongs to a part stands with the part's id as its slot in `raw`."""
    if not raw.parts:
        return raw
    slots = slots_of(raw.parts, raw.options)
    ways = _Ways(raw, slots)
    routing = tuple(ways.operation(each, slot) for each in raw.routing for slot in ways.filled_by(each.slot))
    return replace(
        raw,
        options=(
            *(each for each in raw.options if not each.slot),
            *(_option(each, slot, slots) for slot in slots.values() for each in raw.options if each.slot == slot.part.id),
        ),
        derived=(
            *(each for each in raw.derived if not each.slot),
            *(_derived(each, slot) for slot in slots.values() for each in raw.derived if each.slot == slot.part.id),
        ),
        several=tuple(_several(each, slot, slots) for each in raw.several for slot in ways.filled_by(each.slot)),
        prices=tuple(_price(each, slot) for each in raw.prices for slot in ways.filled_by(each.slot)),
        bom=tuple(
            replace(each, slot=slot, at=ways.one(each.at, slot)) for each in raw.bom for slot in ways.filled_by(each.slot)
        ),
        routing=routing,
        checks=tuple(ways.check(each, slot) for each in raw.checks for slot in ways.filled_by(ways.part_of.get(each.op, ""))),
    )


@dataclass
class _Ways:
    """How operations are called in slots, and which of them an operation waits for."""

    raw: Pack
    slots: Mapping[str, SlotPlace]

    def __post_init__(self) -> None:
        self.part_of = {operation.op: operation.slot for operation in self.raw.routing}

    def filled_by(self, part: str) -> list[str]:
        """The slots of a part; the product itself is the one slot of no part."""
        return [name for name, slot in self.slots.items() if slot.part.id == part] if part else [""]

    def seen(self, op: str, slot: str) -> list[str]:
        """The operations that `op` means in a slot: one of the slot itself or around it, or all of those in it."""
        part, here = self.part_of[op], slot
        while here and self.slots[here].part.id != part:
            here = self.slots[here].within
        if here or not part:
            return [self.named(op, here)]
        inside = f"{slot}." if slot else ""
        return [self.named(op, name) for name in self.filled_by(part) if name.startswith(inside)]

    def one(self, op: str, slot: str) -> str:
        """The one operation that `op` means in a slot."""
        return self.seen(op, slot)[0]

    def named(self, op: str, slot: str) -> str:
        """The operation in a slot."""
        return op + self.slots[slot].suffix if slot else op

    def operation(self, operation: Operation, slot: str) -> Operation:
        """The operation as it stands in a slot."""
        return replace(
            operation,
            op=self.named(operation.op, slot),
            group=self.one(operation.group, slot),
            name=titled(operation.name, slot, self.slots),
            after=tuple(op for before in operation.after for op in self.seen(before, slot)),
            slot=slot,
            waits=tuple(replace(wait, after=op) for wait in operation.waits for op in self.seen(wait.after, slot)),
        )

    def check(self, check: Check, slot: str) -> Check:
        """The check as it stands in a slot."""
        if not slot:
            return replace(check, redo=tuple(op for redo in check.redo for op in self.seen(redo, slot)))
        return replace(
            check,
            id=check.id + self.slots[slot].suffix,
            op=self.named(check.op, slot),
            name=titled(check.name, slot, self.slots),
            redo=tuple(op for redo in check.redo for op in self.seen(redo, slot)),
        )


def titled(name: Text, slot: str, slots: Mapping[str, SlotPlace]) -> Text:
    """A name with the slot's before it."""
    if not slot:
        return name
    return {language: f"{_called(slot, slots, language)}: {text}" for language, text in name.items()}


def _called(slot: str, slots: Mapping[str, SlotPlace], language: str) -> str:
    place = slots[slot]
    own = f"{place.part.name.get(language, place.part.id)} {place.number}"
    return f"{_called(place.within, slots, language)}, {own}" if place.within else own


def _option(option: Option, slot: SlotPlace, slots: Mapping[str, SlotPlace]) -> Option:
    return replace(
        option,
        id=f"{slot.name}.{option.id}",
        name=titled(option.name, slot.name, slots),
        slot=slot.name,
        of=f"{slot.name}.{option.of}" if option.of else "",
    )


def _derived(derived: Derived, slot: SlotPlace) -> Derived:
    return replace(
        derived, id=f"{slot.name}.{derived.id}", of=tuple(f"{slot.name}.{of}" for of in derived.of), slot=slot.name
    )  # fmt: skip


def _several(several: Several, slot: str, slots: Mapping[str, SlotPlace]) -> Several:
    if not slot:
        return several
    return replace(several, id=f"{slot}.{several.id}", name=titled(several.name, slot, slots), slot=slot)


def _price(price: PriceRule, slot: str) -> PriceRule:
    return replace(price, slot=slot) if slot else price


def related(parts: tuple[Part, ...], one: str, other: str) -> str:
    """How part `other` stands to part `one`: `self`, `around`, `inside`, or `beside`."""
    if one == other:
        return "self"
    return "around" if other in around(parts, one) else "inside" if one in around(parts, other) else "beside"


def around(parts: tuple[Part, ...], part: str) -> Iterator[str]:
    """What holds a part: its holder, the holder's, and so on to the product (empty)."""
    within = {each.id: each.within for each in parts}
    while part:
        part = within[part]
        yield part
