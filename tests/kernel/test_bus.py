"""The one suite for every bus."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from batchone.kernel.bus import EVENTS, SAMPLES, Bus, Message, matches
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.errors import TryLater


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.engine)])
def bus(request: pytest.FixtureRequest) -> Bus:
    if request.param == "memory":
        return MemoryBus()
    return request.getfixturevalue("nats_bus")


@asynccontextmanager
async def running(coroutine) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition, timeout_s: float = 8.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_consumer_gets_what_was_published_before_it_came_and_after(bus: Bus) -> None:
    got: list[bytes] = []

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.data for m in messages)

    await bus.publish("events.t.a", b"1", id="1")
    async with running(bus.consume(EVENTS, "c", ["events.*.a"], handle)):
        await until(lambda: got == [b"1"])
        await bus.publish("events.t.b", b"other", id="2")
        await bus.publish("events.t.a", b"2", id="3")
        await until(lambda: got == [b"1", b"2"])


async def test_the_same_id_is_stored_once(bus: Bus) -> None:
    got: list[bytes] = []

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.data for m in messages)

    for _ in range(3):
        await bus.publish("events.t.a", b"x", id="same")
    await bus.publish("events.t.a", b"end", id="end")
    async with running(bus.consume(EVENTS, "c", ["events.>"], handle)):
        await until(lambda: b"end" in got)
    assert got == [b"x", b"end"]


async def test_a_handler_that_asks_for_later_gets_the_same_messages_again(bus: Bus) -> None:
    attempts: list[list[bytes]] = []

    async def handle(messages: Sequence[Message]) -> None:
        attempts.append([m.data for m in messages])
        if len(attempts) < 3:
            raise TryLater("t", "not yet", after_s=0.05)

    await bus.publish("events.t.a", b"1", id="1")
    async with running(bus.consume(EVENTS, "c", ["events.>"], handle)):
        await until(lambda: len(attempts) >= 3)
        await asyncio.sleep(0.1)
    assert attempts == [[b"1"]] * 3


async def test_a_handler_that_fails_leaves_the_message_for_the_next_start(bus: Bus) -> None:
    async def fail(messages: Sequence[Message]) -> None:
        raise ValueError("broken")

    await bus.publish("events.t.a", b"1", id="1")
    with pytest.raises(ValueError, match="broken"):
        await bus.consume(EVENTS, "c", ["events.>"], fail)
    assert await bus.pending(EVENTS, "c") == 1


async def test_a_durable_consumer_goes_on_where_it_stopped(bus: Bus) -> None:
    got: list[bytes] = []

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.data for m in messages)

    for n in range(10):
        await bus.publish("events.t.a", str(n).encode(), id=str(n))
    async with running(bus.consume(EVENTS, "c", ["events.>"], handle, batch=4)):
        await until(lambda: len(got) == 10)
        await asyncio.sleep(0.1)
    await bus.publish("events.t.a", b"10", id="10")
    async with running(bus.consume(EVENTS, "c", ["events.>"], handle, batch=4)):
        await until(lambda: len(got) >= 11)
    assert got == [str(n).encode() for n in range(11)]


async def test_a_batch_is_no_larger_than_asked_and_in_order(bus: Bus) -> None:
    sizes: list[int] = []
    got: list[bytes] = []

    async def handle(messages: Sequence[Message]) -> None:
        sizes.append(len(messages))
        got.extend(m.data for m in messages)

    for n in range(30):
        await bus.publish("events.t.a", b"%02d" % n, id=str(n))
    async with running(bus.consume(EVENTS, "c", ["events.>"], handle, batch=8)):
        await until(lambda: len(got) == 30)
    assert max(sizes) <= 8
    assert got == sorted(got)


async def test_what_every_consumer_has_acknowledged_can_be_forgotten_and_nothing_else(bus: Bus) -> None:
    got: dict[str, list[bytes]] = {"a": [], "b": [], "late": []}

    def handler(name: str):
        async def handle(messages: Sequence[Message]) -> None:
            got[name].extend(m.data for m in messages)

        return handle

    assert await bus.forget(SAMPLES) == 0
    for number in range(4):
        await bus.publish("samples.t.c", b"%d" % number, id=str(number))
    assert await bus.forget(SAMPLES) == 0, "nobody has taken anything"
    async with running(bus.consume(SAMPLES, "a", ["samples.>"], handler("a"))):
        await until(lambda: len(got["a"]) == 4)
        await bus.publish("samples.t.c", b"4", id="4")
        await until(lambda: len(got["a"]) == 5)
    async with running(bus.consume(SAMPLES, "b", ["samples.>"], handler("b"))):
        await until(lambda: len(got["b"]) == 5)
    async with asyncio.timeout(8):
        while await bus.pending(SAMPLES, "a") or await bus.pending(SAMPLES, "b"):
            await asyncio.sleep(0.02)
    await bus.publish("samples.t.c", b"5", id="5")
    assert await bus.forget(SAMPLES) == 5
    async with running(bus.consume(SAMPLES, "late", ["samples.>"], handler("late"))):
        await until(lambda: got["late"] == [b"5"])
    async with running(bus.consume(SAMPLES, "a", ["samples.>"], handler("a"))):
        await until(lambda: got["a"][-1] == b"5")


async def test_a_broadcast_reaches_those_who_listen_now(bus: Bus) -> None:
    heard: list[bytes] = []

    async def listener(message: Message) -> None:
        heard.append(message.data)

    await bus.broadcast("live.x", b"nobody hears this")
    async with running(bus.listen("live.*", listener)):
        await asyncio.sleep(0.1)
        await bus.broadcast("live.x", b"hello")
        await until(lambda: heard == [b"hello"])


async def test_a_question_is_answered(bus: Bus) -> None:
    async def answerer(data: bytes) -> bytes:
        return data[::-1]

    async with running(bus.answer("reads.x", answerer)):
        await asyncio.sleep(0.1)
        assert await bus.ask("reads.x", b"abc") == b"cba"


async def test_a_question_nobody_answers_means_try_later(bus: Bus) -> None:
    with pytest.raises(TryLater):
        await bus.ask("reads.nobody", b"", timeout_s=1)


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [("a.*", "a.b", True), ("a.*", "a.b.c", False), ("a.>", "a.b.c", True), ("a.>", "a", False), ("a.b", "a.c", False)],
)
def test_subjects_fit_patterns_as_in_nats(pattern: str, subject: str, fits: bool) -> None:
    assert matches(pattern, subject) is fits
