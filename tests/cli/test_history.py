"""`batchone sql` as a program of its own beside a platform's engines."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from batchone.kernel.bus import Message
from batchone.kernel.database import migrate
from batchone.kernel.home import Running
from batchone.machines import columns, history
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.segments import SegmentFiles

pytestmark = pytest.mark.engine


@dataclass
class Terminal:
    """A home over which a platform seems to run."""

    home: Path

    async def run(self, *words: str) -> tuple[int, bytes, str]:
        """Exit code, stdout and stderr of a command."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "batchone.cli", *words, env=os.environ | {"BATCHONE_HOME": str(self.home)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await child.communicate()
        assert child.returncode is not None
        return child.returncode, out, err.decode()


@pytest.fixture
async def terminal(database, database_url: str, nats_url: str, ids, tmp_path: Path) -> Terminal:
    await migrate(database, "history", Path(history.__file__).parent / "migrations")
    files = SegmentFiles(tmp_path / "history", lambda: ids.new("SEG"), time.time)
    batch = columns.to_batch(("m/x", "m/y"), (0, 0, 1), (10**15, 10**15 + 10**6, 10**15), 10**15, (1.5, 2.5, 7.0), (0, 0, 0))
    await Ingest(database, files, flush_s=0, flush_rows=1).store([Message("samples.t.c", columns.to_bytes(batch))])
    Running("deploy.toml", database_url, nats_url, "", "http://127.0.0.1:1", "", os.getpid()).write(tmp_path)
    deploy = {"name": "test", "tenant": "t", "engines": {}, "processes": {"all": ["history"]}, "modules": {}}
    (tmp_path / "deploy.json").write_text(json.dumps(deploy))
    return Terminal(tmp_path)


SELECT = "SELECT path, value FROM samples ORDER BY path, value"


async def test_a_select_is_answered_in_every_format(terminal: Terminal) -> None:
    code, out, err = await terminal.run("sql", SELECT, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"path": "m/x", "value": 1.5}, {"path": "m/x", "value": 2.5}, {"path": "m/y", "value": 7.0},
    ]  # fmt: skip
    _, out, _ = await terminal.run("sql", SELECT, "--csv")
    assert out.decode().splitlines() == ['"path","value"', '"m/x",1.5', '"m/x",2.5', '"m/y",7']
    _, out, _ = await terminal.run("sql", SELECT, "--arrow")
    assert pa.ipc.open_stream(io.BytesIO(out)).read_all()["value"].to_pylist() == [1.5, 2.5, 7.0]
    file = terminal.home / "found.parquet"
    await terminal.run("sql", SELECT, "--parquet", str(file))
    assert pyarrow.parquet.read_table(file)["path"].to_pylist() == ["m/x", "m/x", "m/y"]


async def test_what_is_no_select_is_refused_and_rows_are_cut_with_a_word(terminal: Terminal) -> None:
    code, _, err = await terminal.run("sql", "DROP VIEW samples")
    assert (code, "no single SELECT" in err) == (1, True)
    code, out, err = await terminal.run("sql", SELECT, "--rows", "1", "--json")
    assert (code, len(json.loads(out)), "more than 1 rows" in err) == (0, 1, True)
