"""Declared connections at work: take texts, say so, probe, pass on what is pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.sources import Connector, Look, Probed, Source, SourcesEdition, Taken
from batchone.contracts.things import SignalType, Thing, ThingModel, Things, joined
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Forbidden, NotFound, Refused
from batchone.kernel.ids import Ids
from batchone.machines.connect.driver import Reach, unheard
from batchone.machines.connect.drivers import DRIVERS, SCHEMES, Probe, make_driver, probe_of
from batchone.machines.connect.quality import connectors
from batchone.machines.connect.sources import text as texts
from batchone.machines.connect.sources.looking import Looks
from batchone.machines.connect.sources.store import SourcesStore
from batchone.machines.connect.wiring import wire_source

_MAY_DECLARE: tuple[Role, ...] = ("engineer", "admin")
Push = Callable[[str, str, Mapping[str, str]], Awaitable[Taken]]
"""Hands a body to the connection of an id."""


class SourcesService:
    """Implements `batchone.contracts.sources.Sources`. `taken` tells the ids of the packs' connections, `reach`
    how a probe reaches what it looks at."""

    def __init__(
        self, tenant: str, store: SourcesStore, clock: Clock, things: Callable[[], Things],
        enterprises: Callable[[], Enterprises], *, taken: Callable[[], Awaitable[Collection[str]]], push: Push,
        reach: Reach, ids: Ids,
    ) -> None:  # fmt: skip
        self._tenant = tenant
        self._store = store
        self._clock = clock
        self._things = things
        self._enterprises = enterprises
        self._taken = taken
        self._push = push
        self._reach = reach
        self._looks = Looks(ids)
        self._read: dict[str, tuple[int, tuple[Source, ...]]] = {}

    async def connectors(self) -> tuple[Connector, ...]:
        """Every protocol that is spoken, and how well."""
        return await asyncio.to_thread(connectors, SCHEMES, DRIVERS)

    async def declared(self, tenant: str) -> tuple[Source, ...]:
        """Every declared connection."""
        version, text = await self._store.newest(tenant)
        read = self._read.get(tenant)
        if read is None or read[0] != version:
            # A text of a hundred thousand lines takes a second to read, and pages ask twice a second.
            told = await asyncio.to_thread(texts.kept, text)
            read = self._read[tenant] = version, tuple(each.made() for each in told.connections)
        return read[1]

    async def shown(self, tenant: str, source: str, most: int) -> tuple[Source, int]:
        """A declared connection with some of its points."""
        found = next((each for each in await self.declared(tenant) if each.id == source), None)
        if found is None:
            raise NotFound("connections.unknown", f"No connection {source[:100]} is declared.", "Look at the list again.")
        return replace(found, points=found.points[:most]), len(found.points)

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version, 0 for the newest."""
        if version:
            return await self._store.text(tenant, version)
        return (await self._store.newest(tenant))[1] or texts.write(texts.SourcesText())

    async def editions(self, tenant: str) -> tuple[SourcesEdition, ...]:
        """Every version, the newest first."""
        return await self._store.editions(tenant)

    async def declare(self, tenant: str, text: str, note: str, actor: Actor) -> int:
        """Take a text as the next version; the same text again changes nothing."""
        _check(tenant, actor)
        model = await self._things().model(tenant)
        told = await self._checked(text, model)
        version, before = await self._store.newest(tenant)
        canonical = await asyncio.to_thread(texts.write, told)
        if canonical == before:
            return version
        await self._store.add(tenant, version + 1, canonical, note[:400], actor.person, self._clock.now())
        details = {"connections": str(len(told.connections)), "note": note[:200]}
        await self._enterprises().record(actor, "connections.declare", str(version + 1), "", "declared", details)
        return version + 1

    async def connect(self, tenant: str, source: Source, things: Sequence[Thing], note: str, actor: Actor) -> int:
        """Declare one connection, and before it the equipment and signals that are new by it."""
        _check(tenant, actor)
        told = [each for each in await self.declared(tenant) if each.id != source.id]
        wanted = await asyncio.to_thread(texts.write_sources, [*told, source])
        model = await self._things().model(tenant)
        new = [replace(each, signals=_new(each, model)) for each in things]
        new = [each for each in new if each.signals]
        # Looked at as it will be before anything is declared, so that a fault of the connection leaves no signals behind.
        asked = joined(model, (), new, model.version)
        await self._checked(wanted, asked)
        if new:
            await self._things().extend(tenant, new, note, actor)
        return await self.declare(tenant, wanted, note, actor)

    async def disconnect(self, tenant: str, source: str, note: str, actor: Actor) -> int:
        """Declare all connections but one."""
        _check(tenant, actor)
        told = await self.declared(tenant)
        if source not in {each.id for each in told}:
            raise NotFound("connections.unknown", f"No connection {source[:100]} is declared.", "Look at the list again.")
        rest = await asyncio.to_thread(texts.write_sources, [each for each in told if each.id != source])
        return await self.declare(tenant, rest, note, actor)

    async def _checked(self, text: str, model: ThingModel) -> texts.SourcesText:
        told = await asyncio.to_thread(texts.read, text, model, SCHEMES, await self._taken())
        self._check_drivers([each.made() for each in told.connections], model)
        return told

    def _check_drivers(self, sources: Sequence[Source], model: ThingModel) -> None:
        """Each driver can be made: its settings and addresses are such as its protocol knows. None is opened."""
        faults = []
        for source in sources:
            wiring = wire_source(source, SCHEMES[urlsplit(source.url).scheme], model.signals.keys(), (), {})
            try:
                make_driver(wiring, self._reach, self._clock)
            except Refused as error:
                faults.append(f"{source.id}: {error.what}")
        if faults:
            raise Refused(
                "connections.faults", " ".join(faults), "Correct these; nothing was changed.", faults="\n".join(faults)
            )

    async def probe(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> Probed:
        """Look at what answers at an address; recorded, because it reaches into the plant's network."""
        _check(tenant, actor)
        probe = _probe_of(url)
        await self._enterprises().record(actor, "connections.probe", url[:200], "", "asked", {})
        return await probe(url, settings, await self._things().model(tenant), self._reach, unheard)

    async def look(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> str:
        """Begin a probe; recorded, too."""
        _check(tenant, actor)
        probe = _probe_of(url)
        await self._enterprises().record(actor, "connections.probe", url[:200], "", "asked", {})
        model = await self._things().model(tenant)
        return self._looks.begin(url, settings, lambda seen: probe(url, settings, model, self._reach, seen))

    async def looked(self, tenant: str, look: str) -> Look:
        """How a probe stands."""
        if tenant != self._tenant:
            raise NotFound("probe.unknown", "There is no such probe here.", "Look again.")
        return self._looks.now(look)

    async def push(self, tenant: str, source: str, body: str, settings: Mapping[str, str]) -> Taken:
        """Samples that a machine pushes; answered once they are on disk."""
        if tenant != self._tenant:
            raise NotFound("connections.unknown", f"{tenant} has no connections here.", "Ask where its machines are connected.")
        return await self._push(source, body, settings)


def _probe_of(url: str) -> Probe:
    scheme = texts.scheme_of(url)
    if scheme not in SCHEMES:
        cure = f"Name an address that begins with one of {', '.join(sorted(SCHEMES))}."
        raise Refused("probe.scheme", f"Nobody speaks {url[:200]}.", cure)
    probe = probe_of(SCHEMES[scheme])
    if probe is None:
        cure = "Take its addresses from its documents, declare them, and watch quarantine."
        raise Refused("probe.none", f"Machines that speak {scheme} do not say what they offer.", cure)
    return probe


def _new(thing: Thing, model: ThingModel) -> tuple[SignalType, ...]:
    """The signals of a thing that nothing declares yet; what is declared stays as it is."""
    return tuple(each for each in thing.signals if f"{thing.id}/{each.id}" not in model.signals)


def _check(tenant: str, actor: Actor) -> None:
    if actor.role not in _MAY_DECLARE or actor.tenant != tenant:
        cure = f"It is for: {', '.join(_MAY_DECLARE)} of this enterprise."
        raise Forbidden("connections.role", f"{actor.name} may not connect machines here.", cure, role=actor.role)
