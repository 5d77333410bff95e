"""What bytes without names may be: guesses, and said to be such."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.guessing import guesses, scan, spans


def told(first: bytes, later: bytes | None = None, read: set[int] | None = None, *, swapped: bool = True):
    answered = (lambda at: at in read) if read is not None else (lambda _: True)
    found = guesses(first, later or first, answered, swapped=swapped)
    return [(guess.at, guess.kind, guess.order, round(guess.value, 3), guess.changed) for guess in found]


def test_a_real_number_is_found_wherever_it_begins_and_small_numbers_are_words() -> None:
    data = struct.pack(">HHfHf", 0, 12, 21.5, 7, -3.25)
    assert told(data) == [
        (2, "word", "abcd", 12, False), (4, "real", "abcd", 21.5, False), (8, "word", "abcd", 7, False),
        (10, "real", "abcd", -3.25, False),
    ]  # fmt: skip


def test_words_the_other_way_round_are_found_where_that_may_be() -> None:
    data = struct.pack(">f", 21.7)
    turned = data[2:] + data[:2]
    assert told(turned) == [(0, "real", "cdab", 21.7, False)]
    assert [kind for _, kind, _, _, _ in told(turned, swapped=False)] == ["word", "word"]


def test_what_is_nothing_is_left_out_unless_it_changed() -> None:
    assert told(bytes(8)) == []
    assert told(bytes(4), b"\0\0\0\5") == [(2, "word", "abcd", 5, True)]


def test_what_was_not_answered_is_no_guess() -> None:
    assert told(struct.pack(">fH", 21.5, 9), read={0, 4}) == [(0, "word", "abcd", 0x41AC, False), (4, "word", "abcd", 9, False)]


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_bytes_break_it(first: bytes, later: bytes) -> None:
    size = min(len(first), len(later))
    ends = [
        guess.at + (4 if guess.kind == "real" else 2)
        for guess in guesses(first[:size], later[:size], lambda _: True, swapped=True)
    ]
    assert ends == sorted(ends)
    assert all(end <= size for end in ends)


async def test_a_stretch_is_read_as_far_as_it_is_answered_and_nothing_beside_it() -> None:
    asked: list[tuple[int, int]] = []

    async def read(first: int, many: int) -> bytes:
        asked.append((first, many))
        if first <= 140 < first + many:
            raise Garbled("machine.garbled", "exception 2")
        return bytes(many)

    span = await scan(read, 100, 100, 50, 1)
    assert span.refused == "exception 2"
    assert 90 < span.answered < 100
    assert not span.read[40]
    assert all(first >= 100 and first + many <= 200 for first, many in asked)
    assert spans(span.read, 100).startswith("100 to 1")
    assert spans([True, False, True, True], 7) == "7, 9 to 10"
