"""A machine changes its state: how long until the line board says so, hop by hop, beside a client that asks once a second."""

from __future__ import annotations

import asyncio
import random
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from batchone.contracts.machines import EQUIPMENT_TOPIC, EquipmentNow
from batchone.contracts.pack import Pack
from batchone.kernel.bus import Message
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.facts import adapter
from benchmarks.figures import Cell, Options, Report, Table, p50, p99, ratio
from benchmarks.platform import Api, Bench, running, until
from benchmarks.profiling import Profiled

SPEED = 60.0
POLL_S = 1.0
_BROKEN_S = 86_400.0
_STATION = re.compile(r'id="station-([^"]+)" class="station is-(\w+)')


@dataclass
class Seen:
    """When each onlooker first saw each machine in or out of alarm: real seconds by (onlooker, machine, in alarm)."""

    alarm: dict[tuple[str, str], bool] = field(default_factory=dict)
    at_s: dict[tuple[str, str, bool], float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, onlooker: str, machine: str, state: str, now_s: float) -> None:
        """An onlooker sees a machine in a state."""
        alarm = state == "alarm"
        if self.alarm.get((onlooker, machine)) != alarm:
            self.alarm[onlooker, machine] = alarm
            self.at_s[onlooker, machine, alarm] = now_s
            self.changed.set()

    async def wait(self, onlooker: str, machine: str, *, alarm: bool, timeout_s: float) -> float:
        """The moment at which the onlooker saw it."""
        async with asyncio.timeout(timeout_s):
            while self.alarm.get((onlooker, machine), False) != alarm:
                self.changed.clear()
                await self.changed.wait()
        return self.at_s[onlooker, machine, alarm]


def states_in(html: str) -> dict[str, str]:
    """The state of every station that a piece of the board tells."""
    return dict(_STATION.findall(html))


async def run(options: Options) -> Report:
    """Break and mend machines, and take the time until each onlooker knows."""
    report = Report("board")
    changes = 6 if options.quick else 60
    async with running(speed=SPEED) as (bench, api):
        taken, protocol_of = await _measured(bench, api, changes)
    rows: list[tuple[Cell, ...]] = [_row("the line board's stream", taken, "board", None)]
    rows.append(_row(f"peer: GET equipment every {POLL_S:.0f} s", taken, "poll", "board"))
    rows.append(_row("hop 1: machine to connect's broadcast", taken, "connect", None))
    behind = [board - connect for board, connect in zip(taken["board"], taken["connect"], strict=True)]
    rows.append(("hop 2: broadcast to the board's stream", len(behind), p50(behind), p99(behind), None))
    report.tables.append(
        Table(
            "A machine's change of state until it is told", ("way", "changes", "p50_ms", "p99_ms", "peer/board"), tuple(rows),
            ("From the plant's answer that the machine stands (or goes on) until the client has the change in its hands.",
             "The broadcast wakes the board, which is made once for all who watch; the peer asks for all machines."),
        )
    )  # fmt: skip
    kinds = sorted(set(protocol_of.values()))
    hops = [(kinds[round(of)], ms) for ms, of in zip(taken["connect"], taken["kind"], strict=True)]
    by_kind = [(kind, [ms for of, ms in hops if of == kind]) for kind in kinds]
    found = tuple((kind, len(ms), p50(ms), p99(ms)) for kind, ms in by_kind if ms)
    report.tables.append(Table("Hop 1 by protocol", ("protocol", "changes", "p50_ms", "p99_ms"), found))
    if options.profile:
        watched = await _profiled(4.0 if options.quick else 20.0)
        report.profiles["one board watched, platform and client in one process"] = watched
    return report


def _row(name: str, taken: dict[str, list[float]], which: str, beside: str | None) -> tuple[Cell, ...]:
    ms = taken[which]
    return name, len(ms), p50(ms), p99(ms), ratio(p50(ms), p50(taken[beside])) if beside else None


async def _measured(bench: Bench, api: Api, changes: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    seen, chance = Seen(), random.Random(1)
    protocol_of = _protocols(bench.pack)
    kinds = sorted(set(protocol_of.values()))
    machines = [next(m for m, of in protocol_of.items() if of == kind) for kind in kinds]
    taken: dict[str, list[float]] = {"board": [], "poll": [], "connect": [], "kind": []}
    bus = await NatsBus.connect(bench.deployment.note.nats, "benchmark")
    async with httpx.AsyncClient() as control:
        await _until_connected(api, len(protocol_of))
        ports = await _control_ports(bench, control)
        watching = [
            asyncio.create_task(_watch(bench, seen)), asyncio.create_task(_poll(api, seen)),
            asyncio.create_task(_listen(bus, bench.deployment.deploy.tenant, seen)),
        ]  # fmt: skip
        try:
            await asyncio.sleep(2.5)
            for number in range(changes + 2):
                machine = machines[number // 2 % len(machines)]
                alarm = number % 2 == 0
                await asyncio.sleep(chance.uniform(0.2, 1.2))  # so that no onlooker's beat falls in with ours
                url, body = ports[machine], {"equipment": machine, "seconds": _BROKEN_S if alarm else 0.0}
                (await control.post(f"{url}/break", json=body)).raise_for_status()
                began = time.perf_counter()
                for onlooker in ("connect", "board", "poll"):
                    at = await seen.wait(onlooker, machine, alarm=alarm, timeout_s=60)
                    if number >= 2:
                        taken[onlooker].append(1e3 * max(0.0, at - began))
                if number >= 2:
                    taken["kind"].append(float(kinds.index(protocol_of[machine])))
        finally:
            for task in watching:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await bus.close()
    return taken, protocol_of


def _protocols(pack: Pack) -> dict[str, str]:
    protocols = {connection.id: connection.protocol for connection in pack.connections}
    return {machine.id: protocols[machine.connection] for machine in pack.equipment}


async def _until_connected(api: Api, machines: int) -> None:
    async def all_there() -> bool:
        found = await api.get("/api/machines/equipment")
        return len(found) == machines and all(one["connected"] and one["state"] != "offline" for one in found)

    await until(all_there, "every machine connected", timeout_s=120)


async def _control_ports(bench: Bench, client: httpx.AsyncClient) -> dict[str, str]:
    """The control port of each machine: the processes of the plant share the machines among them."""
    found: dict[str, str] = {}
    for port in bench.plant.control_ports:
        url = f"http://127.0.0.1:{port}"
        state = (await client.get(f"{url}/state")).raise_for_status().json()
        found |= dict.fromkeys(state["equipment"], url)
    return found


async def _watch(bench: Bench, seen: Seen) -> None:
    """The line board's event stream, as a signed-in operator's page has it."""
    link = urlsplit(bench.doors.links["operator"])
    async with httpx.AsyncClient(base_url=bench.web, timeout=None, follow_redirects=True) as client:
        await client.get(f"{link.path}?{link.query}")
        html: list[str] = []
        async with client.stream("GET", f"/line/{bench.pack.product.id}/live", follow_redirects=False) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                html.append(line)
                if line:
                    continue
                now_s = time.perf_counter()
                for machine, state in states_in("\n".join(html)).items():
                    seen.see("board", machine, state, now_s)
                html.clear()


async def _poll(api: Api, seen: Seen) -> None:
    """A client that asks for every machine's state once a second."""
    due_s = time.perf_counter()
    while True:
        for one in await api.get("/api/machines/equipment"):
            seen.see("poll", one["equipment"], one["state"], time.perf_counter())
        due_s = max(due_s + POLL_S, time.perf_counter())
        await asyncio.sleep(due_s - time.perf_counter())


async def _listen(bus: NatsBus, tenant: str, seen: Seen) -> None:
    """What connect broadcasts the moment it knows."""
    standing = adapter(EquipmentNow)

    async def heard(message: Message) -> None:
        now = standing.validate_json(message.data)
        seen.see("connect", now.equipment, now.state, time.perf_counter())

    await bus.listen(f"{EQUIPMENT_TOPIC}.{tenant}.*", heard)


async def _profiled(seconds: float) -> str:
    profiled = Profiled()
    async with running(speed=SPEED, here=True) as (bench, api):
        await _until_connected(api, len(bench.pack.equipment))
        watching = asyncio.create_task(_watch(bench, Seen()))
        await asyncio.sleep(1)
        with profiled.running():
            await asyncio.sleep(seconds)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return profiled.text()
