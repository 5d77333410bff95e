"""Machines for measuring: Modbus servers whose registers change all the time, cheap enough to stand beside what is measured.

`python -m benchmarks.registers FIRST_PORT PORTS UNITS REGISTERS` serves until it is told to stop: on each port so many units
of so many holding registers, which wander by small steps ten times a second.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_REQUEST = struct.Struct(">HHHBBHH")
_READ_HOLDING = 3
_EVERY_S = 0.1


@dataclass
class Machines:
    """The registers of all units on one port, as the bytes that travel."""

    units: int
    registers: int
    chance: np.random.Generator

    def __post_init__(self) -> None:
        self._values = self.chance.integers(1_000, 50_000, (self.units, self.registers)).astype(np.int64)
        self.wander()

    def wander(self) -> None:
        """Every register takes a small step."""
        self._values += self.chance.integers(-3, 4, self._values.shape)
        np.clip(self._values, 0, 65_535, out=self._values)
        self._bytes = [row.astype(">u2").tobytes() for row in self._values]

    def answer(self, frame: bytes) -> bytes:
        """The answer to a request for holding registers."""
        transaction, protocol, _, unit, function, start, count = _REQUEST.unpack(frame)
        if function != _READ_HOLDING or not 1 <= unit <= self.units or start + count > self.registers:
            return struct.pack(">HHHBBB", transaction, protocol, 3, unit, function | 0x80, 2)
        data = self._bytes[unit - 1][2 * start : 2 * (start + count)]
        return struct.pack(">HHHBBB", transaction, protocol, 3 + len(data), unit, function, len(data)) + data


async def serve(first_port: int, ports: int, units: int, registers: int) -> None:
    """Serve until cancelled."""
    machines = [Machines(units, registers, np.random.default_rng(port)) for port in range(ports)]

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, own: Machines) -> None:
        try:
            while True:
                writer.write(own.answer(await reader.readexactly(_REQUEST.size)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    for at, own in enumerate(machines):
        await asyncio.start_server(lambda r, w, own=own: one(r, w, own), "127.0.0.1", first_port + at)  # type: ignore[misc]
    while True:
        await asyncio.sleep(_EVERY_S)
        for own in machines:
            own.wander()


def main(given: Sequence[str]) -> None:
    """Serve what was asked for."""
    first_port, ports, units, registers = map(int, given)
    asyncio.run(serve(first_port, ports, units, registers))


if __name__ == "__main__":
    main(sys.argv[1:])
