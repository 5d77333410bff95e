"""A broker may send anything, in pieces of any size: messages, or the session is lost; never more is kept than one packet."""

import asyncio
import struct
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines.connect.broker import Message, Session, _packet, _text


class Wire:
    """The transport's side of a session."""

    def __init__(self) -> None:
        self.sent = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None: ...


def heard(pieces: list[bytes]) -> tuple[list[Message], Session, Wire]:
    async def run() -> tuple[list[Message], Session, Wire]:
        session, wire = Session("nowhere", 1883, "test", answer_s=1.0), Wire()
        session.connection_made(wire)  # type: ignore[arg-type]
        for piece in pieces:
            if not wire.aborted:
                session.data_received(piece)
        return session._came, session, wire

    return asyncio.run(run())


@st.composite
def packets(draw: st.DrawFn) -> tuple[bytes, Message | None]:
    if draw(st.integers(0, 4)) == 0:
        return _packet(
            draw(st.sampled_from([0x40, 0x50, 0x62, 0x70, 0x90, 0xD0])), draw(st.binary(min_size=2, max_size=4))
        ), None
    topic, payload = draw(st.text(st.characters(codec="utf-8"), max_size=9)), draw(st.binary(max_size=200))
    qos, retained = draw(st.integers(0, 1)), draw(st.booleans())
    number = struct.pack(">H", 7) if qos else b""
    return _packet(0x30 | qos << 1 | retained, _text(topic), number, payload), Message(topic, payload, retained)


@settings(max_examples=150, deadline=None)
@given(st.lists(packets(), max_size=8), st.lists(st.integers(0, 900), max_size=9))
def test_messages_are_the_same_however_the_wire_cuts_them(told, cuts: list[int]) -> None:
    data = b"".join(packet for packet, _ in told)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    came, session, wire = heard([data[start:end] for start, end in pairwise(places)])
    assert came == [message for _, message in told if message is not None]
    assert not wire.aborted
    assert session._rest == b""


@settings(max_examples=300, deadline=None)
@given(st.lists(packets(), max_size=3), st.integers(0, 300), st.binary(max_size=30), st.integers(0, 20), st.integers(1, 400))
def test_no_bytes_break_it(told, at: int, put: bytes, cut: int, size: int) -> None:
    data = b"".join(packet for packet, _ in told)
    data = data[:at] + put + data[at + cut :]
    came, _, _ = heard([data[start : start + size] for start in range(0, len(data), size)])
    assert sum(len(message.topic.encode()) + len(message.payload) for message in came) <= len(data)


def test_a_packet_longer_than_any_is_not_waited_for() -> None:
    _, session, wire = heard([b"\x30\xff\xff\xff\x7f" + bytes(100)])
    assert wire.aborted
    assert session._rest == b""


def test_a_topic_that_reaches_into_the_next_packet_is_no_mqtt() -> None:
    for first in (0x30, 0x32):
        came, _, wire = heard([bytes((first, 4)) + b"\x00\x09ab" + _packet(0x30, _text("sound"), b"1")])
        assert (came, wire.aborted) == ([], True)
