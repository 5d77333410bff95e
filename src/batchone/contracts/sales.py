"""Promises and orders. Owned by `chain.sales`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact
from batchone.kernel.money import Money


@dataclass(frozen=True)
class Reason:
    """Why a date is what it is, and from when to when it decides.

    `kind` is one of equipment, module, material, setup, calendar, down, tool, crew, wait, batch, kept, lead, transit, work;
    `subject` is the id of what it is about.
    """

    kind: str
    subject: str
    text: Mapping[str, str]
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Promise:
    """Price and date offered: delivered by `p50` with probability one half, by `p90` with nine tenths.

    `price` is that of all items, with what the quantity takes off; `unit_price` is for reading.

    `plan` is the number of the plan in force into which the order was inserted; the capacity is reserved until `expires`.
    """

    id: str
    tenant: str
    configuration: str
    product: str
    quantity: int
    priority: int
    unit_price: Money
    price: Money
    p50: datetime
    p90: datetime
    plan: int
    reasons: tuple[Reason, ...]
    given: datetime
    expires: datetime
    customer: str = ""
    """Whom it was given to, and who alone may order it; empty when staff asked, for anybody."""


OrderStatus = Literal["placed", "planned", "in_production", "finished", "in_transit", "delivered", "held"]


@dataclass(frozen=True)
class Customer:
    """Who ordered and where it goes."""

    id: str
    name: str
    town: str


@dataclass(frozen=True)
class Earlier:
    """Something that would make a promised date earlier, and the dates it would give; nothing is reserved for it.

    `kind` is option (another value of an option), split (so many of the quantity by then, the rest as promised) or overtime
    (a machine opened while it is closed). `price_change` is of the whole order.
    """

    kind: Literal["option", "split", "overtime"]
    text: Mapping[str, str]
    p50: datetime
    p90: datetime
    option: str = ""
    value: str = ""
    price_change: Money | None = None
    quantity: int = 0
    equipment: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Notice:
    """What a customer was told: the dates of their order moved from the ones they knew to others, for these reasons."""

    at: datetime
    kind: Literal["later", "earlier"]
    old_p50: datetime
    old_p90: datetime
    p50: datetime
    p90: datetime
    reasons: tuple[Reason, ...]
    read: datetime | None = None
    """When the customer opened the order's page after that."""


@dataclass(frozen=True)
class Contact:
    """Where a customer wants to be told, and in which language (`en` or `zh`); an empty address is nowhere."""

    email: str
    language: str


Channel = Literal["email", "webhook"]


@dataclass(frozen=True)
class Outgoing:
    """A notice on its way out: `waiting` until `due`, `dropped` when a newer one took its place or the customer gave up the
    address.

    Times are of people's clock; `fault` is what went wrong last.
    """

    notice: str
    order: str
    channel: Channel
    state: Literal["waiting", "sent", "failed", "dropped"]
    since: datetime
    due: datetime
    attempts: int
    fault: str


@dataclass(frozen=True)
class Order:
    """A customer's order: one configuration, `items` of it, each an item to be made."""

    id: str
    number: str
    tenant: str
    customer: Customer
    configuration: str
    product: str
    choices: Mapping[str, str]
    quantity: int
    priority: int
    price: Money
    promise: str
    promised_p50: datetime
    promised_p90: datetime
    placed: datetime
    items: tuple[str, ...]
    status: OrderStatus
    planned_delivery: datetime | None
    delivered: datetime | None
    late_since: datetime | None = None
    """Since when the plan has had the order delivered after the p90 date; none while it keeps it."""
    notices: tuple[Notice, ...] = ()
    """What the customer was told since, the newest first; `promised_p50` and `promised_p90` stay what was promised first."""

    @property
    def expected_p50(self) -> datetime:
        """The date that is met with probability one half, as told last."""
        return self.notices[0].p50 if self.notices else self.promised_p50

    @property
    def expected_p90(self) -> datetime:
        """The date that is met with nine tenths, as told last."""
        return self.notices[0].p90 if self.notices else self.promised_p90

    @property
    def news(self) -> bool:
        """Whether the customer was told something that they have not read yet."""
        return any(each.read is None for each in self.notices)

    @property
    def late(self) -> bool:
        """Whether the plan, or the delivery, is later than the p90 date."""
        end = self.delivered or self.planned_delivery
        return end is not None and end > self.promised_p90


@dataclass(frozen=True)
class OrderPage:
    """Some orders and how many there are in all."""

    orders: tuple[Order, ...]
    total: int


@fact("promise.given")
@dataclass(frozen=True)
class PromiseGiven:
    """A price and a date were offered."""

    promise: str
    configuration: str
    quantity: int
    p50: datetime
    p90: datetime
    plan: int
    expires: datetime


@fact("promise.replaced")
@dataclass(frozen=True)
class PromiseReplaced:
    """A promise that nobody ordered is no longer good: the same person asked anew for the same inquiry."""

    promise: str


@fact("order.placed")
@dataclass(frozen=True)
class OrderPlaced:
    """An order was accepted; from now on it will be made exactly once.

    `due` is the finish that still keeps the p90 date (p90 less lead and transit), so an order is late in the plan exactly when
    its planned delivery is beyond p90. `reservation` is the planned insertion that the promise rests on. `lead_s` passes after
    the last item is finished, before a carrier may take the items: what the chosen options need that no station does.
    """

    order: str
    number: str
    promise: str
    customer: str
    configuration: str
    product: str
    quantity: int
    priority: int
    items: tuple[str, ...]
    promised_p50: datetime
    promised_p90: datetime
    due: datetime
    reservation: str = ""
    lead_s: float = 0.0


@fact("notice.read")
@dataclass(frozen=True)
class NoticeRead:
    """The customer opened the page of the order after being told that its dates moved."""

    order: str
    plans: tuple[int, ...]


@fact("notice.sent")
@dataclass(frozen=True)
class NoticeSent:
    """A notice left the platform, and its receiver took it."""

    notice: str
    order: str
    channel: Channel


@fact("notice.failed")
@dataclass(frozen=True)
class NoticeFailed:
    """A notice could not be delivered and is given up."""

    notice: str
    order: str
    channel: Channel
    fault: str


@fact("contact.changed")
@dataclass(frozen=True)
class ContactChanged:
    """A customer wants to be told by e-mail (`told`), or no longer; the address is kept where it is used."""

    customer: str
    told: bool


class Sales(Protocol):
    """Promise, order, and how orders stand."""

    async def give_promise(
        self, tenant: str, configuration: str, quantity: int, priority: int, actor: Actor, inquiry: str = "", key: str = ""
    ) -> Promise:
        """Price and date for `quantity` (1 to 1000) of a stored configuration, from inserting it into the plan in force.

        `inquiry` is a name that the actor gives to what they are about to order. A promise takes the place of those that the
        same person was given for the same inquiry before: unless they were ordered, they are no longer good and hold no
        capacity. So a request that is repeated, or a choice that changes, reserves once. An empty one replaces nothing.
        The same `key` of the same person answers with the same promise, as in `place_order`; an empty one is no key.
        """
        ...

    async def promise(self, tenant: str, promise: str) -> Promise:
        """A promise given before."""
        ...

    async def earlier(self, tenant: str, promise: str) -> tuple[Earlier, ...]:
        """What would make a promised date earlier, what helps most first: tried in the plan in force, nothing is reserved."""
        ...

    async def place_order(self, tenant: str, promise: str, customer: Customer, key: str, actor: Actor) -> Order:
        """Order what was promised. The same `key` answers with the same order; an expired promise is `Expired`."""
        ...

    async def order(self, tenant: str, order: str) -> Order:
        """One order, by id or number."""
        ...

    async def orders(
        self, tenant: str, search: str, status: str, sort: str, offset: int, limit: int, customer: str
    ) -> OrderPage:
        """Orders whose number, customer or configuration holds every word of `search`; empty filters mean all.

        `status` is an `OrderStatus`, `open` (not delivered) or `late`; `customer` is a customer's id. `sort`
        is one of number, customer, placed, promised, planned, status, with a leading `-` for descending.
        """
        ...

    async def news(self, tenant: str, customer: str) -> int:
        """How many of a customer's orders have notices that they have not read."""
        ...

    async def read_notices(self, tenant: str, order: str, actor: Actor) -> None:
        """The actor has seen what was told of an order: it is read if they are its customer, and nothing happens otherwise."""
        ...

    async def contact(self, tenant: str, customer: str) -> Contact | None:
        """Where a customer wants to be told; none where no e-mails are sent at all."""
        ...

    async def set_contact(self, tenant: str, customer: str, contact: Contact) -> None:
        """Where from now on; an empty address ends it."""
        ...

    async def outgoing(self, tenant: str, state: str, limit: int) -> tuple[Outgoing, ...]:
        """Notices on their way out, the newest first; an empty state means all."""
        ...
