"""Shells and submodels, made for each question from what the owners of things, values and items say at that moment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from aas_core3 import jsonization, verification
from aas_core3 import types as aas

from batchone.contracts.machines import Twin
from batchone.contracts.production import ItemRecord, Production
from batchone.contracts.things import EquipmentType, Thing, ThingModel, Things
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, Refused
from batchone.machines.aas import model, package
from batchone.machines.aas.addresses import PARTS, Asset, AssetKind, Part, asset_and_part, asset_of, asset_of_shell, id_short
from batchone.machines.aas.comparing import differences
from batchone.machines.aas.views import Level, Node, paths

_FAULTS_MAX = 200
_PLACE = re.compile(r"(?P<told>\d{1,9}) (?P<after>.*)")
"""Where a page of paths ended: how many were told of the submodel behind one."""
T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list; `cursor` leads to the next one, if there is one."""

    result: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True)
class Compared:
    """A submodel or shell of a package beside ours of the same id: the places at which they differ, none if they are equal."""

    id: str
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What a package holds, the constraints of the metamodel that it breaks, and how it compares with what we say now.

    `known` are those that have an id of ours; `foreign` the ids of the others.
    """

    shells: tuple[str, ...]
    submodels: tuple[str, ...]
    faults: tuple[str, ...]
    known: tuple[Compared, ...]
    foreign: tuple[str, ...]


@dataclass(frozen=True)
class _Equipment:
    asset: Asset
    thing: Thing
    type: EquipmentType | None
    model: ThingModel


@dataclass(frozen=True)
class _Item:
    asset: Asset
    record: ItemRecord


class AasService:
    """Reads of shells and submodels; ids that lead nowhere are `NotFound`."""

    def __init__(
        self, things: Callable[[], Things], twin: Callable[[], Twin], production: Callable[[], Production], clock: Clock
    ) -> None:
        self._things = things
        self._twin = twin
        self._production = production
        self._clock = clock

    async def shells(
        self, tenant: str, short: str, ids: Sequence[tuple[str, str]], cursor: str, limit: int
    ) -> Page[aas.AssetAdministrationShell]:
        """Shells of equipment, then of items, that have this idShort (empty: any) and all these asset ids; at most `limit`."""
        after = _after(cursor, asset_of_shell)
        assets = self._picked(tenant, short, ids, after) if short or ids else self._all(tenant, after, limit)
        found: list[aas.AssetAdministrationShell] = []
        async for asset in assets:
            if len(found) == limit:
                return Page(tuple(found), found[-1].id)
            found.append(_shell(asset))
        return Page(tuple(found), None)

    async def shell(self, tenant: str, shell: str) -> aas.AssetAdministrationShell:
        """The shell of that id."""
        return _shell(await self._owner(tenant, asset_of_shell(shell), shell))

    async def submodels(self, tenant: str, short: str, meaning: str, cursor: str, limit: int) -> Page[aas.Submodel]:
        """Submodels in the order of their shells that have this idShort and this semantic id (empty: any); at most `limit`."""
        after = _after(cursor, asset_and_part)
        wanted = {
            kind: [part for part in parts if short in ("", model.name_of(part)) and meaning in ("", _meaning(kind, part))]
            for kind, parts in PARTS.items()
        }
        found: list[aas.Submodel] = []
        async for each, part in self._all_parts(tenant, wanted, after, limit):
            if len(found) == limit:
                return Page(tuple(found), found[-1].id)
            found.append(await self._submodel(each, part))
        return Page(tuple(found), None)

    async def submodel_paths(self, tenant: str, short: str, meaning: str, cursor: str, limit: int, level: Level) -> Page[str]:
        """The idShort paths of the submodels that `submodels` lists, one submodel after the other."""
        place = _PLACE.fullmatch(cursor or "0 ")
        if place is None:
            raise _nowhere()
        told, after = int(place["told"]), place["after"]
        found: list[str] = []
        while True:
            one = await self.submodels(tenant, short, meaning, after, 1)
            own = [path for each in one.result for path in paths(node_of(each), level)][told:]
            room = limit - len(found)
            found += own[:room]
            if len(own) > room:
                return Page(tuple(found), f"{told + room} {after}")
            if one.cursor is None:
                return Page(tuple(found), None)
            told, after = 0, one.cursor

    async def submodel(self, tenant: str, submodel: str) -> aas.Submodel:
        """The submodel of that id."""
        return await self._submodel(*await self._owner_and_part(tenant, submodel))

    async def environment(
        self, tenant: str, shells: Sequence[str], submodels: Sequence[str], *, concepts: bool
    ) -> aas.Environment:
        """What a serialization holds: the shells that are named with all their submodels, or with those of them that are named.

        Without any name, all equipment: items are without number, and asked for by name.
        """
        if shells or submodels:
            owners = [await self._owner(tenant, asset_of_shell(each), each) for each in shells]
        else:
            owners = [each async for each in self._all(tenant, None, 0)]
        parts = [(owner, part) for owner in owners for part in PARTS[owner.asset.kind]]
        if submodels:
            parts = [await self._owner_and_part(tenant, each) for each in submodels]
        known = {owner.asset: owner for owner in (*owners, *(owner for owner, _ in parts)) if isinstance(owner, _Equipment)}
        meanings = {each.id: each for owner in known.values() for each in model.concepts(owner.thing, owner.type)}
        return aas.Environment(
            [_shell(owner) for owner in owners] or None,
            [await self._submodel(owner, part) for owner, part in parts] or None,
            list(meanings.values()) or None if concepts else None,
        )

    async def judge(self, tenant: str, packed: bytes) -> Judgement:
        """Look at a package, and change nothing; `Refused` when it cannot be read."""
        # A package may be as large as we take it: reading and judging it must not keep others waiting.
        brought, faults = await asyncio.to_thread(_read, packed)
        shells, submodels = brought.asset_administration_shells or [], brought.submodels or []
        known: list[Compared] = []
        foreign: list[str] = []
        for each in (*shells, *submodels):
            try:
                ours = await (self.shell if isinstance(each, aas.AssetAdministrationShell) else self.submodel)(tenant, each.id)
            except NotFound:
                foreign.append(each.id)
            else:
                known.append(Compared(each.id, tuple(differences(node_of(ours), node_of(each)))[:_FAULTS_MAX]))
        return Judgement(
            tuple(each.id for each in shells), tuple(each.id for each in submodels), faults, tuple(known), tuple(foreign)
        )

    async def _all(self, tenant: str, after: Asset | None, size: int) -> AsyncIterator[_Equipment | _Item]:
        """Everything with a shell, in a lasting order, from behind an asset on; items are read `size` at a time, none if 0."""
        if after is None or after.kind == "equipment":
            found = await self._things().model(tenant)
            order = [thing.id for thing in found.things]
            if after is not None and after.id not in order:
                raise Refused("aas.cursor", f"There is no equipment {after.id} any more.", "Ask from the beginning.")
            for thing in found.things[order.index(after.id) + 1 if after else 0 :]:
                yield _equipment(tenant, found, thing)
        last = after.id if after is not None and after.kind == "item" else ""
        while size and (records := await self._production().items_begun(tenant, last, size)):
            for record in records:
                yield _Item(Asset(tenant, "item", record.item), record)
            last = records[-1].item

    async def _all_parts(
        self, tenant: str, wanted: Mapping[AssetKind, Sequence[Part]], after: tuple[Asset, Part] | None, size: int
    ) -> AsyncIterator[tuple[_Equipment | _Item, Part]]:
        if after is not None:
            asset, part = after
            found = await self._find(tenant, asset)
            rest = PARTS[asset.kind][PARTS[asset.kind].index(part) + 1 :]
            for each in rest if found else ():
                if found and each in wanted[asset.kind]:
                    yield found, each
        async for found in self._all(tenant, after[0] if after else None, size if wanted["item"] else 0):
            for each in wanted[found.asset.kind]:
                yield found, each

    async def _picked(
        self, tenant: str, short: str, ids: Sequence[tuple[str, str]], after: Asset | None
    ) -> AsyncIterator[_Equipment | _Item]:
        """What has this idShort and all these ids, behind an asset; found by the name, so that no item is looked at in vain."""
        candidates: list[Asset | None] = []
        if ids:
            name, value = ids[0]
            candidates = [
                asset_of(value)
                if name == "globalAssetId"
                else Asset(tenant, "equipment" if name == "equipmentId" else "item", value)
            ]
        else:
            things = (await self._things().model(tenant)).things
            candidates = [Asset(tenant, "equipment", thing.id) for thing in things if id_short(thing.id) == short]
            candidates.append(Asset(tenant, "item", short.replace("_", "-")))
        order = [asset for asset in candidates if asset is not None]
        for asset in order[order.index(after) + 1 :] if after in order else order:
            found = await self._find(tenant, asset)
            if found is not None and _has(found, short, ids):
                yield found

    async def _owner(self, tenant: str, asset: Asset | None, id_: str) -> _Equipment | _Item:
        """What an id of a shell or submodel is about, under exactly this id."""
        found = await self._find(tenant, asset) if asset is not None else None
        if found is None or found.asset != asset:
            raise NotFound("aas.unknown", f"There is nothing with the id {id_}.", "Look it up in /shells and /submodels.")
        return found

    async def _owner_and_part(self, tenant: str, submodel: str) -> tuple[_Equipment | _Item, Part]:
        asset, part = asset_and_part(submodel) or (None, "identification")
        return await self._owner(tenant, asset, submodel), part

    async def _find(self, tenant: str, asset: Asset) -> _Equipment | _Item | None:
        if asset.tenant != tenant:
            return None
        if asset.kind == "equipment":
            found = await self._things().model(tenant)
            thing = found.thing(asset.id)
            return _equipment(tenant, found, thing) if thing else None
        try:
            record = await self._production().item(tenant, asset.id)
        except NotFound:
            return None
        return _Item(Asset(tenant, "item", record.item), record) if record.serial else None

    async def _submodel(self, of: _Equipment | _Item, part: Part) -> aas.Submodel:
        return model.submodel(of.asset, part, await self._elements(of, part))

    async def _elements(self, of: _Equipment | _Item, part: Part) -> list[aas.SubmodelElement]:
        if isinstance(of, _Item):
            if part == "identification":
                return model.item_identification(of.record)
            return model.production_record(of.asset.tenant, of.record)
        if part == "identification":
            return model.thing_identification(of.thing, of.type)
        if part == "technical-data":
            return model.technical_data(of.thing, of.type)
        last = await self._twin().last(of.asset.tenant, of.thing.id)
        return model.operational_data(of.thing, of.type, of.model, last, self._clock.now())


def _read(packed: bytes) -> tuple[aas.Environment, tuple[str, ...]]:
    """The environment of a package, and what in it breaks the metamodel's constraints."""
    brought = package.read(packed)
    return brought, tuple(f"{fault.path}: {fault.cause}" for fault in islice(verification.verify(brought), _FAULTS_MAX))


def _equipment(tenant: str, found: ThingModel, thing: Thing) -> _Equipment:
    kind = next((each for each in found.types if each.id == thing.type), None)
    return _Equipment(Asset(tenant, "equipment", thing.id), thing, kind, found)


def _shell(of: _Equipment | _Item) -> aas.AssetAdministrationShell:
    if isinstance(of, _Item):
        return model.shell_of_item(of.asset, of.record)
    return model.shell_of_thing(of.asset, of.thing, of.type)


def _has(of: _Equipment | _Item, short: str, ids: Sequence[tuple[str, str]]) -> bool:
    about = _shell(of).asset_information
    own = {("globalAssetId", of.asset.urn), *((each.name, each.value) for each in about.specific_asset_ids or ())}
    return short in ("", id_short(of.asset.id)) and own.issuperset(ids)


def _meaning(kind: AssetKind, part: Part) -> str:
    return model.meaning_of(kind, part).keys[0].value


def _after(cursor: str, read: Callable[[str], T | None]) -> T | None:
    """What a cursor stands behind; none for the beginning."""
    if not cursor:
        return None
    found = read(cursor)
    if found is None:
        raise _nowhere()
    return found


def _nowhere() -> Refused:
    return Refused("aas.cursor", "This cursor leads nowhere.", "Take it from the page before, unchanged.")


def node_of(what: aas.Class) -> Node:
    """Something of the metamodel as JSON."""
    node = jsonization.to_jsonable(what)
    assert isinstance(node, dict)
    return node
