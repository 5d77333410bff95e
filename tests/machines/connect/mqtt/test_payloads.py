"""Addresses and payloads: examples that a person can check by hand, and any text or bytes at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused
from batchone.machines.connect.mqtt.payloads import Place, Topics, address_of, at, check_listen, leaves, number, place_of, read
from batchone.machines.connect.mqtt.payloads import time_us as time_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("plant/oven/temp", Place("plant/oven/temp")), ("plant/oven#temp", Place("plant/oven", ("temp",))),
        ("plant/+/state#zones.0.temp", Place("plant/+/state", ("zones", "0", "temp"))), ("/a", Place("/a")),
        ("a.b/c d#e", Place("a.b/c d", ("e",))),
    ],
)  # fmt: skip
def test_an_address_is_a_place(address: str, place: Place) -> None:
    assert place_of(address) == place
    assert address_of(place.topic, place.keys) == address


@pytest.mark.parametrize("address", ["", "#", "#a", "a/#", "a#", "a#b..c", "a#b#c", "a+/b", "a\0b", "x" * 70_000])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="no MQTT address"):
        place_of(address)


def test_a_filter_to_listen_to_may_end_with_everything_below() -> None:
    assert [check_listen(each) for each in ("#", "plant/#", "plant/+/temp")] == ["#", "plant/#", "plant/+/temp"]
    for strange in ("", "a/#/b", "a#", "pl+nt"):
        with pytest.raises(Refused, match="no filter of topics"):
            check_listen(strange)


def test_a_topic_finds_its_signals_exactly_or_by_any_level() -> None:
    topics = Topics([Point("o/a", "x/oven/t"), Point("o/b", "+/oven/t#k"), Point("o/c", "x/+"), Point("o/d", "+/load")])
    assert topics.of("x/oven/t") == [((), "o/a"), (("k",), "o/b")]
    assert topics.of("y/oven/t") == [(("k",), "o/b")]
    assert topics.of("x/t") == [((), "o/c")]
    assert list(topics.of("x/oven/t/more")) == []
    assert list(topics.of("$SYS/load")) == []
    assert topics.filters == ("x/oven/t", "+/oven/t", "x/+", "+/load")


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"21.5", 21.5), (b" +7 ", 7), (b'"3e2"', 300), (b"true", 1), (b"OFF", 0), (b"007", 7), (b"null", None), (b"-0", 0)],
)
def test_a_payload_is_a_number(payload: bytes, value: float | None) -> None:
    assert number(read(payload)) == value


@pytest.mark.parametrize("payload", [b"warm", b"", b"NaN", b"1e999", b"inf", b"0x10", b"1,5", b"{}", b"[1]", b"\xff", b"1_0"])
def test_what_is_no_number_is_told(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        number(read(payload))


def test_keys_lead_into_json() -> None:
    told = read(b'{"zones": [{"temp": 5}], "0": 6}')
    assert (at(told, ("zones", "0", "temp")), at(told, ("0",))) == (5, 6)
    for keys in (("zone",), ("zones", "1"), ("zones", "-1"), ("zones", "x"), ("0", "a"), ("zones", "9" * 5_000)):
        with pytest.raises(KeyError):
            at(told, keys)


def test_every_number_of_a_payload_is_found_with_its_keys() -> None:
    assert dict(leaves(read(b'{"a": 1, "b": {"c": [2, "warm", true]}, "d": null}'))) == {
        ("a",): 1, ("b", "c", "0"): 2, ("b", "c", "2"): 1,
    }  # fmt: skip
    assert len(list(leaves(list(range(10_000))))) == 200


def test_times_in_what_they_are_counted_in() -> None:
    assert time_of(1_700_000_000_123, "ms") == 1_700_000_000_123_000
    assert time_of("1700000000.5", "s") == 1_700_000_000_500_000
    assert time_of("2023-11-14T22:13:20+00:00", "iso") == 1_700_000_000_000_000
    for told, unit in ((-1, "s"), (None, "s"), ("soon", "iso"), (5, "iso"), (1e300, "us"), ([], "ms"), ("9999-01-01", "iso")):
        with pytest.raises(ValueError, match=r"."):
            time_of(told, unit)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text('{}[]":,0123456789.eE+-truefalsn ').map(str.encode)),
    st.lists(st.text(max_size=3)),
)
def test_no_bytes_break_it(payload: bytes, keys: list[str]) -> None:
    try:
        told = read(payload)
    except ValueError:
        return
    assert all(math.isfinite(value) for _, value in leaves(told))
    for unit in ("s", "iso"):
        try:
            inner = at(told, tuple(keys))
            assert number(inner) is None or math.isfinite(number(inner) or 0.0)
            assert time_of(inner, unit) >= 0
        except (KeyError, ValueError, OverflowError):
            continue


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_place_or_refused(address: str) -> None:
    try:
        place = place_of(address)
    except Refused:
        return
    assert address_of(place.topic, place.keys) == address
