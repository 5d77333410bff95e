"""A server that sends any type, status and time: samples that are numbers, faults, and nothing else."""

import math
from datetime import UTC, datetime

import numpy as np
from asyncua import ua
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.connect.driver import Inbox
from batchone.machines.connect.opcua import nodes
from batchone.machines.connect.opcua.nodes import Book, Listed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = ("force", "State", "Jobs", "Completed")
LISTED = Listed([nodes.point_of(ua.NodeId(f"m1.{name}", 2), "m1", name) for name in NAMES])
PLAIN = (
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64) | st.text(max_size=20) | st.binary(max_size=20)
    | st.datetimes() | st.builds(ua.LocalizedText, st.text(max_size=5)) | st.builds(ua.StatusCode, st.integers(0, 2**32 - 1))
)  # fmt: skip
VALUES = PLAIN | st.lists(PLAIN, max_size=3)
SOURCES = (
    st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from([datetime(1601, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
)  # fmt: skip


class _Anything:
    """A variant as it may come off the wire, which need not be one that the library would make."""

    def __init__(self, value: object) -> None:
        self.Value = value


@st.composite
def changes(draw: st.DrawFn) -> ua.MonitoredItemNotification:
    data = ua.DataValue(None, draw(st.none() | st.builds(ua.StatusCode, st.integers(0, 2**32 - 1))), draw(SOURCES))
    object.__setattr__(data, "Value", draw(st.none() | st.builds(_Anything, VALUES)))
    return ua.MonitoredItemNotification(ClientHandle=draw(st.integers(-1, 5)), Value=data)


@settings(max_examples=300, deadline=None)
@given(st.lists(changes(), max_size=8))
def test_no_publication_breaks_it(published: list[ua.MonitoredItemNotification]) -> None:
    inbox = Inbox()
    for each in published:
        nodes.take_change(each, LISTED, inbox, Book(), NOON)
    batch = inbox.take().samples
    numbers, quality = columns.values_of(batch), columns.qualities_of(batch)
    assert all(math.isfinite(number) or each == columns.BAD for number, each in zip(numbers, quality, strict=True))
    assert np.isin(quality, (columns.GOOD, columns.UNCERTAIN, columns.BAD)).all()


def test_a_value_without_a_time_has_the_time_at_which_it_arrived() -> None:
    inbox = Inbox()
    for source in (
        None,
        datetime(1601, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(1601, 1, 1, tzinfo=UTC),
    ):  # a DateTime of nought is none
        data = ua.DataValue(ua.Variant(1.5), ua.StatusCode(0), source)
        nodes.take_change(ua.MonitoredItemNotification(ClientHandle=0, Value=data), LISTED, inbox, Book(), NOON)
    assert set(columns.times_us(inbox.take().samples).tolist()) == {columns.to_us(NOON)}
