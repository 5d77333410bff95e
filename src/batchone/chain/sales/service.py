"""Sales: gives promises, takes orders, answers how they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from batchone.chain.sales import earlier, model, store
from batchone.chain.sales.outgoing import store as outgoing_store
from batchone.chain.sales.outgoing.channels import EmailSettings, WebhookSettings
from batchone.chain.sales.outgoing.model import check_contact
from batchone.chain.sales.outgoing.postman import Postman
from batchone.chain.sales.store import Filter, Offered
from batchone.contracts.design import Configuration, Design
from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import Logistics
from batchone.contracts.planning import Planning, PromiseMoved, Wish
from batchone.contracts.sales import (
    Contact,
    ContactChanged,
    Customer,
    Earlier,
    NoticeRead,
    Order,
    OrderPage,
    OrderPlaced,
    Outgoing,
    Promise,
    PromiseGiven,
    PromiseReplaced,
)
from batchone.contracts.sourcing import MaterialNeed, Sourcing
from batchone.kernel.database import Transaction
from batchone.kernel.errors import Conflict, Expired, NotFound, Refused
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import Seconds, Settings

_LIMIT_MAX = 500
_OFFSET_MAX = 10_000_000
_KEY_MAX = 200
_SEARCH_MAX = 200
_INQUIRY_MAX = 64
OUTGOING_STATES = ("waiting", "sent", "failed", "dropped")


class SalesSettings(Settings):
    """Settings of sales."""

    promise_valid_s: Seconds = 900.0
    """How long a promise and the capacity behind it are kept, in plant time."""
    email: EmailSettings | None = None
    """Through which server customers are told by e-mail when a date moves; none: they are not."""
    webhook: WebhookSettings | None = None
    """Where the same is posted, signed, for another system; none: nowhere."""


@dataclass(frozen=True)
class _Wish:
    """Who asks for a promise of what, and the key of the request."""

    tenant: str
    frozen: Configuration
    quantity: int
    priority: int
    actor: Actor
    inquiry: str
    key: str

    def again(self, before: Promise) -> Promise:
        """What was promised under the key, if the same is asked again."""
        if (before.configuration, before.quantity, before.priority) != (self.frozen.id, self.quantity, self.priority):
            raise Conflict(
                "sales.key_used", "This Idempotency-Key was used for another promise.", "Send a new key.", key=self.key
            )  # fmt: skip
        return before


class SalesService:
    """Implements `contracts.sales.Sales`."""

    def __init__(self, context: Context, settings: SalesSettings, postman: Postman) -> None:
        self._context = context
        self._settings = settings
        self._postman = postman
        self._asking: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    async def give_promise(
        self, tenant: str, configuration: str, quantity: int, priority: int, actor: Actor, inquiry: str = "", key: str = ""
    ) -> Promise:
        """Price and dates from the live plan; says `promise.given`, and `promise.replaced` of those before it."""
        model.check_quantity(quantity)
        model.check_priority(priority, actor)
        _check_inquiry(inquiry)
        if key:
            _check_key(key)
        frozen = await self._context.get(Design).configuration(tenant, configuration)
        wish = _Wish(tenant, frozen, quantity, priority, actor, inquiry, key)
        async with AsyncExitStack() as alone:
            # Somebody who clicks fast asks again before the answer is there; the later promise must find the earlier one.
            for kind, name in (("key", key), ("inquiry", inquiry)):
                if name:
                    lock = self._asking.setdefault((tenant, actor.person, f"{kind} {name}"), asyncio.Lock())
                    await alone.enter_async_context(lock)
            if key:
                async with self._context.database.transaction() as tx:
                    before = await store.promise_of_key(tx, tenant, actor.person, key)
                if before is not None:
                    return wish.again(before)
            return await self._give(wish, await self._replace(tenant, actor, inquiry) if inquiry else ())

    async def _replace(self, tenant: str, actor: Actor, inquiry: str) -> tuple[str, ...]:
        """End the promises of an inquiry before their capacity is given away: none is ever good without it."""
        now = self._context.clock.now()
        async with self._context.database.transaction() as tx:
            replaced = await store.end_inquiry(tx, tenant, actor.person, inquiry, now)
            for promise, _ in replaced:
                await tx.say(tenant, PromiseReplaced(promise), actor=actor.person, time=now)
        return tuple(reservation for _, reservation in replaced)

    async def _give(self, wish: _Wish, freed: Sequence[str]) -> Promise:
        tenant, frozen, actor = wish.tenant, wish.frozen, wish.actor
        offered = await self._offer(tenant, frozen, wish.quantity, wish.priority, model.owner_of(actor), freed)
        promise = offered.promise
        async with self._context.database.transaction() as tx:
            # Another process may have answered the same request meanwhile; what was reserved here then runs out by itself.
            before = await store.promise_of_key(tx, tenant, actor.person, wish.key) if wish.key else None
            if before is not None:
                return wish.again(before)
            await store.add_promise(tx, offered, actor.person, wish.inquiry, wish.key)
            given = PromiseGiven(promise.id, frozen.id, wish.quantity, promise.p50, promise.p90, promise.plan, promise.expires)
            await tx.say(tenant, given, actor=actor.person, time=promise.given)
        return promise

    async def _offer(
        self, tenant: str, frozen: Configuration, quantity: int, priority: int, owner: str, freed: Sequence[str]
    ) -> Offered:
        """Ask material of sourcing and capacity of planning; the promise ends no later than the reservation."""
        ask, now, valid_s = self._context.get, self._context.clock.now(), self._settings.promise_valid_s
        exploded = await ask(Design).explode(tenant, frozen.id)
        needs = tuple(MaterialNeed.of(line) for line in exploded.bom)
        material = await ask(Sourcing).material_dates(tenant, frozen.product, needs, quantity)
        transit_s = await ask(Logistics).transit_s(tenant, frozen.product)
        price = await ask(Design).price_of(tenant, frozen.id, quantity, owner)
        insertion = await ask(Planning).insert(tenant, frozen.id, quantity, priority, material, valid_s, freed)
        dates = model.dates(insertion, frozen.lead_s, transit_s)
        promise = Promise(
            id=self._context.ids.new("P"), tenant=tenant, configuration=frozen.id, product=frozen.product,
            quantity=quantity, priority=priority, unit_price=price.unit, price=price.total, p50=dates.p50, p90=dates.p90,
            plan=insertion.plan,
            reasons=(*insertion.reasons, *dates.reasons), given=now, expires=now + timedelta(seconds=valid_s),
            customer=owner,
        )  # fmt: skip
        return Offered(promise, frozen.choices, frozen.lead_s, transit_s, insertion.reservation)

    async def promise(self, tenant: str, promise: str) -> Promise:
        """A promise given before."""
        async with self._context.database.transaction() as tx:
            found = await store.promise(tx, tenant, promise)
        if found is None:
            raise _no_promise(promise)
        return found.promise

    async def earlier(self, tenant: str, promise: str) -> tuple[Earlier, ...]:
        """What would make a promised date earlier: each change inserted into the plan without the promise itself."""
        async with self._context.database.transaction() as tx:
            offered = await store.promise(tx, tenant, promise)
        if offered is None:
            raise _no_promise(promise)
        given, ask = offered.promise, self._context.get
        frozen = await ask(Design).configuration(tenant, given.configuration)
        exploded = await ask(Design).explode(tenant, given.configuration)
        others = await ask(Design).alternatives(tenant, given.configuration)
        changes = earlier.changes(exploded, given.quantity, frozen.lead_s, others)
        wishes = []
        for change in changes:
            needs = tuple(MaterialNeed.of(line) for line in change.exploded.bom)
            material = await ask(Sourcing).material_dates(tenant, given.product, needs, change.quantity)
            wishes.append(Wish(change.exploded, change.quantity, tuple(material), change.overtime))
        tried = await ask(Planning).try_out(tenant, wishes, (offered.reservation,))
        return earlier.earlier(given, offered.transit_s, tuple(zip(changes, tried, strict=True)))

    async def place_order(self, tenant: str, promise: str, customer: Customer, key: str, actor: Actor) -> Order:
        """Order what was promised, once for each key of a person; says `order.placed` in the same transaction."""
        model.check_customer(customer)
        _check_key(key)
        async with self._context.database.transaction() as tx:
            before = await store.order_of_key(tx, tenant, actor.person, key)
            if before is None:
                order = await self._place(tx, tenant, promise, customer, key, actor)
            elif before["promise"] == promise:
                order = _found(await store.order(tx, tenant, before["id"]), before["id"])
            else:
                raise Conflict("sales.key_used", "This Idempotency-Key was used for another order.", "Send a new key.", key=key)
        return order

    async def _place(self, tx: Transaction, tenant: str, promise_id: str, customer: Customer, key: str, actor: Actor) -> Order:
        offered = await store.promise(tx, tenant, promise_id, lock=True)
        if offered is None or not model.may_order(actor, offered.promise.customer):
            raise _no_promise(promise_id)
        promise, now, new = offered.promise, self._context.clock.now(), self._context.ids.new
        if await store.is_used(tx, tenant, promise_id):
            raise Conflict(
                "sales.promise_used", "This promise was ordered already.", "Ask for a new promise to order once more.",
                promise=promise_id,
            )  # fmt: skip
        if now >= promise.expires:
            raise Expired(
                "sales.promise_expired", f"This promise was good until {promise.expires:%Y-%m-%d %H:%M} UTC.",
                "Ask for a new promise; price and date may have moved.", promise=promise_id,
            )  # fmt: skip
        number = model.number_of(now.year, await store.next_number(tx, tenant, now.year))
        order = Order(
            id=new("O"), number=number, tenant=tenant, customer=customer, configuration=promise.configuration,
            product=promise.product, choices=offered.choices, quantity=promise.quantity, priority=promise.priority,
            price=promise.price, promise=promise.id, promised_p50=promise.p50, promised_p90=promise.p90, placed=now,
            items=tuple(new("I") for _ in range(promise.quantity)), status="placed", planned_delivery=None, delivered=None,
        )  # fmt: skip
        await store.add_order(tx, order, offered, actor.person, key)
        await tx.say(tenant, _placed(order, offered), actor=actor.person, time=now)
        return order

    async def order(self, tenant: str, order: str) -> Order:
        """One order, by id or number."""
        async with self._context.database.transaction() as tx:
            return _found(await store.order(tx, tenant, order), order)

    async def orders(
        self, tenant: str, search: str, status: str, sort: str, offset: int, limit: int, customer: str
    ) -> OrderPage:
        """A page of orders."""
        _check_page(search, status, sort, offset, limit)
        which = Filter(tuple(search.lower().split()), status, customer)
        async with self._context.database.transaction() as tx:
            return await store.orders(tx, tenant, which, sort or "-placed", offset, limit)

    async def on_promise_moved(self, tx: Transaction, heard: Heard) -> None:
        """The customer is told the new dates, beside those that were promised first; what leaves the platform is put out."""
        fact, envelope, tenant = heard.fact, heard.envelope, heard.envelope.tenant
        assert isinstance(fact, PromiseMoved)
        if await store.add_notice(
            tx, tenant, fact.order, fact.plan, envelope.time, fact.kind, fact.finish, fact.p90_finish, fact.reasons
        ):
            postman = self._postman
            await outgoing_store.add(tx, tenant, fact.order, fact.plan, postman.channels, postman.people.now())

    async def news(self, tenant: str, customer: str) -> int:
        """How many orders have unread notices."""
        async with self._context.database.transaction() as tx:
            return await store.news(tx, tenant, customer)

    async def read_notices(self, tenant: str, order: str, actor: Actor) -> None:
        """Their customer has read them; says `notice.read`."""
        async with self._context.database.transaction() as tx:
            found, now = _found(await store.order(tx, tenant, order), order), self._context.clock.now()
            if found.customer.id == model.owner_of(actor) and (plans := await store.read_notices(tx, tenant, found.id, now)):
                await tx.say(tenant, NoticeRead(found.id, plans), actor=actor.person, time=now)

    async def contact(self, tenant: str, customer: str) -> Contact | None:
        """Where a customer wants to be told."""
        if "email" not in self._postman.channels:
            return None
        async with self._context.database.transaction() as tx:
            return await outgoing_store.contact(tx, tenant, customer) or Contact("", "")

    async def set_contact(self, tenant: str, customer: str, contact: Contact) -> None:
        """Where from now on; says `contact.changed`."""
        check_contact(contact.email, contact.language)
        if "email" not in self._postman.channels:
            raise Conflict("sales.no_email", "No e-mails are sent here.", "Have an administrator set up [modules.sales.email].")
        async with self._context.database.transaction() as tx:
            await outgoing_store.set_contact(tx, tenant, customer, contact)
            await tx.say(tenant, ContactChanged(customer, bool(contact.email)), actor=customer)

    async def outgoing(self, tenant: str, state: str, limit: int) -> tuple[Outgoing, ...]:
        """Notices on their way out."""
        _check_outgoing(state, limit)
        async with self._context.database.transaction() as tx:
            return await outgoing_store.outgoing(tx, tenant, state, limit)


def _placed(order: Order, offered: Offered) -> OrderPlaced:
    return OrderPlaced(
        order=order.id, number=order.number, promise=order.promise, customer=order.customer.id,
        configuration=order.configuration, product=order.product, quantity=order.quantity, priority=order.priority,
        items=order.items, promised_p50=order.promised_p50, promised_p90=order.promised_p90,
        due=order.promised_p90 - offered.after_finish, reservation=offered.reservation, lead_s=offered.lead_s,
    )  # fmt: skip


def _found(order: Order | None, order_id: str) -> Order:
    if order is None:
        raise NotFound("sales.no_order", f"There is no order {order_id}.", "Look it up among the orders.", order=order_id)
    return order


def _no_promise(promise_id: str) -> NotFound:
    return NotFound("sales.no_promise", f"There is no promise {promise_id}.", "Ask for a new one.", promise=promise_id)


def _check_key(key: str) -> None:
    if not key or len(key) > _KEY_MAX or not key.isprintable():
        raise Refused(
            "sales.key", "The Idempotency-Key is empty, too long or not readable.",
            f"Send 1 to {_KEY_MAX} printable characters.",
        )  # fmt: skip


def _check_inquiry(inquiry: str) -> None:
    if len(inquiry) > _INQUIRY_MAX or not inquiry.isprintable():
        raise Refused(
            "sales.inquiry", "The inquiry's name is too long or not readable.",
            f"Use at most {_INQUIRY_MAX} printable characters, or leave it out.",
        )  # fmt: skip


def _check_outgoing(state: str, limit: int) -> None:
    if state not in ("", *OUTGOING_STATES):
        cure = f"Use one of {', '.join(OUTGOING_STATES)}, or nothing."
        raise Refused("sales.outgoing", f"No outgoing notice is '{state}'.", cure)
    if not 1 <= limit <= _LIMIT_MAX:
        raise Refused("sales.outgoing", f"A list of {limit} is not possible.", f"Use a limit from 1 to {_LIMIT_MAX}.")


def _check_page(search: str, status: str, sort: str, offset: int, limit: int) -> None:
    faults = (
        (len(search) <= _SEARCH_MAX and "\0" not in search, "search", f"Use at most {_SEARCH_MAX} characters of text."),
        (status == "" or status in model.FILTERS, "status", f"Use one of {', '.join(model.FILTERS)}, or nothing."),
        (sort == "" or sort in store.SORTS, "sort", f"Use one of {', '.join(store.SORTS)}, or nothing."),
        (0 <= offset <= _OFFSET_MAX, "offset", f"Use a number from 0 to {_OFFSET_MAX}."),
        (1 <= limit <= _LIMIT_MAX, "limit", f"Use a number from 1 to {_LIMIT_MAX}."),
    )
    for fits, field, cure in faults:
        if not fits:
            raise Refused("sales.page", f"The orders cannot be listed by this {field}.", cure, field=field)
