"""Live pages: one event stream a page, encoded once a tick for all who watch the same thing.

A topic makes bytes; the hub runs it while somebody watches and hands the same bytes to each viewer's short queue. It ticks on
a beat; one that hears of changes (`Woken`) ticks when it is woken too, and keeps the beat for what nobody tells it. A slow
viewer loses the oldest message, never memory of ours: every message either stands alone (a whole region of the page) or is a
short stretch of a trend whose gap the next snapshot closes. Each (re)connected viewer first gets a snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, runtime_checkable

import structlog
from starlette.responses import StreamingResponse

from batchone.kernel.errors import BatchoneError

QUEUE_MESSAGES = 4
STREAM_S = 900.0
"""Real time after which a stream ends; the page connects again at once, and is asked anew who it is for."""
BEAT = b"event: beat\ndata: 1\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_log = structlog.get_logger(__name__)


class Topic(Protocol):
    """What a page watches. Pages with the same `key` share the work; `every_s` is the real time between ticks."""

    @property
    def key(self) -> str:
        """Names what is told, and in which language and for which rights."""
        ...

    @property
    def every_s(self) -> float:
        """Seconds of real time between two ticks."""
        ...

    async def snapshot(self) -> bytes:
        """The whole state, ready to send."""
        ...

    async def tick(self) -> bytes | None:
        """What changed since the last tick, ready to send; None when nothing did."""
        ...


@runtime_checkable
class Woken(Topic, Protocol):
    """A topic that hears of changes, so that it ticks at once instead of on its next beat."""

    @property
    def least_s(self) -> float:
        """Seconds of real time that it rests after a tick, however often it is woken; less than `every_s`."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` at each change, until cancelled. What is missed is told on the beat."""
        ...


def message(html: str, *, event: str = "") -> bytes:
    """A server-sent event: unnamed ones hold HTML to swap in, named ones reach the page's own script."""
    lines = [f"data: {line}" for line in html.splitlines() if line.strip()] or ["data: "]
    return "\n".join([*([f"event: {event}"] if event else []), *lines, "", ""]).encode()


def region(target: str, html: str) -> str:
    """HTML that takes the place of what `target` (an element id) holds, keeping focus and scroll."""
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'


class Regions:
    """Remembers what each region of a page last held, so that a tick sends only those that changed."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def changed(self, regions: dict[str, str]) -> bytes | None:
        """The regions that differ from what was sent before, as one message; None when none does."""
        new = [region(target, html) for target, html in regions.items() if self._held.get(target) != html]
        self._held.update(regions)
        return message("\n".join(new)) if new else None


def whole(regions: dict[str, str]) -> bytes:
    """All regions as one message."""
    return message("\n".join(region(target, html) for target, html in regions.items()))


class _Broadcast:
    """One running topic and those who watch it."""

    def __init__(self, topic: Topic, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.topic = topic
        self.viewers: set[asyncio.Queue[bytes | None]] = set()
        self._sleep = sleep
        self._woken = topic if isinstance(topic, Woken) else None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"live {topic.key}")
        self._task.add_done_callback(self._ended)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._woken is not None:
                group.create_task(self._woken.listen(self._changed.set))
            group.create_task(self._tick_for_ever())

    async def _until_due(self) -> None:
        """The beat; sooner for a topic that is woken, but not before it has rested."""
        if self._woken is None:
            await self._sleep(self.topic.every_s)
            return
        await self._sleep(self._woken.least_s)
        beat = asyncio.ensure_future(self._sleep(self._woken.every_s - self._woken.least_s))
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({beat, change}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            beat.cancel()
            change.cancel()
        # Cleared before the tick reads: a change that comes meanwhile is told by the next one.
        self._changed.clear()

    async def _tick_for_ever(self) -> None:
        while True:
            await self._until_due()
            try:
                told = await self.topic.tick()
            except BatchoneError as error:
                # Silence is what a viewer must notice: the page goes stale by itself and comes back by itself.
                _log.warning("live.silent", topic=self.topic.key, what=error.what)
                continue
            for queue in self.viewers:
                _put(queue, BEAT if told is None else told)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("live.failed", topic=self.topic.key, exc_info=error)
        for queue in self.viewers:
            _put(queue, None)

    async def stop(self) -> None:
        """End the work, and with it every viewer's stream."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def failed(self) -> bool:
        """Whether the topic ended by an error that it should not have had."""
        return self._task.done()


def _put(queue: asyncio.Queue[bytes | None], told: bytes | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(told)


class LiveHub:
    """All running topics."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._running: dict[str, _Broadcast] = {}

    @property
    def viewers(self) -> int:
        """How many streams are open."""
        return sum(len(broadcast.viewers) for broadcast in self._running.values())

    async def watch(self, topic: Topic) -> AsyncIterator[bytes]:
        """A snapshot, then each tick, until the viewer goes or the topic fails."""
        broadcast = self._running.get(topic.key)
        if broadcast is None or broadcast.failed:
            broadcast = self._running[topic.key] = _Broadcast(topic, self._sleep)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MESSAGES)
        broadcast.viewers.add(queue)
        try:
            yield await broadcast.topic.snapshot()
            until = asyncio.get_running_loop().time() + STREAM_S
            while (told := await queue.get()) is not None:
                yield told
                if asyncio.get_running_loop().time() > until:
                    return
        finally:
            broadcast.viewers.discard(queue)
            if not broadcast.viewers:
                if self._running.get(topic.key) is broadcast:
                    del self._running[topic.key]
                await broadcast.stop()

    def response(self, topic: Topic) -> StreamingResponse:
        """The stream as an HTTP answer."""
        return StreamingResponse(self.watch(topic), media_type="text/event-stream", headers=_HEADERS)

    async def close(self) -> None:
        """End every stream."""
        for broadcast in list(self._running.values()):
            await broadcast.stop()
