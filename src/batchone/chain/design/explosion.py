"""From a configuration to what it needs and how it is made, by the rules that it was sold by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchone.chain.design.model import Blueprint
from batchone.contracts.design import BomLine, Choices, Exploded, RoutedOperation
from batchone.contracts.pack import BomRule, Law, Operation

_WORD = re.compile(r"\{([^{}]*)\}")


def explode(blueprint: Blueprint, configuration: str, choices: Choices) -> Exploded:
    """Bill of materials and routed operations for complete, valid choices."""
    pack = blueprint.pack
    return Exploded(
        configuration=configuration,
        product=pack.product.id,
        pack=pack.id,
        version=pack.version,
        bom=tuple(_line(blueprint, line, choices) for line in pack.bom if blueprint.holds(line.when, choices)),
        operations=_routed(blueprint, choices),
    )


def filled(template: str, attributes: Mapping[str, str]) -> str:
    """A template with each `{word}` replaced by that option's or derived attribute's value."""
    return _WORD.sub(lambda match: attributes[match.group(1)], template)


def words_of(template: str) -> list[str]:
    """The words that a template names."""
    return _WORD.findall(template)


def _line(blueprint: Blueprint, line: BomRule, choices: Choices) -> BomLine:
    module = blueprint.pack.module(line.module)
    variant = module.variant(next(each.variant for each in line.choose if blueprint.holds(each.when, choices)))
    return BomLine(
        module=module.id,
        module_name=module.name,
        variant=variant.id,
        variant_name=variant.name,
        quantity=blueprint.number(line.quantity, choices),
        unit=module.unit,
        op=line.at,
        cost=variant.cost,
    )


def _routed(blueprint: Blueprint, choices: Choices) -> tuple[RoutedOperation, ...]:
    routing = blueprint.pack.routing
    present = {each.op for each in routing if blueprint.holds(each.when, choices)}
    after = {each.op: each.after for each in routing}
    attributes = blueprint.vocabulary.attributes(choices)
    return tuple(
        _operation(blueprint, each, _seen_through(each.op, after, present), choices, attributes)
        for each in routing
        if each.op in present
    )


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
        key: blueprint.number(law, choices) if isinstance(law, Law) else filled(law, attributes)
        for key, law in operation.parameters.items()
    }
    return RoutedOperation(
        op=operation.op,
        group=operation.group,
        name=operation.name,
        equipment_class=operation.equipment_class,
        after=after,
        duration_s=blueprint.number(operation.cycle_s, choices),
        setup_key=None if operation.setup is None else filled(operation.setup, attributes),
        program=filled(operation.program, attributes),
        parameters=parameters,
        energy_kwh=operation.energy_kwh,
        attended=blueprint.pack.equipment_class(operation.equipment_class).attended,
        checks=blueprint.pack.checks_of(operation.op),
    )
