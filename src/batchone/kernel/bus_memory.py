"""The bus in memory, for tests of one process; the shared suite proves that it behaves like NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from batchone.kernel.bus import STREAMS, Answerer, Behind, Handler, Listener, Message, Stream, matches
from batchone.kernel.errors import TryLater


@dataclass
class _Log:
    messages: list[Message] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)


class MemoryBus:
    """Streams as lists, consumers as places in them."""

    def __init__(self) -> None:
        self._logs = {stream.name: _Log() for stream in STREAMS}
        self._listeners: list[tuple[str, Listener]] = []
        self._answerers: dict[str, Answerer] = {}
        self._closed = False

    async def publish(self, subject: str, data: bytes, *, id: str) -> None:  # noqa: A002
        """Append once per id."""
        if self._closed:
            raise TryLater("bus.closed", "The bus is closed.")
        log = next(self._logs[s.name] for s in STREAMS if any(matches(p, subject) for p in s.subjects))
        async with log.grown:
            if id not in log.ids:
                log.ids.add(id)
                log.messages.append(Message(subject, data))
                log.grown.notify_all()

    async def consume(self, stream: Stream, durable: str, subjects: Sequence[str], handler: Handler, *, batch: int = 1) -> None:
        """Read on from the consumer's place; move it after the handler returned."""
        log = self._logs[stream.name]
        log.places.setdefault(durable, 0)
        log.filters[durable] = tuple(subjects)
        attempt = 1
        while True:
            start = log.places[durable]
            async with log.grown:
                await log.grown.wait_for(lambda place=start: len(log.messages) > place)  # type: ignore[misc]
            end, taken = self._take(log, start, subjects, batch, attempt)
            try:
                if taken:
                    await handler(taken)
            except TryLater as error:
                attempt += 1
                await asyncio.sleep(min(error.after_s, 0.05))
                continue
            attempt = 1
            log.places[durable] = end

    @staticmethod
    def _take(log: _Log, start: int, subjects: Sequence[str], batch: int, attempt: int) -> tuple[int, list[Message]]:
        taken: list[Message] = []
        end = start
        while end < len(log.messages) and len(taken) < batch:
            message = log.messages[end]
            if any(matches(pattern, message.subject) for pattern in subjects):
                taken.append(Message(message.subject, message.data, attempt))
            end += 1
        return end, taken

    async def broadcast(self, subject: str, data: bytes) -> None:
        """Call each listener."""
        for pattern, listener in list(self._listeners):
            if matches(pattern, subject):
                await listener(Message(subject, data))

    async def listen(self, subject: str, listener: Listener) -> None:
        """Listen until cancelled."""
        entry = (subject, listener)
        self._listeners.append(entry)
        try:
            await asyncio.Event().wait()
        finally:
            self._listeners.remove(entry)

    async def ask(self, subject: str, data: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Ask the one who answers."""
        answerer = self._answerers.get(subject)
        if answerer is None:
            raise TryLater("bus.no_answer", f"Nobody answers on {subject}.")
        try:
            return await asyncio.wait_for(answerer(data), timeout_s)
        except TimeoutError as error:
            raise TryLater("bus.away", f"No answer on {subject} within {timeout_s:g} s.") from error

    async def answer(self, subject: str, answerer: Answerer, *, at_once: int = 64) -> None:  # noqa: ARG002
        """Answer until cancelled."""
        self._answerers[subject] = answerer
        try:
            await asyncio.Event().wait()
        finally:
            del self._answerers[subject]

    async def pending(self, stream: Stream, durable: str) -> int:
        """Messages after the consumer's place that fit its subjects."""
        log = self._logs[stream.name]
        rest = log.messages[log.places.get(durable, 0) :]
        return sum(any(matches(p, m.subject) for p in log.filters.get(durable, (">",))) for m in rest)

    async def forget(self, stream: Stream) -> int:
        """Drop what every consumer has passed."""
        log = self._logs[stream.name]
        passed = min(log.places.values(), default=0)
        del log.messages[:passed]
        for durable in log.places:
            log.places[durable] -= passed
        return passed

    async def behind(self) -> Behind:
        """Nothing: there is no hub beyond this."""
        return Behind()

    async def close(self) -> None:
        """Refuse what comes later."""
        self._closed = True
