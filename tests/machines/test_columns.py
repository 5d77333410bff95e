from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, SAMPLE_SCHEMA, Samples

NOON = columns.to_us(datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC))


def a_batch() -> pa.RecordBatch:
    samples = Samples()
    samples.add("m1/speed", NOON, NOON + 1, 1.5)
    samples.add("m1/P01/torque", NOON + 2, NOON + 3, float("nan"), BAD)
    samples.add("m1/speed", NOON + 4, NOON + 5, 2.5, GOOD)
    return samples.take()


def test_a_time_becomes_microseconds_and_back_without_loss() -> None:
    time = datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert columns.from_us(columns.to_us(time)) == time


def test_rows_come_out_in_the_order_they_were_added() -> None:
    batch = a_batch()
    assert batch.schema == SAMPLE_SCHEMA
    assert batch.column("path").to_pylist() == ["m1/speed", "m1/P01/torque", "m1/speed"]
    assert columns.times_us(batch).tolist() == [NOON, NOON + 2, NOON + 4]
    assert columns.times_us(batch, "received_time").tolist() == [NOON + 1, NOON + 3, NOON + 5]
    assert columns.qualities_of(batch).tolist() == [GOOD, BAD, GOOD]
    np.testing.assert_array_equal(columns.values_of(batch), [1.5, float("nan"), 2.5])
    assert columns.codes_of(batch).tolist() == [0, 1, 0]


def test_taking_empties_the_columns() -> None:
    samples = Samples()
    samples.add("m1/speed", NOON, NOON, 1.0)
    first = samples.take()
    assert len(samples) == 0
    samples.add("m2/speed", NOON, NOON, 2.0)
    assert samples.take().column("path").to_pylist() == ["m2/speed"]
    assert first.column("path").to_pylist() == ["m1/speed"]


def test_bytes_give_the_same_batch_back() -> None:
    batch = a_batch()
    again = columns.from_bytes(columns.to_bytes(batch))
    assert again.schema == SAMPLE_SCHEMA
    assert again.column("path").to_pylist() == batch.column("path").to_pylist()
    np.testing.assert_array_equal(columns.values_of(again), columns.values_of(batch))
    assert columns.times_us(again).tolist() == columns.times_us(batch).tolist()


def test_an_empty_batch_survives_the_wire() -> None:
    assert columns.from_bytes(columns.to_bytes(columns.empty())).num_rows == 0


def test_joined_batches_keep_every_row_and_list_each_path_once() -> None:
    other = Samples()
    other.add("m9/heat", NOON, NOON, 9.0)
    other.add("m1/speed", NOON, NOON, 3.5)
    joined = columns.concat([a_batch(), other.take(), columns.empty()])
    assert joined.column("path").to_pylist() == ["m1/speed", "m1/P01/torque", "m1/speed", "m9/heat", "m1/speed"]
    assert len(joined.column("path").dictionary) == 3
    assert columns.paths_of(joined) == ["m1/speed", "m1/P01/torque", "m9/heat"]
    assert columns.concat([]).num_rows == 0


def test_a_received_time_may_be_one_for_all_rows() -> None:
    batch = columns.to_batch(["a/b"], [0, 0], [NOON, NOON], NOON + 7, [1.0, 2.0], [0, 0])
    assert columns.times_us(batch, "received_time").tolist() == [NOON + 7, NOON + 7]


@pytest.mark.parametrize("garbage", [b"", b"not arrow at all", columns.to_bytes(columns.empty())[:40]])
def test_bytes_that_are_no_batch_are_refused(garbage: bytes) -> None:
    with pytest.raises(Refused, match="batch of samples"):
        columns.from_bytes(garbage)


def test_a_batch_of_another_schema_is_refused() -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"path": ["m1/speed"], "value": [1.0]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(Refused, match="columns"):
        columns.from_bytes(bytes(sink.getvalue()))


def test_a_batch_with_holes_is_refused() -> None:
    batch = a_batch()
    holes = pa.RecordBatch.from_arrays(
        [*batch.columns[:3], pa.array([1.0, None, 2.0], pa.float64()), batch.columns[4]], schema=SAMPLE_SCHEMA
    )
    with pytest.raises(Refused, match="lacks"):
        columns.from_bytes(columns.to_bytes(holes))


def test_a_path_that_points_outside_its_dictionary_is_refused() -> None:
    batch = a_batch()
    path = pa.DictionaryArray.from_arrays(pa.array([0, 7, 1], pa.int32()), pa.array(["a", "b"]), safe=False)
    with pytest.raises(Refused):
        columns.from_bytes(columns.to_bytes(pa.RecordBatch.from_arrays([path, *batch.columns[1:]], schema=SAMPLE_SCHEMA)))


def test_the_id_of_a_batch_travels_with_it() -> None:
    assert columns.id_of(columns.from_bytes(columns.to_bytes(a_batch(), "haidun.line-B1-7"))) == "haidun.line-B1-7"
    assert columns.id_of(columns.from_bytes(columns.to_bytes(a_batch()))) == ""
