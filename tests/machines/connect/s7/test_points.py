"""Addresses and bytes of S7 controllers: examples that a person can check by hand, and any text or bytes at all."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused
from batchone.machines.connect.s7.points import LONGEST, Place, blocks_of, place_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("DB1.DBD4:real", Place("DB", 1, 4, "real")), ("DB1.DBX0.3", Place("DB", 1, 0, "bit3")),
        ("MW10", Place("M", 0, 10, "uint")), ("MW10:INT", Place("M", 0, 10, "int")), ("M10.7", Place("M", 0, 10, "bit7")),
        ("IB0", Place("I", 0, 0, "usint")), ("E0.1", Place("I", 0, 0, "bit1")), ("AW2", Place("Q", 0, 2, "uint")),
        ("QD4:dint", Place("Q", 0, 4, "dint")), ("DB7.DBD8:lreal", Place("DB", 7, 8, "lreal")),
    ],
)  # fmt: skip
def test_an_address_is_a_place(address: str, place: Place) -> None:
    assert place_of(address) == place


@pytest.mark.parametrize(
    "address",
    ["", "DB1", "DB1.DBX0", "DB1.DBX0.8", "DB1.DBX0.1:bool", "DB1.DBW0.1", "DB1.DBW4:real", "MW10:text", "M10", "T5",
     "DB0.DBW0", "DB1.DBW65535", "DB99999.DBW0", "40001", "MW-1", "MW\uff11"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused, match=r"^'") as refused:
        place_of(address)
    assert refused.value.where["address"] == address


def test_places_that_lie_near_are_one_read_and_no_read_is_too_long() -> None:
    points = [Point(f"a/{at}", f"DB1.DBW{at}") for at in range(0, 400, 2)] + [
        Point("a/far", "DB1.DBW900"),
        Point("a/m", "M1.0"),
    ]
    blocks = blocks_of(points)
    assert [(block.area, block.start, block.count) for block in blocks] == [
        ("DB", 0, 200), ("DB", 200, 200), ("DB", 900, 2), ("M", 1, 1),
    ]  # fmt: skip
    assert sum(len(block.paths) for block in blocks) == len(points)


def test_bytes_are_numbers_big_end_first() -> None:
    points = [
        Point("a/real", "DB1.DBD0:real"), Point("a/int", "DB1.DBW4:int"), Point("a/bit", "DB1.DBX6.5"),
        Point("a/byte", "DB1.DBB6"), Point("a/long", "DB1.DBD7:lint"),
    ]  # fmt: skip
    (block,) = blocks_of(points)
    read = struct.pack(">fhBq", 1.5, -2, 0b0010_0001, -(2**40))
    assert dict(zip(block.paths, block.values(read).tolist(), strict=True)) == {
        "a/real": 1.5, "a/int": -2, "a/bit": 1, "a/byte": 33, "a/long": -(2**40),
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=20), st.from_regex(r"(DB[0-9]{1,6}\.DB|[IEQAM])[XBWD]?[0-9]{1,6}(\.[0-9])?(:[a-z]{3,5})?")))
def test_any_text_is_a_place_or_refused(address: str) -> None:
    try:
        place = place_of(address)
    except Refused:
        return
    assert 0 <= place.at < place.at + place.length <= 65_536


KINDS = ["X{}.3", "B{}", "W{}:int", "D{}:real", "D{}:lreal", "D{}:ulint"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 600)), min_size=1, max_size=40, unique=True), st.randoms())
def test_every_signal_is_read_once_whatever_the_bytes(places: list[tuple[str, int]], chance) -> None:
    points = [Point(f"a/{number}", f"DB3.DB{kind.format(at)}") for number, (kind, at) in enumerate(places)]
    memory = bytes(chance.randrange(256) for _ in range(700))
    found: dict[str, float] = {}
    for block in blocks_of(points):
        assert block.count <= LONGEST
        with np.errstate(invalid="ignore"):
            read = block.values(memory[block.start : block.start + block.count])
        found.update(zip(block.paths, read.tolist(), strict=True))
    assert found.keys() == {point.path for point in points}
    for point in points:
        place = place_of(point.address)
        own = memory[place.at : place.at + place.length]
        if place.type == "ulint":
            assert found[point.path] == float(int.from_bytes(own, "big"))
        elif place.type == "bit3":
            assert found[point.path] == own[0] >> 3 & 1
