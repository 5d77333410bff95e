"""`batchone sql`: SELECTs over the stored samples."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.objects import cache_of
from batchone.cli.platform import deployed, platform
from batchone.kernel.home import home_folder

_MEMORY_BYTES = 2e9


@app.command
def sql(
    select: str,
    /,
    *,
    start: Annotated[datetime | None, Parameter(name="--from", help="look at samples from then on only")] = None,
    end: Annotated[datetime | None, Parameter(name="--to", help="and up to then only")] = None,
    rows: Annotated[int, Parameter(help="of the answer, at most")] = 10_000,
    seconds: Annotated[float, Parameter(help="that it may take")] = 60.0,
    json: bool = False,
    csv: bool = False,
    arrow: bool = False,
    parquet: Path | None = None,
) -> int:
    """Ask with one SELECT over `samples` (path, source_time, received_time, value, quality), `last` and `signals`.

    Reads the files beside the platform, changes nothing. Prints a table, or --json, --csv or an Arrow stream (--arrow), or
    writes --parquet FILE.
    """

    async def work() -> int:
        from batchone.kernel.database import Database
        from batchone.kernel.ids import TimeIds
        from batchone.machines.history.asking import Asker
        from batchone.machines.history.model import EVER
        from batchone.machines.history.store import Catalogue

        async with platform() as running:
            database = await Database.connect(running.note.postgres, running.clock, TimeIds(running.clock), size=1)
            try:
                cache = cache_of(deployed(), database)
                root = home_folder() / "history"
                asker = Asker(Catalogue(database), root, threads=2, memory_bytes=_MEMORY_BYTES, cache=cache)
                window = _aware(start) or EVER[0], _aware(end) or EVER[1]
                found = await asker.ask(running.tenant, select, rows=rows, seconds=seconds, window=window)
                asker.close()
            finally:
                await database.close()
        for file, why in sorted(found.missing.items()):
            output.warn(f"missing: the file {file} is {'lost' if why == 'lost' else 'in the object store, which is away'}")
        if found.cut:
            output.warn(f"There is more than {rows} rows; see --rows.")
        _write(found.table, json=json, csv=csv, arrow=arrow, parquet=parquet)
        return 0

    return run(work())


def _aware(time: datetime | None) -> datetime | None:
    return time if time is None or time.tzinfo is not None else time.astimezone()


def _write(table: Any, *, json: bool, csv: bool, arrow: bool, parquet: Path | None) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if parquet is not None:
        pyarrow.parquet.write_table(table, parquet, compression="zstd")
        output.say(f"{table.num_rows} rows are in {parquet}")
    elif arrow:
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
            writer.write_table(table)
    elif csv:
        pyarrow.csv.write_csv(table, sys.stdout.buffer)
    elif json:
        output.result_json(table.to_pylist())
    else:
        output.table(table.to_pylist(), table.column_names)
