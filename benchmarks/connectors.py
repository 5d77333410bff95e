"""From a machine's wire to columns: Sparkplug B over MQTT, and OPC UA, beside the usual libraries doing the same.

The driver alone is measured, in this process: what it costs to take messages off a socket, to understand them, and to hand over
record batches. Machines and broker are processes of their own. What happens to a batch afterwards is in `end_to_end`.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog
from aiomqtt import Client as MqttClient
from asyncua import Client as OpcuaClient
from asyncua import ua

from batchone.contracts.sources import Point, Source
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import die_with_parent, free_port
from batchone.kernel.engines.nats import Nats
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Driver, Reach
from batchone.machines.connect.drivers import make_driver
from batchone.machines.connect.sparkplug.metrics import rebirth_payload
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload
from batchone.machines.connect.wiring import Wiring, wire_source
from benchmarks.figures import Cell, Options, Report, Table, ratio
from benchmarks.machine import cpu_s
from benchmarks.profiling import Profiled

GROUP, NODE = "bench", "line"
DEVICES, METRICS = 10, 20
MESSAGES_PER_S, QUICK_PER_S = (500, 2_500, 10_000), (200,)
ITEMS, QUICK_ITEMS = 5_000, 200
_SETTLE_S = 2.0
_REACH = Reach(answer_s=10.0, silence_s=20.0)


@dataclass
class Run:
    """What came in a stretch of time, and what it cost. `lost` are samples that were sent and did not come."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    broker_s: float = 0.0
    samples: int = 0
    lost: int = 0
    delays_s: list[float] = field(default_factory=list)

    @property
    def cores(self) -> float:
        """Share of a core."""
        return self.cpu_s / self.seconds

    @property
    def per_million(self) -> float:
        """Processor seconds for a million samples."""
        return self.cpu_s / self.samples * 1e6


async def run(options: Options) -> Report:
    """Sparkplug at three sizes, then OPC UA; ours and a peer's turn each."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    columns.empty()  # so that nothing is imported while it is measured
    report, seconds = Report("connectors"), 2.0 if options.quick else options.seconds or 15.0
    report.tables.append(await _sparkplug(QUICK_PER_S if options.quick else MESSAGES_PER_S, seconds, options, report))
    report.tables.append(await _opcua(QUICK_ITEMS if options.quick else ITEMS, seconds, options, report))
    return report


# Sparkplug


async def _sparkplug(sizes: tuple[int, ...], seconds: float, options: Options, report: Report) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for per_s in sizes:
        with _broker() as nats, _process("edgenode", nats.mqtt_port, GROUP, NODE, DEVICES, METRICS, per_s):
            reach = Reach(mqtt_port=nats.mqtt_port, answer_s=10.0)
            ours = await _drive(lambda reach=reach: make_driver(_wiring(), reach, SystemClock()), seconds, DEVICES, nats)  # type: ignore[misc]
            peer = await _library_mqtt(nats, seconds)
            rows.append(
                (per_s, ours.samples / METRICS / ours.seconds, ours.samples / ours.seconds, ours.lost, ours.cores,
                 ours.per_million, _p99_ms(ours), ours.broker_s / ours.seconds, peer.per_million,
                 ratio(peer.per_million, ours.per_million))
            )  # fmt: skip
            if options.profile and per_s == sizes[-1]:
                report.profiles[f"Sparkplug, {per_s:,} messages a second"] = await _profiled(
                    lambda reach=reach: make_driver(_wiring(), reach, SystemClock()), seconds,  # type: ignore[misc]
                )  # fmt: skip
    return Table(
        f"MQTT Sparkplug B, {METRICS} metrics a message, from socket to record batches",
        ("offered_per_s", "messages_per_s", "samples_per_s", "lost", "cores", "cpu_s_per_million", "p99_ms", "broker cores",
         "aiomqtt cpu_s_per_million", "aiomqtt/ours"), tuple(rows),
        (f"{DEVICES} devices of one edge node, QoS 0 over NATS's own listener; each metric a double with alias and time.",
         "aiomqtt: the same messages through aiomqtt and protobuf's compiled parser into lists of alias, time and value.",
         "p99: from the time in a metric (whole milliseconds) until its batch was handed over."),
    )  # fmt: skip


def _wiring() -> Wiring:
    return Wiring(NODE, "sparkplug", group=GROUP)


async def _library_mqtt(nats: Nats, seconds: float) -> Run:
    """What a program costs that does the same with the usual libraries."""
    aliases: list[int] = []
    times: list[int] = []
    values: list[float] = []
    found = Run()
    async with MqttClient("127.0.0.1", nats.mqtt_port, identifier="peer") as client:
        await client.subscribe(f"spBv1.0/{GROUP}/DDATA/{NODE}/+")
        await client.publish(f"spBv1.0/{GROUP}/NCMD/{NODE}", rebirth_payload(SystemClock().now()))
        await asyncio.sleep(_SETTLE_S)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(len(client.messages)):
            await anext(client.messages)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in client.messages:
                    payload = Payload()
                    payload.ParseFromString(message.payload)  # type: ignore[arg-type] # bytes, as it came
                    for metric in payload.metrics:
                        aliases.append(metric.alias)
                        times.append(metric.timestamp)
                        values.append(metric.double_value)
        found.seconds, found.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    found.samples = len(values)
    return found


# OPC UA


async def _opcua(items: int, seconds: float, options: Options, report: Report) -> Table:
    port = free_port()
    url = f"opc.tcp://127.0.0.1:{port}/"
    paths = {f"m/V{at}": f"ns=2;s=V{at}" for at in range(items)}
    source = Source("hall", url, {"security": "none"}, tuple(Point(path, node) for path, node in paths.items()))
    wiring = wire_source(source, "opcua", set(paths), (), {})

    def make() -> Driver:
        return make_driver(wiring, _REACH, SystemClock())

    with _process("nodeserver", port, items):
        ours = await _drive(make, seconds, 1, None)
        peer = await _library_opcua(url, items, seconds)
        if options.profile:
            report.profiles[f"OPC UA, {items:,} items"] = await _profiled(make, seconds)
    return Table(
        "OPC UA, monitored items that change once a second, from socket to record batches",
        ("items", "samples_per_s", "lost", "% of a core", "cpu_s_per_million", "p50_ms", "p99_ms", "asyncua % of a core",
         "asyncua/ours"),
        ((items, ours.samples / ours.seconds, ours.lost, 100 * ours.cores, ours.per_million,
          1e3 * float(np.percentile(ours.delays_s, 50)), _p99_ms(ours), 100 * peer.cores,
          ratio(peer.per_million, ours.per_million)),),
        ("Sampled every 100 ms and published every 200 ms, unsecured; p50 and p99 from the source's time to the batch.",
         "asyncua: the same subscription with the library's own decoder and a handler that adds each value to a list."),
    )  # fmt: skip


async def _library_opcua(url: str, items: int, seconds: float) -> Run:
    values: list[tuple[object, object]] = []

    class Handler:
        def datachange_notification(self, node: object, value: object, data: object) -> None:  # noqa: ARG002 - the library's
            values.append((node, value))

    found = Run()
    async with OpcuaClient(url) as client:
        subscription = await client.create_subscription(200, Handler())  # type: ignore[arg-type] # it needs no more than this
        nodes = [client.get_node(ua.NodeId.from_string(f"ns=2;s=V{at}")) for at in range(items)]
        for first in range(0, items, 500):
            await subscription.subscribe_data_change(nodes[first : first + 500], sampling_interval=100)
        await asyncio.sleep(_SETTLE_S)
        values.clear()
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        found.seconds, found.cpu_s = time.perf_counter() - began, time.process_time() - cpu
        found.samples = len(values)
    return found


# A driver that is read


async def _drive(make: Callable[[], Driver], seconds: float, step: int, nats: Nats | None) -> Run:
    """Open a driver, let it settle, read for so long; then look whether any value is missing: each counts on by `step`."""
    driver = await _opened(make)
    try:
        await _read(driver, _SETTLE_S)
        broker = nats.child.process.pid if nats is not None and nats.child is not None else 0
        found, began, cpu, spent = Run(), time.perf_counter(), time.process_time(), cpu_s(broker)
        read = await _read(driver, seconds)
        found.seconds, found.cpu_s = time.perf_counter() - began, time.process_time() - cpu
        found.broker_s = cpu_s(broker) - spent
    finally:
        await driver.close()
    for batch, at_s in read:
        found.delays_s.extend((at_s - columns.times_us(batch) / 1e6).tolist())
    found.samples = sum(batch.num_rows for batch, _ in read)
    found.lost = missing([batch for batch, _ in read], step)
    return found


async def _opened(make: Callable[[], Driver]) -> Driver:
    """A driver that is open; machines take a moment to start."""
    async with asyncio.timeout(240):
        while True:
            driver = make()
            try:
                await driver.open()
            except TryLater:
                await driver.close()
                await asyncio.sleep(0.5)
            else:
                return driver


async def _read(driver: Driver, seconds: float) -> list[tuple[pa.RecordBatch, float]]:
    found: list[tuple[pa.RecordBatch, float]] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                reading = await driver.read()
                found.append((reading.samples, time.time()))
    return found


def missing(batches: list[pa.RecordBatch], step: int) -> int:
    """How many samples are missing between the first and the last of each signal, whose values count on by `step`."""
    whole = columns.concat(batches)
    codes, values = columns.codes_of(whole), columns.values_of(whole)
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    return int(np.round(np.diff(values[order])[same] / step - 1).sum())


async def _profiled(make: Callable[[], Driver], seconds: float) -> str:
    """Where the time goes once the driver is open."""
    driver, profiled = await _opened(make), Profiled()
    try:
        await _read(driver, _SETTLE_S)
        with profiled.running():
            await _read(driver, seconds)
    finally:
        await driver.close()
    return profiled.text()


def _p99_ms(found: Run) -> float:
    return 1e3 * float(np.percentile(found.delays_s, 99))


@contextmanager
def _broker() -> Iterator[Nats]:
    with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
        nats = Nats(Path(folder))
        nats.start()
        try:
            yield nats
        finally:
            nats.stop()


@contextmanager
def _process(module: str, *told: object) -> Iterator[None]:
    """Machines, as a process of their own."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, told)]
    process = subprocess.Popen(command, preexec_fn=die_with_parent)  # noqa: PLW1509
    try:
        yield
    finally:
        process.terminate()
        process.wait()
