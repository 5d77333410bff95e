"""Choices that come from an address or were saved: as far as they go together today, and why the others do not.

The product may have changed since, or somebody typed the address: nobody should end at a wall for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchone.contracts.design import ConfigurationState, Design
from batchone.contracts.pack import Text
from batchone.kernel.errors import Refused
from batchone.web.books import Book


@dataclass(frozen=True)
class LeftOut:
    """A choice that is not possible today, and why; the reason is none for what the product does not have any more."""

    option: Text
    value: Text
    why: Text | None


async def possible(
    design: Design, tenant: str, book: Book, choices: Mapping[str, str], party: str
) -> tuple[ConfigurationState, tuple[LeftOut, ...]]:
    """The state of the choices that go together, earlier ones first, and those that were left out."""
    product = book.pack.product.id
    try:
        return await design.configure(tenant, product, choices, party), ()
    except Refused:
        state = await design.configure(tenant, product, {}, party)
    left_out: list[LeftOut] = []
    kept: dict[str, str] = {}
    for option, value in choices.items():
        try:
            state = await design.configure(tenant, product, {**kept, option: value}, party)
            kept[option] = value
        except Refused:
            left_out.append(LeftOut(book.name("option", option), book.value_name(option, value), _why(state, option, value)))
    return state, tuple(left_out)


def _why(state: ConfigurationState, option: str, value: str) -> Text | None:
    found = (each for row in state.options if row.id == option for each in row.values if each.id == value)
    reason = next((each.reason for each in found), None)
    return reason.text if reason is not None else None
