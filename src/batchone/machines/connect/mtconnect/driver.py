"""How an MTConnect agent is read, with httpx: what stands now, then from sequence to sequence, so that nothing is missed that
the agent still has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pyarrow as pa

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import seconds
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled, Reach, Reading, ReadOnly, Seen, away, unheard
from batchone.machines.connect.mtconnect.documents import LostPlace, Standing, Streams, devices, streams
from batchone.machines.connect.mtconnect.schemas import judged
from batchone.machines.connect.proposing import propose
from batchone.machines.connect.wiring import Wiring

_SETTINGS = frozenset({"every", "count"})
_SLOWEST = 10
_BODY_MAX = 64_000_000
_ANSWER_S = 5.0


class MtconnectDriver(ReadOnly):
    """One agent, asked in rounds. Settings: `every` (1 s) from round to round, `count` (1000) observations of an answer.

    Where the connection has one equipment, the device's execution, conditions and availability are its state.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        strange = wiring.settings.keys() - _SETTINGS
        count = wiring.settings.get("count", "1000")
        self._every_s = seconds(wiring.settings.get("every", "1 s"))
        if strange or not (count.isascii() and count.isdigit() and len(count) < 7 and int(count)) or self._every_s <= 0:
            what = f"{wiring.connection}: an MTConnect connection takes every and count, more than nothing; no other setting."
            raise Refused("mtconnect.setting", what, "Write them as every: 1 s and count: '1000'.")
        self.address = wiring.url
        self._base = _base(wiring.url)
        self._count = int(count)
        self._connection = wiring.connection
        self._equipment = wiring.equipment[0].id if len(wiring.equipment) == 1 else ""
        self._clock = clock
        self._paths = {point.address: point.path for point in wiring.points}
        self._client = _client(reach.answer_s)
        self._standing = Standing()
        self._instance = self._next = -1
        self._due_s = self._press = 0.0

    async def open(self) -> None:
        """See that somebody answers."""
        await _get(self._client, self.address, f"{self._base}/current")

    async def read(self) -> Reading:
        """What stands now, the first time; from then on what came after it, when it is due."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._due_s - loop.time()))
        self._due_s = loop.time() + self._every_s * (1 + (_SLOWEST - 1) * self._press)
        if self._next < 0:
            return self._reading(await self._current())
        try:
            told = await self._ask(f"{self._base}/sample?from={self._next}&count={self._count}")
        except LostPlace as error:
            return self._reading(await self._current(), error.what)
        if told.instance != self._instance:
            return self._reading(await self._current(), "The agent was started again; what it told meanwhile is not known.")
        lost = told.first - self._next
        if told.next - self._next >= self._count:
            self._due_s = 0.0
        self._next = told.next
        return self._reading(told, f"The agent dropped {lost} observations before they were read." if lost > 0 else "")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def press(self, share: float) -> None:
        """Ask up to ten times less often while the buffer behind fills."""
        self._press = min(max(share, 0.0), 1.0)

    async def _current(self) -> Streams:
        self._standing = Standing()
        told = await self._ask(f"{self._base}/current")
        self._instance, self._next = told.instance, told.next
        return told

    async def _ask(self, url: str) -> Streams:
        body = await _get(self._client, self.address, url)
        return streams(body, self._standing, columns.to_us(self._clock.now()))

    def _reading(self, told: Streams, lost: str = "") -> Reading:
        faults = [replace(fault, path=self._path(fault.path)) for fault in told.faults]
        if lost:
            faults.append(Fault(f"{self._connection}/sequence", 1, lost))
        ids = told.samples.column("path")
        names = pa.array([self._path(item) for item in ids.dictionary.to_pylist()], pa.string())
        path = pa.DictionaryArray.from_arrays(ids.indices, names)
        samples = told.samples.set_column(0, columns.SAMPLE_SCHEMA.field("path"), path)
        if not self._equipment or not (told.samples.num_rows or lost):
            return Reading(samples, faults=tuple(faults))
        if self._standing.gone:
            return Reading(samples, lost=frozenset({self._equipment}), faults=tuple(faults))
        state = self._standing.state
        return Reading(samples, {self._equipment: state} if state else {}, faults=tuple(faults))

    def _path(self, item: str) -> str:
        return self._paths.get(item, f"{self._connection}/{item}")


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,  # noqa: ARG001
) -> Probed:  # fmt: skip
    """Ask an agent for its data items and what they are now, and propose. `probe_schemas` is a folder with MTConnect's XML
    schemas, by which its answers are judged then."""
    base = _base(url)
    async with _client(_ANSWER_S) as client:
        answers = await _get(client, url, f"{base}/probe"), await _get(client, url, f"{base}/current")
    told, now = devices(answers[0]), streams(answers[1], Standing(), 0).samples
    notes: tuple[str, ...] = ()
    if folder := settings.get("probe_schemas"):
        notes = tuple([str(await asyncio.to_thread(judged, Path(folder), body)) for body in answers])
    rows = zip(now.column("path").to_pylist(), columns.values_of(now).tolist(), strict=True)
    values = {item: f"{value:g}" for item, value in rows if value == value}  # noqa: PLR0124 - not-a-number is no value
    found = (Found(item.id, item.name, item.type, item.unit, values.get(item.id, "")) for item in told.items)
    listed, rest = propose(found, model)
    return Probed(url, "mtconnect", told.who, "none: nothing is signed or encrypted", listed, rest, notes)


def _base(url: str) -> str:
    parts = urlsplit(url)
    device = parts.path.strip("/")
    if not parts.hostname or parts.query or parts.fragment or parts.username or "/" in device:
        raise Refused("mtconnect.url", f"'{url[:200]}' names no agent.", "Write it as mtconnect://10.0.0.5:5000/Mill-1.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"http://{host}:{parts.port or 5000}" + (f"/{quote(device, safe='%')}" if device else "")


def _client(answer_s: float) -> httpx.AsyncClient:
    # A proxy that this process happens to be set up with does not lead to machines.
    return httpx.AsyncClient(timeout=answer_s, trust_env=False, headers={"Accept": "text/xml, application/xml"})


async def _get(client: httpx.AsyncClient, address: str, url: str) -> bytes:
    """The body of an answer; an agent explains its refusals in a document, so that their status matters only without one."""
    found, size = [], 0
    try:
        async with client.stream("GET", url) as answer:
            async for chunk in answer.aiter_bytes():
                found.append(chunk)
                size += len(chunk)
                if size > _BODY_MAX:
                    raise Garbled("mtconnect.large", f"{address} answers with more than {_BODY_MAX} bytes.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise away(address, error) from error
    body = b"".join(found)
    if answer.status_code >= 300 and b"MTConnectError" not in body:
        raise away(address, f"it answers with the status {answer.status_code}")
    return body
