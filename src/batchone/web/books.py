"""Packs as the pages read them: kept once read (a version never changes), with the look-ups that pages need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from batchone.contracts.design import Design
from batchone.contracts.pack import Equipment, Operation, Pack, Text
from batchone.kernel.errors import NotFound


@dataclass(frozen=True)
class Book:
    """A pack with its names by id; an id that the pack does not know (an older version's) is its own name."""

    pack: Pack

    @cached_property
    def _operations(self) -> dict[str, Operation]:
        return {operation.op: operation for operation in self.pack.routing}

    @cached_property
    def _equipment(self) -> dict[str, Equipment]:
        return {equipment.id: equipment for equipment in self.pack.equipment}

    @cached_property
    def _names(self) -> dict[tuple[str, str], Text]:
        names: dict[tuple[str, str], Text] = {}
        for option in self.pack.options:
            names["option", option.id] = option.name
            names.update({(f"value {option.id}", value.id): value.name for value in option.values})
        for module in self.pack.modules:
            names["module", module.id] = module.name
            names.update({("variant", variant.id): variant.name for variant in module.variants})
            names.update({("supplier", supplier.id): supplier.name for supplier in module.suppliers})
        names.update({("auxiliary", each.id): each.name for each in self.pack.auxiliaries})
        names.update({("carrier", carrier.id): carrier.name for carrier in self.pack.demo.carriers})
        return names

    def operation(self, op: str) -> Operation | None:
        """The operation of an id."""
        return self._operations.get(op)

    def operation_name(self, op: str) -> Text:
        """What an operation is called."""
        found = self._operations.get(op)
        return found.name if found else {"en": op}

    def equipment(self, equipment: str) -> Equipment | None:
        """The equipment of an id."""
        return self._equipment.get(equipment)

    def equipment_name(self, equipment: str) -> Text:
        """What an equipment is called."""
        found = self._equipment.get(equipment)
        return found.name if found else {"en": equipment}

    def auxiliary_name(self, auxiliary: str) -> Text:
        """What a tool is called, or people are."""
        return self.name("auxiliary", auxiliary)

    def name(self, kind: str, key: str) -> Text:
        """What an option, module, variant, supplier or carrier is called."""
        return self._names.get((kind, key), {"en": key})

    def value_name(self, option: str, value: str) -> Text:
        """What a value of an option is called, with its unit."""
        name = self.name(f"value {option}", value)
        unit = next((each.unit for each in self.pack.options if each.id == option), None)
        if unit is None or any(unit in text for text in name.values()):
            return name
        return {language: f"{text} {unit}" for language, text in name.items()}

    def own(self, choices: Mapping[str, str], contents: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The texts, and the digests of the pictures, that a customer brought to chosen values."""
        kinds = {
            option.id: value.own.kind
            for option in self.pack.options
            for value in option.values
            if value.own is not None and choices.get(option.id) == value.id
        }
        found = [(kinds.get(option), content) for option, content in contents.items()]
        return tuple(text for kind, text in found if kind == "text"), tuple(each for kind, each in found if kind == "picture")


class Books:
    """The packs of all products, read once a version."""

    def __init__(self, design: Callable[[], Design]) -> None:
        self._design = design
        self._held: dict[tuple[str, str, str], Book] = {}

    async def of(self, tenant: str, product: str, version: str | None = None) -> Book:
        """The book of a product: of the newest version, or of the one that a configuration was made with."""
        if version is None:
            version = next((each.version for each in await self._design().products(tenant) if each.id == product), None)
        if version is None:
            raise NotFound("web.product", f"There is no product {product}.", "Choose one from the shop.", product=product)
        key = (tenant, product, version)
        if key not in self._held:
            self._held[key] = Book(await self._design().pack(tenant, product, version))
        return self._held[key]

    async def all(self, tenant: str) -> list[Book]:
        """The newest book of every product."""
        return [await self.of(tenant, product.id, product.version) for product in await self._design().products(tenant)]
