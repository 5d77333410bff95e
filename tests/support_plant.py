"""A small emulated plant for tests: its pack as files for the emulator and as the contract's `Pack`, and its process.

The emulator runs as a process of its own, as a real plant would. It has one signal more in each class, `hum`, than the
pack that the platform is given: that one is undeclared.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchone.contracts.machines import JobOrder
from batchone.contracts.pack import (
    Check,
    Connection,
    Demo,
    Energy,
    Equipment,
    EquipmentClass,
    Law,
    Limits,
    Meter,
    Operation,
    Pack,
    PackProduct,
    Place,
    Power,
    Scope,
    Signal,
)
from batchone.kernel.engines.child import die_with_parent, free_port
from batchone.kernel.money import Money
from batchone.machines.connect.wiring import Wiring, wire

CLASSES = {"pressing": "10", "filling": "20", "packing": "30", "baking": "40"}
MEASURES = {"10": ("thickness",), "20": ("mass", "torque"), "30": ("weight",), "40": ("colour",)}
SIGNALS: tuple[tuple[str, str, Scope], ...] = (
    ("force", "pressing", "equipment"),
    ("gas", "baking", "equipment"),
    ("heat", "baking", "position"),
    ("flow", "filling", "equipment"),
    ("head", "filling", "equipment"),
    ("speed", "packing", "equipment"),
)
EQUIPMENT = (
    ("press-1", "pressing", "forming", 1, None),
    ("oven-1", "baking", "forming", 3, None),
    ("filler-1", "filling", "filling", 1, 3),
    ("filler-2", "filling", "filling", 1, 4),
    ("packer-1", "packing", "packing", 1, None),
    ("packer-2", "packing", "packing", 1, None),
)
MACHINE = {"opcua": "press-1", "modbus": "filler-1", "sparkplug": "packer-1"}
CONNECTION = {"opcua": "forming", "modbus": "filling", "sparkplug": "packing"}
OP = {"opcua": "10", "modbus": "20", "sparkplug": "30"}
TENANT = "tinworks"


@dataclass(frozen=True)
class Ports:
    """Where the plant's servers listen."""

    opcua: int
    modbus: int

    @staticmethod
    def free() -> Ports:
        """Two free ones."""
        return Ports(free_port(), free_port())


def connections_of(ports: Ports) -> tuple[Connection, ...]:
    return (
        Connection("forming", "opcua", ports.opcua, None),
        Connection("filling", "modbus", ports.modbus, None),
        Connection("packing", "sparkplug", None, "tins"),
    )


def pack_of(ports: Ports, *, version: str = "1.0.0", without: str = "") -> Pack:
    """The pack as the platform knows it; `without` leaves an equipment out."""
    text, always, zero = {"en": "?"}, "true", Law(Decimal(0))
    return Pack(
        id="tins", version=version, hash=version, sector="food", licence="Apache-2.0", languages=("en",), currency="EUR",
        name=text, product=PackProduct("tin", text, "TN", Money.of("1.00", "EUR")),
        place=Place("tinworks", "north", "hall", "line"), options=(), derived=(), rules=(), prices=(), modules=(), bom=(),
        routing=tuple(
            Operation(op, op, text, kind, (), zero, None, f"make-{op}", {}, 0.0, always) for kind, op in CLASSES.items()
        ),
        calendars=(), classes=tuple(EquipmentClass(kind, text, None, "always", attended=False) for kind in CLASSES),
        connections=connections_of(ports),
        equipment=tuple(
            Equipment(id_, text, kind, "cell", positions, connection, unit, Power(1.0, 5.0), 1e6, 60.0)
            for id_, kind, connection, positions, unit in EQUIPMENT
            if id_ != without
        ),
        meters=(Meter("meter-1", text, "filling", 9, ("press-1",)),),
        signals=tuple(Signal(id_, kind, scope, text, "kN", 1.0, Limits(), {}) for id_, kind, scope in SIGNALS),
        checks=tuple(
            Check(measure, op, text, measure, "g", None, None, "hold", (), {})
            for op, names in MEASURES.items()
            for measure in names
        ),
        energy=Energy(1.0, {}, 0.1, 500.0), demo=Demo(1, 60.0, 0.0, (), {}, ()), drawing="<svg/>",
    )  # fmt: skip


def wiring_of(protocol: str, ports: Ports) -> Wiring:
    """The wiring of the connection that speaks a protocol."""
    return next(wiring for wiring in wire(pack_of(ports)) if wiring.connection == CONNECTION[protocol])


def write_pack(folder: Path, ports: Ports) -> Path:
    """The pack as the emulator reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "name: {en: Thing}"
    _write(folder, "pack.yaml", "pack: tins\n")
    classes = "".join(f"  - {{id: {kind}, {name}, calendar: always, attended: false}}\n" for kind in CLASSES)
    connections = "".join(
        f"  - {{id: {each.id}, protocol: {each.protocol}, {f'port: {each.port}' if each.port else f'group: {each.group}'}}}\n"
        for each in connections_of(ports)
    )
    equipment = "".join(
        f"  - {{id: {id_}, {name}, class: {kind}, cell: cell, positions: {positions}, connection: {connection}, "
        + (f"unit: {unit}, " if unit else "")
        + "power: {idle: 1 kW, run: 5 kW}}\n"
        for id_, kind, connection, positions, unit in EQUIPMENT
    )
    meters = f"  - {{id: meter-1, {name}, connection: filling, unit: 9, of: [press-1]}}\n"
    _write(
        folder,
        "resources.yaml",
        f"calendars:\n  - {{id: always}}\nclasses:\n{classes}connections:\n{connections}"
        f"equipment:\n{equipment}meters:\n{meters}",
    )
    law = "physics: {law: hold, at: 40, noise: 1, idle: 20}"
    signals = [*SIGNALS, *(("hum", kind, "equipment") for kind in CLASSES)]
    rows = "".join(
        f"  - {{id: {id_}, class: {kind}, scope: {scope}, {name}, unit: kN, every: 1 s, {law}}}\n"
        for id_, kind, scope in signals
    )
    _write(folder, "signals.yaml", f"signals:\n{rows}")
    routing = "".join(
        f'  - {{op: "{op}", {name}, class: {kind}, after: [], cycle: {{base: 20 s}}, program: make-{op}, energy: 0.05 kWh}}\n'
        for kind, op in CLASSES.items()
    )
    _write(folder, "routing.yaml", f"routing:\n{routing}")
    checks = "".join(
        f'  - {{id: {measure}, op: "{op}", {name}, measure: {measure}, unit: g, reaction: hold, '
        "physics: {mean: 5, sd: 0.1}}\n"
        for op, names in MEASURES.items()
        for measure in names
    )
    _write(folder, "checks.yaml", f"checks:\n{checks}")
    return folder


def _write(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")


class EmulatedPlant:
    """The emulator as a child process, and its control port."""

    def __init__(self, pack: Path, ports: Ports, mqtt: str, *, speed: float = 50.0, only: Sequence[str] = ()) -> None:
        self.ports = ports
        self._log = pack / "plant.log"
        command = [
            sys.executable, "-m", "plantsim", "--pack", str(pack), "--mqtt", mqtt, "--speed", str(speed),
            "--start", "2026-03-02T08:00:00Z", "--control-port", "0", "--state", str(pack / "state"),
        ]  # fmt: skip
        for connection in only:
            command += ["--connection", connection]
        self._expected = len(only) or len(connections_of(ports))
        self._error = self._log.open("ab")
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._error, text=True, env=dict(os.environ),
            preexec_fn=die_with_parent(),  # noqa: PLW1509
        )  # fmt: skip
        self.control = self._wait()

    def _wait(self) -> str:
        assert self._process.stdout is not None
        control, seen = "", 0
        deadline = time.monotonic() + 60
        while not control or seen < self._expected:
            line = self._process.stdout.readline()
            if not line or time.monotonic() > deadline:
                raise AssertionError(f"the emulated plant did not start:\n{self._log.read_text()}")
            if line.startswith("control "):
                control = line.split()[1]
            else:
                seen += 1
        return control

    def tell(self, what: str, **body: Any) -> None:
        """Tell the plant to misbehave."""
        request = urllib.request.Request(
            f"{self.control}/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.loads(answer.read())["ok"]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._error.close()


def an_order(protocol: str, job: str, *, seconds: float = 20.0, **parameters: float | str) -> JobOrder:
    """A job order for the machine of a protocol."""
    op = OP[protocol]
    return JobOrder(
        job=job, order="O-1", item="I-1", op=op, program=f"make-{op}", seconds=seconds, setup="", setup_seconds=0.0,
        parameters=parameters or {"force_kn": 12.5, "film": "blue"}, facts={},
    )  # fmt: skip


async def eventually(holds: Any, what: str = "it", *, within_s: float = 15.0) -> None:
    """Wait until `holds()`."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within_s} s")
        await asyncio.sleep(0.02)
