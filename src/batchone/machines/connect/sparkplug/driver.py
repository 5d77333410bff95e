"""How Sparkplug messages travel; what they mean is in `metrics`.

The driver is the host application of one edge node: it says by its own STATE message that it is there, asks for a rebirth
whenever the session is in doubt, and matches each answer with its command.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence

import orjson

from batchone.contracts.machines import JobOrder
from batchone.kernel.clock import Clock
from batchone.machines.columns import to_us
from batchone.machines.connect.broker import AWAY, Message, Session, Will
from batchone.machines.connect.driver import Garbled, JobResponse, Reach, Reading, away
from batchone.machines.connect.jobs import order_to_json, response_from_json
from batchone.machines.connect.sparkplug.metrics import Answer, EdgeNode, command_payload, rebirth_payload
from batchone.machines.connect.wiring import Wiring

_NODE_KINDS = ("NBIRTH", "NDEATH", "NDATA")
_DEVICE_KINDS = ("DBIRTH", "DDEATH", "DDATA")
_DATA = ("NDATA", "DDATA")
_NEXT_TRY = 0.5
_MANY, _GATHER_S = 4, 0.05
"""From so many messages at once on, the next ones gather for a moment: read by the hundred, each costs a tenth."""
_TOPICS_MAX = 20_000


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
        self._born_ms = to_us(clock.now()) // 1000
        self._status = f"spBv1.0/STATE/{self._host}"
        self._session = Session(
            reach.mqtt_host, reach.mqtt_port, self._host, answer_s=reach.answer_s, access=reach.mqtt_access,
            trust=reach.trust, will=Will(self._status, _state(self._born_ms, online=False)),
        )  # fmt: skip
        self._said = False
        self._topics: dict[str, tuple[str, str]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._lost: Exception | None = None
        self._asked_s = self._born_s = -1e9
        self._waiting: dict[tuple[str, str, str], list[asyncio.Future[Answer]]] = defaultdict(list)

    async def open(self) -> None:
        """Connect to the broker, subscribe, ask for a rebirth, and wait until the edge node is born."""
        session = self._session
        try:
            await session.open()
            kinds = [f"{kind}/{self._node_id}" for kind in _NODE_KINDS]
            kinds += [f"{kind}/{self._node_id}/+" for kind in _DEVICE_KINDS]
            await session.subscribe([(f"{self._root}/{kind}", 0) for kind in kinds])
            await session.publish(self._status, _state(self._born_ms, online=True), qos=1, retain=True)
            self._said = True
            self._listening = asyncio.create_task(self._listen())
            await self._wait_for_birth()
        except AWAY as error:
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
        if self._said and self._lost is None:
            # A clean disconnect takes the will back, so the host says itself that it goes.
            with contextlib.suppress(*AWAY):
                await self._session.publish(self._status, _state(self._born_ms, online=False), qos=1, retain=True)
        await self._session.close()
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
        if self._node.jobs_of(equipment) is None:
            raise away(f"{equipment} at {self.address}", "it has not been born")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[equipment, name, job]
        waiting.append(future)
        topic = f"{self._root}/DCMD/{self._node_id}/{equipment}"
        try:
            await self._session.publish(topic, command_payload(name, text, self._clock.now()))
            async with asyncio.timeout(self._reach.answer_s):
                return await future
        except AWAY as error:
            raise away(f"{equipment} at {self.address}", error) from error
        finally:
            waiting.remove(future)
            if not waiting:
                self._waiting.pop((equipment, name, job), None)

    async def _listen(self) -> None:
        try:
            while True:
                messages = await self._session.heard()
                self._take(messages)
                self._news.set()
                if len(messages) >= _MANY:
                    await asyncio.sleep(_GATHER_S)
        except AWAY as error:
            self._lost = error
            self._news.set()

    def _take(self, messages: Sequence[Message]) -> None:
        """Take messages in their order, data that follow one another all together."""
        now, data = self._clock.now(), list[tuple[str, bytes]]()
        for topic, payload, _ in messages:
            kind, device = self._topics.get(topic) or self._kind_of(topic)
            if kind in _DATA:
                data.append((device, payload))
                continue
            self._node.take_data(data, now)
            data = []
            if kind:
                self._node.take(kind, device, payload, now)
            if kind == "NBIRTH":
                self._born_s = self._now_s()
        self._node.take_data(data, now)
        for answer in self._node.answers:
            for future in self._waiting.get((answer.equipment, answer.command, answer.job), ()):
                if not future.done():
                    future.set_result(answer)
        self._node.answers.clear()

    def _kind_of(self, topic: str) -> tuple[str, str]:
        """Kind and device of a topic; nothing for one that is none of Sparkplug's."""
        words = topic.split("/")
        told = (words[2], words[4] if len(words) == 5 else "") if len(words) in (4, 5) else ("", "")
        if len(self._topics) < _TOPICS_MAX:
            self._topics[topic] = told
        return told

    async def _ask_rebirth(self) -> None:
        if self._now_s() - self._asked_s < self._reach.answer_s / 3:
            return
        self._asked_s = self._now_s()
        topic = f"{self._root}/NCMD/{self._node_id}"
        try:
            await self._session.publish(topic, rebirth_payload(self._clock.now()))
        except AWAY as error:
            raise away(self.address, error) from error

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _state(born_ms: int, *, online: bool) -> bytes:
    return orjson.dumps({"online": online, "timestamp": born_ms})


def _done(answer: Answer) -> bool:
    done = answer.body.get("done")
    if not isinstance(done, bool):
        raise Garbled("machine.garbled", f"{answer.equipment} answered {done!r} for yes or no.")
    return done
