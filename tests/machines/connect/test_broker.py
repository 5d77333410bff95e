"""A session with whoever answers at the broker's port: pieces, repetitions, silence and nonsense on a real socket."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines.connect.broker import AWAY, Message, Session, _packet, _text
from batchone.machines.connect.driver import Access

WELCOME = b"\x20\x02\x00\x00"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[Session]:
    """A session with a server that a test plays."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    session = Session("127.0.0.1", server.sockets[0].getsockname()[1], "t", answer_s=0.5, keepalive_s=2)
    try:
        yield session
    finally:
        await session.close()
        server.close()


def published(topic: str, payload: bytes, *, qos: int = 0, number: int = 0, again: bool = False) -> bytes:
    head = struct.pack(">H", number) if qos else b""
    return _packet(0x30 | again << 3 | qos << 1, _text(topic), head, payload)


async def taken(session: Session, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += await session.heard()
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_messages_come_whole_in_whatever_pieces_they_arrive(seed: int) -> None:
    chance = random.Random(seed)
    sent = [(f"a/{at}", chance.randbytes(chance.choice([0, 1, 130, 20_000]))) for at in range(40)]
    stream = WELCOME + b"".join(published(*each) for each in sent)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        at = 0
        while at < len(stream):
            size = chance.choice([1, 2, 5, 3_000, 60_000])
            writer.write(stream[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)
            at += size
        await reader.read()

    async with serving(serve) as session:
        await session.open()
        assert [(each.topic, each.payload) for each in await taken(session, len(sent))] == sent


async def test_what_comes_again_is_handed_over_once_and_acknowledged_when_it_is_taken() -> None:
    answered: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        once = [published("a", b"1", qos=1, number=7), published("b", b"2", qos=2, number=8)]
        again = [published("a", b"1", qos=1, number=7, again=True), published("b", b"2", qos=2, number=8, again=True)]
        writer.write(WELCOME + b"".join([*once, *again]))
        answered.append(await reader.read(100))
        writer.write(b"\x62\x02\x00\x08" + published("b", b"3", qos=2, number=8))
        answered.append(await reader.read(100))
        await reader.read()

    async with serving(serve) as session:
        await session.open()
        await asyncio.sleep(0.1)
        assert answered == []
        assert [each.payload for each in await taken(session, 2)] == [b"1", b"2"]
        assert [each.payload for each in await taken(session, 1)] == [b"3"]
    assert answered[0] == b"\x40\x02\x00\x07" + b"\x50\x02\x00\x08"
    assert answered[1].startswith(b"\x70\x02\x00\x08")


@pytest.mark.parametrize(
    "babble", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x30\xff\xff\xff\xff\xff\x01", WELCOME + b"\x30\x03\x00\x09abc" * 3,
               b"\x20\x02\x00\x01", b"\x20\x00", WELCOME + b"\x30\x04\x00\x02\xff\xfe", WELCOME + b"\x90\x01\x00"],
)  # fmt: skip
async def test_somebody_else_at_that_port_is_away(babble: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(babble)

    async with serving(serve) as session:

        async def begin() -> None:
            await session.open()
            await session.subscribe([("a", 0)])

        with pytest.raises(AWAY):
            await begin()


async def test_a_broker_that_says_nothing_any_more_is_lost() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(WELCOME)
        await reader.read()

    async with serving(serve) as session:
        await session.open()
        async with asyncio.timeout(10):
            with pytest.raises(AWAY, match="nothing any more"):
                await session.heard()


@pytest.mark.parametrize("code", [4, 5])
async def test_who_is_not_let_in_is_told_what_to_correct(code: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00" + bytes((code,)))

    async with serving(serve) as session:
        with pytest.raises(Refused, match="password_file"):
            await session.open()


async def test_a_topic_that_is_not_allowed_is_named() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(WELCOME)
        asked = await reader.read(100)
        writer.write(_packet(0x90, asked[2:4], b"\x00\x80"))
        await reader.read()

    async with serving(serve) as session:
        await session.open()
        with pytest.raises(Refused, match=r"listen to theirs\."):
            await session.subscribe([("ours", 0), ("theirs", 0)])


def test_a_user_without_a_password_is_refused() -> None:
    with pytest.raises(Refused, match="comes with"):
        Access(user="line")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=30) | st.sampled_from([WELCOME, published("a/b", b"1", qos=1, number=3), b"\x62\x02"])))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    async def feed() -> None:
        session = Session("nobody", 1, "t", answer_s=1.0)
        for piece in pieces:
            session.data_received(piece)
        await session.close()

    asyncio.run(feed())
