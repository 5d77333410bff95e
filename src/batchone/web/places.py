"""Where a machine is found: in the thing model, and in the book of a product if it stands in a line that makes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchone.contracts.pack import Text
from batchone.contracts.things import Declared, Thing, Things
from batchone.kernel.errors import NotFound
from batchone.web.books import Book
from batchone.web.services import Web


@dataclass(frozen=True)
class Place:
    """A machine with its declared signals; `book` is None for one that stands in no line of a product."""

    thing: Thing
    type_name: Text
    signals: Sequence[Declared]
    book: Book | None


async def place_of(web: Web, tenant: str, equipment: str) -> Place:
    """The machine of an id; `NotFound` when there is none."""
    model = await web.services.get(Things).model(tenant)
    thing = model.thing(equipment)
    if thing is None:
        raise NotFound(
            "web.equipment", f"There is no equipment {equipment}.", "Choose one of the list of machines.", equipment=equipment
        )
    names = {each.id: each.name for each in model.types}
    book = next((each for each in await web.books.all(tenant) if each.equipment(equipment) is not None), None)
    return Place(thing, names.get(thing.type, {"en": thing.type}), model.signals_of(equipment), book)
