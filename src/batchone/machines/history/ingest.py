"""From the stream to the catalogue: decode, drop what is known, write, commit, and only then let it be acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import structlog

from batchone.contracts.machines import Kept
from batchone.kernel.bus import Message
from batchone.kernel.database import Database
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.model import Segment
from batchone.machines.history.segments import SegmentFiles, by_class, by_day, sorted_unique
from batchone.machines.history.store import BatchKey, Catalogue

_log = structlog.get_logger(__name__)
_SUBJECT = re.compile(r"samples\.([A-Za-z0-9_-]+)\.[^.]+")
_YEAR_9999_US = 253_370_764_800_000_000


Classes = Callable[[str], Awaitable[Mapping[str, Kept]]]
"""For a tenant, the class of retention of each path that is not `standard`."""


async def all_standard(_: str) -> Mapping[str, Kept]:
    """Nothing is kept longer or shorter than other things."""
    return {}


@dataclass
class _Decoded:
    """Messages as batches by tenant and batch id; `repeated` counts samples whose batch came twice among them."""

    batches: dict[BatchKey, pa.RecordBatch] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused: list[tuple[Message, str]] = field(default_factory=list)

    def take(self, message: Message) -> None:
        """Sort one message in."""
        try:
            key, batch = decode(message)
        except Refused as error:
            self.refused.append((message, error.what))
            return
        if key in self.batches:
            self.repeated[key[0]] += batch.num_rows
        else:
            self.batches[key] = batch

    def drop(self, known: set[BatchKey]) -> None:
        """Leave out batches that are stored already."""
        for key in known & self.batches.keys():
            self.repeated[key[0]] += self.batches.pop(key).num_rows


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
    try:
        name = columns.id_of(batch)
    except UnicodeDecodeError:
        return ""
    return name if name.isprintable() else ""


class Ingest:
    """The handler of the stream of samples.

    Whatever waits in the stream becomes one segment for each tenant and day. After a small flush it rests until
    `flush_s` real seconds have passed since it began, so that a slow plant gives a few segments a second at most, while
    a sample waits no longer than that; a flush of `flush_rows` or more does not rest. Nor does one of `full` messages, the
    most that are taken at once: more are waiting, and many connections that send little would outrun one that rests.

    `classes` tells for how long each signal is kept; it is asked at each flush, and what is stored stays in its class.
    """

    def __init__(
        self, database: Database, files: SegmentFiles, *, flush_s: float, flush_rows: int, full: int | None = None,
        classes: Classes = all_standard,
    ) -> None:  # fmt: skip
        self._database = database
        self._catalogue = Catalogue(database)
        self._files = files
        self._flush_s = flush_s
        self._flush_rows = flush_rows
        self._full = full
        self._classes = classes

    async def handle(self, messages: Sequence[Message]) -> None:
        """Store messages; when this returns their samples can be read, and survive anything but the disk's loss."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        stored = await self.store(messages)
        rest_s = began + self._flush_s - loop.time()
        behind = stored >= self._flush_rows or (self._full is not None and len(messages) >= self._full)
        if not behind and rest_s > 0:
            await asyncio.sleep(rest_s)

    async def store(self, messages: Sequence[Message]) -> int:
        """Store messages at once; how many samples were new."""
        decoded = await asyncio.to_thread(_decode_all, messages)
        decoded.drop(await self._catalogue.known(decoded.batches.keys()) if decoded.batches else set())
        kept = {tenant: await self._classes(tenant) for tenant in {tenant for tenant, _ in decoded.batches}}
        segments: list[Segment] = []
        try:
            await asyncio.to_thread(self._write, decoded, kept, segments)
            await self._commit(decoded, segments)
        finally:
            # Whether the commit took place may be unknown here; from now on the catalogue tells.
            self._files.settle(segments)
        return sum(segment.rows for segment in segments)

    def _write(self, decoded: _Decoded, kept: Mapping[str, Mapping[str, Kept]], segments: list[Segment]) -> None:
        by_tenant: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        for (tenant, _), batch in decoded.batches.items():
            if batch.num_rows:
                by_tenant[tenant].append(batch)
        for tenant, batches in by_tenant.items():
            unique = sorted_unique(batches)
            decoded.repeated[tenant] += sum(batch.num_rows for batch in batches) - unique.num_rows
            for each, part in by_class(unique, kept.get(tenant, {})):
                for day, rows in by_day(part):
                    segments.append(self._files.write(tenant, day, rows, kept=each))

    async def _commit(self, decoded: _Decoded, segments: list[Segment]) -> None:
        async with self._database.transaction() as tx:
            await self._catalogue.add_batches(tx, decoded.batches.keys())
            await self._catalogue.add_segments(tx, segments)
            for tenant, count in decoded.repeated.items():
                await self._catalogue.add_duplicates(tx, tenant, count)
            for message, reason in decoded.refused:
                _log.error("history.refused", subject=message.subject, bytes=len(message.data), reason=reason)
                digest = hashlib.sha256(message.data).hexdigest()
                await self._catalogue.add_refused(tx, digest, message.subject, reason, message.data)


def _decode_all(messages: Sequence[Message]) -> _Decoded:
    decoded = _Decoded()
    for message in messages:
        decoded.take(message)
    return decoded
