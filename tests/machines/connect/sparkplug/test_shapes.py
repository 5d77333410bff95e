"""What is read by columns is what is read one by one, whatever comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.connect.driver import Reading
from batchone.machines.connect.sparkplug import metrics
from batchone.machines.connect.sparkplug.metrics import EdgeNode
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOON_MS = columns.to_us(NOON) // 1000
Metric = Payload.Metric
INT8, INT32, INT64, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 3, 4, 8, 9, 10, 11, 12
TYPES = (DOUBLE, FLOAT, INT8, INT32, INT64, UINT64, BOOLEAN, STRING)


@pytest.fixture(autouse=True)
def even_few_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small examples try what is meant for many."""
    monkeypatch.setattr(metrics, "_FEW", 1)


def births(node: EdgeNode) -> None:
    """A node with a metric of its own, and two devices with one of each type, a state and more."""
    own = [Metric(name="bdSeq", datatype=UINT64, long_value=1), Metric(name="load", alias=900, datatype=DOUBLE, is_null=True)]
    node.take("NBIRTH", "", Payload(timestamp=NOON_MS, seq=0, metrics=own).SerializeToString(), NOON)
    for seq, device in enumerate(("m1", "m2"), 1):
        first = 300 * seq
        told = [Metric(name=f"s{at}", alias=first + at, datatype=each, is_null=True) for at, each in enumerate(TYPES)]
        told.append(Metric(name="State", alias=first + 50, datatype=INT32, int_value=0))
        node.take("DBIRTH", device, Payload(timestamp=NOON_MS, seq=seq, metrics=told).SerializeToString(), NOON)
    node.inbox.take()


def a_node() -> EdgeNode:
    node = EdgeNode("line")
    births(node)
    return node


def told(node: EdgeNode) -> tuple[Reading, list[tuple[object, ...]], bool, bool, int]:
    reading = node.inbox.take()
    batch = reading.samples
    rows = zip(
        batch.column("path").to_pylist(), columns.times_us(batch).tolist(), columns.times_us(batch, "received_time").tolist(),
        map(repr, columns.values_of(batch).tolist()), columns.qualities_of(batch).tolist(), strict=True,
    )  # fmt: skip
    return reading, list(rows), node.born, node.wants_rebirth, node._seq


def agree(messages: Sequence[tuple[str, bytes]], batches: int = 1) -> None:
    """One by one, and by columns: the same samples in the same order, states, faults and session."""
    plain, quick = a_node(), a_node()
    for device, data in messages:
        plain.take("DDATA" if device else "NDATA", device, data, NOON)
    size = -(-len(messages) // batches)
    for start in range(0, len(messages), size or 1):
        quick.take_data(messages[start : start + size], NOON)
    (one, rows, *session), (other, quick_rows, *quick_session) = told(plain), told(quick)
    assert quick_rows == rows
    assert quick_session == session
    assert (other.states, other.faults, other.lost, other.jobs) == (one.states, one.faults, one.lost, one.jobs)


VALUES: dict[str, st.SearchStrategy[object]] = {
    "double_value": st.floats() | st.integers(0, 9).map(float),
    "float_value": st.floats(width=32),
    "int_value": st.integers(0, 2**32 - 1) | st.integers(0, 3),
    "long_value": st.integers(0, 2**64 - 1) | st.integers(0, 300),
    "boolean_value": st.booleans(),
    "string_value": st.text(max_size=3),
    "is_null": st.booleans(),
}
FITTING = {DOUBLE: "double_value", FLOAT: "float_value", BOOLEAN: "boolean_value", INT64: "long_value", UINT64: "long_value"}


@st.composite
def metric(draw: st.DrawFn, device: str) -> Metric:
    first = {"": 900, "m1": 300, "m2": 600}[device]
    at = draw(st.integers(0, 7) | st.sampled_from([50, 99]))
    field = FITTING.get(TYPES[at], "int_value") if at < len(TYPES) and draw(st.booleans()) else draw(st.sampled_from([*VALUES]))
    made = Metric(**{field: draw(VALUES[field])})
    if draw(st.integers(0, 9)):
        made.alias = first + (at if device else 0)
    else:
        made.name = draw(st.sampled_from([f"s{at}", "load", "State", ""]))
    if draw(st.booleans()):
        made.timestamp = draw(st.sampled_from([0, 1, NOON_MS, NOON_MS + 1, 2**62]))
    if not draw(st.integers(0, 9)):
        made.is_historical, made.datatype = True, DOUBLE
    return made


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    found = []
    for seq in range(3, 3 + draw(st.integers(1, 12))):
        device = draw(st.sampled_from(["m1", "m1", "m2", ""]))
        stamped = {"timestamp": draw(st.sampled_from([NOON_MS, 0, NOON_MS + 7]))} if draw(st.integers(0, 5)) else {}
        said = Payload(
            seq=seq if draw(st.integers(0, 30)) else 77, metrics=draw(st.lists(metric(device), max_size=3)), **stamped
        )
        data = said.SerializeToString()
        found.append((device, data if draw(st.integers(0, 40)) else data[:-1] + draw(st.binary(max_size=3))))
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages(), st.integers(1, 3))
def test_whatever_comes_is_read_as_one_by_one(sent: list[tuple[str, bytes]], batches: int) -> None:
    agree(sent, batches)


def regular(count: int, *, named: bool = False, start: int = 3) -> list[tuple[str, bytes]]:
    sent = []
    for at in range(count):
        device, first = (("m1", 300), ("m2", 600))[at % 2]
        said = [
            Metric(alias=first, timestamp=NOON_MS + at, double_value=at / 3),
            Metric(alias=first + 2, timestamp=NOON_MS + at, int_value=(-at) % 2**32),
            Metric(alias=first + 6, timestamp=NOON_MS + at, boolean_value=at % 3 == 0),
        ]
        for each, name in zip(said, ("s0", "s2", "s6"), strict=True) if named else ():
            each.name = name
        payload = Payload(timestamp=NOON_MS, seq=(start + at) % 256, metrics=said)
        sent.append((device, payload.SerializeToString()))
    return sent


@pytest.mark.parametrize("named", [False, True])
def test_a_thousand_messages_in_few_shapes_need_no_object_for_a_metric(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = regular(1000, named=named)
    agree(sent, 4)
    node = a_node()
    read: list[bytes] = []
    monkeypatch.setattr(metrics, "payload_of", read.append)
    node.take_data(sent, NOON)
    assert len(node.inbox.samples) == 3000
    assert read == []


def test_a_birth_changes_what_aliases_mean() -> None:
    node = a_node()
    node.take_data(regular(10), NOON)
    born = Payload(timestamp=NOON_MS, seq=13, metrics=[Metric(name="other", alias=300, datatype=DOUBLE, double_value=1.0)])
    node.take("DBIRTH", "m1", born.SerializeToString(), NOON)
    node.inbox.take()
    said = Payload(timestamp=NOON_MS, seq=14, metrics=[Metric(alias=300, timestamp=NOON_MS, double_value=5.0)])
    node.take_data([("m1", said.SerializeToString())], NOON)
    assert node.inbox.take().samples.column("path").to_pylist() == ["m1/other"]


def test_a_gap_ends_what_is_believed() -> None:
    sent = regular(9)
    agree(sent[:4] + sent[5:])


def test_shapes_without_end_are_not_all_learnt() -> None:
    sent = []
    for at in range(300):
        said = [Metric(alias=300 + each % 2, double_value=1.0, timestamp=NOON_MS if each % 3 else 1) for each in range(1 + at)]
        sent.append(("m1", Payload(seq=(3 + at) % 256, metrics=said).SerializeToString()))
    agree(sent)


def test_nothing_at_all_is_no_message() -> None:
    agree([("m1", b"")])
    np.testing.assert_array_equal(a_node().inbox.take().samples.num_rows, 0)
