"""Design: installs packs, configures products, freezes configurations, explodes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from batchone.chain.design import store
from batchone.chain.design.alternatives import alternatives
from batchone.chain.design.completion import complete
from batchone.chain.design.configure import configure, refuse_impossible
from batchone.chain.design.drawing import draw
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack, unknown_product
from batchone.chain.design.packs import PackRefused, load_files
from batchone.chain.design.pricing import money, total
from batchone.chain.design.store import Installed
from batchone.contracts.design import (
    Alternative,
    Choices,
    Configuration,
    ConfigurationCompleted,
    ConfigurationState,
    Exploded,
    Product,
    ProductReleased,
)
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Pack
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import Broken, Conflict, NotFound, Refused
from batchone.kernel.ids import Ids

_FROZEN_KEPT = 5000


class DesignService:
    """Implements `contracts.design.Design`.

    What never changes is kept in memory: compiled packs by the hash of their content, installed versions, and the frozen
    configurations that were asked for last.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._blueprints: dict[str, Blueprint] = {}
        self._versions: dict[tuple[str, str, str], Installed] = {}
        self._frozen: dict[tuple[str, str], Configuration] = {}
        self._compiling = asyncio.Lock()

    async def products(self, tenant: str) -> tuple[Product, ...]:
        """The products that a tenant offers, each in its newest version, by id."""
        async with self._database.transaction() as tx:
            newest = await store.every_newest(tx, tenant)
        return tuple([_product((await self._blueprint(each)).pack) for each in newest])

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        """The whole pack of a product; the newest version unless one is named."""
        return (await self._of_product(tenant, product, version)).pack

    async def configure(self, tenant: str, product: str, choices: Choices) -> ConfigurationState:
        """Every option and value, given explicit choices."""
        return configure(await self._of_product(tenant, product), choices)

    async def complete(self, tenant: str, product: str, choices: Choices, actor: Actor, key: str = "") -> Configuration:
        """Complete and freeze, once for each key of a person; says `configuration.completed`."""
        blueprint = await self._of_product(tenant, product)
        picks = blueprint.known(choices)
        refuse_impossible(blueprint, picks)
        completed = complete(blueprint, picks)
        worth = total(blueprint, completed)
        frozen = Configuration(
            id=self._ids.new("C"), tenant=tenant, product=product, pack=blueprint.pack.id, version=blueprint.pack.version,
            picks=picks, choices=completed, price=money(blueprint, worth.amount), lead_s=worth.lead_s,
            completed_at=self._clock.now(), actor=actor.person,
        )  # fmt: skip
        said = ConfigurationCompleted(
            frozen.id, product, frozen.pack, frozen.version, frozen.choices, frozen.price, frozen.lead_s
        )
        async with self._database.transaction() as tx:
            before = await store.configuration_of_key(tx, tenant, actor.person, key) if key else None
            if before is not None:
                return _same(before, frozen, key)
            await store.add_configuration(tx, frozen)
            if key:
                await store.keep_key(tx, frozen, key)
            await tx.say(tenant, said, actor=actor.person, time=frozen.completed_at)
        return frozen

    async def configuration(self, tenant: str, configuration_id: str) -> Configuration:
        """A frozen configuration."""
        known = self._frozen.get((tenant, configuration_id))
        if known is not None:
            return known
        async with self._database.transaction() as tx:
            frozen = await store.configuration(tx, tenant, configuration_id)
        if frozen is None:
            what = f"There is no configuration '{configuration_id}'."
            raise NotFound("design.unknown_configuration", what, "Complete one first.", configuration=configuration_id)
        if len(self._frozen) >= _FROZEN_KEPT:
            self._frozen.pop(next(iter(self._frozen)))
        self._frozen[tenant, configuration_id] = frozen
        return frozen

    async def alternatives(self, tenant: str, configuration_id: str) -> tuple[Alternative, ...]:
        """Every value that one option of a frozen configuration could have instead."""
        frozen = await self.configuration(tenant, configuration_id)
        blueprint = await self._of_product(tenant, frozen.product, frozen.version)
        return await asyncio.to_thread(alternatives, blueprint, frozen)

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        """Bill of materials and routing, with the pack version that the configuration was made with."""
        frozen = await self.configuration(tenant, configuration_id)
        blueprint = await self._of_product(tenant, frozen.product, frozen.version)
        return explode(blueprint, frozen.id, frozen.choices)

    async def drawing(self, tenant: str, product: str, choices: Choices) -> str:
        """SVG of the product as `choices` complete it."""
        blueprint = await self._of_product(tenant, product)
        picks = blueprint.known(choices)
        refuse_impossible(blueprint, picks)
        return draw(blueprint, complete(blueprint, picks))

    async def install(self, tenant: str, files: Mapping[str, str], actor: Actor) -> Product:
        """Install a pack; a new version says `product.released`, the same content again changes nothing."""
        try:
            pack = await asyncio.to_thread(load_files, files)
        except PackRefused as error:
            raise Refused(error.code, error.what, error.cure, **error.where) from error
        async with self._database.transaction() as tx:
            await store.lock_packs(tx, tenant)
            known = await store.installed(tx, tenant, pack.id, pack.version)
            if known is None:
                await self._refuse_other_pack(await store.newest(tx, tenant, pack.product.id), pack)
                await store.add_pack(tx, tenant, pack, files, self._clock, actor.person)
                said = ProductReleased(pack.product.id, pack.id, pack.version, pack.hash)
                await tx.say(tenant, said, actor=actor.person)
            elif known.hash != pack.hash:
                raise Conflict(
                    "design.version_taken", f"{pack.id} {pack.version} is installed with other content.",
                    "Give the changed pack a higher version.", pack=pack.id, version=pack.version,
                )  # fmt: skip
        return _product(pack)

    async def _refuse_other_pack(self, newest: Installed | None, pack: Pack) -> None:
        if newest is not None and newest.pack != pack.id:
            raise Conflict(
                "design.product_taken", f"The product {pack.product.id} is made by the pack {newest.pack}.",
                "Give the product another id.", product=pack.product.id, pack=newest.pack,
            )  # fmt: skip

    async def _of_product(self, tenant: str, product: str, version: str | None = None) -> Blueprint:
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
        return await self._blueprint(found)

    async def _blueprint(self, wanted: Installed) -> Blueprint:
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


def _product(pack: Pack) -> Product:
    return Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price)


def _same(before: Configuration, asked: Configuration, key: str) -> Configuration:
    """What was frozen under a key, if the same is asked again."""
    if (before.product, before.picks) != (asked.product, asked.picks):
        raise Conflict(
            "design.key_used", "This Idempotency-Key was used for other choices.", "Send a new key.", key=key
        )  # fmt: skip
    return before
