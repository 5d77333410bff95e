"""`batchone sql` and `batchone history` as programs of their own beside a platform's engines."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from batchone.contracts.machines import Retention
from batchone.kernel.bus import Message
from batchone.kernel.database import migrate
from batchone.kernel.home import Running
from batchone.kernel.remote import serve
from batchone.machines import columns, history
from batchone.machines.history.archive import Archive
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.journal import Journals, Rules
from batchone.machines.history.objects import FolderObjects
from batchone.machines.history.reading import Reader
from batchone.machines.history.retaining import Retainer
from batchone.machines.history.sealing import Sealer
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.store import Catalogue

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
    catalogue, root = Catalogue(database), tmp_path / "history"
    journals = Journals(catalogue, root, lambda: ids.new("JRN"), Rules())
    batch = columns.to_batch(("m/x", "m/y"), (0, 0, 1), (10**15, 10**15 + 10**6, 10**15), 10**15, (1.5, 2.5, 7.0), (0, 0, 0))
    await Ingest(database, journals, flush_s=0).store([Message("samples.t.c", columns.to_bytes(batch))])
    await Sealer(database, journals, SegmentFiles(root, lambda: ids.new("SEG"), time.time)).seal_all()
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


@pytest.fixture
async def kept_a_day(terminal: Terminal, database, nats_bus, clock, ids) -> AsyncIterator[Terminal]:
    """The same with a historian that answers, keeps `standard` for a day, and holds samples of 2001."""

    async def record(*_: object) -> None:
        """Nobody looks at the audit record here."""

    catalogue, root = Catalogue(database), terminal.home / "history"
    reader = Reader(catalogue, root, threads=1, memory_bytes=256e6)
    retainer = Retainer(
        catalogue, SegmentFiles(root, lambda: ids.new("SEG"), time.time), reader,
        Archive(FolderObjects(terminal.home / "archive", makes=True)),
        {"short": None, "standard": 86_400.0, "long": None}, clock=clock, ids=ids, record=record,
    )  # fmt: skip
    answers = asyncio.create_task(serve(nats_bus, Retention, retainer))
    yield terminal
    answers.cancel()
    await asyncio.gather(answers, return_exceptions=True)
    reader.close()


async def test_a_day_is_shown_dropped_listed_and_brought_back(kept_a_day: Terminal) -> None:
    code, out, err = await kept_a_day.run("history", "retention")
    assert (code, "2001-09-09" in out.decode(), "Nothing was changed" in err) == (0, True, True)
    _, out, _ = await kept_a_day.run("history", "retention", "--preview", "--json")
    assert [day["signals"] for day in json.loads(out)["preview"]["days"]] == [["m/x", "m/y"]]
    assert json.loads(out)["dropped"] == []
    _, out, _ = await kept_a_day.run("history", "retention", "--apply")
    assert "3 samples of 1 days were dropped" in out.decode()
    assert json.loads((await kept_a_day.run("sql", SELECT, "--json"))[1]) == []
    (day,) = json.loads((await kept_a_day.run("history", "dropped", "--json"))[1])
    code, out, _ = await kept_a_day.run("history", "restore", day["id"])
    assert (code, "3 samples of 2001-09-09 are back" in out.decode()) == (0, True)
    assert len(json.loads((await kept_a_day.run("sql", SELECT, "--json"))[1])) == 3
    assert (await kept_a_day.run("history", "restore", day["id"]))[0] == 1
