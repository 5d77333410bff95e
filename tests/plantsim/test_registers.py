import json
import math
import struct
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantsim.equipment import Equipment
from plantsim.orders import Ended, checksum
from plantsim.pack import Check, Pack
from plantsim.registers import (
    HOLDING_COUNT,
    Answer,
    CommandKind,
    completed_block,
    float64,
    input_image,
    meter_image,
    read_command,
    text_of,
    text_words,
    uint32,
    uint64,
)


def number(registers: list[int], kind: str) -> float:
    """Read registers as a client would."""
    return float(struct.unpack(f">{kind}", struct.pack(f">{len(registers)}H", *registers))[0])


@given(st.floats(allow_nan=False), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_numbers_survive_their_registers(real: float, small: int, large: int) -> None:
    assert number(float64(real), "d") == real
    assert int(number(uint32(small), "I")) == small
    assert struct.unpack(">Q", struct.pack(">4H", *uint64(large)))[0] == large


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=32))
def test_text_survives_its_registers(text: str) -> None:
    assert text_of(text_words(text, 16)) == text


def test_no_value_is_nan_and_a_high_word_comes_first() -> None:
    assert math.isnan(number(float64(None), "d"))
    assert uint32(0x00010002) == [1, 2]
    assert uint32(2**40) == [0xFFFF, 0xFFFF]
    assert text_words("AB", 2) == [0x4142, 0]


@pytest.fixture
def dosers(mugs: Pack) -> Callable[[str], Equipment]:
    def make(id_: str) -> Equipment:
        return Equipment(mugs.equipment[id_], mugs, seed=1, now_s=0.0, record=lambda _told: None)

    return make


def test_the_running_job_stands_where_the_page_says(
    dosers: Callable[[str], Equipment], order: Callable[..., str], mugs: Pack
) -> None:
    doser = dosers("doser-2")
    doser.store_and_start(order("J-1", "30", seconds=100), 1000.0)
    doser.store_and_start(order("J-2", "30", seconds=100), 1001.0)
    doser.sample(1020, 1)
    image = input_image(doser, dict(mugs.checks), 7, Answer.ACCEPTED, 1050.0)
    assert image[0:2] == [1, 2]
    assert image[4:6] == [7, 1]
    assert (text_of(image[10:26]), text_of(image[26:42])) == ("J-1", "program-30")
    assert image[42] == pytest.approx(500, rel=0.1)
    assert number(image[43:45], "I") == checksum({"a": "x", "b": 1.5})
    assert number(image[45:49], "Q") == 1_000_000
    assert image[49:52] == [1, 3, 10]


def test_signals_of_positions_take_one_place_each(
    dosers: Callable[[str], Equipment], order: Callable[..., str], mugs: Pack
) -> None:
    doser = dosers("doser-2")
    doser.store_and_start(order("J-1", "30", seconds=100), 0.0)
    doser.advance(20)
    doser.sample(20, 1)
    image = input_image(doser, dict(mugs.checks), 0, Answer.NONE, 20.0)
    assert number(image[100:104], "d") == pytest.approx(5, abs=0.5)
    assert 10 < number(image[104:108], "d") < 1000
    assert math.isnan(number(image[108:112], "d"))


def test_completed_jobs_stand_oldest_first_and_empty_blocks_are_zero(
    dosers: Callable[[str], Equipment], order: Callable[..., str], mugs: Pack
) -> None:
    doser = dosers("doser-1")
    for place in range(3):
        doser.store_and_start(order(f"J-{place}", "30"), place * 100.0)
        doser.advance(place * 100.0 + 99)
    doser.clear("J-0", 400)
    image = input_image(doser, dict(mugs.checks), 0, Answer.NONE, 400.0)
    assert number(image[2:4], "I") == 3
    assert [text_of(image[at : at + 16]) for at in (200, 280, 360)] == ["J-1", "J-2", ""]
    assert not any(image[360:840])


def test_a_completed_block_carries_everything_the_platform_needs() -> None:
    checks = [Check("a", "30", 0, 0), Check("b", "30", 0, 0), Check("c", "30", 0, 0)]
    ended = Ended("J-1", "30", "prog", {"z": 1}, 2, 10.5, 20.25, 1.0, "finished", {"c": 0.3, "a": 0.1}, 1.2345)
    block = completed_block(ended, checks)
    assert len(block) == 80
    assert (text_of(block[0:16]), text_of(block[16:32]), block[32]) == ("J-1", "prog", 2)
    assert (number(block[33:37], "Q"), number(block[37:41], "Q")) == (10500, 20250)
    assert number(block[41:43], "I") == 1234
    assert block[43] == 2
    assert {block[44 + 5 * m]: number(block[45 + 5 * m : 49 + 5 * m], "d") for m in range(2)} == {2: 0.3, 0: 0.1}
    assert (block[74], block[75], text_of(block[76:78])) == (2, 0, "30")
    assert number(block[78:80], "I") == checksum({"z": 1})


def test_a_failed_block_says_why_and_seven_measurements_do_not_overflow() -> None:
    checks = [Check(f"m{n}", "30", 0, 0) for n in range(7)]
    results = {check.measure: 1.0 for check in checks}
    ended = Ended("J" * 32, "1000", "p" * 40, {}, 1, 0, 0, 0.5, "failed", results, 0, "power lost")
    block = completed_block(ended, checks)
    assert len(block) == 80
    assert (block[32], block[43], block[75]) == (3, 6, 2)
    assert text_of(block[0:16]) == "J" * 32
    assert text_of(block[76:78]) == "1000"


def test_a_meter_shows_energy_then_power() -> None:
    image = meter_image(12.5, 3.25)
    assert (number(image[0:4], "d"), number(image[4:8], "d")) == (12.5, 3.25)


def command_registers(kind: int, job: str, program: str, text: str) -> list[int]:
    holding = [0] * HOLDING_COUNT
    holding[1] = kind
    holding[2:18], holding[18:34] = text_words(job, 16), text_words(program, 16)
    holding[38] = len(text)
    holding[39 : 39 + (len(text) + 1) // 2] = text_words(text, (len(text) + 1) // 2)
    return holding


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=2048))
def test_a_command_survives_its_registers(text: str) -> None:
    command = read_command(command_registers(1, "J-1", "prog", text))
    assert command is not None
    assert (command.kind, command.job, command.program, command.text) == (CommandKind.STORE_AND_START, "J-1", "prog", text)


@given(st.integers())
def test_random_registers_never_break_the_reader(seed: int) -> None:
    random = Random(seed)
    command = read_command([random.randrange(65536) for _ in range(HOLDING_COUNT)])
    assert command is None or json.dumps(command.text)


def test_an_unknown_command_or_too_long_a_text_is_no_command() -> None:
    assert read_command(command_registers(9, "J-1", "p", "")) is None
    holding = command_registers(1, "J-1", "p", "{}")
    holding[38] = 2049
    assert read_command(holding) is None
