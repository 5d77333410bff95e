"""A connection over its whole life: lost, back, lost for long; with a driver that a test plays, on a clock that it moves."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support_plant import eventually

from batchone.contracts.machines import EquipmentChanged, EquipmentNow
from batchone.kernel.bus import SAMPLES
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import Broken, Refused, TryLater
from batchone.machines import columns
from batchone.machines.columns import GOOD, UNCERTAIN, Samples
from batchone.machines.connect.driver import Fault, JobResponse, Reading
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.link import Link, Patience
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.connect.wiring import Wired, Wiring

WIRING = Wiring("line", "opcua", 4840, None, (Wired("m1", ("speed",)), Wired("m2", ("speed",))))


class FarSide:
    """What a test lets the machines say; drivers to it are made anew for each attempt."""

    def __init__(self) -> None:
        self.there = True
        self.refuses = False
        self.attempts = 0
        self.closed = 0
        self.pressed: list[float] = []
        self.says: asyncio.Queue[Reading | Exception] = asyncio.Queue()

    def make(self) -> "PlayedDriver":
        return PlayedDriver(self)


class PlayedDriver:
    address = "played://line"

    def __init__(self, far: FarSide) -> None:
        self.far = far

    async def open(self) -> None:
        self.far.attempts += 1
        if self.far.refuses:
            raise Refused("played.refused", "It refuses us.", "Change the password.")
        if not self.far.there:
            raise TryLater("machine.away", "Nobody is there.")

    async def read(self) -> Reading:
        said = await self.far.says.get()
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        self.far.closed += 1

    def press(self, share: float) -> None:
        self.far.pressed.append(share)


class Stage:
    def __init__(self, tmp_path: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.far = FarSide()
        self.bus = MemoryBus()
        self.live: list[EquipmentNow] = []
        self.facts: list[EquipmentChanged] = []
        self.jobs: list[tuple[str, tuple[JobResponse, ...]]] = []
        self.floor = Floor(self._on_change)
        self.floor.declare(["m1", "m2"], {}, clock.now())
        self.shipping = Shipping(self.bus, "tinworks", "line", "B1", tmp_path / "line", Bounds(batch_s=0.01), time.time)
        self.link = Link(
            WIRING, self.far.make, floor=self.floor, shipping=self.shipping, clock=clock, chance=random.Random(1),
            sleep=clock.sleep, patience=Patience(1.0, 60.0, 600.0), on_jobs=lambda *told: self.jobs.append(told),
        )  # type: ignore[arg-type] # fmt: skip

    def _on_change(self, standing: EquipmentNow, fact: EquipmentChanged | None) -> None:
        self.live.append(standing)
        if fact:
            self.facts.append(fact)

    def samples(self) -> list[tuple[str, float, int]]:
        rows = []
        for message in self.bus._logs[SAMPLES.name].messages:
            batch = columns.from_bytes(message.data)
            rows += zip(
                batch.column("path").to_pylist(),
                columns.values_of(batch).tolist(),
                columns.qualities_of(batch).tolist(),
                strict=True,
            )
        return rows


@pytest.fixture
async def stage(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Stage]:
    made = Stage(tmp_path, clock)
    works = (made.link.run, made.shipping.seal, made.shipping.send)
    tasks = [asyncio.create_task(work()) for work in works]  # type: ignore[arg-type]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made.shipping.close()


def speeds(**values: float):
    samples = Samples()
    for machine, value in values.items():
        samples.add(f"{machine}/speed", 1, 2, value)
    return samples.take()


async def test_readings_go_where_they_belong(stage: Stage) -> None:
    job = JobResponse("J-1", "running")
    samples = Samples()
    for path in ("m1/speed", "m1/hum", "m9/speed"):
        samples.add(path, 1, 2, 7.0)
    stage.far.says.put_nowait(
        Reading(
            samples.take(), {"m1": "running", "m9": "idle"}, {"m1": (job,), "m9": (job,)}, frozenset(),
            (Fault("m2/State", 2, "77 is no state"),),
        )
    )  # fmt: skip
    await eventually(lambda: stage.shipping.sent == 1)
    assert stage.samples() == [("m1/speed", 7.0, GOOD)]
    assert stage.jobs == [("m1", (job,))]
    assert [(now.equipment, now.state) for now in stage.live] == [("m1", "running")]
    listed = {entry.path: (entry.reason, entry.count) for entry in stage.link.quarantine.listed()}
    assert listed == {
        "m1/hum": ("undeclared", 1), "m9/speed": ("undeclared", 1), "m9/State": ("undeclared", 1),
        "m2/State": ("unreadable", 2),
    }  # fmt: skip
    now = stage.link.now()
    assert (now.up, now.samples, now.quarantined, now.error, now.address) == (True, 1, 5, "", "played://line")
    assert stage.floor.all()[0].last_heard == stage.clock.now()
    assert stage.floor.all()[1].last_heard is None


async def test_a_lost_connection_says_so_once_and_its_values_become_uncertain(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(speeds(m1=7.0, m2=8.0), {"m1": "running", "m2": "idle"}))
    await eventually(lambda: stage.shipping.sent == 2)
    stage.facts.clear()
    stage.far.there = False
    stage.far.says.put_nowait(TryLater("machine.away", "The wire was cut."))
    await eventually(lambda: stage.shipping.sent == 4)
    assert [(fact.equipment, fact.before, fact.state) for fact in stage.facts] == [
        ("m1", "running", "offline"), ("m2", "idle", "offline"),
    ]  # fmt: skip
    assert stage.samples()[2:] == [("m1/speed", 7.0, UNCERTAIN), ("m2/speed", 8.0, UNCERTAIN)]
    assert not stage.link.now().up
    assert "wire was cut" in stage.link.now().error
    for _ in range(20):
        await stage.clock.advance(60)
    assert len(stage.facts) == 2
    assert stage.shipping.sent == 4
    with pytest.raises(TryLater, match="down"):
        _ = stage.link.driver


async def test_who_refuses_us_is_not_asked_again_every_moment_and_says_why(stage: Stage) -> None:
    stage.far.refuses = True
    stage.far.says.put_nowait(TryLater("machine.away", "The wire was cut."))
    await eventually(lambda: "cut" in stage.link.now().error)
    await stage.clock.advance(2)
    await eventually(lambda: "refuses us" in stage.link.now().error)
    assert "Change the password." in stage.link.now().error
    attempts = stage.far.attempts
    await stage.clock.advance(400)
    assert stage.far.attempts == attempts
    stage.far.refuses = False
    await stage.clock.advance(400)
    await eventually(lambda: stage.link.now().up)
    assert stage.far.closed == stage.far.attempts - 1


async def test_after_an_outage_of_days_it_is_back_within_the_longest_pause(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(speeds(m1=7.0), {"m1": "idle"}))
    await eventually(lambda: stage.shipping.sent == 1)
    stage.far.there = False
    stage.far.says.put_nowait(TryLater("machine.away", "The wire was cut."))
    await eventually(lambda: not stage.link.now().up)
    three_days = 3 * 86_400
    await stage.clock.advance(three_days)
    assert three_days / 80 < stage.far.attempts < three_days / 40
    stage.far.there = True
    await stage.clock.advance(75)
    await eventually(lambda: stage.link.now().up)
    stage.far.says.put_nowait(Reading(speeds(m1=9.0), {"m1": "running"}))
    await eventually(lambda: stage.floor.all()[0].state == "running")
    assert [(fact.before, fact.state) for fact in stage.facts] == [
        ("offline", "idle"), ("idle", "offline"), ("offline", "running"),
    ]  # fmt: skip
    assert stage.far.closed == stage.far.attempts - 1


async def test_pauses_grow_and_begin_small_again_after_a_reading(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(states={"m1": "idle"}))
    await eventually(lambda: stage.link.now().up)
    for _ in range(3):
        before = stage.far.attempts
        stage.far.says.put_nowait(Reading(states={"m1": "idle"}))
        stage.far.says.put_nowait(TryLater("machine.away", "A blink."))
        await eventually(lambda: not stage.link.now().up)
        await stage.clock.advance(1.3)
        assert stage.far.attempts == before + 1
        await eventually(lambda: stage.link.now().up)


async def test_one_machine_may_go_silent_while_the_connection_stands(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(speeds(m1=7.0, m2=8.0), {"m1": "running", "m2": "idle"}))
    stage.far.says.put_nowait(Reading(lost=frozenset({"m1"})))
    await eventually(lambda: stage.shipping.sent == 3)
    assert [(now.state, now.connected) for now in stage.floor.all()] == [("offline", False), ("idle", True)]
    assert stage.samples()[2:] == [("m1/speed", 7.0, UNCERTAIN)]
    assert stage.link.now().up


async def test_the_driver_feels_how_full_the_buffer_is(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(states={"m1": "idle"}))
    await eventually(lambda: stage.far.pressed)
    assert stage.far.pressed == [0.0]


async def test_a_connector_that_fails_shows_its_machines_as_lost(stage: Stage) -> None:
    stage.far.says.put_nowait(Reading(states={"m1": "idle"}))
    await eventually(lambda: stage.floor.all()[0].connected)
    stage.far.says.put_nowait(Broken("test.broken", "A fault in the driver.", "Mend it."))
    await eventually(lambda: not stage.floor.all()[0].connected)
    assert "A fault in the driver" in stage.link.now().error
