"""A machine whose registers hold anything: what they say, `Garbled`, and nothing else; frames of any bytes likewise."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.modbus import registers
from batchone.machines.connect.modbus.driver import _unspoilt

WORD = st.integers(0, 65_535)
LIKELY = st.sampled_from([0, 1, 2, 3, 0x4A31, 0x0041]) | WORD


@settings(max_examples=150, deadline=None)
@given(st.lists(LIKELY, min_size=100, max_size=100), st.integers(0, registers.SIGNAL_PLACES))
def test_no_registers_break_it(words: list[int], places: int) -> None:
    measures = {"J1": ("mass", "torque"), "": ("flow",)}
    for read in (
        lambda: registers.status(words[: registers.STATUS[1]]),
        lambda: registers.completed(words[: registers.BLOCK_SIZE], measures),
        lambda: registers.text(words[:16]),
    ):
        with suppress(Garbled):
            read()
    assert len(registers.signals(words, places)) == places
    assert len(registers.surplus(words, places)) <= registers.SIGNAL_PLACES - places
    registers.meter(words[: registers.METER[1]])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.booleans(), st.integers(0, 30))
def test_no_frame_breaks_it_and_none_grows(body: bytes, headed: bool, length: int) -> None:
    data = b"\0\1\0\0" + length.to_bytes(2, "big") + body if headed else body
    assert len(_unspoilt(False, data)) == len(data) or length < 3
