"""The bus: one port for durable messages, live broadcasts and questions; NATS and memory stand behind it.

Durable messages are acknowledged only after their handler returned (at least once; handlers may run twice). A handler
that raises `TryLater` gets the same messages again after the stated time; any other error leaves them unacknowledged and
reaches the supervisor. Broadcasts are for live pictures and wake-ups: they may be lost and nothing may depend on them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """What came in: its subject and its bytes; `attempt` counts deliveries from 1, and anew in a new process. `id` is the one
    that a durable message was published under."""

    subject: str
    data: bytes
    attempt: int = 1
    id: str = ""


@dataclass(frozen=True)
class Behind:
    """How far the hub of a plant is behind an edge: messages that the edge keeps and the hub has not acknowledged, and for how
    many real seconds the oldest has waited. Nothing where the bus is the hub's own."""

    messages: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True)
class Stream:
    """A durable stream: its subjects (NATS wildcards) and its bounds.

    Where the oldest goes first, a bound that is reached costs what nobody may have read yet. One that `keeps` takes nothing
    new instead, so that who publishes waits; it is emptied by `forget`, of what all of its consumers have acknowledged.
    """

    name: str
    subjects: tuple[str, ...]
    max_age_s: float = 7 * 86400
    max_bytes: int = 2 * 1024**3
    duplicate_window_s: float = 120
    keeps: bool = False


EVENTS = Stream("EVENTS", ("events.>",))
SAMPLES = Stream("SAMPLES", ("samples.>",), max_age_s=0, max_bytes=4 * 1024**3, keeps=True)
STREAMS = (EVENTS, SAMPLES)

Handler = Callable[[Sequence[Message]], Awaitable[None]]
Listener = Callable[[Message], Awaitable[None]]
Answerer = Callable[[bytes], Awaitable[bytes]]


class Bus(Protocol):
    """What a module may do with the bus."""

    async def publish(self, subject: str, data: bytes, *, id: str) -> None:  # noqa: A002
        """Store a message durably; the same `id` within the stream's window is stored once. `TryLater` if it could not."""
        ...

    async def consume(self, stream: Stream, durable: str, subjects: Sequence[str], handler: Handler, *, batch: int = 1) -> None:
        """Hand stored messages to `handler`, in order, up to `batch` at a time, until cancelled.

        `durable` names the consumer: its place in the stream outlives the process.
        """
        ...

    async def broadcast(self, subject: str, data: bytes) -> None:
        """Tell whoever listens now; silently nobody if the bus is away."""
        ...

    async def listen(self, subject: str, listener: Listener) -> None:
        """Hear broadcasts on `subject` (wildcards allowed) until cancelled."""
        ...

    async def ask(self, subject: str, data: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Ask whoever answers on `subject`; `TryLater` when nobody does in time."""
        ...

    async def answer(self, subject: str, answerer: Answerer, *, at_once: int = 64) -> None:
        """Answer questions on `subject`, up to `at_once` at a time, until cancelled."""
        ...

    async def pending(self, stream: Stream, durable: str) -> int:
        """How many stored messages the durable consumer has not acknowledged."""
        ...

    async def forget(self, stream: Stream) -> int:
        """Drop the messages that every durable consumer of the stream has acknowledged; how many were dropped.

        A stream that nobody consumes forgets nothing.
        """
        ...

    async def behind(self) -> Behind:
        """How far the hub is behind; `TryLater` while the bus is away."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


def matches(pattern: str, subject: str) -> bool:
    """Whether a NATS subject fits a pattern (`*` one word, `>` the rest)."""
    wanted, given = pattern.split("."), subject.split(".")
    for index, word in enumerate(wanted):
        if word == ">":
            return len(given) > index
        if index >= len(given) or word not in ("*", given[index]):
            return False
    return len(wanted) == len(given)
