"""Peers of the historian: the same rows into PostgreSQL by COPY, and into sqlite3, each batch durable before the next."""

from __future__ import annotations

import io
import sqlite3
import time
from pathlib import Path
from typing import Protocol

import psycopg
import pyarrow as pa
import pyarrow.csv as arrow_csv

from batchone.kernel.engines.postgres import Postgres
from batchone.machines import columns
from benchmarks.machine import cpu_s

_TABLE = "path text, source_time timestamptz, received_time timestamptz, value float8, quality smallint"


class Peer(Protocol):
    """Somewhere to store batches."""

    def store(self, batch: pa.RecordBatch) -> None:
        """Store a batch; it survives a crash when this returns."""
        ...

    def rows_of(self, path: str) -> int:
        """How many rows a query for one signal finds."""
        ...

    def bytes_on_disk(self) -> int:
        """What everything takes, indexes included."""
        ...

    def cpu_s(self) -> float:
        """Processor seconds so far, servers included."""
        ...

    def close(self) -> None:
        """Throw everything away."""
        ...


class PostgresCopy:
    """COPY of CSV that Arrow formats; with an index on path and time, or without."""

    def __init__(self, server: Postgres, *, indexed: bool) -> None:
        self._server = server
        self._connection = psycopg.connect(server.url, autocommit=True)
        self._connection.execute("DROP TABLE IF EXISTS peer")
        self._connection.execute(f"CREATE TABLE peer ({_TABLE})")
        if indexed:
            self._connection.execute("CREATE INDEX ON peer (path, source_time)")

    def store(self, batch: pa.RecordBatch) -> None:
        """One COPY, committed."""
        sink = io.BytesIO()
        plain = pa.Table.from_batches([batch.set_column(0, "path", batch.column("path").cast(pa.string()))])
        arrow_csv.write_csv(plain, sink, arrow_csv.WriteOptions(include_header=False))
        with self._connection.cursor() as cursor, cursor.copy("COPY peer FROM STDIN (FORMAT csv)") as copy:
            copy.write(sink.getbuffer())

    def rows_of(self, path: str) -> int:
        """Counted by the server."""
        row = self._connection.execute("SELECT count(*) FROM peer WHERE path = %s", (path,)).fetchone()
        assert row is not None
        return int(row[0])

    def bytes_on_disk(self) -> int:
        """Table, toast and indexes."""
        row = self._connection.execute("SELECT pg_total_relation_size('peer')").fetchone()
        assert row is not None
        return int(row[0])

    def cpu_s(self) -> float:
        """Ours and the server's."""
        assert self._server.child is not None
        return time.process_time() + cpu_s(self._server.child.process.pid)

    def close(self) -> None:
        """Drop the table."""
        self._connection.execute("DROP TABLE peer")
        self._connection.close()


class Sqlite:
    """executemany in one transaction a batch; write-ahead log, synced at each commit; indexed by path and time."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "peer.sqlite"
        self._connection = sqlite3.connect(self._file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE peer (path TEXT, source_us INT, received_us INT, value REAL, quality INT)")
        self._connection.execute("CREATE INDEX peer_path ON peer (path, source_us)")

    def store(self, batch: pa.RecordBatch) -> None:
        """One transaction."""
        times = (columns.times_us(batch).tolist(), columns.times_us(batch, "received_time").tolist())
        values, qualities = columns.values_of(batch).tolist(), columns.qualities_of(batch).tolist()
        rows = zip(batch.column("path").to_pylist(), *times, values, qualities, strict=True)
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO peer VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def rows_of(self, path: str) -> int:
        """Counted by the library."""
        return int(self._connection.execute("SELECT count(*) FROM peer WHERE path = ?", (path,)).fetchone()[0])

    def bytes_on_disk(self) -> int:
        """The file with its log written back."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._file.stat().st_size

    def cpu_s(self) -> float:
        """It has no server."""
        return time.process_time()

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()
        for file in self._file.parent.glob("peer.sqlite*"):
            file.unlink()
