"""The rest of the chain in memory, and a pump that carries facts between the domains of one test.

A bench is made of a frame (oak or pine) and a seat (red or blue, two for the wide one), held by screws. Pine and blue
exclude one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request

from batchone.chain.logistics.module import MODULE as LOGISTICS
from batchone.chain.sales.module import MODULE as SALES
from batchone.chain.sourcing.module import MODULE as SOURCING
from batchone.contracts.design import Alternative, BomLine, Configuration, Design, Exploded, Price, Product, ProductReleased
from batchone.contracts.enterprises import Actor, system
from batchone.contracts.pack import (
    Carrier,
    Customer,
    Demo,
    Energy,
    Module,
    Pack,
    PackProduct,
    Place,
    Supplier,
    Variant,
)
from batchone.contracts.planning import Insertion, Planning, Tried, Wish
from batchone.contracts.sales import Reason
from batchone.contracts.sourcing import MaterialDate
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.kernel.facts import Envelope, adapter, body_of, name_of
from batchone.kernel.http import install_problems
from batchone.kernel.ids import Ids
from batchone.kernel.module import Context
from batchone.kernel.module import Module as BatchoneModule
from batchone.kernel.money import Money
from batchone.kernel.outbox import Heard

TENANT = "t"
HOUR_S, DAY_S = 3600.0, 86400.0


def yuan(amount: str) -> Money:
    return Money.of(amount, "CNY")


def variant(name: str, stock: int, reorder_at: int, lot: int) -> Variant:
    return Variant(name, {"en": name}, yuan("10"), stock, reorder_at, lot)


def supplier(name: str, lead_s: float, moq: int, on_time: float = 0.95) -> Supplier:
    return Supplier(name, {"en": name.title(), "zh": "供应商"}, "Qingdao", lead_s, moq, on_time)


NEAR, FAR = supplier("near", 4 * HOUR_S, 5), supplier("far", 2 * DAY_S, 20, 0.99)
MODULES = (
    Module("frame", {"en": "Frame"}, "piece", (variant("oak", 6, 2, 4), variant("pine", 6, 2, 4)), (NEAR, FAR)),
    Module("seat", {"en": "Seat"}, "piece", (variant("red", 10, 3, 6), variant("blue", 10, 3, 6)), (NEAR, FAR)),
    Module("screws", {"en": "Screws"}, "kg", (variant("m6", 40, 10, 50),), (supplier("bolts", 8 * HOUR_S, 100),)),
)
CARRIERS = (
    Carrier("van", {"en": "Van", "zh": "快车"}, 20 * HOUR_S),
    Carrier("train", {"en": "Train", "zh": "铁路"}, 52 * HOUR_S),
)
DEMO = Demo(
    seed=1, every_s=600.0, express=0.1, customers=(Customer("Li Wei", "Qingdao"), Customer("Xu Lan", "Xi'an")),
    weights={"wood": {"oak": 1, "pine": 1}, "colour": {"red": 3, "blue": 1}}, carriers=CARRIERS,
)  # fmt: skip


def pack(version: str = "1.0.0", modules: tuple[Module, ...] = MODULES) -> Pack:
    return Pack(
        id="bench", version=version, hash=version, sector="furniture", licence="Apache-2.0", languages=("en", "zh"),
        currency="CNY", name={"en": "Bench"}, product=PackProduct("bench", {"en": "Bench"}, "BE", yuan("500.00")),
        place=Place("e", "s", "a", "l"), options=(), derived=(), rules=(), prices=(), modules=modules, bom=(), routing=(),
        calendars=(), classes=(), connections=(), equipment=(), meters=(), signals=(), checks=(),
        energy=Energy(1.0, {}, 0.1, 500.0), demo=DEMO, drawing="<svg/>",
    )  # fmt: skip


class FakeDesign:
    """Benches."""

    def __init__(self, clock: ManualClock, ids: Ids) -> None:
        self.clock, self.ids = clock, ids
        self.packs = {"1.0.0": pack()}
        self.configurations: dict[str, Configuration] = {}
        self.priced_for: list[str] = []

    def freeze(self, wood: str = "oak", colour: str = "red", size: str = "small", lead_s: float = 0.0) -> Configuration:
        choices = {"wood": wood, "colour": colour, "size": size}
        frozen = Configuration(
            self.ids.new("C"), TENANT, "bench", "bench", "1.0.0", choices, choices, yuan("500.00"), lead_s,
            self.clock.now(), "somebody",
        )  # fmt: skip
        self.configurations[frozen.id] = frozen
        return frozen

    async def complete(self, tenant: str, product: str, choices: Mapping[str, str], actor: Actor) -> Configuration:
        chosen = {"wood": "oak", "colour": "red"} | dict(choices)
        if (chosen["wood"], chosen["colour"]) == ("pine", "blue"):
            raise Refused("design.excluded", "Pine is not painted blue.", "Choose another colour.")
        return self.freeze(chosen["wood"], chosen["colour"])

    async def products(self, tenant: str) -> tuple[Product, ...]:
        return (Product("bench", {"en": "Bench"}, "furniture", "bench", "1.0.0", yuan("500.00")),)

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        return self.packs[version or max(self.packs)]

    async def configuration(self, tenant: str, configuration_id: str) -> Configuration:
        if configuration_id not in self.configurations:
            raise NotFound("design.no_configuration", f"There is no {configuration_id}.", "Complete one first.")
        return self.configurations[configuration_id]

    async def price_of(self, tenant: str, configuration_id: str, quantity: int, party: str = "") -> Price:
        frozen = await self.configuration(tenant, configuration_id)
        self.priced_for.append(party)
        total = (frozen.price * quantity).rounded()
        return Price(self.clock.now().date(), quantity, frozen.price.rounded(), total, "", (), ())

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        frozen = await self.configuration(tenant, configuration_id)
        return self.made_of(frozen.id, frozen.choices)

    def made_of(self, configuration: str, choices: Mapping[str, str]) -> Exploded:
        seats = 2.0 if choices["size"] == "wide" else 1.0
        bom = (
            self.line("frame", choices["wood"], 1.0, "10"),
            self.line("seat", choices["colour"], seats, "20"),
            self.line("screws", "m6", 3.5, "20"),
        )
        return Exploded(configuration, "bench", "bench", "1.0.0", bom, ())

    async def alternatives(self, tenant: str, configuration_id: str) -> tuple[Alternative, ...]:
        frozen = await self.configuration(tenant, configuration_id)
        found = []
        for option, values in (("wood", ("oak", "pine")), ("colour", ("red", "blue")), ("size", ("small", "wide"))):
            for value in values:
                choices = {**frozen.choices, option: value}
                if value != frozen.choices[option] and (choices["wood"], choices["colour"]) != ("pine", "blue"):
                    found.append(
                        Alternative(
                            option, {"en": option.title(), "zh": option}, value, {"en": value, "zh": value}, yuan("10.00"),
                            0.0, self.made_of(frozen.id, choices),
                        )
                    )  # fmt: skip
        return tuple(found)

    @staticmethod
    def line(module: str, of: str, quantity: float, op: str) -> BomLine:
        return BomLine(module, {"en": module}, of, {"en": of}, quantity, "piece", op, yuan("10"))


class FakePlanning:
    """Two hours of work after the last material has come, one hour more nine times of ten."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.number = 7
        self.asked: list[tuple[str, int, int, tuple[MaterialDate, ...], float]] = []
        self.given_back: list[str] = []
        self.tried: list[tuple[tuple[Wish, ...], tuple[str, ...]]] = []
        self.away = False
        self.pause = asyncio.Event()
        self.pause.set()

    async def insert(
        self, tenant: str, configuration: str, quantity: int, priority: int, material: Sequence[MaterialDate], hold_s: float,
        instead_of: Sequence[str] = (),
    ) -> Insertion:  # fmt: skip
        await self.pause.wait()
        if self.away:
            raise TryLater("planning.away", "The plan does not answer.")
        self.given_back += instead_of
        self.asked.append((configuration, quantity, priority, tuple(material), hold_s))
        start = max([self.clock.now(), *(each.at for each in material)])
        finish = start + timedelta(hours=2)
        reason = Reason("work", "", {"en": "Made in 2 h."}, start, finish)
        return Insertion(f"R-{len(self.asked)}", self.number, finish, finish + timedelta(hours=1), (reason,))

    async def try_out(
        self, tenant: str, wishes: Sequence[Wish], instead_of: Sequence[str] = ()
    ) -> tuple[Tried | None, ...]:  # fmt: skip
        """A minute of work for each piece, two thirds of it with overtime on the saw."""
        self.tried.append((tuple(wishes), tuple(instead_of)))
        found: list[Tried | None] = []
        for wish in wishes:
            start = max([self.clock.now(), *(each.at for each in wish.material)])
            finish = start + timedelta(hours=2 if not wish.overtime else 1)
            if wish.overtime:
                found.append(Tried(finish, finish + timedelta(hours=1), "saw", {"en": "Saw", "zh": "锯床"}, start, finish))
            else:
                found.append(Tried(finish, finish + timedelta(hours=1)))
        return tuple(found)


class Chain:
    """Sales, sourcing and logistics on a real database, with the others faked; `pump` carries facts to their hearers."""

    def __init__(self, context: Context, design: FakeDesign, planning: FakePlanning) -> None:
        self.context, self.design, self.planning = context, design, planning
        self.running: dict[str, Any] = {}
        self.place = 0
        context.provide(Design, design)
        context.provide(Planning, planning)

    @staticmethod
    async def start(
        database: Database, clock: ManualClock, ids: Ids, chance: Any, home: Path, settings: Mapping[str, Any] | None = None
    ) -> Chain:
        context = Context(
            clock=clock, ids=ids, chance=chance, database=database, bus=MemoryBus(), home=home, tenant=TENANT
        )  # fmt: skip
        chain = Chain(context, FakeDesign(clock, ids), FakePlanning(clock))
        for module in (SALES, SOURCING, LOGISTICS):
            await chain.add(module, (settings or {}).get(module.name, {}))
        return chain

    async def add(self, module: BatchoneModule, settings: Mapping[str, Any]) -> None:
        assert module.schema is not None
        assert module.migrations is not None
        await migrate(self.context.database, module.schema, module.migrations)
        running = await module.build(self.context, module.settings.model_validate(settings))
        module.check(running)
        for protocol, implementation in running.provides.items():
            self.context.provide(protocol, implementation)
        self.running[module.name] = running

    async def release(self, version: str = "1.0.0", tenant: str = TENANT) -> None:
        await self.tell(ProductReleased("bench", "bench", version, version), tenant=tenant)
        await self.pump()

    async def tell(
        self, fact: Any, *, time: datetime | None = None, tenant: str = TENANT, only: str = "", id_: str | None = None
    ) -> None:
        """Hand a fact that somebody else said to whoever hears it."""
        name = name_of(type(fact))
        when = time or self.context.clock.now()
        envelope = Envelope(id_ or self.context.ids.new("F"), tenant, name.name, name.version, when, "somebody", body_of(fact))
        await self._hand(envelope, only)

    async def pump(self) -> int:
        """Hand every fact that was said since the last time to whoever hears it, and what is said by that, until quiet."""
        handed = 0
        while rows := await self._said_since():
            for row in rows:
                self.place = row["seq"]
                keys = ("id", "tenant", "name", "version", "time", "actor", "body")
                await self._hand(Envelope(**{key: row[key] for key in keys}), "")
                handed += 1
        return handed

    async def _said_since(self) -> list[dict[str, Any]]:
        async with self.context.database.transaction() as tx:
            return await tx.all(
                "SELECT seq, id, tenant, name, version, time, actor, body::text AS body FROM kernel.outbox "
                "WHERE seq > %(place)s ORDER BY seq",
                place=self.place,
            )

    async def _hand(self, envelope: Envelope, only: str) -> None:
        fact = envelope.open()
        for name, running in self.running.items():
            handler = running.hears.get(type(fact))
            if handler is not None and only in ("", name):
                async with self.context.database.transaction() as tx:
                    await handler(tx, Heard(envelope, fact))

    async def said(self, kind: type, tenant: str = TENANT) -> list[Any]:
        """Every fact of a kind that was said, in order."""
        async with self.context.database.transaction() as tx:
            rows = await tx.all(
                "SELECT body::text AS body FROM kernel.outbox WHERE name = %(name)s AND tenant = %(tenant)s ORDER BY seq",
                name=name_of(kind).name, tenant=tenant,
            )  # fmt: skip
        return [adapter(kind).validate_json(row["body"]) for row in rows]

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        async with self.context.database.transaction() as tx:
            return await tx.all(sql, **values)

    def app(self) -> FastAPI:
        """The public API; `Authorization: Bearer role/person/party` signs in."""
        app = FastAPI()
        install_problems(app)

        @app.middleware("http")
        async def sign_in(request: Request, go_on: Any) -> Any:
            words = request.headers.get("authorization", "").removeprefix("Bearer ").split("/")
            if len(words) == 3:
                role: Any = words[0]
                request.state.actor = Actor(TENANT, words[1], words[1], role, words[2], "token")
            return await go_on(request)

        for module in (SALES, SOURCING, LOGISTICS):
            assert module.router is not None
            app.include_router(module.router(self.context))

        @app.post("/api/configurations", status_code=201)
        async def complete(request: Request) -> Configuration:
            body = await request.json()
            return await self.design.complete(TENANT, body["product"], body["choices"], system(TENANT, "test"))

        return app


__all__ = ["CARRIERS", "DEMO", "FAR", "MODULES", "NEAR", "Chain", "FakeDesign", "FakePlanning", "pack", "replace", "variant"]
