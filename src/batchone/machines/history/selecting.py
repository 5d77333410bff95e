"""SQL for whoever asks the platform: bounded in rows, bytes, time and memory."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime

import pyarrow as pa

from batchone.contracts.machines import Gap, Selected
from batchone.kernel.errors import Refused, TryLater
from batchone.machines.history.asking import Asker
from batchone.machines.history.model import EVER

ROWS_MAX = 50_000
SECONDS_MAX = 6.0
"""With the wait before it, less than a question to another process may take."""
_BYTES_MAX = 5_000_000
_AT_ONCE = 2
_WAIT_S = 2.0


class Selecting:
    """Implements `batchone.contracts.machines.Selects`. Two questions are answered at once; others wait a little."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def select(
        self, tenant: str, select: str, start: datetime | None, end: datetime | None, rows: int, seconds: float
    ) -> Selected:  # fmt: skip
        """The first rows of one SELECT; `Refused` as `Asker.ask` does, or when the answer is too large."""
        try:
            await asyncio.wait_for(self._gate.acquire(), _WAIT_S)
        except TimeoutError as error:
            raise TryLater("history.busy", "Other questions are being answered.", "Ask again.", after_s=5) from error
        try:
            window = _aware(start) or EVER[0], _aware(end) or EVER[1]
            found = await self._asker.ask(
                tenant, select, rows=min(rows, ROWS_MAX), seconds=min(seconds, SECONDS_MAX), window=window
            )  # fmt: skip
        finally:
            self._gate.release()
        if found.table.nbytes > _BYTES_MAX:
            what = f"The answer has {found.table.nbytes} bytes; {_BYTES_MAX} is the most."
            raise Refused("history.too_large", what, "Ask for fewer rows or columns, or export the samples.")
        gaps = tuple(Gap(why, file) for file, why in sorted(found.missing.items()))
        return Selected(_written(found.table), found.table.num_rows, found.cut, gaps)


def table_of(selected: Selected) -> pa.Table:
    """The rows."""
    with pa.ipc.open_stream(base64.b64decode(selected.data)) as reader:
        return reader.read_all()


def _written(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue()).decode()


def _aware(time: datetime | None) -> datetime | None:
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)
