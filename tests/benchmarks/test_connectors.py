"""What is measured of connectors came from machines that tell the truth, and a missing sample is seen."""

from datetime import UTC, datetime

import numpy as np
from benchmarks.connectors import Run, missing
from benchmarks.edgenode import EdgeNode

from batchone.machines import columns
from batchone.machines.connect.broker import Session
from batchone.machines.connect.sparkplug import metrics

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def batch(path_of: list[int], values: list[float]):
    count = len(values)
    zeros = np.zeros(count, np.int64)
    return columns.to_batch(["m/a", "m/b"], path_of, zeros, 0, values, np.zeros(count, np.uint8))


def test_a_hole_in_what_counts_on_is_counted_for_each_signal() -> None:
    assert missing([batch([0, 1, 0, 1], [10, 20, 12, 22]), batch([1, 0], [24, 14])], 2) == 0
    assert missing([batch([0, 1, 0, 1], [10, 20, 16, 22]), batch([1, 0], [24, 18])], 2) == 2
    assert missing([batch([], [])], 1) == 0


def test_figures_follow_from_what_was_measured() -> None:
    run = Run(seconds=10.0, cpu_s=1.0, samples=500_000)
    assert (run.cores, run.per_million) == (0.1, 2.0)


async def test_the_edge_node_says_what_a_host_understands_and_every_value_once() -> None:
    machine, node = EdgeNode("g", "line", 3, 4), metrics.EdgeNode("line")
    session = Session("nobody", 1, "t", answer_s=1.0)
    session.data_received(machine.births(NOON.timestamp()) + machine.data(600, NOON.timestamp()))
    data = []
    for topic, payload, _ in await session.heard():
        _, _, kind, _, *device = topic.split("/")
        if kind == "DDATA":
            data.append((device[0], payload))
        else:
            node.take(kind, "".join(device), payload, NOON)
    node.inbox.take()
    node.take_data(data, NOON)
    reading = node.inbox.take()
    assert (reading.samples.num_rows, reading.faults) == (2_400, ())
    assert missing([reading.samples], 3) == 0
