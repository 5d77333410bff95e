"""An emulated plant, drivers that talk to it, and a bench that keeps one reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support_plant import MACHINE, EmulatedPlant, Ports, eventually, wiring_of, write_pack

from batchone.contracts.machines import MachineState
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.nats import Nats
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Driver, Fault, JobResponse, Reach
from batchone.machines.connect.drivers import make_driver


@pytest.fixture(scope="session")
def mqtt_url(nats_server: Nats | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of MQTT 3.1.1."""
    if nats_server is not None:
        yield nats_server.mqtt_url
        return
    server = Nats(tmp_path_factory.mktemp("mqtt"))
    server.start()
    yield server.mqtt_url
    server.stop()


@pytest.fixture(scope="module")
def plant(mqtt_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedPlant]:
    """The emulated plant, one for a file of tests."""
    ports = Ports.free()
    running = EmulatedPlant(write_pack(tmp_path_factory.mktemp("plant"), ports), ports, mqtt_url)
    yield running
    running.stop()


@pytest.fixture
def reach(mqtt_url: str) -> Reach:
    """How the plant is reached, with short patience."""
    broker = urlsplit(mqtt_url)
    return Reach(mqtt_host=broker.hostname or "", mqtt_port=broker.port or 0, answer_s=1.5, poll_s=0.1, silence_s=4.0)


@dataclass
class Bench:
    """A driver whose readings are gathered, as a link would."""

    driver: Driver
    protocol: str
    states: dict[str, MachineState] = field(default_factory=dict)
    jobs: dict[str, tuple[JobResponse, ...]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    lost: TryLater | None = None
    _reading: asyncio.Task[None] | None = None

    @property
    def machine(self) -> str:
        """The machine that the tests command."""
        return MACHINE[self.protocol]

    async def open(self) -> None:
        """Open and read on until the far side is lost."""
        await self.driver.open()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                reading = await self.driver.read()
                self.states.update(reading.states)
                self.jobs.update(reading.jobs)
                self.faults.extend(reading.faults)
                self.gone |= reading.lost
                self.gone -= reading.states.keys()
                self._take(reading.samples)
        except TryLater as error:
            self.lost = error

    def _take(self, batch: object) -> None:
        for path, value in zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True):  # type: ignore[attr-defined]
            self.values.setdefault(path, []).append(value)

    async def close(self) -> None:
        """Stop reading and close."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self.driver.close()

    async def ended(self, job: str, *, within_s: float = 15.0) -> JobResponse:
        """The response of a job once it has ended."""

        def found() -> list[JobResponse]:
            told = self.jobs.get(self.machine, ())
            return [each for each in told if each.job == job and each.state in ("finished", "failed")]

        await eventually(found, f"the end of {job}", within_s=within_s)
        return found()[0]


@pytest.fixture(params=["opcua", "modbus", "sparkplug"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Each protocol in turn."""
    return str(request.param)


MakeBench = Callable[[], Bench]


@pytest.fixture
def make_bench(protocol: str, plant: EmulatedPlant, reach: Reach) -> MakeBench:
    """New drivers to the plant, one after another."""
    return lambda: Bench(make_driver(wiring_of(protocol, plant.ports), reach, SystemClock()), protocol)


@pytest.fixture
async def bench(make_bench: MakeBench) -> AsyncIterator[Bench]:
    """A driver that is open and read."""
    made = make_bench()
    await made.open()
    await eventually(lambda: made.states.get(made.machine) is not None, "a state")
    yield made
    await made.close()


@pytest.fixture
def job_ids() -> Iterator[str]:
    """Job ids that no other test of this run uses."""
    return iter(f"J-{number}" for number in range(1, 10_000))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder."""
    return tmp_path / "home"
