"""An edge node that sends any bytes, types, aliases and times: samples that are numbers, faults, and nothing else."""

import math
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.connect.sparkplug.metrics import EdgeNode
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
NAMES = ("State", "Jobs", "Completed", "Answer", "speed", "P01/heat", "Command/Clear", "bdSeq", "Node Control/Rebirth", "")
UINT64 = st.integers(0, 2**64 - 1)


@st.composite
def metrics(draw: st.DrawFn) -> Payload.Metric:
    metric = Payload.Metric(name=draw(st.sampled_from(NAMES) | st.text(max_size=8)))
    metric.datatype = draw(st.integers(0, 40) | st.integers(0, 2**32 - 1))
    if draw(st.booleans()):
        metric.alias = draw(st.integers(0, 5) | UINT64)
    if draw(st.booleans()):
        metric.timestamp = draw(UINT64 | st.sampled_from([1, 1_772_452_800_000]))
    metric.is_null, metric.is_historical = draw(st.booleans()), draw(st.booleans())
    match draw(st.integers(0, 7)):
        case 0:
            metric.int_value = draw(st.integers(0, 2**32 - 1))
        case 1:
            metric.long_value = draw(UINT64)
        case 2:
            metric.float_value = draw(st.floats(width=32))
        case 3:
            metric.double_value = draw(st.floats())
        case 4:
            metric.boolean_value = draw(st.booleans())
        case 5:
            metric.string_value = draw(
                st.text(max_size=20) | st.sampled_from(["[]", "[{}]", '{"command": "Clear", "job": "J"}'])
            )
        case 6:
            metric.bytes_value = draw(st.binary(max_size=9))
    return metric


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.sampled_from(["", "m1", "m2"]), st.lists(metrics(), max_size=5),
            UINT64 | st.just(1_772_452_800_000), st.booleans() | UINT64,
        ),
        max_size=8,
    )
)  # fmt: skip
def test_no_payload_breaks_it(messages) -> None:
    node, seq = EdgeNode("line"), 0
    for kind, device, told, time, follows in messages:
        seq = 0 if kind == "NBIRTH" else (seq + 1) % 256
        # Mostly in sequence, since whoever falls out of it is not listened to.
        payload = Payload(timestamp=time, metrics=told, seq=seq if isinstance(follows, bool) else follows)
        node.take(kind, device if kind.startswith("D") else "", payload.SerializeToString(), NOON)
        batch = node.inbox.take().samples
        numbers, quality = columns.values_of(batch), columns.qualities_of(batch)
        assert all(math.isfinite(number) or each == columns.BAD for number, each in zip(numbers, quality, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=60)), max_size=6))
def test_no_bytes_break_it(messages) -> None:
    node = EdgeNode("line")
    for kind, data in messages:
        node.take(kind, "m1" if kind.startswith("D") else "", data, NOON)
