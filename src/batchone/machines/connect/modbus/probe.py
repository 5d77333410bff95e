"""What a Modbus unit answers: a bounded look at its four tables, twice, and what the bits may be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.errors import TryLater
from batchone.machines.connect.driver import Garbled, Reach, Seen, away, heed_cancel, unheard
from batchone.machines.connect.guessing import GUESSED, Span, guesses, scan, spans
from batchone.machines.connect.modbus.points import Table
from batchone.machines.connect.wiring import Wiring, number_of

_TABLES: tuple[Table, ...] = ("holding", "input", "coil", "discrete")
_COUNT, _COUNT_MAX, _LONGEST = 100, 999, 100
_BETWEEN_S = 0.5


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,  # noqa: ARG001 - no names
) -> Probed:  # fmt: skip
    """Read `probe_count` (100) registers and bits from `probe_from` (0) on, of `unit` (1). Only reads; what is refused is
    told."""
    asked = Wiring("probe", "modbus", url=url, settings=settings)
    unit, start = number_of(asked, "unit", 1, 255), number_of(asked, "probe_from", 0, 65_535)
    count = min(number_of(asked, "probe_count", _COUNT, _COUNT_MAX), 65_536 - start)
    parts = urlsplit(url)
    client = AsyncModbusTcpClient(
        parts.hostname or "", port=parts.port or 502, timeout=reach.answer_s, retries=0, reconnect_delay=0
    )
    try:
        if not await client.connect():
            raise away(url, "no connection")
        looks = [await _look(client, url, unit, start, count)]
        await asyncio.sleep(_BETWEEN_S)
        looks.append(await _look(client, url, unit, start, count))
        who = await _who(client, unit)
    finally:
        client.close()
    found = [each for table in _TABLES for each in _found(table, unit, start, looks[0][table], looks[1][table])]
    notes = [_note(table, start, count, looks[1][table]) for table in _TABLES]
    return Probed(url, "modbus", who, "none: nothing is signed or encrypted", tuple(found), 0, (*notes, GUESSED))


async def _look(client: AsyncModbusTcpClient, url: str, unit: int, start: int, count: int) -> Mapping[Table, Span]:
    return {table: await _scan(client, url, table, unit, start, count) for table in _TABLES}


async def _scan(client: AsyncModbusTcpClient, url: str, table: Table, unit: int, start: int, count: int) -> Span:
    ask = {
        "holding": client.read_holding_registers, "input": client.read_input_registers, "coil": client.read_coils,
        "discrete": client.read_discrete_inputs,
    }[table]  # fmt: skip
    bits = table in ("coil", "discrete")

    async def read(first: int, many: int) -> bytes:
        if not client.connected:
            raise away(url, "the connection was lost")
        try:
            answer = await ask(first, count=many, device_id=unit)
        except ModbusException as error:
            raise TryLater("machine.away", f"{url} does not answer: {error}.") from error
        heed_cancel()
        if answer.isError():
            raise Garbled("machine.garbled", f"exception {answer.exception_code}")
        told = answer.bits[:many] if bits else answer.registers
        if len(told) != many:
            raise Garbled("machine.garbled", f"it sent {len(told)} for {many}")
        return b"".join(int(each).to_bytes(1 if bits else 2, "big") for each in told)

    return await scan(read, start, count, _LONGEST, 1 if bits else 2)


def _found(table: Table, unit: int, start: int, first: Span, later: Span) -> Iterator[Found]:
    prefix = "" if unit == 1 else f"{unit}/"
    if table in ("coil", "discrete"):
        for at, (before, now) in enumerate(zip(first.data, later.data, strict=True)):
            if before or now:
                why = "it changed while it was looked at" if before != now else "it is set"
                yield Found(f"{prefix}{table}:{start + at}", "", "bit", "", str(now), why=why)
        return
    for guess in guesses(first.data, later.data, lambda at: first.read[at // 2] and later.read[at // 2], swapped=True):
        address = f"{prefix}{table}:{start + guess.at // 2}"
        if guess.kind == "real":
            order = "" if guess.order == "abcd" else f":{guess.order}"
            yield Found(f"{address}:float32{order}", "", "float32, a guess", "", f"{guess.value:g}", why=guess.why)
        else:
            yield Found(address, "", "uint16, a guess", "", f"{guess.value:g}", why=guess.why)


def _note(table: Table, start: int, count: int, span: Span) -> str:
    asked = f"{table} {start} to {start + count - 1}"
    if not span.answered:
        return f"{asked}: refused ({span.refused})."
    refused = f", the others were refused ({span.refused})" if span.refused else ""
    return (
        f"{asked}: {spans(span.read, start)} could be read{refused}; {sum(map(bool, span.data))} bytes of them are not nothing."
    )


async def _who(client: AsyncModbusTcpClient, unit: int) -> str:
    """The vendor and product, where the unit tells them (function 43); many do not."""
    with suppress(ModbusException):
        answer = await client.read_device_information(read_code=1, object_id=0, device_id=unit)
        heed_cancel()
        if not answer.isError():
            told = [
                part.decode("ascii", "replace") if isinstance(part, bytes) else str(part)
                for part in getattr(answer, "information", {}).values()
            ]
            if any(told):
                return " ".join(part for part in told if part)[:100]
    return f"a Modbus unit {unit} that does not say what it is"
