"""The thing model at work: read packs and texts, take new texts, say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from batchone.contracts.design import Design
from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.things import Thing, ThingModel, ThingsEdition, joined, of_packs
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Forbidden, Refused
from batchone.machines.twin.store import ThingsStore
from batchone.machines.twin.things import text as texts
from batchone.machines.twin.things.text import ThingsText, ThingText

_MAY_DECLARE: tuple[Role, ...] = ("engineer", "admin")


class ThingsService:
    """Implements `batchone.contracts.things.Things`."""

    def __init__(
        self, store: ThingsStore, clock: Clock, design: Callable[[], Design], enterprises: Callable[[], Enterprises]
    ) -> None:
        self._store = store
        self._clock = clock
        self._design = design
        self._enterprises = enterprises

    async def model(self, tenant: str) -> ThingModel:
        """Every type and thing; `TryLater` while the packs cannot be read."""
        base, (version, text) = await self._packs(tenant), await self._store.newest(tenant)
        if not version:
            return base
        # A text that was sound when it was taken may clash with a pack that was released since; what is still clear holds.
        return joined(base, *(await asyncio.to_thread(texts.kept, text)).made(), version)

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version, 0 for the newest."""
        if version:
            return await self._store.text(tenant, version)
        return (await self._store.newest(tenant))[1] or texts.write(ThingsText())

    async def editions(self, tenant: str) -> tuple[ThingsEdition, ...]:
        """Every version, the newest first."""
        return await self._store.editions(tenant)

    async def declare(self, tenant: str, text: str, note: str, actor: Actor) -> ThingModel:
        """Take a text as the next version."""
        _check(tenant, actor)
        base = await self._packs(tenant)
        told = await asyncio.to_thread(texts.read, text, base)
        return await self._add(tenant, base, told, note, actor)

    async def extend(self, tenant: str, things: Sequence[Thing], note: str, actor: Actor) -> ThingModel:
        """Declare more equipment, or more signals of known equipment."""
        _check(tenant, actor)
        base, (_, text) = await self._packs(tenant), await self._store.newest(tenant)
        told = await asyncio.to_thread(texts.kept, text)
        equipment = {each.id: each for each in told.equipment}
        for thing in things:
            before = equipment.get(thing.id)
            if before is None and base.thing(thing.id) is None and not thing.place:
                what, cure = f"There is no equipment {thing.id}.", "Say its place, or declare it first."
                raise Refused("things.unknown", what, cure, equipment=thing.id)
            try:
                # Of equipment that is known, name and place stay as they are.
                new = before or (texts.new(thing) if base.thing(thing.id) is None else ThingText(id=thing.id))
                equipment[thing.id] = texts.more(new, thing.signals)
            except ValidationError as error:
                raise Refused("things.faults", texts.faults_of(thing.id, error), "Correct it; nothing was changed.") from error
        wanted = texts.write(ThingsText(types=told.types, equipment=tuple(equipment.values())))
        return await self._add(tenant, base, await asyncio.to_thread(texts.read, wanted, base), note, actor)

    async def _add(self, tenant: str, base: ThingModel, told: ThingsText, note: str, actor: Actor) -> ThingModel:
        version, before = await self._store.newest(tenant)
        text = await asyncio.to_thread(texts.write, told)
        if text != before:
            version += 1
            await self._store.add(tenant, version, text, note[:400], actor.person, self._clock.now())
            details = {"equipment": str(len(told.equipment)), "types": str(len(told.types)), "note": note[:200]}
            await self._enterprises().record(actor, "things.declare", str(version), "", "declared", details)
        return joined(base, *told.made(), version)

    async def _packs(self, tenant: str) -> ThingModel:
        design = self._design()
        return of_packs([await design.pack(tenant, product.id) for product in await design.products(tenant)])


def _check(tenant: str, actor: Actor) -> None:
    if actor.role not in _MAY_DECLARE or actor.tenant != tenant:
        cure = f"It is for: {', '.join(_MAY_DECLARE)} of this enterprise."
        raise Forbidden("things.role", f"{actor.name} may not declare things here.", cure, role=actor.role)
