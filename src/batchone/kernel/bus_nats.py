"""The bus on NATS with JetStream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, Error, MaxPayloadError, NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError

from batchone.kernel.bus import STREAMS, Answerer, Behind, Handler, Listener, Message, Stream
from batchone.kernel.errors import Broken, TryLater

_log = structlog.get_logger(__name__)
_AWAY = (Error, APIError, TimeoutError, OSError)
_CONNECT_S = 5.0
_ACK_WAIT_S = 10.0  # what died with its process is handed out again after so long; a slow handler reports that it lives
_FETCH_S = 5.0
_AWAY_PAUSE_S = 0.5


class NatsBus:
    """One connection that reconnects for ever; what needs it meanwhile is told to try later."""

    def __init__(self, client: Client, domain: str | None = None) -> None:
        """`domain`: whose JetStream is meant, where that of the server itself is not."""
        self.client = client
        self._js: JetStreamContext = client.jetstream(timeout=5, domain=domain)

    @staticmethod
    async def connect(url: str, name: str) -> NatsBus:
        """Connect and see to it that the streams exist; `TryLater` while the server is away."""
        bus = NatsBus(await client_of(url, name))
        for stream in STREAMS:
            await bus.ensure(stream)
        return bus

    async def ensure(self, stream: Stream) -> None:
        """See to it that a stream exists, as it is declared; `TryLater` while the server is away."""
        config = StreamConfig(
            name=stream.name, subjects=list(stream.subjects), max_age=stream.max_age_s, max_bytes=stream.max_bytes,
            duplicate_window=stream.duplicate_window_s, storage=StorageType.FILE,
            discard=DiscardPolicy.NEW if stream.keeps else DiscardPolicy.OLD,
        )  # fmt: skip
        try:
            await self._js.add_stream(config)
        except BadRequestError:
            await self._js.update_stream(config)
        except _AWAY as error:
            raise TryLater("bus.away", f"NATS could not open the stream {stream.name}: {error!r}.") from error

    async def publish(self, subject: str, data: bytes, *, id: str) -> None:  # noqa: A002
        """Publish and wait for JetStream's word that it is stored."""
        try:
            await self._js.publish(subject, data, headers={"Nats-Msg-Id": id})
        except MaxPayloadError as error:
            raise Broken(
                "bus.too_large", f"A message of {len(data)} bytes on {subject} is too large.", "Say it in several."
            ) from error
        except _AWAY as error:
            raise TryLater("bus.away", f"NATS did not store a message on {subject}: {error!r}.") from error

    async def consume(self, stream: Stream, durable: str, subjects: Sequence[str], handler: Handler, *, batch: int = 1) -> None:
        """Pull batches; acknowledge each after its handler returned. One that is asked to wait keeps the batch and waits.

        What comes later must never overtake what was handed out before and not acknowledged: by a process that died, or
        over a connection that broke. A consumer that is bound anew therefore begins again after the last acknowledgement.
        """
        config = ConsumerConfig(
            durable_name=durable, filter_subjects=list(subjects), ack_policy=AckPolicy.EXPLICIT, ack_wait=_ACK_WAIT_S,
            max_ack_pending=max(batch, 1),
        )  # fmt: skip
        rewound = -1
        while True:
            connection = self.client.stats["reconnects"]
            try:
                pull = await self._bind(stream.name, config, rewind=connection != rewound)
            except _AWAY as error:
                _log.info("bus.waiting", durable=durable, error=repr(error))
                await asyncio.sleep(_AWAY_PAUSE_S)
                continue
            rewound = connection
            try:
                while self.client.stats["reconnects"] == connection:
                    messages = await _fetched(pull, batch, durable)
                    if messages is None:
                        rewound = -1  # behind a leaf link the server may have gone while our own connection stood
                        break
                    await _handled(messages, handler)
            finally:
                await _quietly(pull.unsubscribe())

    async def _bind(self, stream: str, config: ConsumerConfig, *, rewind: bool) -> Any:
        durable = str(config.durable_name)
        try:
            found = await self._js.consumer_info(stream, durable)
        except NotFoundError:
            policy, start = DeliverPolicy.ALL, None
        else:
            policy, start = found.config.deliver_policy or DeliverPolicy.ALL, found.config.opt_start_seq
            if rewind and found.num_ack_pending:
                policy, start = DeliverPolicy.BY_START_SEQUENCE, (found.ack_floor.stream_seq if found.ack_floor else 0) + 1
                await self._js.delete_consumer(stream, durable)
        await self._js.add_consumer(stream, config.evolve(deliver_policy=policy, opt_start_seq=start))
        return await self._js.pull_subscribe_bind(durable, stream)

    async def broadcast(self, subject: str, data: bytes) -> None:
        """Publish without storing."""
        try:
            await self.client.publish(subject, data)
        except _AWAY as error:
            _log.debug("bus.broadcast_lost", subject=subject, error=repr(error))

    async def listen(self, subject: str, listener: Listener) -> None:
        """Listen until cancelled; the client resubscribes by itself after a reconnect."""
        subscription = await self.client.subscribe(subject)
        try:
            async for message in subscription.messages:
                await listener(Message(message.subject, message.data))
        finally:
            await _quietly(subscription.unsubscribe())

    async def ask(self, subject: str, data: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Ask by request and reply; at once `TryLater` while the server is away, since a question is not worth keeping."""
        if not self.client.is_connected:
            raise TryLater("bus.away", f"NATS is away, so nobody can be asked on {subject}.", "See that it runs.")
        try:
            reply = await self.client.request(subject, data, timeout=timeout_s)
        except NoRespondersError as error:
            raise TryLater("bus.no_answer", f"Nobody answers on {subject}.") from error
        except _AWAY as error:
            raise TryLater("bus.away", f"No answer on {subject}: {error!r}.") from error
        return bytes(reply.data)

    async def answer(self, subject: str, answerer: Answerer, *, at_once: int = 64) -> None:
        """Answer in a queue group, so that several processes share the work."""
        gate = asyncio.Semaphore(at_once)

        async def one(message: Msg) -> None:
            async with gate:
                await _quietly(message.respond(await answerer(message.data)))

        subscription = await self.client.subscribe(subject, queue="answer")
        try:
            async with asyncio.TaskGroup() as group:
                async for message in subscription.messages:
                    group.create_task(one(message))
        finally:
            await _quietly(subscription.unsubscribe())

    async def pending(self, stream: Stream, durable: str) -> int:
        """Undelivered and unacknowledged messages of a consumer; 0 if it does not exist yet."""
        try:
            info = await self._js.consumer_info(stream.name, durable)
        except NotFoundError:
            return 0
        except _AWAY as error:
            raise TryLater("bus.away", f"NATS does not tell about {durable}: {error!r}.") from error
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    async def forget(self, stream: Stream) -> int:
        """Purge up to the least acknowledged place of all durable consumers."""
        try:
            consumers = [each for each in await self._js.consumers_info(stream.name) if each.config.durable_name]
            floors = [each.ack_floor.stream_seq if each.ack_floor else 0 for each in consumers]
            before = (await self._js.stream_info(stream.name)).state
            if not floors or min(floors) < before.first_seq:
                return 0
            await self._js.purge_stream(stream.name, seq=min(floors) + 1)
        except _AWAY as error:
            raise TryLater("bus.away", f"NATS could not forget messages of {stream.name}: {error!r}.") from error
        return min(before.messages, int(min(floors)) + 1 - int(before.first_seq))

    async def left(self, stream: Stream, durable: str) -> Behind:
        """What a durable consumer has not acknowledged, and for how long the oldest of it is there."""
        try:
            state = (await self._js.stream_info(stream.name)).state
            first = max(await self._acknowledged(stream, durable) + 1, state.first_seq)
            waiting = state.messages - (first - state.first_seq)
            oldest = (await self._js.get_msg(stream.name, seq=first)).time if waiting > 0 else None
        except NotFoundError:
            return Behind()  # it was taken while we looked
        except _AWAY as error:
            raise TryLater("bus.away", f"NATS does not tell about {durable}: {error!r}.") from error
        return Behind(waiting, max(0.0, time.time() - oldest.timestamp())) if oldest else Behind()

    async def _acknowledged(self, stream: Stream, durable: str) -> int:
        try:
            floor = (await self._js.consumer_info(stream.name, durable)).ack_floor
        except NotFoundError:
            return 0
        return int(floor.stream_seq) if floor else 0

    async def behind(self) -> Behind:
        """Nothing: this is the hub's own."""
        return Behind()

    async def close(self) -> None:
        """Close without waiting for a server that may be gone."""
        await _quietly(self.client.close())


async def client_of(url: str, name: str) -> Client:
    """A client that reconnects for ever; `TryLater` while nobody answers at first."""

    async def on_error(error: Exception) -> None:
        _log.debug("nats", error=repr(error))

    try:
        async with asyncio.timeout(_CONNECT_S):  # the client itself would try for ever
            return await nats.connect(
                url, name=name, max_reconnect_attempts=-1, reconnect_time_wait=0.5, connect_timeout=3,
                allow_reconnect=True, error_cb=on_error, pending_size=64 * 1024**2,
            )  # fmt: skip
    except _AWAY as error:
        raise TryLater("bus.away", f"NATS does not answer at {url}: {error!r}.", "See that it runs.") from error


async def _fetched(pull: Any, batch: int, durable: str) -> list[Msg] | None:
    """What is there, perhaps nothing; None when the server is away and the consumer must be bound anew."""
    try:
        return cast(list[Msg], await pull.fetch(batch, timeout=_FETCH_S))
    except TimeoutError:
        return []
    except _AWAY as error:
        _log.info("bus.waiting", durable=durable, error=repr(error))
        await asyncio.sleep(_AWAY_PAUSE_S)
        return None


async def _handled(messages: list[Msg], handler: Handler) -> None:
    # The server's errors are caught around acknowledging only: one that looks alike and comes from the handler (a full
    # disk is an OSError too) is the supervisor's.
    if not messages:
        return
    done, tries = False, 0
    alive = asyncio.create_task(_report_alive(messages))
    try:
        while not done:
            try:
                await handler([_told(m, tries) for m in messages])
                done = True
            except TryLater as error:
                tries += 1
                await asyncio.sleep(error.after_s)
    finally:
        alive.cancel()
        for message in messages:
            await _quietly(message.ack() if done else message.nak())


def _told(message: Msg, tries: int) -> Message:
    name = (message.headers or {}).get("Nats-Msg-Id", "")
    return Message(message.subject, message.data, message.metadata.num_delivered + tries, name)


async def _report_alive(messages: list[Msg]) -> None:
    while True:
        await asyncio.sleep(_ACK_WAIT_S / 3)
        for message in messages:
            await _quietly(message.in_progress())


async def _quietly(closing: Any) -> None:
    try:
        await closing
    except (*_AWAY, ConnectionClosedError) as error:
        _log.debug("bus.close", error=repr(error))
