"""MQTT Sparkplug B: one edge node per connection, one device per equipment, over MQTT 3.1.1.

The node tries for ever to reach its broker, a little later after each failure. Everything it sends passes one lock, because the
sequence number must tell the order on the wire.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

from aiomqtt import Client, Message, MqttError, Will

from plantsim.clock import PlantClock
from plantsim.equipment import Changes, Equipment, State
from plantsim.payloads import (
    ABORT,
    CLEAR,
    FIRST_DEVICE_ALIAS,
    REBIRTH,
    REBIRTH_ALIAS,
    START,
    DeviceAliases,
    Metric,
    PayloadFault,
    message,
    node_birth,
    node_death,
    read_metrics,
)

logger = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_LAST_S = 0.2, 10.0
_PATIENCE_S = 5.0


class EdgeNode:
    """A Sparkplug edge node with its devices."""

    def __init__(
        self,
        id: str,  # noqa: A002 the connection's own word
        group: str,
        broker: tuple[str, int],
        equipment: Mapping[str, Equipment],
        *,
        clock: PlantClock,
        wake: Callable[[], None],
        random: Random,
        first_birth: int = 0,
        note_birth: Callable[[int], None] = lambda _number: None,
    ) -> None:
        self.id = id
        self.url = f"mqtt://{broker[0]}:{broker[1]}/spBv1.0/{group}/{id}"
        self.equipment = equipment
        self._group = group
        self._broker = broker
        self._clock = clock
        self._wake = wake
        self._random = random
        self._birth = first_birth % 256
        self._note_birth = note_birth
        self._sequence = 0
        self._devices: dict[str, DeviceAliases] = {}
        first = FIRST_DEVICE_ALIAS
        for one in equipment.values():
            self._devices[one.spec.id] = device = DeviceAliases(one, first)
            first = device.beyond
        self._alive: set[str] = set()
        self._client: Client | None = None
        self._order = asyncio.Lock()
        self._born = asyncio.Event()
        self._plugged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to try."""
        self._plugged.set()
        self._task = asyncio.create_task(self._live())

    async def answering(self) -> None:
        """Wait for the first birth."""
        await self._born.wait()

    async def stop(self) -> None:
        """Send NDEATH, since a clean disconnect keeps the broker from sending it, and leave."""
        client = self._client
        if client is not None:
            with suppress(MqttError):
                async with self._order:
                    self._client = None
                    await client.publish(self._topic("NDEATH"), node_death(self._birth, self._clock.now()), timeout=0.5)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def publish(self, equipment: Equipment, changes: Changes, *, garbled: bool) -> None:
        """Send what has changed as DDATA; DDEATH and DBIRTH as the machine goes dark and comes back."""
        await self._say(equipment, changes, garbled=garbled)

    async def unplug(self) -> None:
        """Cut the socket, so that the broker sends the will."""
        self._plugged.clear()
        if self._client is not None:
            # aiomqtt has no way to leave without a goodbye, which is the very thing wanted here.
            wire = self._client._client.socket()  # noqa: SLF001
            if isinstance(wire, socket.socket):
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)

    async def plug(self) -> None:
        """Try again."""
        self._plugged.set()

    async def _live(self) -> None:
        wait_s = _RETRY_FIRST_S
        while True:
            await self._plugged.wait()
            try:
                await self._session()
            except MqttError as error:
                logger.info("%s: %s; next try in %.1f s", self.url, error, wait_s)
            wait_s = _RETRY_FIRST_S if self._client is not None else min(wait_s * 2, _RETRY_LAST_S)
            self._client = None
            await asyncio.sleep(wait_s)

    async def _session(self) -> None:
        """Live from one connect to the loss of the connection."""
        self._note_birth((self._birth + 1) % 256)
        will = Will(self._topic("NDEATH"), node_death(self._birth, self._clock.now()), qos=1)
        client = Client(*self._broker, identifier=f"{self._group}-{self.id}", will=will, timeout=_PATIENCE_S)
        try:
            async with client:
                await client.subscribe([(self._topic("NCMD"), 1), (self._topic("DCMD", "#"), 1)])
                async with self._order:
                    self._client = client
                    await self._send_births()
                self._born.set()
                async for received in client.messages:
                    await self._obey(received)
        finally:
            self._birth = (self._birth + 1) % 256

    async def _send_births(self) -> None:
        now_s = self._clock.now()
        self._sequence = 0
        self._alive = set()
        await self._send("NBIRTH", "", node_birth(self._birth, now_s))
        for id_, device in self._devices.items():
            if device.equipment.state != State.OFFLINE:
                self._alive.add(id_)
                await self._send("DBIRTH", id_, device.birth(now_s))

    async def _say(self, equipment: Equipment, changes: Changes, *, garbled: bool, answer: str | None = None) -> None:
        async with self._order:
            if self._client is None:
                return
            id_, now_s = equipment.spec.id, self._clock.now()
            with suppress(MqttError):  # the session notices the loss itself, and the next birth tells everything
                if equipment.state == State.OFFLINE:
                    if id_ in self._alive:
                        self._alive.discard(id_)
                        await self._send("DDEATH", id_, [])
                elif id_ not in self._alive:
                    self._alive.add(id_)
                    await self._send("DBIRTH", id_, self._devices[id_].birth(now_s))
                elif garbled:
                    await self._client.publish(self._topic("DDATA", id_), self._random.randbytes(40))
                else:
                    await self._send("DDATA", id_, self._devices[id_].data(changes, now_s, answer))

    async def _send(self, kind: str, device: str, metrics: list[Metric]) -> None:
        if self._client is None:
            return
        payload = message(metrics, self._sequence, self._clock.now())
        self._sequence = (self._sequence + 1) % 256
        await self._client.publish(self._topic(kind, device), payload)

    async def _obey(self, received: Message) -> None:
        parts = received.topic.value.split("/")
        try:
            metrics = read_metrics(received.payload if isinstance(received.payload, bytes) else b"")
        except PayloadFault as fault:
            logger.warning("%s: a command is not understood: %s", self.url, fault)
            return
        if parts[2] == "NCMD":
            if any(_asks_rebirth(metric) for metric in metrics):
                async with self._order:
                    await self._send_births()
            return
        device = self._devices.get(parts[-1])
        for metric in metrics if device is not None else []:
            assert device is not None
            await self._command(device, device.name_of(metric), metric.string_value)

    async def _command(self, device: DeviceAliases, name: str, text: str) -> None:
        equipment, now_s, real_s = device.equipment, self._clock.now(), self._clock.real()
        if equipment.state == State.OFFLINE:
            return
        if name == START:
            response = equipment.store_and_start(text, now_s)
            answer = {"command": "StoreAndStart", "job": response["job"], "response": response}
        elif name == CLEAR:
            answer = {"command": "Clear", "job": text, "done": equipment.clear(text, now_s)}
        elif name == ABORT:
            answer = {"command": "Abort", "job": text, "done": equipment.abort(text, now_s)}
        else:
            logger.warning("%s: %s has no command %r", self.url, equipment.spec.id, name)
            return
        self._wake()
        if not equipment.faults.muted(real_s):
            changes = equipment.take_changes(now_s, real_s)
            garbled = equipment.faults.garbled(real_s)
            await self._say(equipment, changes, garbled=garbled, answer=json.dumps(answer, separators=(",", ":")))

    def _topic(self, kind: str, device: str = "") -> str:
        return f"spBv1.0/{self._group}/{kind}/{self.id}" + (f"/{device}" if device else "")


def _asks_rebirth(metric: Metric) -> bool:
    return (metric.name == REBIRTH or metric.alias == REBIRTH_ALIAS) and metric.boolean_value
