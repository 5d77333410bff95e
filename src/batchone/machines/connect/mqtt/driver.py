"""How topics are listened to, with aiomqtt on MQTT 3.1.1; what their payloads say is in `payloads`."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiomqtt import Client, MqttError
from aiomqtt.message import Message

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import seconds
from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, UNCERTAIN
from batchone.machines.connect.driver import Inbox, Reach, Reading, ReadOnly, Seen, away, unheard
from batchone.machines.connect.mqtt import payloads
from batchone.machines.connect.proposing import LISTED_MAX, propose
from batchone.machines.connect.wiring import Wiring

_SETTINGS = frozenset({"listen", "qos", "time", "format"})
_AWAY = (MqttError, OSError, TimeoutError)
_AT_ONCE = 5_000
_KEEPALIVE_S = 15
_PROBE_S = 3.0


class MqttDriver(ReadOnly):
    """One MQTT client that listens to the topics of its addresses.

    Settings: `listen`, a filter of topics to hear besides, whose numbers go to quarantine; `qos` (0) of the subscriptions;
    `time`, the keys of the time within a payload, and its `format` (`ms`). A retained message without a time of its own is
    uncertain: nobody says how old it is.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        strange = wiring.settings.keys() - _SETTINGS
        self._qos, self._format = wiring.settings.get("qos", "0"), wiring.settings.get("format", "ms")
        if strange or self._qos not in ("0", "1", "2") or self._format not in (*payloads.SCALES, "iso") or not wiring.host:
            what = f"{wiring.connection}: an MQTT connection has a host, and a qos of 0 to 2 and a format of iso, s, ms or us."
            raise Refused("mqtt.setting", what, f"Its settings are: {', '.join(sorted(_SETTINGS))}.")
        self.address = wiring.url
        self._topics = payloads.Topics(wiring.points)
        listen = [payloads.check_listen(wiring.settings["listen"])] if "listen" in wiring.settings else []
        self._filters = [*self._topics.filters, *listen]
        self._time = payloads.place_of(f"t#{wiring.settings['time']}").keys if "time" in wiring.settings else ()
        self._connection = wiring.connection
        self._clock = clock
        self._client = Client(
            wiring.host, wiring.port or 1883, identifier=f"{reach.client}-{wiring.connection}", timeout=reach.answer_s,
            keepalive=_KEEPALIVE_S,
        )  # fmt: skip
        self._stack = contextlib.AsyncExitStack()
        self._inbox = Inbox()

    async def open(self) -> None:
        """Connect and subscribe."""
        try:
            await self._stack.enter_async_context(self._client)
            if self._filters:
                await self._client.subscribe([(each, int(self._qos)) for each in self._filters])
        except _AWAY as error:
            raise away(self.address, error) from error

    async def read(self) -> Reading:
        """Wait for a message, and take all that came with it."""
        messages = self._client.messages
        try:
            while not self._inbox:
                self._take(await anext(messages))
                for _ in range(min(len(messages), _AT_ONCE)):
                    self._take(await anext(messages))
        except _AWAY as error:
            raise away(self.address, error) from error
        return self._inbox.take()

    async def close(self) -> None:
        """Disconnect."""
        with contextlib.suppress(*_AWAY):
            await self._stack.aclose()

    def _take(self, message: Message) -> None:
        if not message.payload:  # so a retained message is taken back; it says nothing
            return
        topic, now_us = str(message.topic), columns.to_us(self._clock.now())
        try:
            told = payloads.read(message.payload)
            time_us, quality = now_us, UNCERTAIN if message.retain else GOOD
            if self._time:
                time_us, quality = payloads.time_us(payloads.at(told, self._time), self._format), GOOD
        except KeyError:
            self._inbox.fault(f"{self._connection}/{topic}", f"It has no time at {'.'.join(self._time)}.")
            return
        except (ValueError, OverflowError) as error:
            self._inbox.fault(f"{self._connection}/{topic}", str(error)[:200])
            return
        declared = self._topics.of(topic)
        for keys, path in declared:
            try:
                value = payloads.number(payloads.at(told, keys))
            except KeyError:
                continue
            except (ValueError, OverflowError) as error:
                self._inbox.fault(path, str(error)[:200])
                continue
            bad = value is None
            self._inbox.samples.add(path, time_us, now_us, math.nan if value is None else value, BAD if bad else quality)
        if not declared:
            for keys, value in payloads.leaves(told):
                path = f"{self._connection}/{payloads.address_of(topic, keys)}"
                self._inbox.samples.add(path, time_us, now_us, value, quality)


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,  # noqa: ARG001
) -> Probed:  # fmt: skip
    """Listen for a moment (`for`, 3 s) to `listen` (`#`), and propose what was heard."""
    listen = payloads.check_listen(settings.get("listen", "#"))
    for_s = min(max(seconds(settings["for"]), 0.1), 60.0) if "for" in settings else _PROBE_S
    parts = urlsplit(url)
    heard: dict[str, float] = {}
    try:
        async with Client(parts.hostname or "", parts.port or 1883, timeout=5.0, keepalive=_KEEPALIVE_S) as client:
            await client.subscribe(listen)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    async for message in client.messages:
                        with contextlib.suppress(ValueError):
                            for keys, value in payloads.leaves(payloads.read(message.payload)):
                                heard[payloads.address_of(str(message.topic), keys)] = value
                        seen(len(heard))
                        if len(heard) > 2 * LISTED_MAX:
                            break
    except _AWAY as error:
        raise away(url, error) from error
    found = (Found(address, address, "number", "", f"{value:g}") for address, value in sorted(heard.items()))
    listed, rest = propose(found, model)
    notes = () if listed else (f"Nothing was published to {listen} within {for_s:g} s.",)
    return Probed(url, "mqtt", "an MQTT broker", "none: nothing is signed or encrypted", listed, rest, notes)
