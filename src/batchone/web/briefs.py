"""Short words for orders: the number and town behind an id, kept once read, because boards name many orders each second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from batchone.contracts.sales import Order, Sales
from batchone.kernel.errors import NotFound, TryLater

_MOST = 5000


@dataclass(frozen=True)
class Brief:
    """An order in one line. `items` are its items' ids, in the order in which they are counted."""

    number: str
    customer: str
    town: str
    items: tuple[str, ...] = ()

    def place(self, item: str) -> str:
        """Which of several items this is (`2/5`); nothing for an only one."""
        return f"{self.items.index(item) + 1}/{len(self.items)}" if len(self.items) > 1 and item in self.items else ""


def brief_of(order: Order) -> Brief:
    """The brief of an order."""
    return Brief(order.number, order.customer.name, order.customer.town, order.items)


class Briefs:
    """Reads an order's brief once and keeps the newest few thousand."""

    def __init__(self, sales: Callable[[], Sales]) -> None:
        self._sales = sales
        self._held: OrderedDict[tuple[str, str], Brief] = OrderedDict()

    async def of(self, tenant: str, orders: Iterable[str]) -> dict[str, Brief]:
        """Briefs by order id; an order that cannot be read now is named by its id and tried again the next time."""
        found: dict[str, Brief] = {}
        for order in dict.fromkeys(orders):
            held = self._held.get((tenant, order))
            if held is None:
                held = await self._read(tenant, order)
            found[order] = held
        while len(self._held) > _MOST:
            self._held.popitem(last=False)
        return found

    async def _read(self, tenant: str, order: str) -> Brief:
        try:
            brief = brief_of(await self._sales().order(tenant, order))
        except (NotFound, TryLater):
            return Brief(order, "", "")
        self._held[tenant, order] = brief
        return brief
