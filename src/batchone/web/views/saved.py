"""Saved configurations as templates see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchone.contracts.choosing import Saved
from batchone.contracts.design import Comparison, ConfigurationState
from batchone.contracts.pack import Text
from batchone.web.books import Book
from batchone.web.views.shop import query_of


@dataclass(frozen=True)
class Group:
    """What was saved of one product."""

    product: str
    name: Text
    saved: tuple[Saved, ...]


@dataclass(frozen=True)
class Chosen:
    """An option and the value that it has; `picked` if a person chose it."""

    option: Text
    value: Text
    picked: bool


def by_product(saved: Sequence[Saved], books: Mapping[str, Book]) -> tuple[Group, ...]:
    """What was saved, by product, in the order in which products appear; of products that are still there."""
    found: dict[str, list[Saved]] = {}
    for each in saved:
        if each.product in books:
            found.setdefault(each.product, []).append(each)
    return tuple(Group(product, books[product].pack.product.name, tuple(rows)) for product, rows in found.items())


def chosen(book: Book, state: ConfigurationState) -> tuple[Chosen, ...]:
    """Every option with its value."""
    return tuple(Chosen(row.name, book.value_name(row.id, row.completed), row.chosen is not None) for row in state.options)


def address(saved: Saved) -> str:
    """Where the shop opens with these choices."""
    query = query_of(dict(saved.choices), 1, saved.contents)
    return f"/shop/{saved.product}" + (f"?{query}" if query else "")


def module_names(book: Book, told: Comparison) -> dict[str, Text]:
    """The names of the modules in which two configurations differ."""
    names = {module.id: module.name for module in book.pack.modules}
    return {each.module: names[each.module] for each in told.bom}
