"""The Modbus register map of one piece of equipment, as `docs/guides/plant-protocols.md` lays it out. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from plantsim.equipment import Equipment
from plantsim.orders import ABORTED, POWER_LOST, Ended, checksum
from plantsim.pack import Check, written

INPUT_COUNT = 840
HOLDING_COUNT = 1063
METER_COUNT = 8
SIGNALS_AT, SIGNALS_MAX = 100, 25
COMPLETED_AT, COMPLETED_SIZE, COMPLETED_MAX = 200, 80, 8
JSON_AT = 39
RESULTS_MAX = 6
TEXT_MAX = 32

_REASONS = {"": 0, ABORTED: 1, POWER_LOST: 2}


class Answer(IntEnum):
    """The answer to a command, input register 5."""

    NONE = 0
    ACCEPTED = 1
    REFUSED_NOW = 2
    NOT_UNDERSTOOD = 3
    REFUSED_CLEARED = 4


class CommandKind(IntEnum):
    """Holding register 1."""

    STORE_AND_START = 1
    CLEAR = 2
    ABORT = 3


@dataclass(frozen=True)
class Command:
    """What the holding registers ask for; `text` is the job order's JSON."""

    kind: CommandKind
    job: str
    program: str
    text: str


def words(packed: bytes) -> list[int]:
    """Return big-endian bytes as registers."""
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def text_words(text: str, count: int) -> list[int]:
    """Return ASCII text in `count` registers, cut or NUL-padded; what is not ASCII becomes `?`."""
    return words(text.encode("ascii", "replace")[: 2 * count].ljust(2 * count, b"\0"))


def float64(value: float | None) -> list[int]:
    """Return four registers; NaN for no value."""
    return words(struct.pack(">d", math.nan if value is None else value))


def uint32(value: int) -> list[int]:
    """Return two registers, high word first; a larger number stays at the largest."""
    return words(struct.pack(">I", min(max(value, 0), 0xFFFFFFFF)))


def uint64(value: int) -> list[int]:
    """Return four registers, high word first."""
    return words(struct.pack(">Q", value))


def text_of(registers: Sequence[int]) -> str:
    """Return the text in registers, without its padding."""
    return struct.pack(f">{len(registers)}H", *registers).split(b"\0", 1)[0].decode("ascii", "replace")


def input_image(
    equipment: Equipment, checks_of: dict[str, Sequence[Check]], acknowledged: int, answer: Answer, now_s: float
) -> list[int]:
    """Return all input registers of an equipment at a plant time."""
    image = [0] * INPUT_COUNT
    image[0:2] = [int(equipment.state), len(equipment.ledger.running)]
    image[2:4] = uint32(equipment.ledger.finished_count)
    image[4:6] = [acknowledged, int(answer)]
    running = equipment.oldest_running()
    if running is not None:
        order = running.order
        program = order.program[:TEXT_MAX]
        image[10:42] = text_words(order.job, 16) + text_words(program, 16)
        image[42] = round(running.share(equipment.ledger.now(now_s)) * 1000)
        image[43:45] = uint32(checksum(order.parameters))
        image[45:49] = uint64(round(running.started_s * 1000))
        image[49:52] = [running.position, len(order.job), len(program)]
    for place, value in enumerate(equipment.sampler.values[:SIGNALS_MAX]):
        at = SIGNALS_AT + 4 * place
        image[at : at + 4] = float64(value)
    for place, ended in enumerate(list(equipment.ledger.completed.values())[:COMPLETED_MAX]):
        at = COMPLETED_AT + COMPLETED_SIZE * place
        image[at : at + COMPLETED_SIZE] = completed_block(ended, checks_of.get(written(ended.op), ()))
    return image


def completed_block(ended: Ended, checks: Sequence[Check]) -> list[int]:
    """Return the 80 registers of a completed job."""
    block = [0] * COMPLETED_SIZE
    block[0:32] = text_words(ended.job, 16) + text_words(ended.program, 16)
    block[32] = 2 if ended.state == "finished" else 3
    block[33:41] = uint64(round(ended.started_s * 1000)) + uint64(round(ended.ended_s * 1000))
    block[41:43] = uint32(round(ended.energy_kwh * 1000))
    numbers = {check.measure: number for number, check in enumerate(checks)}
    readings = [(numbers[measure], value) for measure, value in ended.results.items() if measure in numbers][:RESULTS_MAX]
    block[43] = len(readings)
    for place, (number, value) in enumerate(readings):
        at = 44 + 5 * place
        block[at : at + 5] = [number, *float64(value)]
    block[74:76] = [ended.position, _REASONS.get(ended.reason, 0)]
    block[76:78] = text_words(ended.op, 2)
    block[78:80] = uint32(checksum(ended.parameters))
    return block


def meter_image(energy_kwh: float, power_kw: float) -> list[int]:
    """Return the input registers of an energy meter."""
    return float64(energy_kwh) + float64(power_kw)


def read_command(holding: Sequence[int]) -> Command | None:
    """Return the command in the holding registers, or None where they make no sense."""
    try:
        kind = CommandKind(holding[1])
    except ValueError:
        return None
    length = holding[38]
    count = (length + 1) // 2
    if JSON_AT + count > HOLDING_COUNT:
        return None
    raw = struct.pack(f">{count}H", *holding[JSON_AT : JSON_AT + count])[:length]
    return Command(kind, text_of(holding[2:18]), text_of(holding[18:34]), raw.decode("ascii", "replace"))
