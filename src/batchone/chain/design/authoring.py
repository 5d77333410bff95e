"""What a draft of a product's rules is worth, and the version that it becomes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date

from batchone.chain.design import store
from batchone.chain.design.completion import complete
from batchone.chain.design.configure import reason_against, refuse_impossible
from batchone.chain.design.editions import Editions
from batchone.chain.design.exchange import feature_of, model_on
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import check_files
from batchone.chain.design.packs.faults import Fault
from batchone.chain.design.pricing import money, total
from batchone.chain.design.space.comparing import beyond
from batchone.chain.design.space.counting import count
from batchone.chain.design.uvl.model import FeatureModel
from batchone.contracts.authoring import Count, Mark, RulesText, RulesTried, Tested, TrialOrder
from batchone.contracts.design import Choices, Design, Product
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Pack
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import Broken, Conflict, Refused
from batchone.kernel.money import Money

RULES = "rules.yaml"
TEXT_MAX, ORDERS_MAX = 200_000, 200
_BRANCHINGS = 2_000
"""How long configurations are counted before the number is told between two bounds; about a second."""
_VERSION = re.compile(r"^version:[^\n]*$", re.MULTILINE)


def tried(files: Mapping[str, str], text: str, orders: Sequence[TrialOrder], in_force: Blueprint, day: date) -> RulesTried:
    """A draft of the rules in the place of those of the pack's files. Takes a second: not for the event loop."""
    report = check_files({**files, RULES: text})
    marks = tuple(
        _mark(each, warning=warning) for part, warning in ((report.faults, False), (report.warnings, True)) for each in part
    )
    if report.pack is None:
        return RulesTried(marks, False, {}, {}, None, False, None, None, ())
    draft = compile_pack(report.pack).at(day)
    alive = _alive(draft)
    dead = {
        option.id: tuple(value.id for value in option.values if value.id not in alive[option.id])
        for option in draft.pack.options
        if not option.of
    }
    (new, new_whole), (old, old_whole) = (model_on(each.pack, each.words, day) for each in (draft, in_force))
    compared = new_whole and old_whole
    return RulesTried(
        marks=marks,
        valid=True,
        forced={option: next(iter(left)) for option, left in alive.items() if len(left) == 1 and dead.get(option)},
        dead={option: values for option, values in dead.items() if values},
        count=_counted(new, whole=new_whole),
        compared=compared,
        gained=_choices(draft.pack, beyond(new, old)) if compared else None,
        lost=_choices(in_force.pack, beyond(old, new)) if compared else None,
        orders=tuple(_tested(draft, in_force, each) for each in orders),
    )  # fmt: skip


def released(files: Mapping[str, str], text: str) -> dict[str, str]:
    """The files of the next version (`1.4.2` follows `1.4.1`) with these rules."""
    header = files["pack.yaml"]
    found = _VERSION.search(header)
    numbers = re.findall(r"\d+", found.group()) if found else []
    if found is None or not numbers:
        raise Refused("design.version", "The pack's file pack.yaml has no version.", "Install the pack from its folder.")
    numbers[-1] = str(int(numbers[-1]) + 1)
    return {**files, RULES: text, "pack.yaml": _VERSION.sub(f"version: {'.'.join(numbers)}", header, count=1)}


def _counted(model: FeatureModel, *, whole: bool) -> Count:
    """How many configurations a model has; where rules were left out of it, that is the most, and one is known to be."""
    found = count(model, _BRANCHINGS)
    return Count(str(found.least if whole else 1), str(found.most))


def _mark(fault: Fault, *, warning: bool) -> Mark:
    return Mark(fault.file, fault.line, fault.column, fault.what, fault.cure, warning)


def _alive(draft: Blueprint) -> dict[str, set[str]]:
    """By option, the values that some configuration has."""
    space = draft.space
    atoms = {space.atom(option.id, value.id): (option.id, value.id) for option in draft.pack.options for value in option.values}
    found: dict[str, set[str]] = {option.id: set() for option in draft.pack.options}
    for atom in space.among({}, atoms):
        option, value = atoms[atom]
        found[option].add(value)
    return found


def _choices(pack: Pack, features: frozenset[str] | None) -> Choices | None:
    if features is None:
        return None
    return {
        option.id: value.id for option in pack.options for value in option.values if feature_of(option.id, value.id) in features
    }


def _tested(draft: Blueprint, in_force: Blueprint, order: TrialOrder) -> Tested:
    gone = [each for each in order.choices.items() if each not in draft.values]
    if gone:
        return _not_possible(
            order, draft, {option: value for option, value in order.choices.items() if (option, value) not in gone}
        )
    if not draft.space.possible(order.choices):
        return _not_possible(order, draft, order.choices)
    whole = complete(draft, order.choices)
    exploded = explode(draft, "", whole)
    return Tested(
        name=order.name, possible=True, reason=None, completed=whole, price=money(draft, total(draft, whole).amount),
        price_before=_price(in_force, whole), lines=len(exploded.bom), operations=len(exploded.operations),
    )  # fmt: skip


def _not_possible(order: TrialOrder, draft: Blueprint, known: Choices) -> Tested:
    reason = None if draft.space.possible(known) else reason_against(draft, known)
    return Tested(order.name, False, reason, order.choices, None, None, 0, 0)


def _price(in_force: Blueprint, whole: Choices) -> Money | None:
    """What the same cost before; none where it was not possible."""
    try:
        refuse_impossible(in_force, in_force.known(whole))
    except Refused:
        return None
    return money(in_force, total(in_force, whole).amount)


class AuthoringService:
    """Implements `contracts.authoring.Authoring`."""

    def __init__(self, database: Database, clock: Clock, editions: Editions, design: Design) -> None:
        self._database = database
        self._clock = clock
        self._editions = editions
        self._design = design

    async def rules(self, tenant: str, product: str) -> RulesText:
        """The rules in force."""
        blueprint, files = await self._in_force(tenant, product)
        return RulesText(product, blueprint.pack.id, blueprint.pack.version, files[RULES])

    async def try_rules(self, tenant: str, product: str, text: str, orders: tuple[TrialOrder, ...]) -> RulesTried:
        """Try a draft."""
        _refuse_long(text)
        if len(orders) > ORDERS_MAX:
            raise Refused("design.too_many_orders", f"{len(orders)} orders are too many.", f"Try {ORDERS_MAX} at most.")
        blueprint, files = await self._in_force(tenant, product)
        day = self._clock.now().date()
        return await asyncio.to_thread(tried, files, text, orders, blueprint.at(day), day)

    async def release_rules(self, tenant: str, product: str, text: str, base: str, actor: Actor) -> Product:
        """Make a draft the next version."""
        _refuse_long(text)
        blueprint, files = await self._in_force(tenant, product)
        if blueprint.pack.version != base:
            what = f"Version {blueprint.pack.version} came into force since version {base}, from which this draft began."
            raise Conflict("design.rules_changed", what, "Begin from the rules in force.", version=blueprint.pack.version)
        return await self._design.install(tenant, released(files, text), actor)

    async def _in_force(self, tenant: str, product: str) -> tuple[Blueprint, Mapping[str, str]]:
        blueprint = await self._editions.of_product(tenant, product)
        async with self._database.transaction() as tx:
            files = await store.files(tx, blueprint.pack.hash)
        if files is None:
            raise Broken("design.no_files", f"{blueprint.pack.id} has no files.", "Restore the database.")
        return blueprint, files


def _refuse_long(text: str) -> None:
    if len(text) > TEXT_MAX:
        raise Refused("design.rules_long", f"The rules have {len(text)} characters.", f"Write at most {TEXT_MAX}.")
