from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused
from batchone.machines.connect.modbus.points import LONGEST, Place, blocks_of, place_of

SHAPES = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f", "float64": "d"}


def registers_of(kind: str, order: str, value: float) -> list[int]:
    """The registers in which a machine shows a number: written with `struct`, as the standard's examples are."""
    raw = struct.pack(f">{SHAPES[kind]}", value if kind.startswith("float") else int(value))
    words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
    if order in ("cdab", "dcba"):
        words.reverse()
    if order in ("badc", "dcba"):
        words = [word[::-1] for word in words]
    return [int.from_bytes(word, "big") for word in words]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("holding:100", Place(1, "holding", 100)),
        ("3/input:0:float32", Place(3, "input", 0, "float32")),
        ("holding:40:uint32:cdab", Place(1, "holding", 40, "uint32", "cdab")),
        ("coil:17", Place(1, "coil", 17, "bit")),
        ("holding:7:bit15", Place(1, "holding", 7, "bit15")),
    ],
)
def test_an_address_names_a_place(address: str, place: Place) -> None:
    assert place_of(address, 1) == place


@pytest.mark.parametrize(
    "address",
    ["40001", "holding", "holding:-1", "holding:65535:float32", "coil:1:int16", "holding:1:float16", "holding:1:bit16",
     "300/holding:1", "holding:1:int16:dabc", "holding:1 ", ""],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        place_of(address, 1)


@settings(deadline=None)
@given(st.data())
def test_numbers_of_every_type_and_order_come_out_as_they_went_in(data: st.DataObject) -> None:
    image, points, expected = np.zeros(2_000, np.uint16), [], []
    at = 0
    for number in range(data.draw(st.integers(1, 12))):
        kind, order = data.draw(st.sampled_from(sorted(SHAPES))), data.draw(st.sampled_from(["abcd", "cdab", "badc", "dcba"]))
        if kind.startswith("float"):
            value = data.draw(st.floats(width=int(kind[5:]), allow_nan=False))
        else:
            bits = int(kind.lstrip("uint"))
            low, high = (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            value = data.draw(st.integers(low, high))
        told = registers_of(kind, order, value)
        image[at : at + len(told)] = told
        points.append(Point(f"m/s{number}", f"holding:{at}:{kind}:{order}"))
        expected.append(float(value))
        at += len(told) + data.draw(st.integers(0, 40))
    found: dict[str, float] = {}
    for block in blocks_of(points, 1):
        assert block.count <= LONGEST["holding"]
        read = [int(word) for word in image[block.start : block.start + block.count]]
        found.update(zip(block.paths, block.values(read).tolist(), strict=True))
    assert [found[point.path] for point in points] == expected


def test_bits_of_a_register_and_of_a_table_of_bits() -> None:
    points = [Point("m/a", "holding:5:bit0"), Point("m/b", "holding:5:bit9"), Point("m/c", "coil:3"), Point("m/d", "coil:4")]
    holding, coils = sorted(blocks_of(points, 1), key=lambda block: block.table, reverse=True)
    assert dict(zip(holding.paths, holding.values([0b10_0000_0000]).tolist(), strict=True)) == {"m/a": 0, "m/b": 1}
    assert dict(zip(coils.paths, coils.values([True, False]).tolist(), strict=True)) == {"m/c": 1, "m/d": 0}


def test_near_registers_are_read_at_once_and_far_ones_are_not() -> None:
    near = [Point(f"m/{at}", f"holding:{at}") for at in range(0, 120, 10)]
    far = Point("m/far", "holding:500")
    assert [(block.start, block.count) for block in blocks_of([*near, far], 1)] == [(0, 111), (500, 1)]
    assert [(block.unit, block.table) for block in blocks_of([Point("a/b", "2/holding:0"), Point("a/c", "input:0")], 1)] == [
        (1, "input"), (2, "holding"),
    ]  # fmt: skip


def test_no_signal_is_cut_at_the_end_of_a_read() -> None:
    points = [Point(f"m/{at}", f"holding:{at}:float64") for at in range(0, 400, 3)]
    for block in blocks_of(points, 1):
        assert all(block.start <= place.at and place.at + place.length <= block.start + block.count for place in block.places)
