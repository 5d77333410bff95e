"""What only NATS can do wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from batchone.kernel import bus_nats
from batchone.kernel.bus import EVENTS, Message, Stream
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.errors import Broken, TryLater

pytestmark = pytest.mark.engine


@asynccontextmanager
async def running(coroutine) -> AsyncIterator[asyncio.Task[None]]:  # type: ignore[no-untyped-def]
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition, timeout_s: float = 8.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("failure", [OSError("disk full"), TimeoutError("slow disk"), ConnectionRefusedError("another server")])
async def test_a_handlers_failure_that_looks_like_the_servers_reaches_the_supervisor(
    nats_bus: NatsBus, failure: Exception
) -> None:
    async def fail(messages: Sequence[Message]) -> None:
        raise failure

    await nats_bus.publish("events.t.a", b"1", id="1")
    async with asyncio.timeout(5):
        with pytest.raises(type(failure), match=str(failure)):
            await nats_bus.consume(EVENTS, "c", ["events.>"], fail)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_what_a_handler_did_not_finish_comes_again_at_once(nats_bus: NatsBus, how: str) -> None:
    begun, got = asyncio.Event(), []

    async def stuck(messages: Sequence[Message]) -> None:
        begun.set()
        if how == "fails":
            raise ValueError("broken")
        await asyncio.Event().wait()

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.data for m in messages)

    for n in range(3):
        await nats_bus.publish("events.t.a", str(n).encode(), id=str(n))
    consuming = asyncio.create_task(nats_bus.consume(EVENTS, "c", ["events.>"], stuck, batch=3))
    await begun.wait()
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)
    async with running(nats_bus.consume(EVENTS, "c", ["events.>"], handle, batch=3)):
        await until(lambda: got == [b"0", b"1", b"2"], 3)


async def test_what_a_killed_process_had_in_hand_comes_at_once_and_before_all_that_is_newer(
    nats_bus: NatsBus, nats_url: str
) -> None:
    for n in range(4):
        await nats_bus.publish("events.t.a", str(n).encode(), id=str(n))
    got: list[bytes] = []
    finished = asyncio.Event()

    async def one_then_stuck(messages: Sequence[Message]) -> None:
        if got:
            finished.set()
            await asyncio.Event().wait()
        got.extend(m.data for m in messages)

    killed = await NatsBus.connect(nats_url, "killed")
    consuming = asyncio.create_task(killed.consume(EVENTS, "c", ["events.>"], one_then_stuck, batch=2))
    await finished.wait()
    await killed.close()  # from now on it can neither acknowledge nor give back, as if it were dead
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)
    await nats_bus.publish("events.t.a", b"4", id="4")

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.data for m in messages)

    async with running(nats_bus.consume(EVENTS, "c", ["events.>"], handle, batch=50)):
        await until(lambda: b"4" in got, 4)
    assert got == [b"0", b"1", b"2", b"3", b"4"]


async def test_nothing_overtakes_a_batch_whose_handler_asks_for_later(nats_bus: NatsBus) -> None:
    got: list[bytes] = []
    asked = 0

    async def handle(messages: Sequence[Message]) -> None:
        nonlocal asked
        if messages[0].data == b"0" and asked < 2:
            asked += 1
            await nats_bus.publish("events.t.a", b"newer %d" % asked, id=f"newer {asked}")
            raise TryLater("t", "not yet", after_s=0.3)
        got.extend(m.data for m in messages)

    await nats_bus.publish("events.t.a", b"0", id="0")
    async with running(nats_bus.consume(EVENTS, "c", ["events.>"], handle, batch=10)):
        await until(lambda: len(got) == 3)
    assert got == [b"0", b"newer 1", b"newer 2"]


async def test_a_handler_slower_than_the_servers_patience_is_not_called_twice(
    nats_bus: NatsBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_nats, "_ACK_WAIT_S", 1.0)
    calls = 0

    async def slow(messages: Sequence[Message]) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(2.5)

    await nats_bus.publish("events.t.a", b"1", id="1")
    async with running(nats_bus.consume(EVENTS, "c", ["events.>"], slow)):
        await asyncio.sleep(4.5)
    assert calls == 1
    assert await nats_bus.pending(EVENTS, "c") == 0


async def test_a_consumer_that_hears_more_than_its_last_version_gets_the_new_and_no_old_twice(nats_bus: NatsBus) -> None:
    got: list[str] = []

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(m.subject for m in messages)

    for subject in ("events.t.a", "events.t.b"):
        await nats_bus.publish(subject, b"1", id=subject)
    async with running(nats_bus.consume(EVENTS, "c", ["events.*.a"], handle)):
        await until(lambda: got == ["events.t.a"])
        await asyncio.sleep(0.1)
    async with running(nats_bus.consume(EVENTS, "c", ["events.*.a", "events.*.b"], handle, batch=5)):
        await nats_bus.publish("events.t.b", b"2", id="2")
        await until(lambda: "events.t.b" in got)
        await asyncio.sleep(0.2)
    assert got.count("events.t.a") == 1


async def test_an_answer_that_is_too_large_for_the_bus_spares_the_other_questions(nats_bus: NatsBus) -> None:
    async def answerer(data: bytes) -> bytes:
        return b"x" * int(data)

    async with running(nats_bus.answer("reads.x", answerer)):
        await asyncio.sleep(0.1)
        with pytest.raises(TryLater):
            await nats_bus.ask("reads.x", b"9000000", timeout_s=1)
        assert len(await nats_bus.ask("reads.x", b"7000000", timeout_s=5)) == 7_000_000


async def test_a_message_that_is_too_large_for_the_bus_is_never_going_to_be_stored(nats_bus: NatsBus) -> None:
    with pytest.raises(Broken, match="9000000 bytes"):
        await nats_bus.publish("events.t.a", b"x" * 9_000_000, id="1")


async def test_a_stream_that_keeps_refuses_what_is_new_rather_than_lose_what_is_old(nats_bus: NatsBus) -> None:
    await nats_bus.ensure(Stream("SMALL", ("small.>",), max_age_s=0, max_bytes=20_000, keeps=True))
    for number in range(10):
        await nats_bus.publish("small.a", bytes(1_500), id=str(number))
    with pytest.raises(TryLater):
        await nats_bus.publish("small.a", bytes(10_000), id="large")
    state = (await nats_bus._js.stream_info("SMALL")).state
    assert (state.messages, state.first_seq) == (10, 1)
