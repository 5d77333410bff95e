"""The demo: one deployment, an emulated plant beside it, and people who order, supply and carry.

Everything outside the platform is outside its processes too: the plant speaks protocols, customers, suppliers and carriers
speak the public API with tokens of their own.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from batchone.chain.design.packs import load_pack
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises, Role, system
from batchone.contracts.pack import Pack
from batchone.demo.carriers import carry
from batchone.demo.feeder import feed
from batchone.demo.suppliers import supply
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import Clock, ScaledClock, SystemClock
from batchone.kernel.deploy import Deploy
from batchone.kernel.deployment import Deployment
from batchone.kernel.engines.child import Child, answers, free_port
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
_PORTS_TRIED = 20


class Plant:
    """The emulated plant, as processes that each run some of the connections."""

    def __init__(self, pack: Path, connections: Sequence[str], offset: int) -> None:
        self._pack = pack
        self._groups = [list(connections[index::_PLANT_PROCESSES]) for index in range(_PLANT_PROCESSES)]
        self._offset = offset
        self.control_ports: list[int] = []
        self.children: list[Child] = []

    def start(self, home: Path, mqtt: str, clock: str, seed: int) -> None:
        """Start every process."""
        for index, group in enumerate(filter(None, self._groups)):
            port = free_port()
            command: list[str | Path] = [
                sys.executable, "-m", "plantsim", "--pack", self._pack, "--port-offset", str(self._offset), "--mqtt", mqtt,
                "--seed", str(seed), "--state", home / "plantsim" / str(index), "--control-port", str(port),
                "--die-with-parent",
            ]  # fmt: skip
            command += ["--clock", clock] if clock else ["--speed", "1"]
            for connection in group:
                command += ["--connection", connection]
            self.control_ports.append(port)
            self.children.append(Child.start(f"plantsim {index}", command, home / "logs" / f"plantsim-{index}.log"))

    async def stop(self) -> None:
        """Stop every process."""
        await asyncio.gather(*(asyncio.to_thread(child.stop, timeout_s=4) for child in self.children))


def free_offset(pack: Pack) -> int:
    """An offset at which every port that the pack's connections want is free."""
    wanted = [connection.port for connection in pack.connections if connection.port is not None]
    for step in range(_PORTS_TRIED):
        offset = step * 100
        if not any(answers(port + offset) for port in wanted):
            return offset
    raise TryLater("demo.ports", "The plant's ports are taken.", "Stop the other plant, or give the pack other ports.")


def demo_deploy(deploy: Deploy, speed: float, offset: int) -> Deploy:
    """The deployment as the demo runs it: at its speed, on free ports."""
    modules = {name: dict(settings) for name, settings in deploy.modules.items()}
    web = modules.setdefault("web", {})
    if answers(int(web.get("port", 8080))):
        web["port"] = free_port()
    modules.setdefault("connect", {})["port_offset"] = offset
    return deploy.model_copy(update={"modules": modules, "clock": deploy.clock.model_copy(update={"speed": speed})})


async def run_demo(
    deploy: Deploy, folder: Path, home: Path, *, speed: float, seed: int, say: Callable[[str], None],
    show: Callable[[str], None], stopped: Callable[[], Awaitable[None]],
) -> None:  # fmt: skip
    """Run until `stopped` returns; then everything is stopped in order and nothing is left behind."""
    say("checking the pack")
    pack = load_pack(folder)
    offset = free_offset(pack)
    deployment = Deployment(demo_deploy(deploy, speed, offset), home, say)
    plant = Plant(folder, [connection.id for connection in pack.connections], offset)
    stopping = asyncio.create_task(_until(stopped))
    try:
        deployment.start_engines()
        deployment.start_processes()
        note = deployment.note
        plant.start(home, note.mqtt, note.clock, seed)
        say(f"the plant is starting: {len(pack.equipment)} machines over {len(pack.connections)} connections")
        ready = asyncio.create_task(_prepare(deployment, folder, pack, say, show))
        await asyncio.wait({ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            ready.cancel()
            return
        people = asyncio.create_task(_people(note.web, ready.result(), pack, _clock(note.clock), seed))
        await asyncio.wait({people, stopping}, return_when=asyncio.FIRST_COMPLETED)
        people.cancel()
        with suppress(asyncio.CancelledError):
            await people
    finally:
        say("stopping")
        stopping.cancel()
        await plant.stop()
        await deployment.stop()
        say("stopped; the data stays in " + str(home))


async def _until(stopped: Callable[[], Awaitable[None]]) -> None:
    await stopped()


def _clock(path: str) -> Clock:
    return ScaledClock.from_file(Path(path)) if path else SystemClock()


async def _prepare(
    deployment: Deployment, folder: Path, pack: Pack, say: Callable[[str], None], show: Callable[[str], None]
) -> dict[str, str]:
    """Install the pack, make the people, and print where to go; an API token for each party that acts."""
    note, tenant = deployment.note, deployment.deploy.tenant
    await deployment.until_pages_answer()
    bus = await NatsBus.connect(note.nats, "batchone-demo")
    try:
        design = await _answering(remote(Design, bus, timeout_s=60), tenant)
        files = {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".svg")}
        product = await design.install(tenant, files, system(tenant, "demo"))
        say(f"the pack {product.pack} {product.version} is installed")
        enterprises = remote(Enterprises, bus)
        show("")
        show(f"Batchone runs at {note.web}  (Ctrl-C stops it)")
        suppliers = sorted({supplier.id for module in pack.modules for supplier in module.suppliers})
        for role, name, page in ROLES:
            party = suppliers[0] if role == "supplier" else "demo-customer" if role == "customer" else ""
            await enterprises.ensure_person(tenant, role, name, role, "", party)
            secret = await enterprises.issue_link(tenant, role)
            show(f"  {name:<16} {note.web}/sign-in/{secret}?next={page}")
        show("")
        return await _tokens(enterprises, tenant, pack, suppliers)
    finally:
        await bus.close()


async def _answering(design: Design, tenant: str) -> Design:
    while True:
        with suppress(TryLater):
            await design.products(tenant)
            return design
        await asyncio.sleep(0.2)


async def _tokens(enterprises: Enterprises, tenant: str, pack: Pack, suppliers: Sequence[str]) -> dict[str, str]:
    actor = system(tenant, "demo")
    tokens: dict[str, str] = {}
    parties = [(supplier, "supplier") for supplier in suppliers]
    parties += [(carrier.id, "supplier") for carrier in pack.demo.carriers]
    for party, role in parties:
        person = f"agent-{party}"
        await enterprises.ensure_person(tenant, person, party, role, "", party)  # type: ignore[arg-type]
        tokens[party] = await enterprises.issue_token(tenant, person, "demo", actor)
    await enterprises.ensure_person(tenant, "agent-shop", "Shop agent", "planner", "", "")
    tokens[""] = await enterprises.issue_token(tenant, "agent-shop", "demo", actor)
    return tokens


async def _people(web: str, tokens: dict[str, str], pack: Pack, clock: Clock, seed: int) -> None:
    """Customers order, suppliers deliver, carriers carry, until cancelled."""
    chance = random.Random(pack.demo.seed + seed)
    async with httpx.AsyncClient(base_url=web, timeout=30) as client, asyncio.TaskGroup() as group:
        group.create_task(feed(client, tokens[""], pack, clock, chance))
        group.create_task(supply(client, tokens, pack, clock, chance))
        group.create_task(carry(client, tokens, pack, clock, chance))
