"""Rules and drafts of them, in memory: the real trial over the files that a world's pack came from."""

from __future__ import annotations

from collections.abc import Mapping

from batchone.chain.design.authoring import RULES, released, tried
from batchone.chain.design.model import Blueprint
from batchone.chain.design.packs import load_files
from batchone.contracts.authoring import RulesText, RulesTried, TrialOrder
from batchone.contracts.design import Product
from batchone.contracts.enterprises import Actor
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict


class FakeAuthoring:
    def __init__(self, blueprint: Blueprint, files: Mapping[str, str], clock: Clock) -> None:
        self._blueprint, self.files, self._clock = blueprint, dict(files), clock
        self.version = blueprint.pack.version

    async def rules(self, tenant: str, product: str) -> RulesText:
        return RulesText(product, self._blueprint.pack.id, self.version, self.files[RULES])

    async def try_rules(self, tenant: str, product: str, text: str, orders: tuple[TrialOrder, ...]) -> RulesTried:
        day = self._clock.now().date()
        return tried(self.files, text, orders, self._blueprint.at(day), day)

    async def release_rules(self, tenant: str, product: str, text: str, base: str, actor: Actor) -> Product:
        if base != self.version:
            raise Conflict("design.rules_changed", "Another version came into force.", "Begin from the rules in force.")
        self.files = released(self.files, text)
        pack = load_files(self.files)
        self.version = pack.version
        return Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price)
