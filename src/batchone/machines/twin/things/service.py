"""The thing model at work: read packs and texts, take new texts, say so."""

from __future__ import annotations

from collections.abc import Callable

from batchone.contracts.design import Design
from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.things import SignalType, ThingModel, ThingsEdition, joined, of_packs
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Forbidden, Refused
from batchone.machines.twin.store import ThingsStore
from batchone.machines.twin.things import text as texts
from batchone.machines.twin.things.text import SignalText, ThingsText, ThingText

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
        return joined(base, *texts.kept(text).made(), version)

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
        told = texts.read(text, base)
        return await self._add(tenant, base, told, note, actor)

    async def adopt(self, tenant: str, thing: str, signal: SignalType, actor: Actor) -> ThingModel:
        """Declare one more signal of a thing."""
        _check(tenant, actor)
        base, (_, text) = await self._packs(tenant), await self._store.newest(tenant)
        told = texts.kept(text)
        known = next((each for each in told.equipment if each.id == thing), None)
        if known is None and base.thing(thing) is None:
            cure = "Declare the equipment first, with its place."
            raise Refused("things.unknown", f"There is no equipment {thing}.", cure, equipment=thing)
        before = known or ThingText(id=thing)
        after = before.model_copy(update={"signals": (*before.signals, SignalText.of(signal))})
        others = tuple(each for each in told.equipment if each.id != thing)
        wanted = texts.write(ThingsText(types=told.types, equipment=(*others, after)))
        return await self._add(tenant, base, texts.read(wanted, base), f"adopted {thing}/{signal.id}", actor)

    async def _add(self, tenant: str, base: ThingModel, told: ThingsText, note: str, actor: Actor) -> ThingModel:
        version, before = await self._store.newest(tenant)
        text = texts.write(told)
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
