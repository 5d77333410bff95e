"""The contracts' protocols over a made-up plant (`world`), so that pages are tested without any domain running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.web.alarms import FakeAlarms
from tests.web.authoring import FakeAuthoring
from tests.web.by_hand import FakeByHand
from tests.web.choosing import FakeChoosing
from tests.web.connections import FakeCertificates, FakeQuarantines, FakeSources
from tests.web.machines import FakeMachines
from tests.web.world import PEOPLE, TENANT, World

from batchone.chain.design.comparing import compare
from batchone.chain.design.completion import best, complete
from batchone.chain.design.configure import configure, refuse_impossible
from batchone.chain.design.contents import checked
from batchone.chain.design.drawing import draw
from batchone.chain.design.explosion import explode
from batchone.chain.design.pricing import money, price, total
from batchone.chain.sales.outgoing.model import check_contact
from batchone.contracts import alarms, design, logistics, machines, planning, production, sales, sourcing
from batchone.contracts.authoring import Authoring
from batchone.contracts.by_hand import PlanningByHand
from batchone.contracts.certificates import Certificates
from batchone.contracts.choosing import Choosing
from batchone.contracts.design import (
    Comparison,
    Configuration,
    ConfigurationState,
    Exploded,
    Popularity,
    Price,
    Product,
    Suggestion,
    Wish,
)
from batchone.contracts.enterprises import Actor, Enterprises, Session
from batchone.contracts.logistics import Shipment
from batchone.contracts.pack import Pack
from batchone.contracts.planning import (
    Exported,
    OrderChange,
    PlanDiff,
    PlannedOperation,
    PlanSummary,
    PlanWindow,
    Shift,
    Spot,
)
from batchone.contracts.production import ItemRecord, StationNow
from batchone.contracts.quarantine import Quarantines
from batchone.contracts.sales import Contact, Customer, Earlier, Order, OrderPage, Promise, Reason
from batchone.contracts.sources import Sources
from batchone.contracts.sourcing import CallOff
from batchone.contracts.things import Things
from batchone.kernel.bus import Bus
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, TryLater, Unauthenticated
from batchone.kernel.ids import Ids, TimeIds
from batchone.kernel.money import Money


class FakeDesign:
    def __init__(self, world: World, clock: Clock, ids: Ids, choosing: FakeChoosing) -> None:
        self.world, self._clock, self._ids, self._choosing = world, clock, ids, choosing
        self.packs_read = 0

    async def products(self, tenant: str) -> tuple[Product, ...]:
        pack = self.world.blueprint.pack
        return (Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price),)

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        self._known(product)
        self.packs_read += 1
        return self.world.blueprint.pack

    def _known(self, product: str) -> None:
        if product != self.world.blueprint.pack.product.id:
            raise NotFound("design.unknown_product", f"There is no product '{product}'.", "Install its pack first.")

    async def configure(self, tenant: str, product: str, choices: Mapping[str, str], party: str = "") -> ConfigurationState:
        self._known(product)
        return configure(self.world.blueprint, choices)

    async def complete(
        self, tenant: str, product: str, choices: Mapping[str, str], actor: Actor, contents: Mapping[str, str] | None = None
    ) -> Configuration:
        blueprint = self.world.blueprint
        picks = blueprint.known(choices)
        refuse_impossible(blueprint, picks)
        full = complete(blueprint, picks)
        brought = await checked(blueprint, full, contents or {}, self._choosing.look_up)
        worth = total(blueprint, full)
        made = Configuration(
            self._ids.new("C"), tenant, product, blueprint.pack.id, blueprint.pack.version, picks, full,
            money(blueprint, worth.amount), worth.lead_s, self._clock.now(), actor.person, brought,
        )  # fmt: skip
        self.world.configurations[made.id] = made
        return made

    async def price(
        self, tenant: str, product: str, choices: Mapping[str, str], quantity: int, party: str = "", with_cost: bool = False
    ) -> Price:
        blueprint, whole = self.world.blueprint, complete(self.world.blueprint, choices)
        return price(blueprint, whole, quantity, explode(blueprint, "", whole).bom if with_cost else None)

    async def suggest(
        self, tenant: str, product: str, choices: Mapping[str, str], wish: Wish, popularity: Popularity, party: str = ""
    ) -> Suggestion:
        blueprint = self.world.blueprint
        found = best(blueprint, blueprint.known(choices), wish, popularity)()
        worth = total(blueprint, found)
        return Suggestion(wish, found, money(blueprint, worth.amount), worth.lead_s)

    async def compare(
        self, tenant: str, product: str, one: Mapping[str, str], other: Mapping[str, str], party: str = ""
    ) -> Comparison:
        blueprint = self.world.blueprint
        for choices in (one, other):
            refuse_impossible(blueprint, choices)
        return compare(blueprint, complete(blueprint, one), complete(blueprint, other))

    async def configuration(self, tenant: str, configuration_id: str) -> Configuration:
        return self.world.configurations[configuration_id]

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        made = self.world.configurations[configuration_id]
        return explode(self.world.blueprint, made.id, made.choices)

    async def drawing(self, tenant: str, product: str, choices: Mapping[str, str]) -> str:
        return draw(self.world.blueprint, complete(self.world.blueprint, choices))


class FakeSales:
    def __init__(self, world: World, clock: Clock, ids: Ids) -> None:
        self.world, self._clock, self._ids = world, clock, ids
        self.promises: dict[str, Promise] = {}
        self.placed: dict[str, Order] = {}
        self.inquiries: list[str] = []
        self.contacts: dict[str, Contact] = {}
        self.mails = True
        self.away = False

    async def give_promise(
        self, tenant: str, configuration: str, quantity: int, priority: int, actor: Actor, inquiry: str = "", key: str = ""
    ) -> Promise:
        self.inquiries.append(inquiry)
        if self.away:
            raise TryLater("sales.away", "The plan does not answer.")
        made = self.world.configurations[configuration]
        now = self._clock.now()
        p50 = now + timedelta(hours=26, seconds=made.lead_s, minutes=4 * quantity)
        equipment = self.world.blueprint.pack.equipment[0]
        reasons = [
            Reason("equipment", equipment.id, {"en": f"{equipment.name['en']} is free in an hour.",
                                               "zh": f"{equipment.name['zh']}一小时后有空。"}),
            Reason("transit", "carrier", {"en": "The carrier takes 20 h.", "zh": "承运需要 20 小时。"}),
        ]  # fmt: skip
        if made.lead_s:
            days = round(made.lead_s / 86400)
            reasons.append(
                Reason("lead", configuration, {"en": f"Your choices add {days} d.", "zh": f"您的选择增加 {days} 天。"})
            )
        promise = Promise(
            self._ids.new("P"), tenant, configuration, made.product, quantity, priority, made.price, made.price * quantity,
            p50, p50 + timedelta(hours=2), 42, tuple(reasons), now, now + timedelta(minutes=15),
        )  # fmt: skip
        self.promises[promise.id] = promise
        return promise

    async def news(self, tenant: str, customer: str) -> int:
        if self.away:
            raise TryLater("sales.away", "Sales does not answer.")
        return sum(each.news for each in self.world.orders.values() if each.customer.id == customer)

    async def read_notices(self, tenant: str, order: str, actor: Actor) -> None:
        found = self.world.orders[order]
        if found.customer.id == (actor.party or actor.person):
            read = tuple(replace(each, read=each.read or self._clock.now()) for each in found.notices)
            self.world.orders[order] = replace(found, notices=read)

    async def contact(self, tenant: str, customer: str) -> Contact | None:
        return self.contacts.get(customer, Contact("", "")) if self.mails else None

    async def set_contact(self, tenant: str, customer: str, contact: Contact) -> None:
        check_contact(contact.email, contact.language)
        self.contacts[customer] = contact

    async def promise(self, tenant: str, promise: str) -> Promise:
        if promise not in self.promises:
            raise NotFound("sales.promise", f"There is no promise {promise}.", "Ask for one.")
        return self.promises[promise]

    async def earlier(self, tenant: str, promise: str) -> tuple[Earlier, ...]:
        given = await self.promise(tenant, promise)
        option = self.world.blueprint.pack.options[0]
        value = option.values[-1]
        return (
            Earlier("option", {"en": f"{option.name['en']}: {value.id} instead", "zh": f"{option.name['zh']}改选{value.id}"},
                    given.p50 - timedelta(hours=5), given.p90 - timedelta(hours=5), option=option.id, value=value.id,
                    price_change=Money(Decimal(700), given.unit_price.currency)),
            Earlier("overtime", {"en": "4 h of overtime on Foamer", "zh": "发泡机加班 4 小时"}, given.p50 - timedelta(hours=2),
                    given.p90 - timedelta(hours=2), equipment="foamer-1"),
        )  # fmt: skip

    async def place_order(self, tenant: str, promise: str, customer: Customer, key: str, actor: Actor) -> Order:
        if key in self.placed:
            return self.placed[key]
        given = await self.promise(tenant, promise)
        made = self.world.configurations[given.configuration]
        number = len(self.world.orders)
        order = Order(
            f"order-{number}", f"SO-{10000 + number}", tenant, customer, made.id, made.product, made.choices, given.quantity,
            given.priority, given.price, promise, given.p50, given.p90, self._clock.now(), (), "placed", None, None,
        )  # fmt: skip
        self.placed[key] = self.world.orders[order.id] = order
        return order

    async def order(self, tenant: str, order: str) -> Order:
        found = next((each for each in self.world.orders.values() if order in {each.id, each.number}), None)
        if found is None:
            raise NotFound("sales.order", f"There is no order {order}.", "Choose one of the list.")
        return found

    async def orders(
        self, tenant: str, search: str, status: str, sort: str, offset: int, limit: int, customer: str
    ) -> OrderPage:  # fmt: skip
        keys: dict[str, Any] = {
            "number": lambda o: o.number, "customer": lambda o: o.customer.name, "placed": lambda o: o.placed,
            "promised": lambda o: o.promised_p90, "planned": lambda o: o.planned_delivery or o.placed,
            "status": lambda o: o.status,
        }  # fmt: skip
        fits = {"": lambda _: True, "late": lambda o: o.late, "open": lambda o: o.delivered is None}
        found = [
            each
            for each in self.world.orders.values()
            if all(
                word.lower() in f"{each.number} {each.customer.name} {each.customer.town} {each.choices}".lower()
                for word in search.split()
            )
            and fits.get(status, lambda o: o.status == status)(each)
            and customer in {"", each.customer.id}
        ]
        found.sort(key=keys[sort.removeprefix("-")], reverse=sort.startswith("-"))
        return OrderPage(tuple(found[offset : offset + limit]), len(found))


class FakePlanning:
    def __init__(self, world: World) -> None:
        self.world = world
        self.windows = 0

    async def summary(self, tenant: str) -> PlanSummary:
        if not self.world.plans:
            raise NotFound("planning.none", "There is no plan yet.", "Place an order.")
        return self.world.plans[0]

    async def summaries(self, tenant: str, limit: int) -> tuple[PlanSummary, ...]:
        return tuple(self.world.plans[:limit])

    async def window(self, tenant: str, start: datetime, end: datetime, limit: int) -> PlanWindow:
        self.windows += 1
        inside = [each for each in self.world.operations if each.start < end and each.end > start]
        return PlanWindow(await self.summary(tenant), tuple(inside[:limit]))

    async def of_order(self, tenant: str, order: str) -> tuple[PlannedOperation, ...]:
        return tuple(each for each in self.world.operations if each.order == order)

    async def diff(self, tenant: str, before: int, after: int) -> PlanDiff:
        """Every seventh coming operation moved by some minutes, every 21st to another machine of its kind as well."""
        known = {each.number: each for each in self.world.plans}
        for number in (before, after):
            if number not in known:
                raise NotFound("planning.plan", f"There is no plan {number}.", "Name one of the history.")
        coming = [each for each in self.world.operations if each.state == "planned"]
        pack, shifts, later = self.world.blueprint.pack, [], dict[str, timedelta]()
        for n, each in enumerate(coming[::7]):
            by = timedelta(minutes=(13 - 9 * (n % 3)) * (after - before))
            alike = [m.id for m in pack.equipment if m.equipment_class == pack.machine(each.equipment).equipment_class]
            machine = alike[-1] if n % 3 == 0 else each.equipment
            was, now = Spot(each.equipment, 1, each.start), Spot(machine, 1, each.start + by)
            shifts.append(Shift(each.item, each.order, each.op, was, now))
            later[each.order] = by
        shifts += [Shift(each.item, each.order, each.op, None, Spot(each.equipment, 1, each.start)) for each in coming[-2:]]
        ends = {each.order: each.end for each in sorted(coming, key=lambda each: each.end)}
        orders = tuple(
            OrderChange(order, self.world.orders[order].promised_p90 - timedelta(hours=20), ends[order], ends[order] + by)
            for order, by in later.items()
        )
        return PlanDiff(known[before], known[after], tuple(shifts), orders)

    async def export(self, tenant: str, form: str, equipment: str, language: str) -> Exported:
        return Exported((await self.summary(tenant)).number, f"{form} {equipment} {language}")


class FakeProduction:
    def __init__(self, world: World) -> None:
        self.world = world

    async def item(self, tenant: str, item: str) -> ItemRecord:
        found = next((each for each in self.world.records.values() if item in {each.item, each.serial}), None)
        if found is None:
            raise NotFound("production.item", f"There is no item {item}.", "Look at its order.")
        return found

    async def items_of_order(self, tenant: str, order: str) -> tuple[ItemRecord, ...]:
        return tuple(each for each in self.world.records.values() if each.order == order)

    async def stations(self, tenant: str) -> tuple[StationNow, ...]:
        return self.world.stations()

    async def finished_since(self, tenant: str, since: datetime) -> tuple[datetime, ...]:
        return tuple(each.finished for each in self.world.records.values() if each.finished and each.finished >= since)


class FakeLogistics:
    def __init__(self, world: World) -> None:
        self.world = world

    async def shipments(self, tenant: str, state: str, order: str, limit: int) -> tuple[Shipment, ...]:
        return tuple(each for each in self.world.shipments if order in {"", each.order})[:limit]


class FakeSourcing:
    def __init__(self, world: World) -> None:
        self.world = world

    async def call_offs(self, tenant: str, state: str, supplier: str, limit: int) -> tuple[CallOff, ...]:
        return tuple(
            each for each in self.world.call_offs.values() if state in {"", each.state} and supplier in {"", each.supplier}
        )[:limit]

    async def confirm(self, tenant: str, call_off: str, at: datetime, actor: Actor) -> CallOff:
        found = replace(self.world.call_offs[call_off], state="confirmed", confirmed_for=at)
        self.world.call_offs[call_off] = found
        return found

    async def deliver(self, tenant: str, call_off: str, lot: str, actor: Actor) -> CallOff:
        found = replace(self.world.call_offs[call_off], state="received", lot=lot)
        self.world.call_offs[call_off] = found
        return found


@dataclass
class FakeEnterprises:
    """Everybody's password is their own name; the session's secret is it too."""

    clock: Clock
    ended: set[str] = field(default_factory=set)
    recorded: list[tuple[str, str, str]] = field(default_factory=list)

    async def record(self, actor: Actor, what: str, about: str, key: str, outcome: str, more: Mapping[str, Any]) -> None:
        self.recorded.append((actor.person, what, about))

    async def sign_in(self, tenant: str, person: str, password: str) -> Session:
        if person not in PEOPLE or password != person:
            raise Unauthenticated("enterprises.sign_in", "Name and password do not fit.", "Check both.")
        self.ended.discard(person)
        return await self.session(person)

    async def sign_in_by_link(self, secret: str) -> Session:
        if not secret.startswith("link-"):
            raise Unauthenticated("enterprises.link", "This link is not valid.", "Ask for a new one.")
        return await self.session(secret.removeprefix("link-"))

    async def session(self, secret: str) -> Session:
        if secret not in PEOPLE or secret in self.ended:
            raise Unauthenticated("enterprises.session", "This session is over.", "Sign in again.")
        return Session(secret, f"csrf-{secret}", PEOPLE[secret], self.clock.now() + timedelta(days=1))

    async def sign_out(self, secret: str) -> None:
        self.ended.add(secret)


class FakeServices:
    """What `create_app` is given, with every fake within reach of a test."""

    def __init__(self, world: World, clock: Clock, files: Mapping[str, str] | None = None) -> None:
        self.world, self.clock, self.tenant = world, clock, TENANT
        self.ids: Ids = TimeIds(clock)
        self.bus: Bus = MemoryBus()
        self.choosing = FakeChoosing(clock, self.ids)
        self.design = FakeDesign(world, clock, self.ids, self.choosing)
        self.authoring = FakeAuthoring(world.blueprint, files or {}, clock)
        self.sales = FakeSales(world, clock, self.ids)
        self.machines = FakeMachines(world, clock)
        self.certificates = FakeCertificates(clock)
        self.sources = FakeSources(self.machines, self.certificates, self.ids)
        self.quarantines = FakeQuarantines(world, clock)
        self.alarms = FakeAlarms(world, clock)
        self.planning = FakePlanning(world)
        self.by_hand = FakeByHand(world, clock, self.ids)
        self.production = FakeProduction(world)
        self.enterprises = FakeEnterprises(clock)
        supplier = world.blueprint.pack.modules[0].suppliers[0].id
        PEOPLE["sam"] = replace(PEOPLE["sam"], party=supplier)
        self._by_protocol: dict[type, object] = {
            design.Design: self.design, Choosing: self.choosing, Authoring: self.authoring,
            sales.Sales: self.sales,
            planning.Planning: self.planning, PlanningByHand: self.by_hand,
            production.Production: self.production, logistics.Logistics: FakeLogistics(world),
            sourcing.Sourcing: FakeSourcing(world), machines.Connect: self.machines, machines.Twin: self.machines,
            machines.History: self.machines, machines.Retention: self.machines, Things: self.machines, Sources: self.sources,
            Certificates: self.certificates, Quarantines: self.quarantines,
            alarms.Alarms: self.alarms, Enterprises: self.enterprises,
        }  # fmt: skip

    def get(self, protocol: type[Any]) -> Any:
        return self._by_protocol[protocol]
