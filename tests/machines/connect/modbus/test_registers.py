import json
import math
import struct
from datetime import UTC, datetime

import pytest

from batchone.contracts.machines import JobOrder
from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.modbus import registers
from batchone.machines.connect.modbus.driver import _unspoilt

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MEASURES = {"40": ("mass", "torque")}


def words(fmt: str, *values: object) -> list[int]:
    packed = struct.pack(f">{fmt}", *values)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def status_image(**changes: int) -> list[int]:
    image = [0] * 52
    image[0:4] = [1, 1, *words("I", 70_000)]
    image[10:26] = words("32s", b"J-1")
    image[26:42] = words("32s", b"shell-1")
    image[42] = 450
    image[43:45] = words("I", 123456789)
    image[45:49] = words("Q", ms(START))
    image[49:52] = [1, 3, 7]
    for place, value in changes.items():
        image[int(place[1:])] = value
    return image


def block_image(**changes: int) -> list[int]:
    block = [0] * 80
    block[0:32] = words("32s32s", b"J-1", b"shell-1")
    block[32] = 2
    block[33:41] = words("QQ", ms(START), ms(START) + 60_000)
    block[41:43] = words("I", 410)
    block[43] = 2
    block[44:49] = [1, *words("d", 5.5)]
    block[49:54] = [0, *words("d", float("nan"))]
    block[74] = 1
    block[76:78] = words("4s", b"40")
    block[78:80] = words("I", 123456789)
    for place, value in changes.items():
        block[int(place[1:])] = value
    return block


def test_reads_are_as_few_as_the_protocol_allows() -> None:
    assert registers.coalesce([(0, 52), (100, 12)]) == [(0, 112)]
    assert registers.coalesce([(100, 100), (0, 52)]) == [(0, 52), (100, 100)]
    assert registers.coalesce([(0, 125)]) == [(0, 125)]
    assert registers.coalesce([(0, 60), (60, 66), (126, 4)]) == [(0, 60), (60, 70)]
    assert registers.coalesce([(0, 100), (10, 5)]) == [(0, 100)]
    assert registers.coalesce([]) == []


def test_a_status_tells_state_count_and_the_running_job() -> None:
    status = registers.status(status_image())
    assert (status.state, status.completed) == (1, 70_000)
    job = status.running
    assert job is not None
    assert (job.job, job.program, job.state, job.position, job.progress) == ("J-1", "shell-1", "running", 1, 0.45)
    assert (job.started, job.checksum, job.parameters) == (START, 123456789, None)


def test_a_machine_that_runs_nothing_says_so_with_nuls() -> None:
    assert registers.status([0] * 52).running is None


@pytest.mark.parametrize("change", [{"_0": 6}, {"_42": 1001}, {"_49": 0}, {"_50": 9}, {"_10": 0x0107}, {"_45": 0xFFFF}])
def test_a_status_that_cannot_be_is_garbled(change: dict[str, int]) -> None:
    with pytest.raises(Garbled):
        registers.status(status_image(**change))


def test_a_completed_job_is_read_with_its_measurements_by_name() -> None:
    job = registers.completed(block_image(), MEASURES)
    assert job is not None
    assert (job.job, job.state, job.progress, job.position, job.energy_kwh) == ("J-1", "finished", 1.0, 1, 0.41)
    assert (job.ended - job.started).total_seconds() == 60
    assert job.results["torque"] == 5.5
    assert math.isnan(job.results["mass"])


@pytest.mark.parametrize(("code", "reason"), [(1, "aborted"), (2, "power lost")])
def test_a_failed_job_says_why(code: int, reason: str) -> None:
    job = registers.completed(block_image(_32=3, _43=0, _75=code), MEASURES)
    assert job is not None
    assert (job.state, job.reason, dict(job.results)) == ("failed", reason, {})


def test_an_empty_block_is_no_job() -> None:
    assert registers.completed([0] * 80, MEASURES) is None


@pytest.mark.parametrize(
    "change", [{"_32": 9}, {"_43": 7}, {"_44": 2}, {"_75": 8}, {"_33": 0xFFFF}, {"_0": 0x80}, {"_76": 0x3939}]
)
def test_a_block_that_cannot_be_is_garbled(change: dict[str, int]) -> None:
    with pytest.raises(Garbled):
        registers.completed(block_image(**change), MEASURES)


def test_signals_stand_in_the_order_of_the_pack() -> None:
    assert registers.signals(words("dd", 1.5, -2.0), 2) == [1.5, -2.0]
    assert registers.signals_span(3) == (100, 12)


def test_values_beyond_the_declared_signals_are_found_by_their_address() -> None:
    image = words("ddd", 1.5, 7.0, float("nan")) + [0] * 88
    assert registers.surplus(image, 1) == {"@104": 7.0}
    assert registers.surplus(image, 2) == {}


def test_a_meter_tells_energy_and_power() -> None:
    assert registers.meter(words("dd", 12.5, 3.25)) == (12.5, 3.25)


def test_command_numbers_go_round_without_zero() -> None:
    assert [registers.next_sequence(number) for number in (0, 1, 65534, 65535)] == [1, 2, 65535, 1]


def order(**changes: object) -> JobOrder:
    fields: dict[str, object] = {
        "job": "J-1", "order": "O-1", "item": "I-1", "op": "40", "program": "shell-1", "seconds": 70.5, "setup": "",
        "setup_seconds": 1.0, "parameters": {"film": "x"}, "facts": {},
    }  # fmt: skip
    return JobOrder(**(fields | changes))  # type: ignore[arg-type]


def test_an_order_fills_the_mailbox() -> None:
    box = [0, *registers.order_mailbox(order())]
    assert box[1] == registers.START
    assert struct.pack(">16H", *box[2:18]).rstrip(b"\0") == b"J-1"
    assert struct.pack(">16H", *box[18:34]).rstrip(b"\0") == b"shell-1"
    assert struct.unpack(">II", struct.pack(">4H", *box[34:38])) == (70_500, 1_000)
    raw = struct.pack(f">{len(box) - 39}H", *box[39:])[: box[38]]
    assert json.loads(raw)["job"] == "J-1"


def test_an_order_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Refused, match="2048"):
        registers.order_mailbox(order(facts={"text": "x" * 2100}))
    with pytest.raises(Refused, match="operation"):
        registers.order_mailbox(order(op="12345"))


def test_clear_and_abort_name_the_job_only() -> None:
    box = registers.mailbox(registers.CLEAR, "J-1")
    assert (box[0], len(box)) == (registers.CLEAR, 17)


HEADER = b"\0\7\0\0"


def frame(*body: int) -> bytes:
    return HEADER + (len(body) + 1).to_bytes(2, "big") + b"\3" + bytes(body)


@pytest.mark.parametrize(
    "sound", [frame(4, 2, 0, 1), frame(16, 0, 1, 0, 2), frame(6, 0, 1, 0, 2), frame(0x84, 11), frame(0x90, 2), b"", HEADER]
)
def test_sound_answers_pass_as_they_are(sound: bytes) -> None:
    assert _unspoilt(False, sound) == sound


@pytest.mark.parametrize("spoilt", [frame(99, 1, 2, 3), frame(4, 9, 0, 1), frame(16, 1), frame(0x84, 1, 2), frame(0x85, 1)])
def test_an_answer_that_is_none_becomes_an_exception(spoilt: bytes) -> None:
    mended = _unspoilt(False, spoilt)
    assert len(mended) == len(spoilt)
    assert mended[:7] == spoilt[:7]
    assert (mended[7], mended[8]) == (0x84, 4)
    assert _unspoilt(True, spoilt) == spoilt
