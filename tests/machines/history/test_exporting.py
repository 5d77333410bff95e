from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from batchone.contracts.machines import SamplePage
from batchone.kernel.errors import Refused
from batchone.machines.history.exporting import Format, exported, rows_of

pytestmark = pytest.mark.engine


async def pages(rig, paths: list[str], rows: int, *, start: float = 0, end: float = 99) -> AsyncIterator[SamplePage]:
    after = None
    while after != "":
        page = await rig.historian.samples("t", paths, rig.at(start), rig.at(end), after or "", rows)
        yield page
        after = page.next


@pytest.fixture
async def filled(rig):
    """Two files, one packed; three samples of one time, one of them twice."""
    await rig.store([rig.message([("m/x", at, float(at)) for at in range(7)] + [("m/y", 3, 1.0)], batch="B1")])
    await rig.compact()
    await rig.store([rig.message([("m/x", 3, 3.5), ("m/x", 3, 3.0), ("m/x", 3, 3.25)], batch="B2", quality=2)])
    return rig


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 100])
async def test_pages_of_any_size_hold_every_sample_once_and_in_order(filled, rows: int) -> None:
    found = [page async for page in pages(filled, ["m/y", "m/x", "m/z"], rows)]
    assert all(page.rows <= rows for page in found)
    assert found[0].total == 10
    table = pa.concat_tables(rows_of(page) for page in found)
    assert table["path"].to_pylist() == ["m/y"] + ["m/x"] * 9
    assert table["value"].to_pylist() == [1.0, 0.0, 1.0, 2.0, 3.0, 3.25, 3.5, 4.0, 5.0, 6.0]


def read(data: bytes, format_: Format) -> pa.Table:
    match format_:
        case "arrow":
            return pa.ipc.open_stream(data).read_all()
        case "parquet":
            return pyarrow.parquet.read_table(io.BytesIO(data))
        case "csv":
            return pyarrow.csv.read_csv(io.BytesIO(data))


@pytest.mark.parametrize("format_", ["arrow", "parquet", "csv"])
async def test_a_file_in_each_format_holds_the_samples_of_all_pages(filled, format_: Format) -> None:
    data = b"".join([part async for part in exported(pages(filled, ["m/x"], 4, start=1, end=6), format_)])
    table = read(data, format_)
    assert table["value"].to_pylist() == [1.0, 2.0, 3.0, 3.25, 3.5, 4.0, 5.0]
    assert table["quality"].to_pylist() == [0, 0, 0, 2, 2, 0, 0]
    assert table["source_time"].cast(pa.timestamp("us", tz="UTC"))[0].as_py() == filled.at(1)


async def test_a_file_without_samples_is_a_file(filled) -> None:
    data = b"".join([part async for part in exported(pages(filled, ["m/none"], 4), "parquet")])
    assert read(data, "parquet").num_rows == 0


async def test_a_place_that_nobody_gave_out_is_refused(filled) -> None:
    with pytest.raises(Refused, match="no place"):
        await filled.historian.samples("t", ["m/x"], filled.at(0), filled.at(9), "../etc", 5)
