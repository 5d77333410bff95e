"""Machines that fall silent, talk nonsense, vanish, break and lie: the order is finished all the same, and made once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults.harness import Customers, Faulty, faulty
from tests.faults.lamps import lamps
from tests.faults.ledger import audit, plant_jobs
from tests.scenarios.loop import Json

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
SPEED = 100
TURN, TEST = "10", "30"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Faulty]:
    folder: Path = tmp_path_factory.mktemp("machines")
    async with faulty(folder / "home", pack=lamps(folder / "pack"), speed=SPEED) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def customers(plant: Faulty) -> Customers:
    return Customers(plant.loop)


@pytest.mark.parametrize(("machine", "seconds"), [("lathe-1", 7), ("fitter-1", 7), ("tester-1", 12)])
@pytest.mark.parametrize("how", ["mute", "garble"])
async def test_a_machine_that_says_nothing_or_nonsense_is_asked_again(
    plant: Faulty, customers: Customers, machine: str, seconds: int, how: str
) -> None:
    await plant.tell_plant(how, equipment=machine, seconds=seconds)
    if machine == "lathe-1":
        await plant.tell_plant(how, equipment="lathe-2", seconds=seconds)
    number = await customers.order()
    if (machine, how) == ("tester-1", "mute"):
        await _until_state(plant, machine, "offline")
        assert await _alarms(plant, machine) == {"offline"}
    if how == "garble":
        await plant.loop.until(lambda: _quarantined(plant, machine), f"garbage of {machine} set aside", timeout_s=30)
    await _finished_once(plant, number)


async def test_a_machine_unplugged_in_mid_job_works_on_and_is_believed_when_it_is_back(
    plant: Faulty, customers: Customers
) -> None:
    number = await customers.order()
    machine = await _until_at_work(plant, number, TURN)
    await plant.tell_plant("unplug", connection="shop", seconds=8)
    await _until_state(plant, machine, "offline")
    assert "offline" in await _alarms(plant, machine)
    connections = await plant.loop.person().get("/api/machines/connections")
    down = [each for each in connections if not each["up"]]
    assert [each["connection"] for each in down] == ["shop"]
    assert down[0]["error"]
    item = await _finished_once(plant, number)
    assert [(job["state"], job["run"]) for job in item["jobs"] if job["op"] == TURN] == [("finished", 1)]
    alarms = await plant.loop.person().get("/api/alarms", equipment=machine)
    assert {each["state"] for each in alarms if each["limit"] == "offline"} == {"returned"}


async def test_a_broken_machine_stands_and_goes_on_while_another_of_its_class_takes_over(
    plant: Faulty, customers: Customers
) -> None:
    first = await customers.order()
    broken = await _until_at_work(plant, first, TURN)
    await plant.tell_plant("break", equipment=broken, seconds=1200)
    await _until_state(plant, broken, "alarm")
    assert "broken" in await _alarms(plant, broken)
    second = await customers.order()
    other = await _finished_once(plant, second)
    (took_over,) = {job["equipment"] for job in other["jobs"] if job["op"] == TURN}
    assert took_over == {"lathe-1": "lathe-2", "lathe-2": "lathe-1"}[broken]
    item = await _finished_once(plant, first)
    assert [(job["equipment"], job["run"]) for job in item["jobs"] if job["op"] == TURN] == [(broken, 1)]


async def test_a_job_lost_with_the_power_is_done_again_as_the_next_run(plant: Faulty, customers: Customers) -> None:
    number = await customers.order()
    machine = await _until_at_work(plant, number, TURN)
    await plant.tell_plant("switch-off", equipment=machine, seconds=300)
    item = await _finished_once(plant, number)
    turned = [(job["run"], job["state"], job["reason"]) for job in item["jobs"] if job["op"] == TURN]
    assert turned == [(1, "failed", "power lost"), (2, "finished", "")]


async def test_a_false_measurement_holds_the_item_and_has_the_work_done_again(plant: Faulty, customers: Customers) -> None:
    for machine in ("lathe-1", "lathe-2"):
        await plant.tell_plant("lie", equipment=machine, measure="diameter", value=11.0)
    number = await customers.order()
    item = await _finished_once(plant, number)
    assert [(job["run"], job["state"]) for job in item["jobs"] if job["op"] == TURN] == [(1, "finished"), (2, "finished")]
    measured = sorted((m for m in item["measurements"] if m["check"] == "diameter"), key=lambda m: m["time"])
    assert [(m["value"] == 11.0, m["passed"]) for m in measured] == [(True, False), (False, True)]
    assert [(hold["check"], hold["decision"]) for hold in item["holds"]] == [("diameter", "rework")]
    await plant.tell_plant("drift", equipment="lathe-1", signal="diameter", by=0)


async def test_an_item_that_only_a_person_may_let_go_on_waits_for_one(plant: Faulty, customers: Customers) -> None:
    await plant.tell_plant("lie", equipment="tester-1", measure="brightness", value=100.0)
    number = await customers.order()
    order = await plant.loop.until_status(number, "held", timeout_s=60)
    await asyncio.sleep(2)
    (item,) = order["items"]
    assert (await plant.loop.person().get(f"/api/items/{item}"))["state"] == "held"
    released = await plant.loop.person().post(f"/api/items/{item}/release", {"redo": [TEST], "note": "again"}, key="again")
    assert released["holds"][0]["decision"] == "again"
    record = await _finished_once(plant, number)
    assert [job["run"] for job in record["jobs"] if job["op"] == TEST] == [1, 2]


async def test_after_all_this_the_books_agree(plant: Faulty, customers: Customers) -> None:
    await plant.until_settled()
    await audit(plant, customers)
    assert customers.odd == []


async def _finished_once(plant: Faulty, number: str) -> Json:
    """The order's item, once it is finished; every run of it is one job of the plant."""
    order = await plant.loop.until_status(number, "finished", "in_transit", timeout_s=120)
    (item,) = order["items"]
    record: Json = await plant.loop.person().get(f"/api/items/{item}")
    runs = [(job["op"], job["run"]) for job in record["jobs"]]
    assert len(runs) == len(set(runs))
    rows = await plant.rows("SELECT id, state FROM production.jobs WHERE item = %(item)s", item=item)
    ran = plant_jobs(plant.home / "plantsim")
    assert {row["id"] for row in rows if row["state"] != "withdrawn"} == {row["id"] for row in rows} & ran
    return record


async def _until_at_work(plant: Faulty, number: str, op: str) -> str:
    """The machine that works on the order's operation."""
    order = await plant.loop.person().get(f"/api/orders/{number}")

    async def look() -> str:
        stations = await plant.loop.person().get("/api/stations")
        at_work = [s["equipment"] for s in stations if (s["order"], s["op"], s["state"]) == (order["id"], op, "started")]
        return at_work[0] if at_work else ""

    return str(await plant.loop.until(look, f"{number} at operation {op}", timeout_s=60))


async def _until_state(plant: Faulty, machine: str, state: str) -> None:
    async def look() -> bool:
        equipment = await plant.loop.person().get("/api/machines/equipment")
        return any((each["equipment"], each["state"]) == (machine, state) for each in equipment)

    await plant.loop.until(look, f"{machine} {state}", timeout_s=30)


async def _alarms(plant: Faulty, machine: str) -> set[str]:
    """What is wrong with a machine itself, once that is known."""

    async def look() -> set[str]:
        alarms = await plant.loop.person().get("/api/alarms", equipment=machine)
        return {each["limit"] for each in alarms if each["path"] == machine and each["returned"] is None}

    found: set[str] = await plant.loop.until(look, f"an alarm of {machine}", timeout_s=30)
    return found


async def _quarantined(plant: Faulty, machine: str) -> int:
    """How much of what a machine sent could not be read."""
    connection = next(each.connection for each in plant.loop.demo.pack.equipment if each.id == machine)
    connections = await plant.loop.person().get("/api/machines/connections")
    return next(int(each["quarantined"]) for each in connections if each["connection"] == connection)
