"""Samples as a table of rows."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from batchone.contracts.machines import SamplePage
from batchone.kernel.errors import Broken


@dataclass(frozen=True)
class SampleRow:
    """A stored sample."""

    path: str
    at: datetime
    received: datetime
    value: float
    quality: int


def rows_of(page: SamplePage) -> tuple[SampleRow, ...]:
    """The rows of a page; `Broken` when it cannot be read."""
    try:
        table = pa.ipc.open_stream(base64.b64decode(page.data)).read_all()
    except (binascii.Error, pa.ArrowException) as error:
        raise Broken(
            "web.samples", f"A page of samples cannot be read: {error}.", "Tell whoever runs the historian."
        ) from error
    columns = (table.column(name).to_pylist() for name in ("path", "source_time", "received_time", "value", "quality"))
    return tuple(SampleRow(*row) for row in zip(*columns, strict=True))
