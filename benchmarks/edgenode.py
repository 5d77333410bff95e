"""An edge node for measuring: it speaks Sparkplug B over MQTT 3.1.1, as fast as it is told to.

`python -m benchmarks.edgenode PORT GROUP NODE DEVICES METRICS PER_S` is born when it is asked to be, and then sends so many
DDATA a second until it is told to stop: each device in turn, all its metrics, as doubles with an alias and a time each.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time

from plantsim.sparkplug_b_pb2 import Payload

_BEAT_S = 0.01
_DOUBLE, _UINT64 = 10, 8
_KEEPALIVE_S = 60


def packet(kind: int, *parts: bytes) -> bytes:
    """An MQTT control packet: first byte, length, and the rest."""
    body = b"".join(parts)
    left, length = len(body), bytearray()
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((kind,)) + bytes(length) + body


def text(told: str) -> bytes:
    """A text with its length before it."""
    data = told.encode()
    return struct.pack(">H", len(data)) + data


def publication(topic: str, payload: bytes) -> bytes:
    """A PUBLISH of QoS 0."""
    return packet(0x30, text(topic), payload)


class EdgeNode:
    """What one edge node says; its processor time is nobody's."""

    def __init__(self, group: str, node: str, devices: int, metrics: int) -> None:
        self._root, self._node, self._devices = f"spBv1.0/{group}", node, devices
        self._aliases = [range(device * metrics, (device + 1) * metrics) for device in range(devices)]
        self._data = [Payload(metrics=[Payload.Metric(alias=alias) for alias in own]) for own in self._aliases]
        self._seq = self._sent = 0

    def births(self, now_s: float) -> bytes:
        """NBIRTH and every DBIRTH."""
        ms, self._seq = int(1000 * now_s), 0
        born = Payload(timestamp=ms, seq=0, metrics=[Payload.Metric(name="bdSeq", datatype=_UINT64, long_value=1)])
        told = [publication(f"{self._root}/NBIRTH/{self._node}", born.SerializeToString())]
        for device, own in enumerate(self._aliases):
            names = [Payload.Metric(name=f"s{at}", alias=alias, datatype=_DOUBLE, is_null=True) for at, alias in enumerate(own)]
            told.append(self._said("DBIRTH", device, Payload(metrics=names), ms))
        return b"".join(told)

    def data(self, count: int, now_s: float) -> bytes:
        """So many DDATA, each device in turn. The value of metric n is the number of the message, and n sevenths."""
        ms, told = int(1000 * now_s), []
        for _ in range(count):
            self._sent += 1
            device = self._sent % self._devices
            payload = self._data[device]
            for at, metric in enumerate(payload.metrics):
                metric.timestamp, metric.double_value = ms, self._sent + at / 7
            told.append(self._said("DDATA", device, payload, ms))
        return b"".join(told)

    def _said(self, kind: str, device: int, payload: Payload, ms: int) -> bytes:
        self._seq = (self._seq + 1) % 256
        payload.timestamp, payload.seq = ms, self._seq
        return publication(f"{self._root}/{kind}/{self._node}/d{device}", payload.SerializeToString())


async def serve(port: int, group: str, node: str, devices: int, metrics: int, per_s: float) -> None:
    """Connect, be born when asked, send; until cancelled."""
    own = EdgeNode(group, node, devices, metrics)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(packet(0x10, text("MQTT"), b"\x04\x02", struct.pack(">H", _KEEPALIVE_S), text(f"{group}-{node}")))
    writer.write(packet(0x82, b"\x00\x01", text(f"spBv1.0/{group}/NCMD/{node}"), b"\x00"))
    wanted = asyncio.Event()

    async def listen() -> None:
        while first := await reader.read(1):
            length = shift = 0
            while True:
                (digit,) = await reader.readexactly(1)
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    break
            await reader.readexactly(length)
            if first[0] >> 4 == 3:
                wanted.set()

    listening = asyncio.create_task(listen())
    await wanted.wait()
    began, sent = time.monotonic(), 0
    while not listening.done():
        if wanted.is_set():
            wanted.clear()
            writer.write(own.births(time.time()))
            began, sent = time.monotonic(), 0
        due = int((time.monotonic() - began) * per_s) - sent
        writer.write(own.data(due, time.time()))
        sent += due
        await writer.drain()
        await asyncio.sleep(_BEAT_S)


def main(given: list[str]) -> None:
    """Serve what was asked for."""
    port, group, node, devices, metrics, per_s = given
    asyncio.run(serve(int(port), group, node, int(devices), int(metrics), float(per_s)))


if __name__ == "__main__":
    main(sys.argv[1:])
