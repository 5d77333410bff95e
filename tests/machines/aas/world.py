"""The things of both packs, a few items, and an application over them with somebody signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from fastapi import FastAPI, Request

from batchone.chain.design.packs import load_files, read_pack_files
from batchone.contracts.enterprises import Actor, Role
from batchone.contracts.machines import LastValue, Twin
from batchone.contracts.production import ConsumedLot, Hold, ItemRecord, Job, Measurement, Production
from batchone.contracts.things import ThingModel, Things, of_packs
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import NotFound
from batchone.kernel.http import install_problems
from batchone.machines.aas.api import router
from batchone.machines.aas.service import AasService

PACKS = Path(__file__).parents[3] / "packs"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TENANT = "haidun"


@cache
def both_packs() -> ThingModel:
    return of_packs([load_files(read_pack_files(folder)) for folder in sorted(PACKS.iterdir()) if folder.is_dir()])


def record(item: str = "I-0001", serial: str = "S260001") -> ItemRecord:
    """An item that was held once and finished."""
    hour = timedelta(hours=1)
    job = Job(
        "J-1", item, "O-1", "40", 1, both_packs().things[0].id, 3, "P7", {"time-s": 240.0, "kind": "a"}, "finished", NOON, NOON,
        NOON + hour, 1.25, "",
    )  # fmt: skip
    measured = Measurement("J-1", "40", "leak", {"en": "Leak", "zh": "泄漏"}, 0.4, "g/a", None, 0.5, True, NOON + hour)
    return ItemRecord(
        item, serial, "O-1", "product-1", "C-1", "finished", 1, 1, (job, replace(job, id="J-2", run=2, position=None)),
        (ConsumedLot("frame", "oak", 2, "L1", "S1", "40"),), (measured, replace(measured, value=None, passed=None)),
        (Hold(NOON, {"en": "Leak & <more>"}, "leak", NOON + hour, "do 40 again"),), 2.5, NOON, NOON + hour,
    )  # fmt: skip


@dataclass
class World:
    """The owners of what shells show; a machine's first signal was heard, an hour ago."""

    things: ThingModel = field(default_factory=both_packs)
    items: Sequence[ItemRecord] = ()
    asked: list[str] = field(default_factory=list)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))

    def get(self, protocol: type) -> World:
        assert protocol in (Things, Twin, Production)
        return self

    async def model(self, tenant: str) -> ThingModel:
        return self.things if tenant == TENANT else ThingModel()

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        first = self.things.signals_of(equipment)[:1] if tenant == TENANT else ()
        at = NOON - timedelta(hours=1)
        return tuple(LastValue(each.path, 21.5, 1, at, at) for each in first)

    async def item(self, tenant: str, item: str) -> ItemRecord:
        self.asked.append(item)
        for each in self.items if tenant == TENANT else ():
            if item in (each.item, each.serial):
                return each
        raise NotFound("production.no_item", f"There is no item {item}.", "Look it up.")

    async def items_begun(self, tenant: str, after: str, limit: int) -> tuple[ItemRecord, ...]:
        self.asked += [each.item for each in self.items]
        begun = [each for each in self.items if each.serial and each.item > after and tenant == TENANT]
        return tuple(sorted(begun, key=lambda each: each.item)[:limit])

    def service(self) -> AasService:
        return AasService(lambda: self, lambda: self, lambda: self, self.clock)

    def app(self, *, signed_in: Role | None = None) -> FastAPI:
        """The routes; whoever asks is `signed_in`, else who the header `who` (`tenant/role`) names."""
        app = FastAPI()
        install_problems(app)
        app.include_router(router(self))

        @app.middleware("http")
        async def sign_in(request: Request, call_next):
            tenant, _, role = request.headers.get("who", f"{TENANT}/{signed_in}" if signed_in else "").partition("/")
            request.state.actor = Actor(tenant, "p", "P", role) if role else None
            return await call_next(request)

        return app
