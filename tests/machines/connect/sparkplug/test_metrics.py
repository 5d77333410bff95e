import json
from datetime import UTC, datetime

import pytest

from batchone.machines import columns
from batchone.machines.columns import BAD
from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.sparkplug.metrics import EdgeNode, command_payload, payload_of, rebirth_payload, value_of
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOON_MS = columns.to_us(NOON) // 1000
Metric = Payload.Metric
INT32, UINT64, DOUBLE, BOOLEAN, STRING = 3, 8, 10, 11, 12
RUNNING = {"job": "J-1", "state": "running", "position": 1, "started": "2026-03-02T11:00:00.000Z", "program": "p"}


class Sender:
    """An edge node's side: counts its messages."""

    def __init__(self, node: EdgeNode) -> None:
        self.node = node
        self.seq = 0

    def send(self, kind: str, device: str, *metrics: Metric, seq: int | None = None) -> None:
        self.seq = (self.seq + 1) % 256 if seq is None else seq
        payload = Payload(timestamp=NOON_MS, metrics=metrics, seq=self.seq)
        self.node.take(kind, device, payload.SerializeToString(), NOON)

    def be_born(self, bd_seq: int = 3) -> None:
        self.send("NBIRTH", "", Metric(name="bdSeq", datatype=UINT64, long_value=bd_seq), seq=0)

    def bear(self, device: str = "m1") -> None:
        self.send(
            "DBIRTH", device,
            Metric(name="State", alias=1, datatype=INT32, int_value=0),
            Metric(name="Jobs", alias=2, datatype=STRING, string_value="[]"),
            Metric(name="Completed", alias=3, datatype=STRING, string_value="[]"),
            Metric(name="Answer", alias=4, datatype=STRING, string_value=""),
            Metric(name="speed", alias=5, datatype=DOUBLE, double_value=1.5, timestamp=NOON_MS - 500),
            Metric(name="P01/heat", alias=6, datatype=DOUBLE, is_null=True),
            Metric(name="Command/Clear", alias=7, datatype=STRING, string_value=""),
        )  # fmt: skip


@pytest.fixture
def node() -> EdgeNode:
    return EdgeNode("line")


@pytest.fixture
def sender(node: EdgeNode) -> Sender:
    made = Sender(node)
    made.be_born()
    made.bear()
    return made


def test_a_birth_gives_values_names_and_aliases(node: EdgeNode, sender: Sender) -> None:
    reading = node.inbox.take()
    assert node.born
    assert reading.states == {"m1": "idle"}
    assert reading.jobs == {"m1": ()}
    assert reading.samples.column("path").to_pylist() == ["m1/speed"]
    assert columns.times_us(reading.samples).tolist() == [(NOON_MS - 500) * 1000]
    assert reading.faults == ()


def test_data_may_name_metrics_by_alias_or_by_name(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", Metric(alias=5, double_value=2.5), Metric(name="P01/heat", double_value=40.0))
    reading = node.inbox.take()
    assert reading.samples.column("path").to_pylist() == ["m1/speed", "m1/P01/heat"]
    assert columns.values_of(reading.samples).tolist() == [2.5, 40.0]
    assert columns.times_us(reading.samples).tolist() == [NOON_MS * 1000] * 2


def test_a_value_that_was_lost_is_bad(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", Metric(alias=5, is_null=True))
    assert columns.qualities_of(node.inbox.take().samples).tolist() == [BAD]


def test_jobs_and_answers_are_told(node: EdgeNode, sender: Sender) -> None:
    answer = {"command": "Clear", "job": "J-1", "done": True}
    sender.send(
        "DDATA", "m1", Metric(alias=2, string_value=json.dumps([RUNNING])), Metric(alias=4, string_value=json.dumps(answer))
    )
    assert [job.job for job in node.inbox.take().jobs["m1"]] == ["J-1"]
    assert [job.job for job in node.jobs_of("m1") or ()] == ["J-1"]
    (told,) = node.answers
    assert (told.equipment, told.command, told.job, told.body["done"]) == ("m1", "Clear", "J-1", True)


def test_the_answer_in_a_birth_is_of_the_past(node: EdgeNode, sender: Sender) -> None:
    answer = json.dumps({"command": "Clear", "job": "J-1", "done": True})
    sender.send("DBIRTH", "m2", Metric(name="Answer", alias=40, datatype=STRING, string_value=answer))
    assert node.answers == []


@pytest.mark.parametrize("text", ["{nonsense", "[]", '{"command": 7, "job": "J-1"}', '{"command": "Clear"}'])
def test_an_answer_that_cannot_be_read_is_counted(node: EdgeNode, sender: Sender, text: str) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", Metric(alias=4, string_value=text))
    assert [fault.path for fault in node.inbox.take().faults] == ["m1/Answer"]
    assert node.answers == []


def test_a_gap_in_the_sequence_puts_everything_in_doubt_until_the_rebirth(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", Metric(alias=5, double_value=2.5), seq=9)
    sender.send("DDATA", "m1", Metric(alias=5, double_value=3.5))
    reading = node.inbox.take()
    assert reading.samples.num_rows == 0
    assert [(fault.path, fault.count) for fault in reading.faults] == [("m1/DDATA", 2)]
    assert node.wants_rebirth
    assert node.jobs_of("m1") is None
    sender.be_born()
    sender.bear()
    assert not node.wants_rebirth
    reading = node.inbox.take()
    assert reading.states == {"m1": "idle"}
    assert reading.lost == frozenset()


def test_what_is_heard_before_the_first_birth_asks_for_one_and_is_no_fault(sender: Sender) -> None:
    joined = sender.node = EdgeNode("line")
    sender.send("DDATA", "m1", Metric(alias=5, double_value=2.5), seq=7)
    assert joined.wants_rebirth
    assert joined.inbox.take().faults == ()
    sender.be_born()
    assert joined.born
    assert not joined.wants_rebirth


def test_the_sequence_goes_round_after_255(node: EdgeNode, sender: Sender) -> None:
    for number in range(600):
        sender.send("DDATA", "m1", Metric(alias=5, double_value=float(number)))
    assert node.inbox.take().faults == ()
    assert not node.wants_rebirth


def test_an_unknown_alias_asks_for_a_rebirth(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", Metric(alias=99, double_value=2.5), Metric(alias=5, double_value=7.0))
    reading = node.inbox.take()
    assert [fault.path for fault in reading.faults] == ["m1/@99"]
    assert columns.values_of(reading.samples).tolist() == [7.0]
    assert node.wants_rebirth


def test_data_of_a_device_that_was_never_born_asks_for_a_rebirth(node: EdgeNode, sender: Sender) -> None:
    sender.send("DDATA", "m7", Metric(alias=5, double_value=2.5))
    assert node.wants_rebirth


def test_data_before_any_birth_asks_for_one() -> None:
    node = EdgeNode("line")
    Sender(node).send("DDATA", "m1", Metric(alias=5, double_value=2.5))
    assert node.wants_rebirth
    assert not node.born


def test_a_death_counts_only_for_the_session_that_it_names(node: EdgeNode, sender: Sender) -> None:
    sender.send("NDEATH", "", Metric(name="bdSeq", datatype=UINT64, long_value=2), seq=0)
    assert node.born
    sender.send("NDEATH", "", Metric(name="bdSeq", datatype=UINT64, long_value=3), seq=0)
    assert node.died
    assert not node.born


def test_a_session_numbered_nought_dies_too(node: EdgeNode) -> None:
    sender = Sender(node)
    sender.be_born(bd_seq=0)
    sender.send("NDEATH", "", Metric(name="bdSeq", datatype=UINT64, long_value=0), seq=0)
    assert node.died


def test_a_device_that_dies_is_lost_and_may_be_born_again(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send("DDEATH", "m1")
    assert node.inbox.take().lost == {"m1"}
    assert node.jobs_of("m1") is None
    sender.bear()
    assert node.inbox.take().states == {"m1": "idle"}


def test_a_device_that_does_not_follow_its_node_into_the_new_session_is_lost(node: EdgeNode, sender: Sender) -> None:
    sender.bear("m2")
    node.inbox.take()
    sender.be_born(4)
    sender.bear("m1")
    assert node.awaited == {"m2"}
    assert node.inbox.take().lost == frozenset()
    node.miss()
    assert node.inbox.take().lost == {"m2"}
    assert node.awaited == set()


def test_what_is_no_payload_is_counted_and_asks_for_a_rebirth(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    node.take("DDATA", "m1", b"\xff\xff\xff not protobuf", NOON)
    assert [fault.path for fault in node.inbox.take().faults] == ["m1/DDATA"]
    assert node.wants_rebirth


@pytest.mark.parametrize(
    "metric",
    [Metric(alias=5, string_value="text"), Metric(alias=5, double_value=float("nan")), Metric(alias=5, bytes_value=b"x"),
     Metric(alias=1, int_value=77), Metric(alias=1, string_value="idle"), Metric(alias=2, string_value="{nonsense"),
     Metric(alias=5, double_value=1.0, timestamp=2**62)],
)  # fmt: skip
def test_a_value_that_cannot_be_is_counted(node: EdgeNode, sender: Sender, metric: Metric) -> None:
    node.inbox.take()
    sender.send("DDATA", "m1", metric)
    reading = node.inbox.take()
    assert len(reading.faults) == 1
    assert (reading.samples.num_rows, reading.states, reading.jobs) == (0, {}, {})


def test_values_of_the_past_are_samples_but_no_states(node: EdgeNode, sender: Sender) -> None:
    node.inbox.take()
    sender.send(
        "DDATA", "m1", Metric(alias=5, double_value=9.0, is_historical=True), Metric(alias=1, int_value=4, is_historical=True)
    )
    reading = node.inbox.take()
    assert reading.samples.num_rows == 1
    assert reading.states == {}


def test_metrics_of_the_node_itself_come_under_its_name(node: EdgeNode) -> None:
    sender = Sender(node)
    sender.send(
        "NBIRTH",
        "",
        Metric(name="bdSeq", datatype=UINT64, long_value=1),
        Metric(name="uptime", alias=0, datatype=UINT64, long_value=5),
        seq=0,
    )
    sender.send("NDATA", "", Metric(alias=0, long_value=6))
    assert node.inbox.take().samples.column("path").to_pylist() == ["line/uptime", "line/uptime"]


@pytest.mark.parametrize(
    ("metric", "datatype", "value"),
    [
        (Metric(int_value=0xFFFFFFFF), 3, -1), (Metric(int_value=0xFF), 1, -1), (Metric(int_value=5), 2, 5),
        (Metric(long_value=2**64 - 2), 4, -2), (Metric(int_value=7), 7, 7), (Metric(float_value=1.5), 9, 1.5),
        (Metric(boolean_value=True), BOOLEAN, 1.0), (Metric(string_value="x"), STRING, "x"),
        (Metric(is_null=True), DOUBLE, None), (Metric(), DOUBLE, None),
    ],
)  # fmt: skip
def test_values_follow_their_declared_type(metric: Metric, datatype: int, value: object) -> None:
    assert value_of(metric, datatype) == value


def test_a_text_where_a_number_was_declared_is_garbled() -> None:
    with pytest.raises(Garbled):
        value_of(Metric(string_value="x"), DOUBLE)
    with pytest.raises(Garbled):
        value_of(Metric(double_value=1.0), STRING)


def test_commands_carry_one_text_and_a_time() -> None:
    (metric,) = payload_of(command_payload("Clear", "J-1", NOON)).metrics
    assert (metric.name, metric.string_value, metric.timestamp, metric.datatype) == ("Command/Clear", "J-1", NOON_MS, STRING)
    (metric,) = payload_of(rebirth_payload(NOON)).metrics
    assert (metric.name, metric.boolean_value) == ("Node Control/Rebirth", True)


def test_an_edge_node_that_declares_without_end_is_known_in_part_and_asked_for_no_rebirth(
    node: EdgeNode, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchone.machines.connect.sparkplug.metrics.METRICS_MAX", 500)
    sender.be_born()
    sender.bear()
    for number in range(30):
        wild = [Metric(name=f"w{at}", alias=100 * number + at + 10, datatype=DOUBLE, double_value=1.0) for at in range(50)]
        sender.send("DBIRTH", f"wild-{number}", *wild)
    node.inbox.take()
    assert sum(len(device.names) + 1 for device in node._devices.values()) == 500
    sender.send("DDATA", "wild-29", Metric(alias=2911, double_value=2.0))
    sender.send("DDATA", "m1", Metric(alias=5, double_value=2.5))
    reading = node.inbox.take()
    assert columns.values_of(reading.samples).tolist() == [2.5]
    assert [(fault.path, fault.count) for fault in reading.faults] == [("line/(others)", 1)]
    assert not node.wants_rebirth
    sender.be_born()
    sender.send("DDATA", "m1", Metric(alias=5, double_value=2.5))
    assert node.wants_rebirth, "a birth that is only missing is asked for"
