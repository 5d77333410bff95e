"""What must fit together in a pack, beyond single entries: seen without asking the solver."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise, product

from batchone.chain.design.explosion import filled, words_of
from batchone.chain.design.packs.reading import Reading
from batchone.chain.design.rules import Vocabulary
from batchone.contracts.pack import Operation, Pack, Signal

_PROGRAM_LENGTH = 32
_MODBUS_SIGNALS = 25
_MODBUS_CHECKS = 7
_KEYS_LOOKED_AT = 20_000


def check_consistency(reading: Reading, pack: Pack, vocabulary: Vocabulary) -> None:
    """Every fault of how the parts fit together."""
    _modules(reading, pack)
    _routing(reading, pack)
    _templates(reading, pack, vocabulary)
    _connections(reading, pack)
    _modbus(reading, pack)
    _classes(reading, pack)
    _meters(reading, pack)
    for index, signal in enumerate(pack.signals):
        _limits(reading, index, signal)
    _checks(reading, pack)
    faulty = {fault.file for fault in reading.faults}
    if "routing.yaml" not in faulty:
        _setup_keys(reading, pack, vocabulary)
    if faulty.isdisjoint({"routing.yaml", "energy.yaml"}):
        _energy(reading, pack)


def _modules(reading: Reading, pack: Pack) -> None:
    variants = {module.id: [variant.id for variant in module.variants] for module in pack.modules}
    for index, line in enumerate(pack.bom):
        for number, choice in enumerate(line.choose):
            known = reading.declared.get("variant", {})
            if line.module in variants and choice.variant in known and choice.variant not in variants[line.module]:
                what = f"'{choice.variant}' is no variant of {line.module}."
                cure = f"Use one of {', '.join(variants[line.module])}."
                reading.fault(reading.at("bom", index, "choose", number, "variant"), what, cure)


def _routing(reading: Reading, pack: Pack) -> None:
    known = {operation.op for operation in pack.routing}
    graph = {operation.op: [op for op in operation.after if op in known] for operation in reversed(pack.routing)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = list(reversed(error.args[1]))
        index = next(i for i, operation in enumerate(pack.routing) if operation.op in ring)
        what = f"The operations {' → '.join(ring)} wait for one another."
        reading.fault(reading.at("operation", index, "after"), what, "Take one of these out of 'after'.")


def _ancestors(pack: Pack, op: str) -> set[str]:
    after = {operation.op: operation.after for operation in pack.routing}
    found: set[str] = set()
    ahead = [op]
    while ahead:
        here = ahead.pop()
        if here not in found:
            found.add(here)
            ahead.extend(after.get(here, ()))
    return found


def _templates(reading: Reading, pack: Pack, vocabulary: Vocabulary) -> None:
    words = {*vocabulary.options, *vocabulary.derived}
    for template, place in reading.templates:
        for word in words_of(template):
            if word not in words:
                cure = f"Use one of {', '.join(sorted(words))}."
                reading.fault(place, f"'{{{word}}}' is no option and no derived attribute.", cure)
    for index, operation in enumerate(pack.routing):
        longest = max(_expansions(operation.program, vocabulary), key=len, default="")
        if len(longest) > _PROGRAM_LENGTH or not operation.program.isascii():
            what = f"A program may be called '{longest}', which is not at most {_PROGRAM_LENGTH} ASCII characters."
            reading.fault(reading.at("operation", index, "program"), what, "Make the template shorter.")


def _expansions(template: str, vocabulary: Vocabulary) -> Iterator[str]:
    """What a template can become, with each of its words set freely (up to a bound); nothing when a word is unknown."""
    domains = []
    for word in dict.fromkeys(words_of(template)):
        option, table = vocabulary.derived.get(word, (word, None))
        values = list(dict.fromkeys(table.values())) if table is not None else list(vocabulary.options.get(option, ()))
        domains.append([(word, value) for value in values])
    for count, combination in enumerate(product(*domains)):
        if count >= _KEYS_LOOKED_AT:
            return
        yield filled(template, dict(combination))


def _connections(reading: Reading, pack: Pack) -> None:
    ports: dict[int, str] = {}
    for index, connection in enumerate(pack.connections):
        if connection.port is None:
            continue
        first = ports.setdefault(connection.port, connection.id)
        if first != connection.id:
            what = f"Port {connection.port} is used by {first} already."
            reading.fault(reading.at("connection", index, "port"), what, "Give each connection a port of its own.")


def _modbus(reading: Reading, pack: Pack) -> None:
    protocols = {connection.id: connection.protocol for connection in pack.connections}
    units: dict[tuple[str, int], str] = {}

    def take(kind: str, index: int, name: str, connection: str, unit: int) -> None:
        first = units.setdefault((connection, unit), name)
        if first != name:
            what = f"Unit {unit} of {connection} is used by {first} already."
            reading.fault(reading.at(kind, index, "unit"), what, "Give each a unit id of its own on its connection.")

    for index, machine in enumerate(pack.equipment):
        protocol = protocols.get(machine.connection)
        if protocol == "modbus" and machine.unit is None:
            reading.fault(reading.at("equipment", index), f"{machine.id} has no unit id.", "Add 'unit:', from 1 to 247.")
        elif protocol == "modbus" and machine.unit is not None:
            take("equipment", index, machine.id, machine.connection, machine.unit)
            _modbus_machine(reading, pack, index)
        elif protocol is not None and machine.unit is not None:
            reading.fault(
                reading.at("equipment", index, "unit"), f"{machine.id} speaks {protocol} and has no unit id.", "Take it out."
            )
    for index, meter in enumerate(pack.meters):
        if protocols.get(meter.connection, "modbus") != "modbus":
            what = f"{meter.id} is not on a Modbus connection."
            reading.fault(reading.at("meter", index, "connection"), what, "Put energy meters on a modbus connection.")
        take("meter", index, meter.id, meter.connection, meter.unit)


def _modbus_machine(reading: Reading, pack: Pack, index: int) -> None:
    machine = pack.equipment[index]
    signals = pack.signals_of(machine.equipment_class)
    most = max((len(pack.checks_of(op.op)) for op in pack.routing if op.equipment_class == machine.equipment_class), default=0)
    if machine.positions != 1:
        what = f"{machine.id} has {machine.positions} positions, and Modbus equipment has one."
        reading.fault(reading.at("equipment", index, "positions"), what, "Set positions to 1, or use another protocol.")
    if len(signals) > _MODBUS_SIGNALS or any(signal.scope == "position" for signal in signals):
        what = f"{machine.id} has more than {_MODBUS_SIGNALS} signals, or signals of a position."
        reading.fault(reading.at("equipment", index, "connection"), what, "Use opcua or sparkplug, or fewer signals.")
    if most > _MODBUS_CHECKS:
        what = f"{machine.id} would report {most} measurements of an operation, and Modbus has room for {_MODBUS_CHECKS}."
        reading.fault(reading.at("equipment", index, "connection"), what, "Use opcua or sparkplug, or fewer checks.")


def _classes(reading: Reading, pack: Pack) -> None:
    equipped = {machine.equipment_class for machine in pack.equipment}
    setups = {each.id: each.setup for each in pack.classes}
    for index, operation in enumerate(pack.routing):
        name = operation.equipment_class
        if name in setups and name not in equipped:
            what = f"No equipment is of class {name}."
            reading.fault(reading.at("operation", index, "class"), what, "Add equipment of this class in resources.yaml.")
        if operation.setup is not None and name in setups and setups[name] is None:
            what = f"The class {name} has no setup times."
            reading.fault(reading.at("operation", index, "setup"), what, "Add 'setup:' to the class, or take it out here.")


def _setup_keys(reading: Reading, pack: Pack, vocabulary: Vocabulary) -> None:
    for index, each in enumerate(pack.classes):
        if each.setup is None:
            continue
        keys = {key for op in _with_setup(pack, each.id) for key in _expansions(op.setup or "", vocabulary)}
        for number, pair in enumerate(each.setup.pairs):
            for key, word in (("from", pair.before), ("to", pair.after)):
                if word not in keys and len(keys) < _KEYS_LOOKED_AT:
                    what = f"No operation of {each.id} has the setup key '{word}'."
                    cure = f"Use one of {', '.join(sorted(keys)) or 'none: no operation of the class has a setup'}."
                    reading.fault(reading.at("class", index, "setup", "pairs", number, key), what, cure)


def _with_setup(pack: Pack, equipment_class: str) -> Iterator[Operation]:
    return (op for op in pack.routing if op.equipment_class == equipment_class and op.setup is not None)


def _meters(reading: Reading, pack: Pack) -> None:
    metered: dict[str, str] = {}
    for index, meter in enumerate(pack.meters):
        for machine in meter.of:
            if metered.setdefault(machine, meter.id) != meter.id:
                what = f"{machine} is read by {metered[machine]} already."
                reading.fault(reading.at("meter", index, "of"), what, "Let one meter read each equipment.")


def _limits(reading: Reading, index: int, signal: Signal) -> None:
    names = ("low_low", "low", "high", "high_high")
    given = [(name, bound) for name in names if (bound := getattr(signal.limits, name)) is not None]
    for (lower, low), (upper, high) in pairwise(given):
        if not low < high:
            what = f"{lower} is {low:g} and {upper} is {high:g}."
            reading.fault(reading.at("signal", index, "limits", upper), what, "Order them low_low < low < high < high_high.")


def _checks(reading: Reading, pack: Pack) -> None:
    measured: dict[tuple[str, str], str] = {}
    for index, check in enumerate(pack.checks):
        if check.minimum is not None and check.maximum is not None and check.minimum > check.maximum:
            what = f"min is {check.minimum:g} and max is {check.maximum:g}."
            reading.fault(reading.at("check", index, "limit", "max"), what, "Exchange the two.")
        first = measured.setdefault((check.op, check.measure), check.id)
        if first != check.id and check.op and check.measure:
            what = f"{check.measure} of operation {check.op} is measured by {first} already."
            reading.fault(reading.at("check", index, "measure"), what, "Give it another name.")
        if check.reaction == "rework" and not check.redo:
            reading.fault(reading.at("check", index), "A rework needs operations to do again.", "Add 'redo:'.")
        if check.reaction == "hold" and check.redo:
            reading.fault(reading.at("check", index, "redo"), "A held item has nothing to redo by rule.", "Take 'redo' out.")
        known = reading.declared.get("operation", {})
        for op in check.redo:
            if check.op in known and op in known and op not in _ancestors(pack, check.op):
                what = f"Operation {op} does not come before operation {check.op}."
                reading.fault(reading.at("check", index, "redo"), what, "Redo the operation itself or earlier ones.")


def _energy(reading: Reading, pack: Pack) -> None:
    total = sum(pack.energy.shares.values())
    if pack.energy.shares and abs(total - 1) > 1e-6:
        reading.fault(reading.at("energy", "shares"), f"The shares sum to {total:g}.", "Make them sum to 1.")
    nominal, tolerance = pack.energy.nominal_kwh, pack.energy.tolerance
    least = sum(operation.energy_kwh for operation in pack.routing if operation.when == "true")
    most = sum(operation.energy_kwh for operation in pack.routing)
    if nominal and not least * (1 - tolerance) <= nominal <= most * (1 + tolerance):
        what = f"The nominal energy is {nominal:g} kWh, and the operations take {most:g} kWh together."
        reading.fault(reading.at("energy", "nominal"), what, "Make the two agree within the tolerance.")
