"""Readers in processes of their own, beside the one that writes and merges."""

from __future__ import annotations

import asyncio
import sys
import textwrap

import orjson
import pytest

pytestmark = pytest.mark.engine
BATCHES, ROWS = 24, 10
READER = """
    import asyncio, json, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from batchone.kernel.clock import SystemClock
    from batchone.kernel.database import Database
    from batchone.kernel.ids import TimeIds
    from batchone.machines.history.asking import Asker
    from batchone.machines.history.reading import Reader
    from batchone.machines.history.service import Historian
    from batchone.machines.history.store import Catalogue

    async def read(url, root, wanted):
        clock = SystemClock()
        database = await Database.connect(url, clock, TimeIds(clock), size=2)
        catalogue, seen, gaps = Catalogue(database), [], set()
        reader = Reader(catalogue, root, threads=1, memory_bytes=2e8)
        asker = Asker(catalogue, root, threads=1, memory_bytes=2e8)
        while not seen or seen[-1] < wanted:
            trend = await Historian(catalogue, reader).trend(
                "t", ["m/x"], datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), 1000
            )
            seen.append(len(trend.values["m/x"]))
            gaps.update(gap.reason for gap in trend.gaps)
            found = await asker.ask("t", "SELECT count(*) AS rows FROM samples", rows=1, seconds=60)
            seen.append(found.table["rows"][0].as_py())
            gaps.update(found.missing)
        print(json.dumps([seen, sorted(gaps)]))
        await database.close()

    asyncio.run(read(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
"""


async def test_readers_in_other_processes_see_whole_batches_while_one_writes_and_merges(rig, database_url: str) -> None:
    readers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(READER), database_url, str(rig.root), str(BATCHES * ROWS),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    keeper = rig.keeper(fan_in=3, grace_s=60)
    for at in range(BATCHES):
        rows = [("m/x", at * ROWS + each, float(each)) for each in range(ROWS)]
        await rig.store([rig.message(rows, batch=f"B{at}")])
        await keeper.tidy()
        await asyncio.sleep(0.1)
    for reader in readers:
        out, _ = await reader.communicate()
        assert reader.returncode == 0
        seen, gaps = orjson.loads(out)
        assert seen == sorted(seen)
        assert all(count % ROWS == 0 for count in seen)
        assert seen[-1] == BATCHES * ROWS
        assert set(gaps) <= {"none"}
