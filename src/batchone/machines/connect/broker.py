"""A session with an MQTT broker, for the protocols that travel over one: MQTT 3.1.1 on asyncio.

A machine sends thousands of small messages a second, and most of what they cost is taking them off the wire. Here they are cut
out of what a socket gave at once, and handed over all together; nothing else is done for each. Numbers in brackets are
sections of the OASIS standard.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Access, Trust

AWAY = (OSError, TimeoutError)
"""What is raised when the broker does not answer, or is lost."""
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PUBREC, _PUBREL, _PUBCOMP, _SUBSCRIBE, _SUBACK, _PING, _PONG, _BYE = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14,
)  # fmt: skip
_REFUSED, _AGAIN = 0x80, 0x08
_WAITING_MAX = 5_000
_PACKET_MAX = 16_000_000
"""A packet that says it is longer is not waited for: what comes meanwhile would have to be kept."""
_FILTERS_AT_ONCE = 20
_LENGTH_BYTES_MAX = 4
_NO_ENTRY = {4: "user or password is wrong", 5: "it does not let us in"}
_WHY = {1: "it does not speak MQTT 3.1.1", 2: "it does not take our client id", 3: "its service is not there"}


class Message(NamedTuple):
    """What was published under a topic; `retained` where it was published before we listened."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True)
class Will:
    """What the broker publishes for us, QoS 1 and retained, when we are lost."""

    topic: str
    payload: bytes


class Session(asyncio.Protocol):
    """One clean session. Messages wait until they are taken by `heard`; when many wait, the broker is held back.

    An encrypted one goes on only if the broker's certificate was approved, as an OPC UA server's must be: the handshake proves
    that the broker holds its key, and no password is sent before. A message of QoS 1 or 2 is acknowledged when it is taken.
    `open`, `subscribe`, `publish` and `heard` raise one of `AWAY` once the broker is lost, and `Refused` where it does not let
    us in.
    """

    def __init__(
        self, host: str, port: int, client: str, *, answer_s: float, access: Access | None = None, trust: Trust | None = None,
        will: Will | None = None, keepalive_s: int = 15,
    ) -> None:  # fmt: skip
        self._host, self._port, self._client = host, port, client
        self._answer_s, self._keepalive_s = answer_s, keepalive_s
        self._access, self._trust, self._will = access or Access(), trust, will
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._came: list[Message] = []
        self._owed: dict[int, bytes] = {}
        self._taken: set[int] = set()
        self._news = asyncio.Event()
        self._answers: dict[tuple[int, int], asyncio.Future[bytes]] = {}
        self._number = 0
        self._heard_s = 0.0
        self._lost: Exception | None = None
        self._pinging: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and introduce ourselves."""
        access, loop = self._access, asyncio.get_running_loop()
        password = self._trusted().secret(access.password_file) if access.user else ""
        tls = _approved_later() if access.tls else None
        async with asyncio.timeout(self._answer_s):
            await loop.create_connection(lambda: self, self._host, self._port, ssl=tls)
            if tls is not None:
                await self._check_certificate()
            answer = await self._ask(_CONNACK, 0, self._hello(password))
        code = answer[1] if len(answer) > 1 else -1
        if code in _NO_ENTRY:
            raise Refused(
                "mqtt.login", f"{self._host}:{self._port} refuses us: {_NO_ENTRY[code]}.", "Correct user and password_file."
            )
        if code:
            raise ConnectionError(_WHY.get(code, f"the broker answered {code}"))
        self._pinging = asyncio.create_task(self._ping())

    async def _check_certificate(self) -> None:
        shown = self._transport.get_extra_info("ssl_object").getpeercert(binary_form=True) if self._transport else b""
        await self._trusted().check(f"{self._host}:{self._port}", shown)

    def _trusted(self) -> Trust:
        if self._trust is None:
            raise Refused("mqtt.nobody", "There are no secrets and no certificates here.", "Connect through the platform.")
        return self._trust

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Listen to filters of topics, each with its QoS; `Refused` names those that the broker does not allow."""
        refused: list[str] = []
        for first in range(0, len(filters), _FILTERS_AT_ONCE):  # a broker may take a while for each
            some, number = filters[first : first + _FILTERS_AT_ONCE], self._next()
            told = b"".join(_text(each) + bytes((qos,)) for each, qos in some)
            answer = await self._asked(_SUBACK, number, _packet(_SUBSCRIBE << 4 | 2, struct.pack(">H", number), told))
            refused += [each for (each, _), code in zip(some, answer[2:], strict=False) if code == _REFUSED]
        if refused:
            raise Refused(
                "mqtt.forbidden", f"{self._host}:{self._port} does not let us listen to {', '.join(refused)[:300]}.",
                "Let the broker allow it to this user.",
            )  # fmt: skip

    async def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Publish; of QoS 1, wait until the broker has it."""
        number = self._next() if qos else 0
        head = struct.pack(">H", number) if qos else b""
        packet = _packet(_PUBLISH << 4 | qos << 1 | retain, _text(topic), head, payload)
        if qos:
            await self._asked(_PUBACK, number, packet)
        else:
            self._send(packet)

    async def heard(self) -> list[Message]:
        """Wait until something came; all of it."""
        while not self._came:
            self._check()
            self._news.clear()
            await self._news.wait()
        came, self._came = self._came, []
        if self._owed:
            owed, self._owed = self._owed, {}
            if self._lost is None:
                self._send(b"".join(owed.values()))
        if self._transport is not None and self._lost is None:
            self._transport.resume_reading()
        return came

    async def close(self) -> None:
        """Say goodbye, so that the will is not told, and let go; never raises for a broker that is gone."""
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)
        if self._transport is not None:
            if self._lost is None:
                self._transport.write(_packet(_BYE << 4))
            self._transport.close()
            self._transport = None
        self._lose(ConnectionError("the connection was closed"))

    # What the loop tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = transport  # type: ignore[assignment] # a stream's is one
        self._heard_s = asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self._lose(exc or ConnectionError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Cut packets out of what came."""
        if self._lost is not None:
            return
        self._heard_s = asyncio.get_running_loop().time()
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self._cut(data) :]
        except (ValueError, IndexError, struct.error):
            self._rest = b""
            self._lose(ConnectionError("the broker sent what is no MQTT"))
            if self._transport is not None:
                self._transport.abort()
            return
        if self._came:
            self._news.set()
            if len(self._came) > _WAITING_MAX and self._transport is not None:
                self._transport.pause_reading()

    def _cut(self, data: bytes) -> int:
        """Take all whole packets; where the rest begins."""
        at, end, came = 0, len(data), self._came
        while end - at >= 2:
            first, length, body = data[at], data[at + 1], at + 2
            if length > 127:
                found = _length(data, at + 1)
                if found is None:
                    break
                length, body = found
                if length > _PACKET_MAX:
                    raise ValueError("a packet longer than any")
            stop = body + length
            if stop > end:
                break
            if first >> 4 == _PUBLISH:
                start = body + 2 + (data[body] << 8 | data[body + 1])
                if start + (2 if first & 6 else 0) > stop:
                    raise ValueError("a topic longer than its packet")
                topic = data[body + 2 : start].decode()
                if first & 6:
                    if self._owe(first, data[start : start + 2]):
                        came.append(Message(topic, data[start + 2 : stop], bool(first & 1)))
                else:
                    came.append(Message(topic, data[start:stop], bool(first & 1)))
            else:
                self._control(first >> 4, data[body:stop])
            at = stop
        return at

    def _owe(self, first: int, number: bytes) -> bool:
        """Note that a message is to be acknowledged; whether it is new. One of QoS 1 that was not acknowledged for long comes
        again under its number, and says so [3.3.1.1]."""
        (told,), qos = struct.unpack(">H", number), first >> 1 & 3
        new = not (first & _AGAIN and told in self._owed) if qos == 1 else told not in self._taken
        self._owed[told] = _packet((_PUBACK if qos == 1 else _PUBREC) << 4, number)
        if qos == 2:
            self._taken.add(told)
        return new

    def _control(self, kind: int, body: bytes) -> None:
        if kind == _PUBREL:
            self._taken.discard(struct.unpack(">H", body[:2])[0])
            self._send(_packet(_PUBCOMP << 4, body[:2]))
            return
        number = struct.unpack(">H", body[:2])[0] if kind in (_PUBACK, _SUBACK) else 0
        answer = self._answers.get((kind, number))
        if answer is not None and not answer.done():
            answer.set_result(body)

    # What we say

    def _hello(self, password: str) -> bytes:
        will, user = self._will, self._access.user
        flags, told = 0x02, [_text(self._client)]
        if will is not None:
            flags |= 0x2C  # QoS 1, retained [3.1.2.6, 3.1.2.7]
            told += [_text(will.topic), struct.pack(">H", len(will.payload)), will.payload]
        if user:
            flags |= 0xC0
            told += [_text(user), _text(password)]
        return _packet(_CONNECT << 4, _text("MQTT"), bytes((4, flags)), struct.pack(">H", self._keepalive_s), *told)

    async def _asked(self, kind: int, number: int, packet: bytes) -> bytes:
        async with asyncio.timeout(self._answer_s):
            return await self._ask(kind, number, packet)

    async def _ask(self, kind: int, number: int, packet: bytes) -> bytes:
        """Send, and wait for the answer of a kind with our number."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[kind, number] = answer
        try:
            self._send(packet)
            return await answer
        finally:
            del self._answers[kind, number]

    def _send(self, packet: bytes) -> None:
        self._check()
        if self._transport is not None:
            self._transport.write(packet)

    async def _ping(self) -> None:
        """Show that we live, and find out whether the broker does [3.1.2.10]."""
        while self._lost is None:
            await asyncio.sleep(self._keepalive_s / 2)
            silent_s = asyncio.get_running_loop().time() - self._heard_s
            if silent_s > self._keepalive_s and self._transport is not None and self._transport.is_reading():
                self._lose(TimeoutError("the broker says nothing any more"))
                self._transport.abort()
            with contextlib.suppress(*AWAY):
                self._send(_packet(_PING << 4))

    def _lose(self, error: Exception) -> None:
        self._lost = self._lost or error
        self._news.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._lost)

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _next(self) -> int:
        self._number = self._number % 65_535 + 1
        return self._number


def _approved_later() -> ssl.SSLContext:
    """Encryption of today, to whoever has the key of the certificate that he shows; whose that is, is judged by us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """The length that stands there and where it ends, if all of it is there [2.2.3]; `ValueError` when it is none."""
    value = 0
    for place in range(_LENGTH_BYTES_MAX):
        if at + place >= len(data):
            return None
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a length of more than four bytes")


def _packet(first: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    left, length = len(body), bytearray()
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((first,)) + bytes(length) + body


def _text(told: str) -> bytes:
    data = told.encode()
    return struct.pack(">H", len(data)) + data
