"""The demo: one deployment, an emulated plant beside it, and people who order, supply and carry.

Everything outside the platform is outside its processes too: the plant speaks protocols, customers, suppliers and carriers
speak the public API with tokens of their own.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from batchone.chain.design.packs import load_pack
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises, Role, system
from batchone.contracts.pack import Pack
from batchone.demo.carriers import carry
from batchone.demo.claims import Claims
from batchone.demo.feeder import feed
from batchone.demo.suppliers import supply
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import Clock, ScaledClock, SystemClock
from batchone.kernel.deploy import Deploy
from batchone.kernel.deployment import Deployment
from batchone.kernel.engines.child import Child, free_port
from batchone.kernel.engines.revival import Revival
from batchone.kernel.errors import TryLater
from batchone.kernel.remote import remote

ROLES: tuple[tuple[Role, str, str], ...] = (
    ("customer", "Customer", "/shop"),
    ("planner", "Planner", "/plan"),
    ("operator", "Operator", "/line"),
    ("engineer", "Plant engineer", "/line"),
    ("supplier", "Supplier", "/call-offs"),
    ("admin", "Administrator", "/"),
)
"""Who the demo prints a sign-in link for, and the page they begin with."""

_PLANT_PROCESSES = 3
_WATCH_S = 0.2
_PORTS_TRIED = 20


class Plant:
    """The emulated plant, as processes that each run some of the connections; one that dies comes back as it was started."""

    def __init__(self, pack: Path, connections: Sequence[str], offset: int) -> None:
        self._pack = pack
        self._groups = [list(connections[index::_PLANT_PROCESSES]) for index in range(_PLANT_PROCESSES)]
        self._offset = offset
        self._starts: list[Callable[[], Child]] = []
        self._revival = Revival()
        self._watcher: asyncio.Task[None] | None = None
        self.control_ports: list[int] = []
        self.children: list[Child] = []

    def start(self, home: Path, mqtt: str, clock: str, seed: int) -> None:
        """Start every process, and watch them from now on."""
        for index, group in enumerate(filter(None, self._groups)):
            port = free_port()
            command: list[str | Path] = [
                sys.executable, "-m", "plantsim", "--pack", self._pack, "--port-offset", str(self._offset), "--mqtt", mqtt,
                "--seed", str(seed), "--state", home / "plantsim", "--control-port", str(port),
                "--die-with-parent",
            ]  # fmt: skip
            command += ["--clock", clock] if clock else ["--speed", "1"]
            for connection in group:
                command += ["--connection", connection]
            self.control_ports.append(port)
            start = partial(Child.start, f"plantsim {index}", command, home / "logs" / f"plantsim-{index}.log")
            self._starts.append(start)
            self.children.append(start())
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for index, child in enumerate(self.children):
                if not child.alive:
                    await self._revival.again(child.name, partial(self._restart, index))

    def _restart(self, index: int) -> None:
        self.children[index] = self._starts[index]()

    async def stop(self) -> None:
        """Stop every process; from now on none is started again."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(child.stop, timeout_s=4) for child in self.children))


def free_offset(pack: Pack, claims: Claims) -> int:
    """An offset at which every port that the pack's connections want is free, and claimed."""
    wanted = [connection.port for connection in pack.connections if connection.port is not None]
    for step in range(_PORTS_TRIED):
        offset = step * 100
        if claims.take(port + offset for port in wanted):
            return offset
    raise TryLater("demo.ports", "The plant's ports are taken.", "Stop the other plant, or give the pack other ports.")


def demo_deploy(deploy: Deploy, speed: float, offset: int, claims: Claims) -> Deploy:
    """The deployment as the demo runs it: at its speed, on free ports."""
    modules = {name: dict(settings) for name, settings in deploy.modules.items()}
    web = modules.setdefault("web", {})
    if not claims.take([int(web.get("port", 8080))]):
        web["port"] = free_port()
    modules.setdefault("connect", {})["port_offset"] = offset
    return deploy.model_copy(update={"modules": modules, "clock": deploy.clock.model_copy(update={"speed": speed})})


@dataclass(frozen=True)
class Doors:
    """Ways in: a sign-in link for each role, and an API token for each party that acts (the shop's under "")."""

    links: Mapping[str, str]
    tokens: Mapping[str, str]


class Demo:
    """The platform, its emulated plant and its people, over one home folder."""

    def __init__(
        self,
        deploy: Deploy,
        folder: Path,
        home: Path,
        *,
        speed: float,
        seed: int = 1,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self.home, self.seed, self.say = folder, home, seed, say
        self.pack = load_pack(folder)
        self._claims = Claims()
        offset = free_offset(self.pack, self._claims)
        self.deployment = Deployment(demo_deploy(deploy, speed, offset, self._claims), home, say)
        self.plant = Plant(folder, [connection.id for connection in self.pack.connections], offset)
        self.doors = Doors({}, {})

    @property
    def web(self) -> str:
        """Where the pages and the API answer."""
        return self.deployment.note.web

    @property
    def clock(self) -> Clock:
        """Plant time."""
        path = self.deployment.note.clock
        return ScaledClock.from_file(Path(path)) if path else SystemClock()

    async def start(self) -> None:
        """Engines, processes and plant; then the pack, the people and their doors."""
        self.deployment.start_engines()
        self.deployment.start_processes()
        note = self.deployment.note
        await self.deployment.until_pages_answer()
        # The plant comes after the pages, so that on few cores the first page does not wait for machines to boot.
        self.plant.start(self.home, note.mqtt, note.clock, self.seed)
        self.say(f"the plant is starting: {len(self.pack.equipment)} machines over {len(self.pack.connections)} connections")
        bus = await NatsBus.connect(note.nats, "batchone-demo")
        try:
            await self._install(remote(Design, bus, timeout_s=60))
            self.doors = await self._open_doors(remote(Enterprises, bus))
        finally:
            await bus.close()

    async def stop(self) -> None:
        """Stop everything in order; nothing is left behind."""
        await self.plant.stop()
        await self.deployment.stop()
        self._claims.release()

    async def people(self) -> None:
        """Customers order, suppliers deliver, carriers carry, until cancelled."""
        chance, tokens = random.Random(self.pack.demo.seed + self.seed), self.doors.tokens
        async with httpx.AsyncClient(base_url=self.web, timeout=30) as client, asyncio.TaskGroup() as group:
            group.create_task(feed(client, tokens[""], self.pack, self.clock, chance))
            group.create_task(supply(client, tokens, self.pack, self.clock, chance))
            group.create_task(carry(client, tokens, self.pack, self.clock, chance))

    async def _install(self, design: Design) -> None:
        tenant = self.deployment.deploy.tenant
        files = {path.name: path.read_text() for path in sorted(self.folder.iterdir()) if path.suffix in (".yaml", ".svg")}
        while True:
            with suppress(TryLater):
                product = await design.install(tenant, files, system(tenant, "demo"))
                self.say(f"the pack {product.pack} {product.version} is installed")
                return
            await asyncio.sleep(0.2)

    async def _open_doors(self, enterprises: Enterprises) -> Doors:
        tenant = self.deployment.deploy.tenant
        suppliers = sorted({supplier.id for module in self.pack.modules for supplier in module.suppliers})
        links: dict[str, str] = {}
        for role, name, page in ROLES:
            party = {"supplier": suppliers[0], "customer": "demo-customer"}.get(role, "")
            await enterprises.ensure_person(tenant, role, name, role, "", party)
            secret = await enterprises.issue_link(tenant, role)
            links[role] = f"{self.web}/sign-in/link/{secret}?next={page}"
        agents: list[tuple[str, Role]] = [(supplier, "supplier") for supplier in suppliers]
        agents += [(carrier.id, "supplier") for carrier in self.pack.demo.carriers]
        tokens: dict[str, str] = {}
        for party, role in [*agents, ("", "planner")]:
            person = f"agent-{party or 'shop'}"
            await enterprises.ensure_person(tenant, person, party or "Shop agent", role, "", party)
            tokens[party] = await enterprises.issue_token(tenant, person, "demo", system(tenant, "demo"))
        return Doors(links, tokens)


async def run_demo(demo: Demo, show: Callable[[str], None], stopped: Callable[[], Awaitable[None]]) -> None:
    """Run until `stopped` returns, at any moment; then everything is stopped in order and nothing is left behind."""

    async def live() -> None:
        await demo.start()
        show(f"\nBatchone runs at {demo.web}  (Ctrl-C stops it)")
        for role, name, _ in ROLES:
            show(f"  {name:<16} {demo.doors.links[role]}")
        await demo.people()

    living = asyncio.create_task(live())
    stopping = asyncio.ensure_future(stopped())
    try:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        demo.say("stopping")
        for task in (living, stopping):
            task.cancel()
        await asyncio.gather(living, stopping, return_exceptions=True)
        await demo.stop()
        demo.say(f"stopped; the data stays in {demo.home}")
