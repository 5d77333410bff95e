"""Planning on a real database, over the small pack, with design alone around it."""

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support_pack import SMALL

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import compile_pack
from batchone.chain.design.packs import load_files
from batchone.chain.planning import store
from batchone.chain.planning.module import MODULE
from batchone.chain.planning.planner import Planner, PlanningSettings
from batchone.chain.planning.service import PlanningService
from batchone.contracts.design import Design, Exploded, Product
from batchone.contracts.pack import Pack
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.facts import Envelope, body_of, name_of
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard

TENANT = "t"


class Lamps:
    """The part of design that planning asks; every configuration is the lamp as it comes."""

    def __init__(self, files: Mapping[str, str] = SMALL) -> None:
        self.blueprint = compile_pack(load_files(files))
        self.choices: Mapping[str, str] = complete(self.blueprint, self.blueprint.known({}))

    async def products(self, tenant: str) -> tuple[Product, ...]:
        pack = self.blueprint.pack
        return (Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price),)

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        return self.blueprint.pack

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        return explode(self.blueprint, configuration_id, self.choices)


@dataclass
class Works:
    """Planning with its parts within reach."""

    context: Context
    planner: Planner
    service: PlanningService

    @staticmethod
    async def start(context: Context) -> "Works":
        planner = Planner(context, PlanningSettings())
        return Works(context, planner, PlanningService(context, planner))

    def heard(self, fact: Any, at: datetime | None = None) -> Heard:
        name = name_of(type(fact))
        when = at or self.context.clock.now()
        return Heard(
            Envelope(self.context.ids.new("F"), TENANT, name.name, name.version, when, "somebody", body_of(fact)), fact
        )

    async def order(self, order: str, *, items: int = 1, reservation: str = "") -> None:
        """An order of lamps is placed."""
        due = self.context.clock.now() + timedelta(hours=4)
        names = tuple(f"{order}.{index}" for index in range(items))
        placed = OrderPlaced(order, order, "P", "c", "C", "lamp", items, 0, names, due, due, due, reservation)
        heard = self.heard(placed)
        async with self.context.database.transaction() as tx:
            await self.service.on_order_placed(tx, heard)
        await self.service.after([heard])

    async def starts(self, item: str, op: str, equipment: str, position: int | None, *, seconds: float = 60) -> None:
        """A machine begins an operation."""
        now = self.context.clock.now()
        async with self.context.database.transaction() as tx:
            await store.started(tx, TENANT, item, op, 1, equipment, position, now, now + timedelta(seconds=seconds))


@pytest.fixture
def files() -> Mapping[str, str]:
    """The pack of the works: the lamp, unless a test says otherwise."""
    return SMALL


@pytest.fixture
async def works(
    database: Database, clock: ManualClock, ids: TimeIds, chance: random.Random, tmp_path: Path, files: Mapping[str, str]
) -> Works:
    """A works that makes lamps, or what else `files` says, and has no order yet."""
    assert MODULE.schema is not None
    assert MODULE.migrations is not None
    await migrate(database, MODULE.schema, MODULE.migrations)
    context = Context(
        clock=clock, ids=ids, chance=chance, database=database, bus=MemoryBus(), home=tmp_path, tenant=TENANT
    )  # fmt: skip
    context.provide(Design, Lamps(files))
    return await Works.start(context)
