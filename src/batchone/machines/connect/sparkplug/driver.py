"""How Sparkplug messages travel, with aiomqtt on MQTT 3.1.1; what they mean is in `metrics`.

The driver is the host application of one edge node: it says by its own STATE message that it is there, asks for a rebirth
whenever the session is in doubt, and matches each answer with its command.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict

import orjson
from aiomqtt import Client, MqttError, Will
from aiomqtt.message import Message

from batchone.contracts.machines import JobOrder
from batchone.kernel.clock import Clock
from batchone.machines.columns import to_us
from batchone.machines.connect.driver import Garbled, JobResponse, Reach, Reading, away
from batchone.machines.connect.jobs import order_to_json, response_from_json
from batchone.machines.connect.sparkplug.metrics import Answer, EdgeNode, command_payload, rebirth_payload
from batchone.machines.connect.wiring import Wiring

_NODE_KINDS = ("NBIRTH", "NDEATH", "NDATA")
_DEVICE_KINDS = ("DBIRTH", "DDEATH", "DDATA")
_AWAY = (MqttError, OSError, TimeoutError)
_NEXT_TRY = 0.5


class SparkplugDriver:
    """One MQTT client for one edge node, whose devices are the equipment of the connection."""

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        self._reach = reach
        self._clock = clock
        self._root = f"spBv1.0/{wiring.group}"
        self._node_id = wiring.connection
        self.address = f"mqtt://{reach.mqtt_host}:{reach.mqtt_port}/{self._root}/{self._node_id}"
        self._host = f"{reach.client}-{wiring.connection}"
        self._node = EdgeNode(wiring.connection)
        self._client: Client | None = None
        self._stack = contextlib.AsyncExitStack()
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._lost: Exception | None = None
        self._asked_s = self._born_s = -1e9
        self._waiting: dict[tuple[str, str, str], list[asyncio.Future[Answer]]] = defaultdict(list)

    async def open(self) -> None:
        """Connect to the broker, subscribe, ask for a rebirth, and wait until the edge node is born."""
        born_ms = to_us(self._clock.now()) // 1000
        topic = f"spBv1.0/STATE/{self._host}"
        will = Will(topic, _state(born_ms, online=False), qos=1, retain=True)
        client = Client(
            self._reach.mqtt_host, self._reach.mqtt_port, identifier=self._host, will=will,
            timeout=self._reach.answer_s, keepalive=15,
        )  # fmt: skip
        try:
            self._client = await self._stack.enter_async_context(client)
            kinds = [f"{kind}/{self._node_id}" for kind in _NODE_KINDS]
            kinds += [f"{kind}/{self._node_id}/+" for kind in _DEVICE_KINDS]
            await client.subscribe([(f"{self._root}/{kind}", 0) for kind in kinds])
            await client.publish(topic, _state(born_ms, online=True), qos=1, retain=True)
            self._stack.push_async_callback(self._say_goodbye, topic, born_ms)
            self._listening = asyncio.create_task(self._listen(client))
            await self._wait_for_birth()
        except _AWAY as error:
            raise away(self.address, error) from error

    async def _wait_for_birth(self) -> None:
        deadline_s = self._now_s() + self._reach.answer_s
        while not self._node.born:
            if self._lost is not None or self._now_s() > deadline_s:
                raise away(self.address, self._lost or "the edge node was not born")
            await self._ask_rebirth()
            await self._next_news()

    async def _next_news(self) -> None:
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NEXT_TRY):
                await self._news.wait()

    async def read(self) -> Reading:
        """Whatever came in since the last call; waits for something."""
        while True:
            if self._lost is not None:
                raise away(self.address, self._lost)
            if self._listening is not None and self._listening.done():
                self._listening.result()
            if self._node.died:
                raise away(self.address, "the edge node died")
            if self._node.awaited and self._now_s() - self._born_s > self._reach.answer_s:
                self._node.miss()
            if self._node.wants_rebirth:
                await self._ask_rebirth()
            if self._node.inbox:
                return self._node.inbox.take()
            await self._next_news()

    async def close(self) -> None:
        """Say that the host is going, disconnect, and fail every command that waits."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        with contextlib.suppress(*_AWAY):
            await self._stack.aclose()
        self._client = None
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(away(self.address, "the connection was closed"))

    async def start_job(self, equipment: str, order: JobOrder) -> JobResponse:
        """Send StoreAndStart; the answer holds the machine's read-back."""
        answer = await self._command(equipment, "StoreAndStart", order.job, order_to_json(order))
        response = response_from_json(orjson.dumps(answer.body.get("response")).decode())
        if response.job != order.job:
            raise Garbled("machine.garbled", f"{equipment} answered of {response.job} when asked for {order.job}.")
        return response

    async def jobs(self, equipment: str) -> tuple[JobResponse, ...]:
        """All jobs as the device told them last; it tells every change."""
        told = self._node.jobs_of(equipment)
        if told is None:
            raise away(f"{equipment} at {self.address}", "it has not been born")
        return told

    async def clear(self, equipment: str, job: str) -> bool:
        """Send Clear."""
        return _done(await self._command(equipment, "Clear", job, job))

    async def abort(self, equipment: str, job: str) -> bool:
        """Send Abort."""
        return _done(await self._command(equipment, "Abort", job, job))

    def press(self, share: float) -> None:
        """Nothing: the machine decides when it tells."""

    async def _command(self, equipment: str, name: str, job: str, text: str) -> Answer:
        if self._client is None or self._node.jobs_of(equipment) is None:
            raise away(f"{equipment} at {self.address}", "it has not been born")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[equipment, name, job]
        waiting.append(future)
        topic = f"{self._root}/DCMD/{self._node_id}/{equipment}"
        try:
            await self._client.publish(topic, command_payload(name, text, self._clock.now()), qos=0)
            async with asyncio.timeout(self._reach.answer_s):
                return await future
        except _AWAY as error:
            raise away(f"{equipment} at {self.address}", error) from error
        finally:
            waiting.remove(future)
            if not waiting:
                self._waiting.pop((equipment, name, job), None)

    async def _listen(self, client: Client) -> None:
        try:
            async for message in client.messages:
                self._take(message)
                self._news.set()
        except MqttError as error:
            self._lost = error
            self._news.set()

    def _take(self, message: Message) -> None:
        words = str(message.topic).split("/")
        if not isinstance(message.payload, bytes) or len(words) not in (4, 5):
            return
        kind, device = words[2], words[4] if len(words) == 5 else ""
        self._node.take(kind, device, message.payload, self._clock.now())
        if kind == "NBIRTH":
            self._born_s = self._now_s()
        for answer in self._node.answers:
            for future in self._waiting.get((answer.equipment, answer.command, answer.job), ()):
                if not future.done():
                    future.set_result(answer)
        self._node.answers.clear()

    async def _ask_rebirth(self) -> None:
        if self._client is None or self._now_s() - self._asked_s < self._reach.answer_s / 3:
            return
        self._asked_s = self._now_s()
        topic = f"{self._root}/NCMD/{self._node_id}"
        try:
            await self._client.publish(topic, rebirth_payload(self._clock.now()), qos=0)
        except _AWAY as error:
            raise away(self.address, error) from error

    async def _say_goodbye(self, topic: str, born_ms: int) -> None:
        # A clean disconnect takes the will back, so the host says itself that it goes.
        if self._client is not None and self._lost is None:
            await self._client.publish(topic, _state(born_ms, online=False), qos=1, retain=True)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _state(born_ms: int, *, online: bool) -> bytes:
    return orjson.dumps({"online": online, "timestamp": born_ms})


def _done(answer: Answer) -> bool:
    done = answer.body.get("done")
    if not isinstance(done, bool):
        raise Garbled("machine.garbled", f"{answer.equipment} answered {done!r} for yes or no.")
    return done
