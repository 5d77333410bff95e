"""The plant: its equipment, the connections it answers at, and the loop that brings both forward."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from plantsim.clock import PlantClock, iso
from plantsim.endpoint import Endpoint
from plantsim.equipment import Equipment
from plantsim.modbus import ModbusEndpoint
from plantsim.pack import Connection, Meter, Pack
from plantsim.sparkplug import EdgeNode
from plantsim.state import FileJournal, Journal, NoJournal, Readings

logger = logging.getLogger(__name__)

_TICK_REAL_S = 0.05
_READINGS_EVERY_REAL_S = 1.0
_STOP_WITHIN_S = 1.5


@dataclass(frozen=True)
class PlantSettings:
    """Where and how a plant runs; `connections` empty means all of the pack's."""

    host: str = "127.0.0.1"
    port_offset: int = 0
    broker: tuple[str, int] = ("127.0.0.1", 1883)
    seed: int = 1
    state: Path | None = None
    breakdowns: bool = False
    connections: tuple[str, ...] = ()


class UnknownConnection(ValueError):
    """A connection was asked for that the pack does not have."""


class Plant:
    """All of a pack's plant, or the part of it at some connections."""

    def __init__(self, pack: Pack, clock: PlantClock, settings: PlantSettings) -> None:
        unknown = set(settings.connections) - set(pack.connections)
        if unknown:
            raise UnknownConnection(f"no connection {', '.join(sorted(unknown))}; there are {', '.join(pack.connections)}")
        self.pack = pack
        self.clock = clock
        self.equipment: dict[str, Equipment] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self._settings = settings
        self._readings = Readings(settings.state)
        self._readings_at_real_s = 0.0
        self._journals: list[Journal] = []
        self._awake = asyncio.Event()
        self._garbled: set[str] = set()
        self._plug_at_real_s: dict[str, float] = {}
        for id_ in settings.connections or pack.connections:
            self._add(pack.connections[id_])

    async def start(self) -> None:
        """Open every connection.

        Raises:
            OSError: a port is taken.
        """
        for endpoint in self.endpoints.values():
            await endpoint.start()

    async def run(self) -> None:
        """Bring the plant forward until cancelled."""
        while True:
            await self.step()
            try:
                async with asyncio.timeout(_TICK_REAL_S):
                    await self._awake.wait()
            except TimeoutError:
                continue
            self._awake.clear()
            await asyncio.sleep(0)

    async def step(self) -> None:
        """Bring equipment and connections to the present, once."""
        now_s, real_s = self.clock.now(), self.clock.real()
        await self._replug(real_s)
        for endpoint in self.endpoints.values():
            for equipment in endpoint.equipment.values():
                equipment.advance(now_s)
                equipment.sample(now_s, self.clock.speed)
                await self._show(endpoint, equipment, now_s, real_s)
        if self._settings.state is not None and abs(real_s - self._readings_at_real_s) >= _READINGS_EVERY_REAL_S:
            self._readings_at_real_s = real_s
            self._keep_readings(now_s)

    async def stop(self) -> None:
        """Close every connection within two seconds, and the journals."""
        tasks = [asyncio.create_task(endpoint.stop()) for endpoint in self.endpoints.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_WITHIN_S)
            for task in late:
                logger.warning("a connection did not close in time")
                task.cancel()
        if self._settings.state is not None:
            self._keep_readings(self.clock.now())
        for journal in self._journals:
            journal.close()

    def wake(self) -> None:
        """Let the loop look now instead of at its next tick: a command came in."""
        self._awake.set()

    async def unplug(self, connection: str, seconds: float) -> None:
        """Take a connection from the network for so many real seconds."""
        if connection not in self._plug_at_real_s:
            await self.endpoints[connection].unplug()
        self._plug_at_real_s[connection] = self.clock.real() + seconds

    def view(self) -> dict[str, Any]:
        """Return what the control port shows."""
        now_s, real_s = self.clock.now(), self.clock.real()
        return {
            "pack": self.pack.id,
            "time": iso(now_s),
            "speed": self.clock.speed,
            "connections": {
                id_: {"url": endpoint.url, "plugged": id_ not in self._plug_at_real_s}
                for id_, endpoint in self.endpoints.items()
            },
            "equipment": {id_: _view(equipment, now_s, real_s) for id_, equipment in self.equipment.items()},
        }

    def read_meter(self, meter: Meter) -> tuple[float, float]:
        """Return kW and kWh of a meter's equipment, also of what another process emulates if both have the state folder."""
        now_s = self.clock.now()
        kw = kwh = 0.0
        for id_ in meter.of:
            if id_ in self.equipment:
                own = self.equipment[id_]
                read = (own.power_kw(now_s), own.energy_kwh(now_s))
            else:
                spec = self.pack.equipment[id_]
                read = self._readings.read(spec.connection).get(id_, (spec.idle_kw, 0.0))
            kw, kwh = kw + read[0], kwh + read[1]
        return kw, kwh

    async def _show(self, endpoint: Endpoint, equipment: Equipment, now_s: float, real_s: float) -> None:
        if equipment.faults.muted(real_s):
            return
        id_, garbled = equipment.spec.id, equipment.faults.garbled(real_s)
        changes = equipment.take_changes(now_s, real_s)
        if garbled != (id_ in self._garbled):
            self._garbled ^= {id_}
            changes = equipment.all_changes()
        if changes:
            await endpoint.publish(equipment, changes, garbled=garbled)

    async def _replug(self, real_s: float) -> None:
        for id_, until_s in list(self._plug_at_real_s.items()):
            if real_s >= until_s:
                del self._plug_at_real_s[id_]
                await self.endpoints[id_].plug()

    def _keep_readings(self, now_s: float) -> None:
        for id_, endpoint in self.endpoints.items():
            readings = {one: (it.power_kw(now_s), it.energy_kwh(now_s)) for one, it in endpoint.equipment.items()}
            if readings:
                self._readings.write(id_, readings)

    def _add(self, connection: Connection) -> None:
        journal = self._journal(f"{connection.id}.jobs.jsonl")
        equipment = {
            spec.id: self._equipment(spec.id, journal)
            for spec in self.pack.equipment.values()
            if spec.connection == connection.id
        }
        meters = [meter for meter in self.pack.meters if meter.connection == connection.id]
        self.equipment.update(equipment)
        if equipment or meters:
            self.endpoints[connection.id] = self._endpoint(connection, equipment, meters)

    def _journal(self, name: str) -> Journal:
        journal = NoJournal() if self._settings.state is None else FileJournal(self._settings.state / name)
        self._journals.append(journal)
        return journal

    def _equipment(self, id_: str, journal: Journal) -> Equipment:
        spec, now_s = self.pack.equipment[id_], self.clock.now()
        equipment = Equipment(
            spec,
            self.pack,
            seed=self._settings.seed,
            now_s=now_s,
            record=partial(journal.record, id_),
            breakdowns=self._settings.breakdowns,
        )
        kwh = self._readings.read(spec.connection).get(id_, (0.0, 0.0))[1]
        equipment.restore(journal.records(id_), kwh, now_s)
        return equipment

    def _endpoint(self, connection: Connection, equipment: Mapping[str, Equipment], meters: Sequence[Meter]) -> Endpoint:
        settings, random = self._settings, Random(f"{self._settings.seed}:{connection.id}:garbage")
        port = connection.port + settings.port_offset
        if connection.protocol == "modbus":
            return ModbusEndpoint(
                connection.id,
                settings.host,
                port,
                equipment,
                meters=meters,
                read_meter=self.read_meter,
                checks=self.pack.checks,
                clock=self.clock,
                wake=self.wake,
                random=random,
            )
        if connection.protocol == "sparkplug":
            births = _BirthCount(settings.state, connection.id)
            return EdgeNode(
                connection.id,
                connection.group,
                settings.broker,
                equipment,
                clock=self.clock,
                wake=self.wake,
                random=random,
                first_birth=births.read(),
                note_birth=births.write,
            )
        from plantsim.opcua import OpcuaEndpoint  # noqa: PLC0415 a second of imports that other connections do not need

        return OpcuaEndpoint(connection.id, settings.host, port, equipment, clock=self.clock, wake=self.wake, random=random)


class _BirthCount:
    """The number of an edge node's next birth, which should go on over restarts."""

    def __init__(self, folder: Path | None, connection: str) -> None:
        self._file = folder / f"{connection}.birth" if folder is not None else None

    def read(self) -> int:
        if self._file is None or not self._file.exists():
            return 0
        told = self._file.read_text().strip()
        return int(told) if told.isdigit() else 0

    def write(self, number: int) -> None:
        if self._file is not None:
            self._file.write_text(str(number))


def _view(equipment: Equipment, now_s: float, real_s: float) -> dict[str, Any]:
    ledger = equipment.ledger
    faults: Collection[str] = equipment.faults.in_force(now_s, real_s)
    return {
        "state": equipment.state.name.lower(),
        "positions": equipment.spec.positions,
        "running": list(ledger.running),
        "completed": list(ledger.completed),
        "cleared": len(ledger.cleared),
        "finished": ledger.finished_count,
        "kw": round(equipment.power_kw(now_s), 3),
        "kwh": round(equipment.energy_kwh(now_s), 3),
        "faults": faults,
    }
