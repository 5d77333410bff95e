"""What the registers of a Modbus machine and of an energy meter mean (docs/guides/plant-protocols.md); pure.

Text is ASCII, two characters a register; longer numbers are big-endian, high word first.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from batchone.contracts.machines import JobOrder
from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Garbled, JobResponse, JobState
from batchone.machines.connect.jobs import order_to_json

LONGEST_READ, LONGEST_WRITE = 125, 123
STATUS = (0, 52)
COMMAND = (4, 2)
METER = (0, 8)
SIGNALS_AT, SIGNAL_PLACES, SIGNAL_SIZE = 100, 25, 4
BLOCKS_AT, BLOCK_SIZE, BLOCKS = 200, 80, 8
MAILBOX_SEQUENCE, MAILBOX_BODY = 0, 1
START, CLEAR, ABORT = 1, 2, 3
ACCEPTED, REFUSED_NOW, REFUSED_ORDER, REFUSED_CLEARED = 1, 2, 3, 4
BROKEN_STATE = 4
_JSON_LONGEST = 2048
_OP_LONGEST = 4
_REASONS = {0: "", 1: "aborted", 2: "power lost"}
_ENDED: Mapping[int, JobState] = {2: "finished", 3: "failed"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS = 253_370_764_800_000  # the year 9999, beyond which a clock is broken

Span = tuple[int, int]
"""A first address and a number of registers."""


@dataclass(frozen=True, slots=True)
class Status:
    """The first registers of a machine: its state as a number, how many jobs it ever completed, what it runs."""

    state: int
    completed: int
    running: JobResponse | None


def coalesce(spans: Sequence[Span], longest: int = LONGEST_READ) -> list[Span]:
    """The fewest reads that cover `spans`: neighbours join, gaps included, while a read stays within `longest`."""
    reads: list[Span] = []
    for start, count in sorted(spans):
        if reads and start + count - reads[-1][0] <= longest:
            first = reads[-1][0]
            reads[-1] = (first, max(reads[-1][1], start + count - first))
        else:
            reads.append((start, count))
    return reads


def signals_span(places: int) -> Span:
    """Where the first `places` signals stand."""
    return SIGNALS_AT, SIGNAL_SIZE * places


def block_span(place: int) -> Span:
    """Where the completed job `place` stands."""
    return BLOCKS_AT + BLOCK_SIZE * place, BLOCK_SIZE


def float64(registers: Sequence[int]) -> float:
    """A float64 in four registers."""
    return float(struct.unpack(">d", _packed(registers))[0])


def number(registers: Sequence[int]) -> int:
    """An unsigned number in two or four registers."""
    return int.from_bytes(_packed(registers), "big")


def text(registers: Sequence[int]) -> str:
    """Text without its padding; `Garbled` when it is not printable ASCII followed by NULs."""
    raw = _packed(registers).rstrip(b"\0")
    if not all(32 <= byte < 127 for byte in raw):
        raise _garbled("text", raw)
    return raw.decode("ascii")


def _packed(registers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(registers)}H", *registers)


def _garbled(what: str, raw: object) -> Garbled:
    return Garbled("machine.garbled", f"A machine's registers hold no {what}: {raw!r}.")


def _time(registers: Sequence[int]) -> datetime:
    milliseconds = number(registers)
    if not 0 < milliseconds < _LATEST_MS:
        raise _garbled("time", milliseconds)
    return _EPOCH + timedelta(milliseconds=milliseconds)


def status(registers: Sequence[int]) -> Status:
    """The status of a machine from its registers 0-51; `Garbled` when they cannot be one."""
    state, completed = registers[0], number(registers[2:4])
    if state > 5:
        raise _garbled("equipment state", state)
    if not any(registers[10:26]):
        return Status(state, completed, None)
    if registers[42] > 1000 or registers[49] < 1:
        raise _garbled("progress or position", (registers[42], registers[49]))
    job, program = text(registers[10:26]), text(registers[26:42])
    if (len(job), len(program)) != (registers[50], registers[51]):
        raise _garbled("job of the length they say", job)
    running = JobResponse(
        job, "running", position=registers[49], progress=registers[42] / 1000, started=_time(registers[45:49]),
        program=program, checksum=number(registers[43:45]),
    )  # fmt: skip
    return Status(state, completed, running)


def completed(block: Sequence[int], measures: Mapping[str, Sequence[str]]) -> JobResponse | None:
    """A completed job from its block, none when the block is empty; `Garbled` when it cannot be one.

    `measures` are the names of each operation's measurements by number.
    """
    if not any(block):
        return None
    state, count = _ENDED.get(block[32]), block[43]
    if state is None or count > 6 or block[75] not in _REASONS:
        raise _garbled("completed job", block[32:44])
    return JobResponse(
        text(block[0:16]), state, position=block[74], progress=1.0 if state == "finished" else 0.0,
        started=_time(block[33:37]), ended=_time(block[37:41]), program=text(block[16:32]),
        checksum=number(block[78:80]), results=_results(block, count, measures.get(text(block[76:78]), ())),
        energy_kwh=number(block[41:43]) / 1000, reason=_REASONS[block[75]],
    )  # fmt: skip


def _results(block: Sequence[int], count: int, names: Sequence[str]) -> dict[str, float]:
    results: dict[str, float] = {}
    for at in range(44, 44 + 5 * count, 5):
        if block[at] >= len(names):
            raise _garbled("measurement that the operation has", block[at])
        results[names[block[at]]] = float64(block[at + 1 : at + 5])
    return results


def signals(registers: Sequence[int], places: int) -> list[float]:
    """The values of the first `places` signals; not-a-number where there is none yet."""
    return [float64(registers[at : at + SIGNAL_SIZE]) for at in range(0, SIGNAL_SIZE * places, SIGNAL_SIZE)]


def surplus(registers: Sequence[int], places: int) -> dict[str, float]:
    """Values in places beyond the declared ones: name to value; empty places hold zeros or not-a-number."""
    found: dict[str, float] = {}
    for place in range(places, SIGNAL_PLACES):
        words = registers[SIGNAL_SIZE * place : SIGNAL_SIZE * (place + 1)]
        value = float64(words)
        if any(words) and math.isfinite(value):
            found[f"@{SIGNALS_AT + SIGNAL_SIZE * place}"] = value
    return found


def meter(registers: Sequence[int]) -> tuple[float, float]:
    """Energy in kWh and power in kW."""
    return float64(registers[0:4]), float64(registers[4:8])


def next_sequence(acknowledged: int) -> int:
    """The number of the next command."""
    return 1 if acknowledged >= 65535 else acknowledged + 1


def mailbox(command: int, job: str) -> list[int]:
    """Holding registers from 1 on for a command that names a job only."""
    return [command, *_text_registers(job, 16)]


def order_mailbox(order: JobOrder) -> list[int]:
    """Holding registers from 1 on for a job order; `Refused` when it does not fit."""
    raw = order_to_json(order).encode("ascii")
    if len(raw) > _JSON_LONGEST:
        raise Refused(
            "job.too_long", f"The job order {order.job} has {len(raw)} bytes.", f"A Modbus machine takes {_JSON_LONGEST}."
        )
    if len(order.op) > _OP_LONGEST:
        raise Refused("job.op", f"The operation {order.op} is too long.", f"A Modbus machine takes {_OP_LONGEST} characters.")
    return [
        START, *_text_registers(order.job, 16), *_text_registers(order.program, 16),
        *_milliseconds(order.seconds), *_milliseconds(order.setup_seconds), len(raw), *_registers(raw),
    ]  # fmt: skip


def _text_registers(value: str, count: int) -> list[int]:
    return _registers(value.encode("ascii")[: 2 * count].ljust(2 * count, b"\0"))


def _registers(raw: bytes) -> list[int]:
    even = raw + b"\0" * (len(raw) % 2)
    return list(struct.unpack(f">{len(even) // 2}H", even))


def _milliseconds(seconds: float) -> tuple[int, int]:
    whole = min(round(seconds * 1000), 0xFFFFFFFF)
    return whole >> 16, whole & 0xFFFF
