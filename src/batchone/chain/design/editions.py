"""Installed packs, compiled: kept in memory by the hash of their content, for each day and price list that is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date

from batchone.chain.design import store
from batchone.chain.design.model import Blueprint, compile_pack, unknown_product
from batchone.chain.design.packs import load_files
from batchone.chain.design.store import Installed
from batchone.kernel.database import Database
from batchone.kernel.errors import Broken


class Editions:
    """What was installed, ready to answer. `groups` says which parties (customers' ids) belong to which price group."""

    def __init__(self, database: Database, groups: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._database = database
        self._group_of = {party: group for group, parties in (groups or {}).items() for party in parties}
        self._blueprints: dict[str, Blueprint] = {}
        self._versions: dict[tuple[str, str, str], Installed] = {}
        self._compiling = asyncio.Lock()

    async def today(self, tenant: str, product: str, day: date, party: str = "", version: str | None = None) -> Blueprint:
        """A product as it is sold on a day to a party; the newest version unless one is named."""
        return (await self.of_product(tenant, product, version)).at(day, self._group_of.get(party, ""))

    async def of_product(self, tenant: str, product: str, version: str | None = None) -> Blueprint:
        """A product's pack; the newest version unless one is named."""
        found = self._versions.get((tenant, product, version)) if version is not None else None
        if found is None:
            async with self._database.transaction() as tx:
                if version is None:
                    found = await store.newest(tx, tenant, product)
                else:
                    found = await store.of_version(tx, tenant, product, version)
        if found is None:
            raise unknown_product(product)
        self._versions[tenant, product, found.version] = found
        return await self.of(found)

    async def of(self, wanted: Installed) -> Blueprint:
        """An installed pack."""
        known = self._blueprints.get(wanted.hash)
        if known is not None:
            return known
        async with self._compiling:
            if wanted.hash not in self._blueprints:
                async with self._database.transaction() as tx:
                    files = await store.files(tx, wanted.hash)
                if files is None:
                    raise Broken("design.no_files", f"{wanted.pack} {wanted.version} has no files.", "Restore the database.")
                self._blueprints[wanted.hash] = compile_pack(await asyncio.to_thread(load_files, files))
        return self._blueprints[wanted.hash]
