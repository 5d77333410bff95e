"""The command `plantsim`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from plantsim.clock import ClockFault, ClockLaw, PlantClock, from_iso, read_law
from plantsim.control import ControlPort
from plantsim.packfile import PackFault, read_pack
from plantsim.plant import Plant, PlantSettings, UnknownConnection

logger = logging.getLogger("plantsim")

_PARENT_LOOK_S = 0.5


def main() -> NoReturn:
    """Be the command, and end at once: taking hundreds of thousands of OPC UA nodes apart one by one would take seconds."""
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the plant until it is stopped; 0 after a clean stop, 2 when the input or a port is at fault."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=options.log.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("asyncua", "pymodbus", "pymodbus.logging", "mqtt"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        return asyncio.run(_run(options))
    except (PackFault, ClockFault, UnknownConnection, OSError) as fault:
        sys.stderr.write(f"plantsim: {fault}\n")
        return 2


async def _run(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plant = Plant(read_pack(options.pack), _clock(options), _settings(options))
    control = ControlPort(plant, options.host, options.control_port) if options.control_port is not None else None
    tasks: list[asyncio.Task[None]] = []
    try:
        await plant.start()
        gc.freeze()  # what stands now stands for good; the collector need not look at it again and again
        tasks.append(asyncio.create_task(plant.run()))
        if control is not None:
            await control.start()
            _say(f"control {control.url}")
        tasks += [asyncio.create_task(_announce(plant, id_)) for id_ in plant.endpoints]
        if options.die_with_parent:
            tasks.append(asyncio.create_task(_watch_parent(stop)))
        await _until(stop, tasks[0])
    finally:
        for task in tasks:
            task.cancel()
        if control is not None:
            await control.stop()
        await plant.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
    return 0


async def _until(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Wait for the stop; should the plant's loop fail before, raise its error."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, running], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if running.done():
        running.result()


async def _announce(plant: Plant, connection: str) -> None:
    endpoint = plant.endpoints[connection]
    await endpoint.answering()
    _say(f"{connection} {endpoint.url} {len(endpoint.equipment)} equipment")


async def _watch_parent(stop: asyncio.Event) -> None:
    """Stop when the parent is gone: another process has then taken us in."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 there is no event for it
        await asyncio.sleep(_PARENT_LOOK_S)
    stop.set()


def _clock(options: argparse.Namespace) -> PlantClock:
    if options.clock is not None:
        return PlantClock(time.time, read_law(options.clock), options.clock)
    real_s = time.time()
    return PlantClock(time.time, ClockLaw(options.speed, real_s, real_s if options.start is None else options.start))


def _settings(options: argparse.Namespace) -> PlantSettings:
    return PlantSettings(
        host=options.host,
        port_offset=options.port_offset,
        broker=options.mqtt,
        seed=options.seed,
        state=options.state,
        breakdowns=options.breakdowns,
        connections=tuple(options.connection or ()),
    )


def _broker(text: str) -> tuple[str, int]:
    parts = urlsplit(text)
    if parts.scheme != "mqtt" or not parts.hostname:
        raise argparse.ArgumentTypeError("must look like mqtt://127.0.0.1:1883")
    return parts.hostname, parts.port or 1883


def _start(text: str) -> float:
    try:
        return from_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be an ISO time: {error}") from error


def _say(line: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="plantsim", description="An emulated plant that speaks OPC UA, Modbus TCP and Sparkplug B."
    )
    add = parser.add_argument
    add("--pack", type=Path, required=True, metavar="DIR", help="the pack's folder")
    add("--connection", action="append", metavar="ID", help="emulate only this connection (may be repeated)")
    add("--host", default="127.0.0.1", help="where to listen (default %(default)s)")
    add("--port-offset", type=int, default=0, metavar="N", help="add to every port of the pack")
    add("--mqtt", type=_broker, default=("127.0.0.1", 1883), metavar="URL", help="the broker (default mqtt://127.0.0.1:1883)")
    add("--clock", type=Path, metavar="FILE", help="the shared clock's file")
    add("--speed", type=float, default=1.0, metavar="S", help="plant seconds a real second, 1 to 500, without --clock")
    add("--start", type=_start, metavar="ISO", help="plant time at the start, without --clock (default: now)")
    add("--seed", type=int, default=1, metavar="N", help="all chance follows from it (default %(default)s)")
    add("--state", type=Path, metavar="DIR", help="keep jobs and meter readings here over restarts")
    add("--control-port", type=int, metavar="P", help="open the control port (0: any free one)")
    add("--breakdowns", action="store_true", help="break down by chance, as the pack's mtbf and mttr say")
    add("--die-with-parent", action="store_true", help="stop when the process that started this one is gone")
    add("--log", default="warning", choices=["debug", "info", "warning", "error"], help="what to log (default %(default)s)")
    return parser
