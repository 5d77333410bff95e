"""Design: installs packs, configures products, freezes configurations, explodes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date

from batchone.chain.design import store
from batchone.chain.design.alternatives import alternatives
from batchone.chain.design.choosing.pictures import unknown_picture
from batchone.chain.design.choosing.store import picture as picture_of
from batchone.chain.design.comparing import compare, judge
from batchone.chain.design.completion import best, complete
from batchone.chain.design.configure import configure, refuse_impossible
from batchone.chain.design.contents import checked, refuse_missing
from batchone.chain.design.drawing import draw
from batchone.chain.design.editions import Editions
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.packs import PackRefused, load_files
from batchone.chain.design.pricing import money, price, total
from batchone.chain.design.store import Installed
from batchone.contracts.choosing import Picture
from batchone.contracts.design import (
    Alternative,
    Choices,
    Comparison,
    Configuration,
    ConfigurationCompleted,
    ConfigurationState,
    Exploded,
    Judgement,
    Popularity,
    Price,
    Product,
    ProductReleased,
    Suggestion,
    Wish,
)
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Pack
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.ids import Ids

_FROZEN_KEPT = 5000


class DesignService:
    """Implements `contracts.design.Design`.

    What never changes is kept in memory: compiled packs, and the frozen configurations that were asked for last.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, editions: Editions | None = None) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._editions = editions or Editions(database)
        self._frozen: dict[tuple[str, str], Configuration] = {}

    async def products(self, tenant: str) -> tuple[Product, ...]:
        """The products that a tenant offers, each in its newest version, by id."""
        async with self._database.transaction() as tx:
            newest = await store.every_newest(tx, tenant)
        return tuple([_product((await self._editions.of(each)).pack) for each in newest])

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        """The whole pack of a product; the newest version unless one is named."""
        return (await self._editions.of_product(tenant, product, version)).pack

    async def configure(self, tenant: str, product: str, choices: Choices, party: str = "") -> ConfigurationState:
        """Every option and value today, given explicit choices."""
        return configure(await self._today(tenant, product, party), choices)

    async def suggest(
        self, tenant: str, product: str, choices: Choices, wish: Wish, popularity: Popularity, party: str = ""
    ) -> Suggestion:
        """The completion of these choices that fits the wish best."""
        blueprint = await self._today(tenant, product, party)
        picks = blueprint.known(choices)
        refuse_impossible(blueprint, picks)
        found = await asyncio.to_thread(best(blueprint, picks, wish, popularity))
        worth = total(blueprint, found)
        return Suggestion(wish, found, money(blueprint, worth.amount), worth.lead_s)

    async def compare(self, tenant: str, product: str, one: Choices, other: Choices, party: str = "") -> Comparison:
        """Two sets of choices side by side, each completed."""
        blueprint = await self._today(tenant, product, party)
        return compare(blueprint, _whole(blueprint, one), _whole(blueprint, other))

    async def price(
        self, tenant: str, product: str, choices: Choices, quantity: int, party: str = "", with_cost: bool = False
    ) -> Price:  # fmt: skip
        """What `quantity` of the completed choices cost today."""
        blueprint = await self._today(tenant, product, party)
        whole = _whole(blueprint, choices)
        return price(blueprint, whole, quantity, explode(blueprint, "", whole).bom if with_cost else None, day=self._day())

    async def price_of(self, tenant: str, configuration_id: str, quantity: int, party: str = "") -> Price:
        """What `quantity` of a frozen configuration cost today."""
        frozen = await self.configuration(tenant, configuration_id)
        blueprint = await self._today(tenant, frozen.product, party, frozen.version)
        refuse_impossible(blueprint, frozen.choices)
        return price(blueprint, frozen.choices, quantity, day=self._day())

    async def judge(self, tenant: str, configuration_id: str, day: date | None = None) -> Judgement:
        """Whether a frozen configuration can still be sold and built on a day."""
        frozen = await self.configuration(tenant, configuration_id)
        on = day or self._day()
        own = await self._editions.of_product(tenant, frozen.product, frozen.version)
        newest = await self._editions.of_product(tenant, frozen.product)
        return judge(own, newest.at(on), frozen, on)

    async def complete(
        self,
        tenant: str,
        product: str,
        choices: Choices,
        actor: Actor,
        key: str = "",
        contents: Mapping[str, str] | None = None,
    ) -> Configuration:
        """Complete and freeze, once for each key of a person; says `configuration.completed`."""
        blueprint = await self._today(tenant, product, actor.party)
        picks = blueprint.known(choices)
        refuse_impossible(blueprint, picks)
        completed = complete(blueprint, picks)
        brought = await checked(blueprint, completed, contents or {}, lambda digest: self._picture(tenant, digest))
        refuse_missing(blueprint, completed, brought)
        worth = total(blueprint, completed)
        frozen = Configuration(
            id=self._ids.new("C"), tenant=tenant, product=product, pack=blueprint.pack.id, version=blueprint.pack.version,
            picks=picks, choices=completed, price=money(blueprint, worth.amount), lead_s=worth.lead_s,
            completed_at=self._clock.now(), actor=actor.person, contents=brought,
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
        blueprint = await self._editions.of_product(tenant, frozen.product, frozen.version)
        return await asyncio.to_thread(alternatives, blueprint, frozen)

    async def explode(self, tenant: str, configuration_id: str) -> Exploded:
        """Bill of materials and routing, with the pack version that the configuration was made with."""
        frozen = await self.configuration(tenant, configuration_id)
        blueprint = await self._editions.of_product(tenant, frozen.product, frozen.version)
        return explode(blueprint, frozen.id, frozen.choices, frozen.contents)

    async def drawing(self, tenant: str, product: str, choices: Choices) -> str:
        """SVG of the product as `choices` complete it."""
        blueprint = await self._today(tenant, product)
        return draw(blueprint, _whole(blueprint, choices))

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

    def _day(self) -> date:
        return self._clock.now().date()

    async def _today(self, tenant: str, product: str, party: str = "", version: str | None = None) -> Blueprint:
        return await self._editions.today(tenant, product, self._day(), party, version)

    async def _picture(self, tenant: str, digest: str) -> Picture:
        async with self._database.transaction() as tx:
            found = await picture_of(tx, tenant, digest)
        if found is None:
            raise unknown_picture(digest)
        return found


def _whole(blueprint: Blueprint, choices: Choices) -> dict[str, str]:
    picks = blueprint.known(choices)
    refuse_impossible(blueprint, picks)
    return complete(blueprint, picks)


def _product(pack: Pack) -> Product:
    return Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price)


def _same(before: Configuration, asked: Configuration, key: str) -> Configuration:
    """What was frozen under a key, if the same is asked again."""
    if (before.product, before.picks) != (asked.product, asked.picks):
        raise Conflict(
            "design.key_used", "This Idempotency-Key was used for other choices.", "Send a new key.", key=key
        )  # fmt: skip
    return before
