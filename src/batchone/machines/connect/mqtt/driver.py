"""How topics are listened to; what their payloads say is in `payloads`."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from urllib.parse import urlsplit

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import seconds
from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, UNCERTAIN
from batchone.machines.connect.broker import AWAY, Message, Session
from batchone.machines.connect.driver import Access, Inbox, Reach, Reading, ReadOnly, Seen, away, unheard
from batchone.machines.connect.mqtt import payloads
from batchone.machines.connect.proposing import LISTED_MAX, propose
from batchone.machines.connect.wiring import Wiring

_SETTINGS = frozenset({"listen", "qos", "time", "format", "user", "password_file"})
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PROBE_S = 3.0
_FULL, _HELD_S = 0.9, 0.5


class MqttDriver(ReadOnly):
    """One MQTT client that listens to the topics of its addresses; over TLS where the url is `mqtts://`.

    Settings: `listen`, a filter of topics to hear besides, whose numbers go to quarantine; `qos` (0) of the subscriptions;
    `time`, the keys of the time within a payload, and its `format` (`ms`); `user` and `password_file`, who we are. A retained
    message without a time of its own is uncertain: nobody says how old it is.
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
        self._session = _session(wiring.url, wiring.settings, f"{reach.client}-{wiring.connection}", reach)
        self._inbox = Inbox()
        self._press = 0.0

    async def open(self) -> None:
        """Connect and subscribe."""
        try:
            await self._session.open()
            if self._filters:
                await self._session.subscribe([(each, int(self._qos)) for each in self._filters])
        except AWAY as error:
            raise away(self.address, error) from error

    async def read(self) -> Reading:
        """Wait for a message, and take all that came with it; nothing while the buffer behind is nearly full."""
        if self._press >= _FULL:
            await asyncio.sleep(_HELD_S)
            return Reading()
        try:
            while not self._inbox:
                for message in await self._session.heard():
                    self._take(message)
        except AWAY as error:
            raise away(self.address, error) from error
        return self._inbox.take()

    async def close(self) -> None:
        """Disconnect."""
        await self._session.close()

    def press(self, share: float) -> None:
        """Leave messages where they are while the buffer behind is nearly full: those of QoS 1 and 2 stay with the broker."""
        self._press = share

    def _take(self, message: Message) -> None:
        if not message.payload:  # so a retained message is taken back; it says nothing
            return
        topic, now_us = message.topic, columns.to_us(self._clock.now())
        try:
            told = payloads.read(message.payload)
            time_us, quality = now_us, UNCERTAIN if message.retained else GOOD
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
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,
) -> Probed:  # fmt: skip
    """Listen for a moment (`probe_for`, 3 s) to `listen` (`#`), and propose what was heard."""
    listen = payloads.check_listen(settings.get("listen", "#"))
    for_s = min(max(seconds(settings["probe_for"]), 0.1), 60.0) if "probe_for" in settings else _PROBE_S
    heard: dict[str, float] = {}
    session = _session(url, settings, f"{reach.client}-probe", reach)
    try:
        await session.open()
        await session.subscribe([(listen, 0)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while len(heard) <= 2 * LISTED_MAX:
                    for message in await session.heard():
                        with contextlib.suppress(ValueError):
                            for keys, value in payloads.leaves(payloads.read(message.payload)):
                                heard[payloads.address_of(message.topic, keys)] = value
                        seen(len(heard))
    except AWAY as error:
        raise away(url, error) from error
    finally:
        await session.close()
    found = (Found(address, address, "number", "", f"{value:g}") for address, value in sorted(heard.items()))
    listed, rest = propose(found, model)
    notes = () if listed else (f"Nothing was published to {listen} within {for_s:g} s.",)
    return Probed(url, "mqtt", "an MQTT broker", _secured(url, settings), listed, rest, notes)


def _session(url: str, settings: Mapping[str, str], client: str, reach: Reach) -> Session:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        cure = "Say the user in the setting user, and the name of the file of the password in password_file."
        raise Refused("mqtt.url", "A url says where a broker is, not who connects to it.", cure)
    access = Access(parts.scheme == "mqtts", settings.get("user", ""), settings.get("password_file", ""))
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return Session(parts.hostname or "", port, client, answer_s=reach.answer_s, access=access, trust=reach.trust)


def _secured(url: str, settings: Mapping[str, str]) -> str:
    who = f"as {settings['user']}" if "user" in settings else "without a user"
    return f"encrypted with TLS, {who}" if url.startswith("mqtts://") else f"none: nothing is encrypted; {who}"
