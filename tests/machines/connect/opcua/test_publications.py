"""Publications mean what the library reads in them, whatever is published."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.connect.driver import Inbox, Reading
from batchone.machines.connect.opcua import nodes, publications
from batchone.machines.connect.opcua.nodes import Book, Listed
from batchone.machines.connect.opcua.publications import UNREADABLE, Numbers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Type = ua.VariantType
NAMES = ("force", "heat", "State", "Jobs", "speed")
LISTED = Listed([nodes.point_of(ua.NodeId(f"m1.{name}", 2), "m1", name) for name in NAMES])

INTEGERS = {
    Type.SByte: (-(2**7), 2**7 - 1), Type.Byte: (0, 2**8 - 1), Type.Int16: (-(2**15), 2**15 - 1), Type.UInt16: (0, 2**16 - 1),
    Type.Int32: (-(2**31), 2**31 - 1), Type.UInt32: (0, 2**32 - 1), Type.Int64: (-(2**63), 2**63 - 1),
    Type.UInt64: (0, 2**64 - 1),
}  # fmt: skip
VARIANTS = st.one_of(
    st.floats().map(lambda value: ua.Variant(value, Type.Double)),
    st.floats(width=32).map(lambda value: ua.Variant(value, Type.Float)),
    st.booleans().map(lambda value: ua.Variant(value, Type.Boolean)),
    st.sampled_from([*INTEGERS]).flatmap(lambda kind: st.integers(*INTEGERS[kind]).map(lambda n: ua.Variant(n, kind))),
    st.text(max_size=4).map(lambda value: ua.Variant(value, Type.String)),
    st.lists(st.floats(width=32), max_size=3).map(lambda value: ua.Variant(value, Type.Double, is_array=True)),
    st.lists(st.sampled_from(["{}", "x"]), max_size=2).map(lambda value: ua.Variant(value, Type.String, is_array=True)),
    st.none(),
)
STATUS = st.sampled_from([0, 0, 0, 0x40000000, 0x80050000, 0x80320000])
TIMES = st.none() | st.integers(0, 10**9).map(lambda us: NOON + timedelta(microseconds=us))


@st.composite
def change(draw: st.DrawFn) -> ua.MonitoredItemNotification:
    data = ua.DataValue(draw(VARIANTS), ua.StatusCode(draw(STATUS)), draw(TIMES), draw(TIMES))
    if draw(st.booleans()):
        data = ua.DataValue(data.Value, data.StatusCode, data.SourceTimestamp, data.ServerTimestamp, 7, 9)
    return ua.MonitoredItemNotification(ClientHandle=draw(st.sampled_from([0, 1, 2, 3, 4, 4, 77])), Value=data)


def body_of(changes: list[ua.MonitoredItemNotification]) -> bytes:
    return struct_to_binary(ua.DataChangeNotification(MonitoredItems=changes))


def told(inbox: Inbox) -> tuple[list[tuple[object, ...]], Reading]:
    reading = inbox.take()
    batch = reading.samples
    rows = zip(
        batch.column("path").to_pylist(), columns.times_us(batch).tolist(), map(repr, columns.values_of(batch).tolist()),
        columns.qualities_of(batch).tolist(), strict=True,
    )  # fmt: skip
    return list(rows), reading


@settings(max_examples=300, deadline=None)
@given(st.lists(change(), max_size=12))
def test_changes_mean_what_the_library_reads(sent: list[ua.MonitoredItemNotification]) -> None:
    plain, quick = Inbox(), Inbox()
    book, quick_book = Book(), Book()
    body = body_of(sent)
    for each in ua.ua_binary.struct_from_binary(ua.DataChangeNotification, Buffer(body)).MonitoredItems:
        nodes.take_change(each, LISTED, plain, book, NOON)
    for part in publications.changes(body):
        if isinstance(part, Numbers):
            nodes.take_numbers(part, LISTED, quick, quick_book, NOON)
        else:
            nodes.take_change(part, LISTED, quick, quick_book, NOON)
    (rows, reading), (quick_rows, quick_reading) = told(plain), told(quick)
    assert quick_rows == rows
    # What is wrong is told in the same places; the words may be others.
    assert {fault.path: fault.count for fault in quick_reading.faults} == {fault.path: fault.count for fault in reading.faults}
    assert (quick_reading.states, quick_reading.jobs) == (reading.states, reading.jobs)


def test_a_publication_of_numbers_is_one_part() -> None:
    sent = [
        ua.MonitoredItemNotification(at % 2, ua.DataValue(ua.Variant(float(at), Type.Double), None, NOON, NOON))
        for at in range(1000)
    ]
    message = ua.NotificationMessage(7, NOON, [ua.DataChangeNotification(MonitoredItems=sent)])
    response = ua.PublishResponse(Parameters=ua.PublishResult(5, [1, 2], False, message))
    read = publications.read(Buffer(struct_to_binary(response)))
    (part,) = read.parts
    assert (read.subscription, read.sequence) == (5, 7)
    assert isinstance(part, Numbers)
    np.testing.assert_array_equal(part.values, np.arange(1000.0))
    assert set(part.source_us.tolist()) == {columns.to_us(NOON)}


def test_the_end_of_a_subscription_and_a_sign_of_life_are_told() -> None:
    ended = ua.StatusChangeNotification(Status=ua.StatusCode(0x800A0000))
    message = ua.NotificationMessage(7, NOON, [ended])
    (part,) = publications.read(
        Buffer(struct_to_binary(ua.PublishResponse(Parameters=ua.PublishResult(5, [], False, message))))
    ).parts
    assert isinstance(part, ua.StatusChangeNotification)
    assert part.Status.value == 0x800A0000
    alive = ua.PublishResponse(Parameters=ua.PublishResult(5, [], False, ua.NotificationMessage(8, NOON, [])))
    assert publications.read(Buffer(struct_to_binary(alive))).parts == []


@settings(max_examples=300, deadline=None)
@given(st.lists(change(), min_size=1, max_size=4), st.data())
def test_no_bytes_break_it(sent: list[ua.MonitoredItemNotification], data: st.DataObject) -> None:
    message = ua.NotificationMessage(7, NOON, [ua.DataChangeNotification(MonitoredItems=sent)])
    whole = struct_to_binary(ua.PublishResponse(Parameters=ua.PublishResult(5, [1], False, message)))
    cut = data.draw(st.integers(0, len(whole)))
    torn = whole[:cut] + data.draw(st.binary(max_size=8)) + whole[cut + data.draw(st.integers(0, 8)) :]
    inbox, book = Inbox(), Book()
    with contextlib.suppress(*UNREADABLE):
        for part in publications.read(Buffer(torn)).parts:
            if isinstance(part, Numbers):
                nodes.take_numbers(part, LISTED, inbox, book, NOON)
            elif isinstance(part, ua.MonitoredItemNotification):
                nodes.take_change(part, LISTED, inbox, book, NOON)
    assert all(value != "nan" or quality == columns.BAD for _, _, value, quality in told(inbox)[0])


@pytest.mark.parametrize("count", [1, 3])
def test_a_notification_that_ends_too_early_is_unreadable(count: int) -> None:
    sent = [ua.MonitoredItemNotification(0, ua.DataValue(ua.Variant(1.0, Type.Double), None, NOON)) for _ in range(count)]
    with pytest.raises(UNREADABLE):
        list(publications.changes(body_of(sent)[:-20]))
