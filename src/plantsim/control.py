"""The emulator's panel: a small HTTP server on loopback by which a person or a test makes the plant misbehave.

Requests are few, small and from the same computer, so a reader of forty lines serves them: one request a connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from plantsim.clock import ClockFault
from plantsim.equipment import Equipment
from plantsim.faults import Lie
from plantsim.plant import Plant

_BODY_MAX = 65536
_PATIENCE_S = 10
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}

Body = Mapping[str, Any]
Act = Callable[[Body], Awaitable[None]]


class ControlFault(ValueError):
    """A request that is not carried out, with its HTTP status."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class ControlPort:
    """Serves the panel of one plant."""

    def __init__(self, plant: Plant, host: str, port: int) -> None:
        self._plant = plant
        self._address = (host, port)
        self._server: asyncio.Server | None = None
        self._acts: dict[str, Act] = {
            "/break": self._break,
            "/switch-off": self._switch_off,
            "/drift": self._drift,
            "/lie": self._lie,
            "/mute": self._mute,
            "/garble": self._garble,
            "/unplug": self._unplug,
            "/speed": self._speed,
        }

    @property
    def url(self) -> str:
        """Where it answers; with port 0 the port that was found."""
        port = self._server.sockets[0].getsockname()[1] if self._server else self._address[1]
        return f"http://{self._address[0]}:{port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, *self._address)

    async def stop(self) -> None:
        """Close."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Carry out one request and return status and answer."""
        try:
            if path == "/state":
                _expect(method, "GET")
                return 200, self._plant.view()
            if path not in self._acts:
                raise ControlFault(404, f"there is no {path}; there are /state, {', '.join(self._acts)}")
            _expect(method, "POST")
            await self._acts[path](_read_body(body))
        except ControlFault as fault:
            return fault.status, {"error": str(fault)}
        self._plant.wake()
        return 200, {"ok": True}

    async def _break(self, body: Body) -> None:
        self._equipment(body).break_down(_number(body, "seconds"), self._plant.clock.now())

    async def _switch_off(self, body: Body) -> None:
        self._equipment(body).switch_off(_number(body, "seconds"), self._plant.clock.now())

    async def _drift(self, body: Body) -> None:
        equipment, name = self._equipment(body), _text(body, "signal")
        signals = {signal.id for signal in self._plant.pack.signals_of(equipment.spec)}
        if name not in signals | self._measures(equipment):
            raise ControlFault(404, f"{equipment.spec.id} has no signal or measurement {name!r}")
        by, seconds = _number(body, "by", least=None), _number(body, "seconds", default=0.0)
        equipment.drift(name, by, seconds, self._plant.clock.now())

    async def _lie(self, body: Body) -> None:
        equipment, measure = self._equipment(body), _text(body, "measure")
        if measure not in self._measures(equipment):
            raise ControlFault(404, f"{equipment.spec.id} measures no {measure!r}")
        jobs = int(_number(body, "jobs", default=1.0, least=1.0))
        equipment.faults.lie(measure, Lie(_number(body, "value", least=None), jobs))

    async def _mute(self, body: Body) -> None:
        self._equipment(body).faults.mute_until_real_s = self._plant.clock.real() + _number(body, "seconds")

    async def _garble(self, body: Body) -> None:
        self._equipment(body).faults.garbled_until_real_s = self._plant.clock.real() + _number(body, "seconds")

    async def _unplug(self, body: Body) -> None:
        connection = _text(body, "connection")
        if connection not in self._plant.endpoints:
            raise ControlFault(404, f"there is no connection {connection!r} here")
        await self._plant.unplug(connection, _number(body, "seconds"))

    async def _speed(self, body: Body) -> None:
        try:
            self._plant.clock.set_speed(_number(body, "speed"))
        except ClockFault as fault:
            raise ControlFault(400, str(fault)) from fault

    def _equipment(self, body: Body) -> Equipment:
        id_ = _text(body, "equipment")
        if id_ not in self._plant.equipment:
            raise ControlFault(404, f"there is no equipment {id_!r} here")
        return self._plant.equipment[id_]

    def _measures(self, equipment: Equipment) -> set[str]:
        pack, class_id = self._plant.pack, equipment.spec.class_id
        operations = [one.op for one in pack.operations.values() if one.class_id == class_id]
        return {check.measure for op in operations for check in pack.checks.get(op, ())}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_PATIENCE_S):
                status, answer = await self._read_and_answer(reader)
                payload = json.dumps(answer).encode()
                head = (
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode() + payload)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _read_and_answer(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        request = head[0].split(" ")
        if len(request) != 3:
            return 400, {"error": "this is not HTTP"}
        length = next((line.partition(":")[2] for line in head[1:] if line.lower().startswith("content-length:")), "0")
        if not length.strip().isdigit() or int(length) > _BODY_MAX:
            return 400, {"error": f"the body must have a length of at most {_BODY_MAX} bytes"}
        return await self.answer(request[0], request[1], await reader.readexactly(int(length)))


def _expect(method: str, wanted: str) -> None:
    if method != wanted:
        raise ControlFault(405, f"use {wanted}")


def _read_body(body: bytes) -> Body:
    try:
        told = json.loads(body)
    except ValueError as error:
        raise ControlFault(400, f"the body is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise ControlFault(400, "the body is not a JSON object")
    return told


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ControlFault(400, f"`{key}` must be a text")
    return value


def _number(body: Body, key: str, *, default: float | None = None, least: float | None = 0.0) -> float:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlFault(400, f"`{key}` must be a number")
    if least is not None and value < least:
        raise ControlFault(400, f"`{key}` must be at least {least:g}")
    return float(value)
