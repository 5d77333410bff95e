"""Samples as a file that grows while it is sent: Arrow, Parquet or CSV, a page at a time."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from batchone.contracts.machines import SamplePage

Format = Literal["arrow", "parquet", "csv"]
MEDIA: dict[Format, str] = {
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
}
SCHEMA = pa.schema(
    [
        ("path", pa.string()), ("source_time", pa.timestamp("us", tz="UTC")), ("received_time", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()), ("quality", pa.uint8()),
    ]
)  # fmt: skip


def to_page(table: pa.Table) -> str:
    """A page's rows as an Arrow IPC stream in base64, which crosses every border."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table.cast(SCHEMA))
    return base64.b64encode(sink.getvalue()).decode()


def rows_of(page: SamplePage) -> pa.Table:
    """The rows of a page."""
    with pa.ipc.open_stream(base64.b64decode(page.data)) as reader:
        return reader.read_all()


async def exported(pages: AsyncIterator[SamplePage], format_: Format) -> AsyncIterator[bytes]:
    """The bytes of one file with the rows of all pages."""
    sink = _Sink()
    writer = _writer(sink, format_)
    async for page in pages:
        writer.write_table(rows_of(page))
        yield sink.take()
    writer.close()
    yield sink.take()


def _writer(sink: _Sink, format_: Format) -> Any:
    match format_:
        case "arrow":
            return pa.ipc.new_stream(sink, SCHEMA)
        case "parquet":
            return pyarrow.parquet.ParquetWriter(sink, SCHEMA, compression="zstd")
        case "csv":
            return pyarrow.csv.CSVWriter(sink, SCHEMA)


class _Sink:
    """Something to write to whose bytes are taken away as they come."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        """Keep some bytes until they are taken."""
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        """How many bytes were ever written."""
        return self._at

    def flush(self) -> None:
        """There is nothing to flush."""

    def close(self) -> None:
        """Nothing more will be written."""

    def readable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def take(self) -> bytes:
        """The bytes since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found
