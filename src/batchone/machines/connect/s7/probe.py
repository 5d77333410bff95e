"""What an S7 controller answers: a bounded look at one data block and at its flags, inputs and outputs, twice."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from snap7.client import Client
from snap7.error import S7ConnectionError, S7Error, S7TimeoutError
from snap7.type import Area

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.machines.connect.driver import Garbled, Reach, Seen, away, unheard
from batchone.machines.connect.guessing import GUESSED, Span, guesses, scan, spans
from batchone.machines.connect.s7.points import LONGEST
from batchone.machines.connect.wiring import Wiring, number_of

_GONE = (S7ConnectionError, S7TimeoutError, OSError)
_SPOILT = (S7Error, ValueError, LookupError, struct.error)
_COUNT, _COUNT_MAX = 200, 999
_BETWEEN_S = 0.5
_INT_MAX = 2**15 - 1


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,  # noqa: ARG001 - no names
) -> Probed:  # fmt: skip
    """Read `probe_count` (200) bytes from `probe_from` (0) on, of data block `probe_db` (1), flags, inputs and outputs. Only
    reads; what is refused is told."""
    asked = Wiring("probe", "s7", url=url, settings=settings)
    rack, slot, db = number_of(asked, "rack", 0, 7), number_of(asked, "slot", 1, 31), number_of(asked, "probe_db", 1, 65_535)
    start, count = number_of(asked, "probe_from", 0, 65_535), number_of(asked, "probe_count", _COUNT, _COUNT_MAX)
    areas = {f"DB{db}": Area.DB, "M": Area.MK, "I": Area.PE, "Q": Area.PA}
    parts, client = urlsplit(url), Client()
    try:
        await asyncio.to_thread(client.connect, parts.hostname or "", rack, slot, parts.port or 102)
    except (*_GONE, *_SPOILT) as error:
        raise away(url, error) from error

    async def look() -> Mapping[str, Span]:
        return {name: await _scan(client, url, area, db, start, count) for name, area in areas.items()}

    try:
        first = await look()
        await asyncio.sleep(_BETWEEN_S)
        later = await look()
        who = await _who(client)
    finally:
        with suppress(*_GONE, *_SPOILT):
            await asyncio.to_thread(client.disconnect)
    found = [each for name in areas for each in _found(name, start, first[name], later[name])]
    notes = [_note(name, start, count, later[name]) for name in areas]
    return Probed(url, "s7", who, "none: nothing is signed or encrypted", tuple(found), 0, (*notes, GUESSED))


async def _scan(client: Client, url: str, area: Area, db: int, start: int, count: int) -> Span:
    async def read(first: int, many: int) -> bytes:
        try:
            told = await asyncio.to_thread(client.read_area, area, db if area == Area.DB else 0, first, many)
        except _GONE as error:
            raise away(url, error) from error
        except _SPOILT as error:
            raise Garbled("machine.garbled", str(error)) from error
        if len(told) != many:
            raise Garbled("machine.garbled", f"it sent {len(told)} for {many}")
        return bytes(told)

    return await scan(read, start, count, LONGEST, 1)


def _found(name: str, start: int, first: Span, later: Span) -> Iterator[Found]:
    prefix = f"{name}.DB" if name.startswith("DB") else name
    read = [before and now for before, now in zip(first.read, later.read, strict=True)]
    for guess in guesses(first.data, later.data, lambda at: all(read[at : at + 2]), swapped=False):
        if guess.kind == "real":
            yield Found(f"{prefix}D{start + guess.at}:real", "", "real, a guess", "", f"{guess.value:g}", why=guess.why)
        else:
            value = int(guess.value) - (1 << 16 if guess.value > _INT_MAX else 0)
            yield Found(f"{prefix}W{start + guess.at}:int", "", "int, a guess", "", str(value), why=guess.why)


def _note(name: str, start: int, count: int, span: Span) -> str:
    asked = f"{name}, bytes {start} to {start + count - 1}"
    if not span.answered:
        return f"{asked}: refused ({span.refused})."
    refused = f", the others were refused ({span.refused})" if span.refused else ""
    return (
        f"{asked}: {spans(span.read, start)} could be read{refused}; {sum(map(bool, span.data))} bytes of them are not nothing."
    )


async def _who(client: Client) -> str:
    """The name of the module, where the controller tells it."""
    with suppress(*_GONE, *_SPOILT, RuntimeError):
        name = getattr(await asyncio.to_thread(client.get_cpu_info), "ModuleTypeName", b"")
        told = (name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)).strip("\0 ")
        if told:
            return told[:100]
    return "an S7 controller that does not say what it is"
