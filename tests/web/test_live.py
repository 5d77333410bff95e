"""The event streams: a snapshot first, one producer for all viewers, short queues, and an end for everything."""

import asyncio
from collections.abc import Callable

import pytest

from batchone.kernel.errors import TryLater
from batchone.web import live
from batchone.web.live import BEAT, QUEUE_MESSAGES, LiveHub, Regions, message, region, whole


class Ticks:
    """Sleeps that end when the test says so."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        await self._gate.acquire()

    async def go(self, times: int = 1) -> None:
        for _ in range(times):
            self._gate.release()
            for _ in range(10):
                await asyncio.sleep(0)


class Counter:
    """A topic that counts its ticks."""

    def __init__(self, key: str = "counter") -> None:
        self.key, self.every_s = key, 1.0
        self.count = 0
        self.fails: Exception | None = None
        self.silent = False

    async def snapshot(self) -> bytes:
        return message(f"all {self.count}")

    async def tick(self) -> bytes | None:
        if self.fails:
            raise self.fails
        self.count += 1
        return None if self.silent else message(f"tick {self.count}")


class Hours:
    """Time that goes on only when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._until: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        until = self.now_s + seconds, asyncio.Event()
        self._until.append(until)
        try:
            await until[1].wait()
        finally:
            self._until.remove(until)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def go(self, seconds: float) -> None:
        """Let so much time pass, sleep by sleep."""
        end_s = self.now_s + seconds
        await self.settle()
        while due := [each for each in self._until if each[0] <= end_s + 1e-9]:
            first = min(due, key=lambda each: each[0])
            self.now_s = max(self.now_s, first[0])
            first[1].set()
            await self.settle()
        self.now_s = end_s


class Woken(Counter):
    """A counter that is woken, and that may change while it reads."""

    def __init__(self, key: str = "woken") -> None:
        super().__init__(key)
        self.least_s = 0.1
        self.wake: Callable[[], None] = lambda: None
        self.listening = False
        self.wakes_itself = False
        self.deaf: Exception | None = None

    async def listen(self, wake: Callable[[], None]) -> None:
        self.wake, self.listening = wake, True
        try:
            if self.deaf:
                raise self.deaf
            await asyncio.Event().wait()
        finally:
            self.listening = False

    async def tick(self) -> bytes | None:
        if self.wakes_itself:
            self.wakes_itself = False
            self.wake()
        return await super().tick()


def test_messages_follow_the_event_stream_format() -> None:
    assert message("<p>\n a\n\n</p>") == b"data: <p>\ndata:  a\ndata: </p>\n\n"
    assert message("{}", event="frame") == b"event: frame\ndata: {}\n\n"
    assert message("") == b"data: \n\n"


def test_only_regions_that_changed_are_sent() -> None:
    regions = Regions()
    assert regions.changed({"a": "1", "b": "2"}) == whole({"a": "1", "b": "2"})
    assert regions.changed({"a": "1", "b": "2"}) is None
    assert regions.changed({"a": "1", "b": "3"}) == message(region("b", "3"))


async def test_each_viewer_gets_a_snapshot_and_then_the_same_ticks() -> None:
    ticks, topic = Ticks(), Counter()
    hub = LiveHub(ticks.sleep)
    first, second = hub.watch(topic), hub.watch(Counter())
    assert await anext(first) == message("all 0")
    await ticks.go()
    assert await anext(second) == message("all 1")
    await ticks.go()
    assert [await anext(first), await anext(first)] == [message("tick 1"), message("tick 2")]
    assert await anext(second) == message("tick 2")
    assert (hub.viewers, topic.count) == (2, 2)
    await first.aclose()
    await second.aclose()
    assert hub.viewers == 0


async def test_a_slow_viewer_loses_the_oldest_and_never_holds_more_than_its_queue() -> None:
    ticks, topic = Ticks(), Counter()
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    await ticks.go(10)
    got = [await anext(stream) for _ in range(QUEUE_MESSAGES)]
    assert got == [message(f"tick {number}") for number in (7, 8, 9, 10)]
    await stream.aclose()


async def test_when_nothing_changed_a_beat_tells_that_the_stream_lives() -> None:
    ticks, topic = Ticks(), Counter()
    topic.silent = True
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    await ticks.go()
    assert await anext(stream) == BEAT
    await stream.aclose()


async def test_an_answer_that_is_late_makes_silence_and_the_stream_goes_on_by_itself() -> None:
    ticks, topic = Ticks(), Counter()
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    topic.fails = TryLater("x.away", "It does not answer.")
    await ticks.go(3)
    topic.fails = None
    await ticks.go()
    assert await anext(stream) == message("tick 1")
    await stream.aclose()


async def test_a_topic_that_breaks_ends_its_streams_and_the_next_viewer_starts_it_anew() -> None:
    ticks, topic = Ticks(), Counter()
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    topic.fails = ZeroDivisionError()
    await ticks.go()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    again = hub.watch(Counter())
    assert await anext(again) == message("all 0")
    await ticks.go()
    assert await anext(again) == message("tick 1")
    await again.aclose()


async def test_the_last_viewer_to_leave_stops_the_work() -> None:
    ticks, topic = Ticks(), Counter()
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    await stream.aclose()
    await ticks.go(2)
    assert topic.count == 0


async def test_closing_the_hub_ends_every_stream() -> None:
    hub = LiveHub(Ticks().sleep)
    streams = [hub.watch(Counter(f"topic {number}")) for number in range(3)]
    for stream in streams:
        await anext(stream)
    await hub.close()
    for stream in streams:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_stream_ends_after_a_while_so_that_the_page_is_asked_again_who_it_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "STREAM_S", -1.0)
    ticks = Ticks()
    hub = LiveHub(ticks.sleep)
    stream = hub.watch(Counter())
    await anext(stream)
    await ticks.go()
    assert await anext(stream) == message("tick 1")
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert hub.viewers == 0


async def test_a_topic_that_is_woken_ticks_at_once() -> None:
    time, topic = Hours(), Woken()
    stream = LiveHub(time.sleep).watch(topic)
    await anext(stream)
    await time.go(0.3)
    assert topic.count == 0
    topic.wake()
    await time.go(0.0)
    assert topic.count == 1
    assert await anext(stream) == message("tick 1")
    await stream.aclose()


async def test_one_that_is_woken_all_the_time_rests_after_each_tick_and_tells_the_last_change() -> None:
    time, topic = Hours(), Woken()
    stream = LiveHub(time.sleep).watch(topic)
    await anext(stream)
    await time.go(0.2)
    for _ in range(100):
        topic.wake()
        await time.go(0.01)
    assert 9 <= topic.count <= 11
    topic.wake()
    before = topic.count
    await time.go(0.1)
    assert topic.count == before + 1
    await stream.aclose()


async def test_what_changes_while_a_tick_reads_is_told_by_the_next_one() -> None:
    time, topic = Hours(), Woken()
    stream = LiveHub(time.sleep).watch(topic)
    await anext(stream)
    await time.go(0.2)
    topic.wakes_itself = True
    topic.wake()
    await time.go(0.15)
    assert topic.count == 2
    await stream.aclose()


async def test_a_topic_that_nobody_wakes_keeps_its_beat() -> None:
    time, topic = Hours(), Woken()
    stream = LiveHub(time.sleep).watch(topic)
    await anext(stream)
    await time.go(3.0)
    assert topic.count == 3
    await stream.aclose()


async def test_it_listens_only_while_somebody_watches() -> None:
    time, topic = Hours(), Woken()
    hub = LiveHub(time.sleep)
    stream = hub.watch(topic)
    await anext(stream)
    await time.settle()
    assert topic.listening
    await stream.aclose()
    assert not topic.listening


async def test_a_topic_that_cannot_listen_ends_its_streams_instead_of_telling_late() -> None:
    time, topic = Hours(), Woken()
    topic.deaf = ZeroDivisionError()
    stream = LiveHub(time.sleep).watch(topic)
    await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
