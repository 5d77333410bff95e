"""From the stream to the journal: decode, refuse what is no batch, write, sync, and only then let it be acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import structlog

from batchone.kernel.bus import Message
from batchone.kernel.database import Database
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.journal import Frame, Journals
from batchone.machines.history.model import BatchKey
from batchone.machines.history.store import Catalogue

_log = structlog.get_logger(__name__)
_SUBJECT = re.compile(r"samples\.([A-Za-z0-9_-]+)\.[^.]+")
_YEAR_9999_US = 253_370_764_800_000_000


def decode(message: Message) -> tuple[BatchKey, pa.RecordBatch]:
    """A message's batch under its tenant and batch id; `Refused` when it is none, or its times are no dates.

    The id stands in the schema's metadata; a batch without one goes by the SHA-256 of its bytes.
    """
    subject = _SUBJECT.fullmatch(message.subject)
    if subject is None:
        raise Refused("history.subject", f"{message.subject} names no tenant.", "Publish to samples.<tenant>.<connection>.")
    try:
        batch = columns.from_bytes(message.data)
    except UnicodeDecodeError as error:
        raise Refused("history.text", f"A damaged batch: {error}.", "Send an Arrow IPC stream with one batch.") from error
    if batch.column("path").dictionary.null_count:
        raise Refused("history.path", "A path is null.", "Name the signal of every sample.")
    if batch.num_rows:
        source = columns.times_us(batch)
        if source.min() < 0 or source.max() >= _YEAR_9999_US:
            raise Refused("history.time", "A source time lies outside the years 1970 to 9998.", "Set the machine's clock.")
    return (subject[1], _id_of(batch) or hashlib.sha256(message.data).hexdigest()), batch


def _id_of(batch: pa.RecordBatch) -> str:
    name = columns.id_of(batch)
    return name if name.isprintable() else ""


@dataclass
class _Taken:
    """What came: frames for the journal, each batch once, and messages that are no batch, each with the reason."""

    frames: dict[BatchKey, Frame] = field(default_factory=dict)
    refused: list[tuple[Message, str]] = field(default_factory=list)

    def take(self, message: Message) -> None:
        """Sort one message in."""
        try:
            key, batch = decode(message)
        except Refused as error:
            self.refused.append((message, error.what))
            return
        if batch.num_rows and key not in self.frames:
            source = columns.times_us(batch)
            self.frames[key] = Frame(*key, batch.num_rows, int(source.min()), int(source.max()), message.data)


class Ingest:
    """The handler of the stream of samples.

    Whatever waits in the stream goes to the journal with one sync of the disk. After a small flush it rests until `flush_s`
    real seconds have passed since it began, so that many small messages share a sync, while a sample waits no longer than
    that. Nor does one of `full` messages rest, the most that are taken at once: more are waiting.
    """

    def __init__(self, database: Database, journals: Journals, *, flush_s: float, full: int | None = None) -> None:
        self._database = database
        self._catalogue = Catalogue(database)
        self._journals = journals
        self._flush_s = flush_s
        self._full = full

    async def handle(self, messages: Sequence[Message]) -> None:
        """Store messages; when this returns their samples can be read, and survive anything but the disk's loss."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.store(messages)
        rest_s = began + self._flush_s - loop.time()
        if rest_s > 0 and (self._full is None or len(messages) < self._full):
            await asyncio.sleep(rest_s)

    async def store(self, messages: Sequence[Message]) -> int:
        """Store messages at once; how many samples they were, those of a batch that came before among them."""
        taken = await asyncio.to_thread(_take, messages)
        if taken.refused:
            await self._refuse(taken.refused)
        if taken.frames:
            await self._journals.append(tuple(taken.frames.values()))
        return sum(frame.rows for frame in taken.frames.values())

    async def _refuse(self, refused: Sequence[tuple[Message, str]]) -> None:
        async with self._database.transaction() as tx:
            for message, reason in refused:
                _log.error("history.refused", subject=message.subject, bytes=len(message.data), reason=reason)
                digest = hashlib.sha256(message.data).hexdigest()
                await self._catalogue.add_refused(tx, digest, message.subject, reason, message.data)


def _take(messages: Sequence[Message]) -> _Taken:
    taken = _Taken()
    for message in messages:
        taken.take(message)
    return taken
