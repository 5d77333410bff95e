"""Reading demo.yaml and drawing.svg: how it is tried out and how it looks."""

from __future__ import annotations

from batchone.chain.design.packs.faults import Place
from batchone.chain.design.packs.nodes import Node
from batchone.chain.design.packs.reading import Entry, Reading, Said, decimal
from batchone.chain.design.svg import read_svg
from batchone.contracts.pack import Carrier, Customer, Demo


def read_demo(reading: Reading, node: Node) -> Demo:
    """demo.yaml."""
    entry = Entry.of(reading, node, "demo").sub("demo", "seed every express customers weights carriers")
    customers = entry.several(("customer",), "customers", "name town", least=1)
    carriers = entry.several(("carrier",), "carriers", "id name transit", least=1)
    return Demo(
        seed=entry.integer("seed"),
        every_s=entry.quantity("every", "s", above=True),
        express=entry.number("express", least=0, most=1),
        customers=tuple(Customer(each.word("name"), each.word("town")) for each in customers),
        weights={option: _weights(reading, option, weights) for option, weights in entry.pairs("weights").items()},
        carriers=tuple(
            Carrier(each.declared("carrier"), each.text("name"), each.quantity("transit", "s", above=True)) for each in carriers
        ),
    )


def read_drawing(reading: Reading, file: str, text: str) -> str:
    """drawing.svg."""
    root, faults = read_svg(text)
    for fault in faults:
        reading.fault(Place(file, fault.line), fault.what, fault.cure)
    for element in root.elements() if root is not None else ():
        place = Place(file, element.line)
        if element.when is not None:
            reading.said.append(Said(element.when, place, ""))
        if element.fill is not None:
            reading.refer("option", element.fill, place)
    return text


def _weights(reading: Reading, option: str, node: Node) -> dict[str, float]:
    reading.refer("option", option, node.place)
    if option not in reading.declared.get("option", {}):
        return {}
    weights = Entry.of(reading, node, "", " ".join(reading.declared.get(f"value of {option}", {})))
    found = {value: float(decimal(reading, weight)) for value, weight in weights.table.entries.items()}
    if any(weight < 0 for weight in found.values()) or not any(found.values()):
        reading.fault(node.place, f"The weights of {option} draw nothing.", "Give one above zero and none below.")
    return found
