"""From a configuration to what it needs and how it is made, by the rules that it was sold by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchone.chain.design.model import Blueprint
from batchone.chain.design.vocabulary import Vocabulary
from batchone.contracts.design import BomLine, Choices, Exploded, RoutedOperation
from batchone.contracts.pack import BomRule, Law, Operation

OWN = ".own"
"""What a template adds to an option to name what the customer brought to it."""
_WORD = re.compile(r"\{([^{}]*)\}")


def explode(blueprint: Blueprint, configuration: str, choices: Choices, contents: Mapping[str, str] | None = None) -> Exploded:
    """Bill of materials and routed operations for complete, valid choices, and what the customer brought to them.

    Parts nest: each slot that is filled has its lines and operations, and what holds it waits for them.
    """
    pack = blueprint.pack
    return Exploded(
        configuration=configuration,
        product=pack.product.id,
        pack=pack.id,
        version=pack.version,
        bom=tuple(_line(blueprint, line, choices) for line in pack.bom if blueprint.holds(line.when, choices, line.slot)),
        operations=_routed(blueprint, choices, contents or {}),
    )


def filled(template: str, attributes: Mapping[str, str]) -> str:
    """A template with each `{word}` replaced by that option's or derived attribute's value."""
    return _WORD.sub(lambda match: attributes[match.group(1)], template)


def words_of(template: str) -> list[str]:
    """The words that a template names."""
    return _WORD.findall(template)


def _line(blueprint: Blueprint, line: BomRule, choices: Choices) -> BomLine:
    module = blueprint.pack.module(line.module)
    variant = module.variant(next(each.variant for each in line.choose if blueprint.holds(each.when, choices, line.slot)))
    return BomLine(
        module=module.id,
        module_name=module.name,
        variant=variant.id,
        variant_name=variant.name,
        quantity=blueprint.number(line.quantity, choices, line.slot),
        unit=module.unit,
        op=line.at,
        cost=variant.cost,
        slot=line.slot,
    )


def _routed(blueprint: Blueprint, choices: Choices, contents: Mapping[str, str]) -> tuple[RoutedOperation, ...]:
    routing = blueprint.pack.routing
    present = {each.op for each in routing if blueprint.holds(each.when, choices, each.slot)}
    after = {each.op: each.after for each in routing}
    own = {f"{option}{OWN}": contents.get(option, "") for option in choices}
    slots = dict.fromkeys(each.slot for each in routing if each.op in present)
    attributes = {
        slot: {**own, **_local(own, slot, blueprint.vocabulary), **blueprint.attributes(choices, slot)} for slot in slots
    }
    return tuple(
        _operation(blueprint, each, _seen_through(each.op, after, present), choices, attributes[each.slot])
        for each in routing
        if each.op in present
    )


def _local(own: Mapping[str, str], slot: str, vocabulary: Vocabulary) -> dict[str, str]:
    """What was brought to the options of a slot and of those around it, under their own ids; inner ones hide outer ones."""
    if not slot:
        return {}
    around = _local(own, vocabulary.slots[slot].within, vocabulary)
    return {**around, **{name.removeprefix(f"{slot}."): text for name, text in own.items() if name.startswith(f"{slot}.")}}


def _seen_through(op: str, after: Mapping[str, tuple[str, ...]], present: set[str]) -> tuple[str, ...]:
    """The operations to wait for, with those that are skipped replaced by what they would have waited for."""
    found: dict[str, None] = {}
    for before in after[op]:
        found.update(dict.fromkeys([before] if before in present else _seen_through(before, after, present)))
    return tuple(found)


def _operation(
    blueprint: Blueprint, operation: Operation, after: tuple[str, ...], choices: Choices, attributes: Mapping[str, str]
) -> RoutedOperation:
    parameters: dict[str, float | str] = {
        key: blueprint.number(law, choices, operation.slot) if isinstance(law, Law) else filled(law, attributes)
        for key, law in operation.parameters.items()
    }
    return RoutedOperation(
        op=operation.op,
        group=operation.group,
        name=operation.name,
        equipment_class=operation.equipment_class,
        after=after,
        duration_s=blueprint.number(operation.cycle_s, choices, operation.slot),
        setup_key=None if operation.setup is None else filled(operation.setup, attributes),
        program=filled(operation.program, attributes),
        parameters=parameters,
        energy_kwh=operation.energy_kwh,
        attended=blueprint.pack.equipment_class(operation.equipment_class).attended,
        checks=blueprint.pack.checks_of(operation.op),
        slot=operation.slot,
        needs=operation.needs,
        # What a configuration skips needs no time to cure.
        waits=tuple(wait for wait in operation.waits if wait.after in after),
    )
