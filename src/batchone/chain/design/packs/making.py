"""Reading modules.yaml, bom.yaml and routing.yaml: what it is made of, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchone.chain.design.packs.nodes import Node, Scalar, Table
from batchone.chain.design.packs.plant import NEED
from batchone.chain.design.packs.reading import Entry, Reading, law, scalar
from batchone.contracts.pack import BomRule, Choice, Law, Module, Operation, Supplier, Text, Variant
from batchone.contracts.sharing import Wait

_VARIANT = "id name cost stock reorder_at lot"
_SUPPLIER = "id name town lead moq on_time"
_OP = re.compile(r"[1-9][0-9]{0,4}\Z")


def read_modules(reading: Reading, node: Node) -> tuple[Module, ...]:
    """modules.yaml."""
    firms: dict[str, tuple[Text, str]] = {}
    root = Entry.of(reading, node, "modules")
    modules = root.several(("module",), "modules", "id name variants suppliers", "unit", least=1)
    return tuple(
        Module(
            id=module.declared("module"),
            name=module.text("name"),
            unit=module.word("unit", "piece"),
            variants=tuple(_variant(entry) for entry in module.several(("variant", str(index)), "variants", _VARIANT, least=1)),
            suppliers=tuple(
                _supplier(entry, module.id(), firms)
                for entry in module.several(("supplier", str(index)), "suppliers", _SUPPLIER, least=1)
            ),
        )
        for index, module in enumerate(modules)
    )


def read_bom(reading: Reading, node: Node) -> tuple[BomRule, ...]:
    """bom.yaml."""
    lines = Entry.of(reading, node, "bom").several(("bom",), "bom", "module at quantity choose", "when part")
    return tuple(_line(reading, index, line) for index, line in enumerate(lines))


def read_routing(reading: Reading, node: Node) -> tuple[Operation, ...]:
    """routing.yaml."""
    required, optional = "op name class after cycle program energy", "group setup parameters when part needs waits"
    operations = Entry.of(reading, node, "routing").several(("operation",), "routing", required, optional, least=1)
    return tuple(_operation(reading, index, operation) for index, operation in enumerate(operations))


def operation_id(reading: Reading, node: Node) -> str:
    """The id of an operation: a quoted number."""
    text = scalar(reading, node)
    if text and (not _OP.match(text) or not isinstance(node, Scalar) or node.kind != "str"):
        reading.fault(node.place, f"'{text}' is no operation.", 'Write a quoted number such as "40".')
        return ""
    return text


def operation_ids(reading: Reading, entry: Entry, key: str) -> tuple[str, ...]:
    """A list of operations that are declared in the routing."""
    found = []
    for node in entry.items(key):
        op = operation_id(reading, node)
        reading.refer("operation", op, node.place)
        found.append(op)
    return tuple(op for op in found if op)


def operation_reference(reading: Reading, entry: Entry, key: str) -> str:
    """An operation that is declared in the routing."""
    op = operation_id(reading, entry.node(key)) if entry.has(key) else ""
    reading.refer("operation", op, entry.place(key))
    return op


def _variant(entry: Entry) -> Variant:
    return Variant(
        id=entry.declared("variant"),
        name=entry.text("name"),
        cost=entry.money("cost"),
        stock=entry.integer("stock"),
        reorder_at=entry.integer("reorder_at"),
        lot=entry.integer("lot", least=1),
    )


def _supplier(entry: Entry, module: str, firms: dict[str, tuple[Text, str]]) -> Supplier:
    name, town = entry.text("name"), entry.word("town")
    supplier = entry.declared(f"supplier of {module}")
    known = firms.setdefault(supplier, (name, town))
    if supplier and known != (name, town):
        what = f"The supplier '{supplier}' has another name or town elsewhere."
        entry.reading.fault(entry.place("id"), what, "Give it the same name and town, or another id.")
    return Supplier(
        id=supplier,
        name=name,
        town=town,
        lead_s=entry.quantity("lead", "s", above=True),
        moq=entry.integer("moq", least=1),
        on_time=entry.number("on_time", least=0, most=1),
    )


def _line(reading: Reading, index: int, entry: Entry) -> BomRule:
    slot = entry.of_part()
    choices = entry.several(("bom", str(index), "choose"), "choose", "when variant", least=1)
    line = BomRule(
        module=entry.reference("module", "module"),
        at=operation_reference(reading, entry, "at"),
        quantity=entry.law("quantity"),
        when=entry.condition("when"),
        choose=tuple(Choice(choice.condition("when"), choice.reference("variant", "variant")) for choice in choices),
        slot=slot,
    )
    reading.part = ""
    return line


def _operation(reading: Reading, index: int, entry: Entry) -> Operation:
    op = operation_id(reading, entry.node("op")) if entry.has("op") else ""
    reading.declare("operation", op, entry.place("op"))
    slot = entry.of_part()
    waits = entry.several(("operation", str(index), "waits"), "waits", "after", "least most")
    operation = Operation(
        op=op,
        group=operation_reference(reading, entry, "group") if entry.has("group") else op,
        name=entry.text("name"),
        equipment_class=entry.reference("class", "class"),
        after=operation_ids(reading, entry, "after"),
        cycle_s=entry.law("cycle", "s"),
        setup=entry.template("setup") if entry.has("setup") else None,
        program=entry.template("program"),
        parameters=_parameters(reading, entry.pairs("parameters")),
        energy_kwh=entry.quantity("energy", "kWh"),
        when=entry.condition("when"),
        slot=slot,
        needs=entry.references(NEED, "needs"),
        waits=tuple(_wait(reading, each) for each in waits),
    )
    reading.part = ""
    return operation


def _wait(reading: Reading, entry: Entry) -> Wait:
    if not entry.has("least") and not entry.has("most"):
        reading.fault(entry.place(), "The wait has no bound.", "Give least, most or both.")
    return Wait(
        after=operation_reference(reading, entry, "after"),
        least_s=entry.quantity("least", "s"),
        most_s=entry.quantity("most", "s") if entry.has("most") else None,
    )


def _parameters(reading: Reading, pairs: Mapping[str, Node]) -> dict[str, Law | str]:
    parameters: dict[str, Law | str] = {}
    for key, node in pairs.items():
        if isinstance(node, Table) or (isinstance(node, Scalar) and node.kind in ("int", "float")):
            parameters[key] = law(reading, node)
        else:
            parameters[key] = scalar(reading, node)
            reading.say(node, scalar(reading, node), "template")
    return parameters
