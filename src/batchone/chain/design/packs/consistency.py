"""What must fit together in a pack, beyond single entries: seen without asking the solver."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise, product

from batchone.chain.design.explosion import OWN, filled, words_of
from batchone.chain.design.packs.reading import Reading
from batchone.chain.design.parts import related
from batchone.chain.design.vocabulary import RuleFault, Vocabulary
from batchone.contracts.pack import Operation, Pack, Signal

_PROGRAM_LENGTH = 32
_MODBUS_SIGNALS = 25
_MODBUS_CHECKS = 7
_KEYS_LOOKED_AT = 20_000
_AMOUNTS = ("-999999",)
"""What stands for the number of a formula where only the length of a text matters."""


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
        _energy(reading, pack, vocabulary)


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
    _levels(reading, pack)


def _levels(reading: Reading, pack: Pack) -> None:
    """What belongs to one part speaks of that part's operations, of those around it, and waits for those in it."""
    part_of = {operation.op: operation.slot for operation in pack.routing}

    def fits(part: str, op: str, *allowed: str) -> bool:
        return op not in part_of or related(pack.parts, part, part_of[op]) in allowed

    for index, operation in enumerate(pack.routing):
        for before in operation.after:
            if not fits(operation.slot, before, "self", "around", "inside"):
                what = f"Operation {before} makes another part, which may be there or not."
                reading.fault(reading.at("operation", index, "after"), what, "Wait for operations of one line of parts.")
        if not fits(operation.slot, operation.group, "self", "around"):
            what = f"Operation {operation.group} makes another part."
            reading.fault(reading.at("operation", index, "group"), what, "Show it as one of its own part.")
    for index, line in enumerate(pack.bom):
        if not fits(line.slot, line.at, "self", "around"):
            what = f"Operation {line.at} makes another part than the one that needs {line.module}."
            reading.fault(reading.at("bom", index, "at"), what, "Use an operation of the same part, or of what holds it.")


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
    for said in reading.said:
        if said.kind != "template":
            continue
        scope = _scope_of(said.part, vocabulary)
        for word in words_of(said.text):
            name = word.removesuffix(OWN)
            if not _speaks(scope, name):
                cure = f"Use one of {', '.join(sorted(scope.words()))}."
                reading.fault(said.place, f"'{{{word}}}' is no option and no derived attribute.", cure)
            elif scope.resolve(name) in scope.derived and (word != name or not _known_here(scope, name)):
                what = (
                    f"'{{{word}}}' is derived, which nothing is brought to."
                    if word != name
                    else f"'{{{word}}}' is of another part."
                )
                reading.fault(said.place, what, "Name an option, or an attribute of its own part or of what holds it.")
    for index, operation in enumerate(pack.routing):
        if any(word.endswith(OWN) for word in (*words_of(operation.program), *words_of(operation.setup or ""))):
            what = "What a customer brings may stand in parameters only."
            reading.fault(reading.at("operation", index, "program"), what, f"Take '{OWN}' out.")
        longest = _longest(operation.program, _scope_of(operation.slot, vocabulary))
        if len(longest) > _PROGRAM_LENGTH or not operation.program.isascii():
            what = f"A program may be called '{longest}', which is not at most {_PROGRAM_LENGTH} ASCII characters."
            reading.fault(reading.at("operation", index, "program"), what, "Make the template shorter.")


def _scope_of(part: str, vocabulary: Vocabulary) -> Vocabulary:
    """The words as texts of a part read them: those of its first slot, since all of them are alike."""
    slots = (name for name, slot in vocabulary.slots.items() if slot.part == part)
    return vocabulary.scoped(next(slots, "")) if part else vocabulary


def _known_here(scope: Vocabulary, word: str) -> bool:
    """Whether a derived attribute belongs to the scope's slot or to what is around it."""
    slot = scope.resolve(word).rpartition(".")[0]
    return not slot or slot == scope.scope or scope.scope.startswith(f"{slot}.")


def _speaks(scope: Vocabulary, word: str) -> bool:
    try:
        return scope.resolve(word) not in scope.several
    except RuleFault:
        return False


def _domains(template: str, scope: Vocabulary) -> dict[str, tuple[str, ...]] | None:
    """What each word of a template can be; none when a word is unknown."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words_of(template):
        if not _speaks(scope, word):
            return None
        attribute = scope.resolve(word)
        follows = scope.derived.get(attribute)
        found[word] = _AMOUNTS if follows is not None and follows.formula is not None else scope.domain(attribute)
    return found


def _longest(template: str, scope: Vocabulary) -> str:
    """The longest that a template can become, with each of its words set freely; empty when a word is unknown."""
    domains = _domains(template, scope)
    return "" if domains is None else filled(template, {word: max(values, key=len) for word, values in domains.items()})


def _expansions(template: str, scope: Vocabulary) -> Iterator[str]:
    """What a template can become, with each of its words set freely (up to a bound); nothing when a word is unknown."""
    domains = [[(word, value) for value in values] for word, values in (_domains(template, scope) or {}).items()]
    if not domains and words_of(template):
        return
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
        keys = {
            key for op in _with_setup(pack, each.id) for key in _expansions(op.setup or "", _scope_of(op.slot, vocabulary))
        }  # fmt: skip
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


def _times(part: str, vocabulary: Vocabulary) -> int:
    """How many slots a part can have."""
    return sum(slot.part == part for slot in vocabulary.slots.values()) if part else 1


def _energy(reading: Reading, pack: Pack, vocabulary: Vocabulary) -> None:
    total = sum(pack.energy.shares.values())
    if pack.energy.shares and abs(total - 1) > 1e-6:
        reading.fault(reading.at("energy", "shares"), f"The shares sum to {total:g}.", "Make them sum to 1.")
    nominal, tolerance = pack.energy.nominal_kwh, pack.energy.tolerance
    least = sum(operation.energy_kwh for operation in pack.routing if operation.when == "true" and not operation.slot)
    most = sum(operation.energy_kwh * _times(operation.slot, vocabulary) for operation in pack.routing)
    if nominal and not least * (1 - tolerance) <= nominal <= most * (1 + tolerance):
        what = f"The nominal energy is {nominal:g} kWh, and the operations take {most:g} kWh together."
        reading.fault(reading.at("energy", "nominal"), what, "Make the two agree within the tolerance.")
