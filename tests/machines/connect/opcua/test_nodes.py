import json
from datetime import UTC, datetime

import pytest
from asyncua import ua

from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, UNCERTAIN
from batchone.machines.connect.driver import Garbled, Inbox
from batchone.machines.connect.opcua import nodes
from batchone.machines.connect.opcua.nodes import Book

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE = datetime(2026, 3, 2, 11, 59, 59, 500_000, tzinfo=UTC)
POINTS = [
    nodes.point_of(ua.NodeId(f"m1.{name}", 2), "m1", name) for name in ("force", "P01/heat", "State", "Jobs", "Completed")
]
RUNNING = json.dumps(
    {"job": "J-1", "state": "running", "position": 1, "progress": 0.5, "started": "2026-03-02T11:00:00.000Z", "program": "p"}
)
FINISHED = json.dumps(json.loads(RUNNING) | {"state": "finished", "ended": "2026-03-02T11:30:00.000Z"})


def change(handle: int, value: object, status: int = 0, source: datetime | None = SOURCE) -> ua.MonitoredItemNotification:
    variant = ua.Variant(value, ua.VariantType.String) if value == [] else ua.Variant(value)
    data = ua.DataValue(variant, ua.StatusCode(status), source)
    return ua.MonitoredItemNotification(ClientHandle=handle, Value=data)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def book() -> Book:
    return Book()


def take(inbox: Inbox, book: Book, *changes: ua.MonitoredItemNotification) -> None:
    for each in changes:
        nodes.take_change(each, nodes.Listed(POINTS), inbox, book, NOON)


def test_names_say_what_a_node_is() -> None:
    assert [point.kind for point in POINTS] == ["signal", "signal", "state", "running", "ended"]
    assert POINTS[1].path == "m1/P01/heat"


def test_a_list_of_nodes_makes_points_of_any_server() -> None:
    points = nodes.mapped_points({"m1/speed": "ns=1;s=abc.Speed", "m1/State": "ns=1;i=77"})
    assert [(point.path, point.kind, point.node.to_string()) for point in points] == [
        ("m1/speed", "signal", "ns=1;s=abc.Speed"),
        ("m1/State", "state", "ns=1;i=77"),
    ]


@pytest.mark.parametrize("node", ["Air.P", "ns=x;s=Air", "", "i=", "ns=2;q=7", "ns=2;g=no-guid"])
def test_what_is_no_node_id_is_refused(node: str) -> None:
    with pytest.raises(Refused, match="no node id"):
        nodes.mapped_points({"m1/speed": node})


def test_samples_keep_the_time_of_their_source_and_the_severity_of_their_status(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(0, 1.5), change(1, 7, 0x40000000), change(0, None, 0x80050000), change(0, True, source=None))
    batch = inbox.take().samples
    assert batch.column("path").to_pylist() == ["m1/force", "m1/P01/heat", "m1/force", "m1/force"]
    assert columns.qualities_of(batch).tolist() == [GOOD, UNCERTAIN, BAD, GOOD]
    assert columns.values_of(batch).tolist()[:2] == [1.5, 7.0]
    assert columns.times_us(batch).tolist() == [columns.to_us(SOURCE)] * 3 + [columns.to_us(NOON)]
    assert set(columns.times_us(batch, "received_time").tolist()) == {columns.to_us(NOON)}


def test_a_signal_that_waits_for_its_first_value_is_no_sample(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(0, None, ua.status_codes.StatusCodes.BadWaitingForInitialData))
    assert not inbox


@pytest.mark.parametrize("value", ["text", [1.0], float("inf"), float("nan"), None])
def test_what_is_no_number_is_counted_as_unreadable(inbox: Inbox, book: Book, value: object) -> None:
    take(inbox, book, change(0, value), change(0, value))
    reading = inbox.take()
    assert reading.samples.num_rows == 0
    assert [(fault.path, fault.count) for fault in reading.faults] == [("m1/force", 2)]


def test_a_state_is_told_by_its_number(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(2, 1))
    assert inbox.take().states == {"m1": "running"}


@pytest.mark.parametrize("value", [6, -1, "running", True, None])
def test_a_number_that_is_no_state_is_unreadable(inbox: Inbox, book: Book, value: object) -> None:
    take(inbox, book, change(2, value))
    reading = inbox.take()
    assert reading.states == {}
    assert [fault.path for fault in reading.faults] == ["m1/State"]


def test_both_lists_together_are_the_jobs_of_a_machine(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(3, [RUNNING]))
    assert [job.state for job in inbox.take().jobs["m1"]] == ["running"]
    take(inbox, book, change(4, [FINISHED]))
    assert [job.state for job in inbox.take().jobs["m1"]] == ["finished"]
    take(inbox, book, change(3, []), change(4, []))
    assert inbox.take().jobs == {"m1": ()}


@pytest.mark.parametrize("value", ["text", [RUNNING, "{nonsense"], [7], 3.0])
def test_a_list_that_cannot_be_read_leaves_the_last_one(inbox: Inbox, book: Book, value: object) -> None:
    take(inbox, book, change(3, [RUNNING]))
    inbox.take()
    take(inbox, book, change(3, value))
    reading = inbox.take()
    assert [fault.path for fault in reading.faults] == ["m1/Jobs"]
    assert [job.job for job in book.of("m1")] == ["J-1"]


def test_a_bad_state_or_list_is_no_news(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(2, None, 0x80050000), change(3, None, ua.status_codes.StatusCodes.BadWaitingForInitialData))
    reading = inbox.take()
    assert (reading.states, reading.jobs) == ({}, {})
    assert [fault.path for fault in reading.faults] == ["m1/State"]


def test_a_handle_that_was_never_given_is_unreadable(inbox: Inbox, book: Book) -> None:
    take(inbox, book, change(99, 1.0))
    assert inbox.take().faults[0].path == "?"


def test_lists_of_other_things_are_garbled() -> None:
    assert nodes.responses_of(None) == ()
    with pytest.raises(Garbled):
        nodes.responses_of("text")
