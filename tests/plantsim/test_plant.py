import asyncio
from typing import Any

import pytest

from plantsim.equipment import Changes, Equipment
from plantsim.pack import Pack
from plantsim.plant import Plant, PlantSettings, UnknownConnection


class Listener:
    """An endpoint that only notes what it is told."""

    def __init__(self, equipment: dict[str, Equipment]) -> None:
        self.id, self.url, self.equipment = "shaping", "none", equipment
        self.published: list[tuple[str, Changes, bool]] = []
        self.plugged = True
        self.stopped = False

    async def start(self) -> None:
        pass

    async def answering(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True

    async def publish(self, equipment: Equipment, changes: Changes, *, garbled: bool) -> None:
        self.published.append((equipment.spec.id, changes, garbled))

    async def unplug(self) -> None:
        self.plugged = False

    async def plug(self) -> None:
        self.plugged = True


@pytest.fixture
def plant(mugs: Pack, clock: Any) -> Plant:
    return Plant(mugs, clock, PlantSettings(connections=("shaping",)))


@pytest.fixture
def listener(plant: Plant) -> Listener:
    plant.endpoints["shaping"] = listener = Listener(plant.equipment)
    return listener


def test_only_the_asked_connections_are_emulated(mugs: Pack, clock: Any) -> None:
    plant = Plant(mugs, clock, PlantSettings(connections=("decor",)))
    assert set(plant.equipment) == {"doser-1", "doser-2"}
    assert set(Plant(mugs, clock, PlantSettings()).equipment) == set(mugs.equipment)


def test_an_unknown_connection_is_refused(mugs: Pack, clock: Any) -> None:
    with pytest.raises(UnknownConnection, match="nowhere; there are shaping, decor, glaze-cell"):
        Plant(mugs, clock, PlantSettings(connections=("nowhere",)))


async def test_each_change_is_shown_once(plant: Plant, listener: Listener) -> None:
    await plant.step()
    assert [id_ for id_, _, _ in listener.published] == ["press-1", "kiln-1"]
    listener.published.clear()
    await plant.step()
    assert listener.published == []


async def test_a_command_wakes_the_loop(plant: Plant, listener: Listener, clock: Any, order: Any) -> None:
    running = asyncio.create_task(plant.run())
    await asyncio.sleep(0)
    listener.published.clear()
    plant.equipment["press-1"].store_and_start(order("J-1"), clock.now())
    plant.wake()
    for _ in range(5):
        await asyncio.sleep(0)
    assert [id_ for id_, changes, _ in listener.published if changes.state] == ["press-1"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_garbling_is_shown_at_its_beginning_and_mended_at_its_end(plant: Plant, listener: Listener, clock: Any) -> None:
    await plant.step()
    plant.equipment["press-1"].faults.garbled_until_real_s = clock.real() + 1
    listener.published.clear()
    await plant.step()
    clock.pass_plant_s(11)
    await plant.step()
    mine = [(changes.state, garbled) for id_, changes, garbled in listener.published if id_ == "press-1"]
    assert mine == [(True, True), (True, False)]


async def test_unplugging_twice_lasts_to_the_later_end(plant: Plant, listener: Listener, clock: Any) -> None:
    await plant.unplug("shaping", 10)
    clock.real_s += 5
    await plant.unplug("shaping", 10)
    clock.real_s += 9
    await plant.step()
    assert not listener.plugged
    assert not plant.view()["connections"]["shaping"]["plugged"]
    clock.real_s += 1
    await plant.step()
    assert listener.plugged


async def test_stopping_stops_every_connection(plant: Plant, listener: Listener) -> None:
    await plant.stop()
    assert listener.stopped
