"""One suite over every driver, against the emulated plant over the real protocols."""

import asyncio
import time
from dataclasses import replace

import pytest
from tests.support_plant import CONNECTION, EmulatedPlant, Ports, an_order, eventually, wiring_of

from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import TryLater
from batchone.machines.connect.drivers import make_driver
from batchone.machines.connect.jobs import agrees, sent_of

_count = iter(range(1, 1_000_000))


def new_job() -> str:
    return f"J-{time.time_ns() % 10**12}-{next(_count)}"


async def finish(bench, job: str) -> None:
    await bench.ended(job)
    assert await bench.driver.clear(bench.machine, job)


async def test_it_opens_and_closes_and_leaves_nothing_behind(make_bench, protocol) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(3):
        bench = make_bench()
        await bench.open()
        await eventually(lambda bench=bench: bench.states.get(bench.machine) is not None, "a state")
        await bench.close()
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == before


async def test_closing_what_was_never_opened_is_no_error(make_bench) -> None:
    await make_bench().close()


async def test_it_tells_states_and_signals(bench, protocol) -> None:
    signal = {"opcua": "force", "modbus": "flow", "sparkplug": "speed"}[protocol]
    path = f"{bench.machine}/{signal}"
    assert bench.states[bench.machine] == "idle"
    assert bench.values[path] == [20.0]
    order = an_order(protocol, new_job(), seconds=200)
    await bench.driver.start_job(bench.machine, order)
    await eventually(lambda: len(bench.values[path]) >= 4, "samples")
    assert all(30 < value < 50 for value in bench.values[path][1:4])
    await finish(bench, order.job)
    await eventually(lambda: bench.values[path][-1] == 20.0, "the idle value")


async def test_a_job_starts_reads_back_finishes_and_clears(bench, protocol) -> None:
    order = an_order(protocol, new_job())
    started = await bench.driver.start_job(bench.machine, order)
    assert (started.job, started.state, started.position) == (order.job, "running", 1)
    assert agrees(started, sent_of(order))
    await eventually(lambda: bench.states[bench.machine] == "running", "running")
    ended = await bench.ended(order.job)
    assert ended.state == "finished"
    assert agrees(ended, sent_of(order))
    assert ended.started < ended.ended
    assert ended.energy_kwh > 0
    measures = {"opcua": {"thickness"}, "modbus": {"mass", "torque"}, "sparkplug": {"weight"}}[protocol]
    assert set(ended.results) == measures
    assert all(4 < value < 6 for value in ended.results.values())
    assert order.job in [each.job for each in await bench.driver.jobs(bench.machine)]
    assert await bench.driver.clear(bench.machine, order.job)
    assert await bench.driver.clear(bench.machine, order.job)
    await eventually(lambda: all(each.job != order.job for each in bench.jobs[bench.machine]), "clearing to be told")
    assert order.job not in [each.job for each in await bench.driver.jobs(bench.machine)]


async def test_the_read_back_shows_a_machine_that_runs_something_else(bench, protocol) -> None:
    order = an_order(protocol, new_job())
    started = await bench.driver.start_job(bench.machine, order)
    assert not agrees(started, sent_of(an_order(protocol, order.job, force_kn=99.0)))
    await finish(bench, order.job)


async def test_the_same_job_again_answers_with_its_present_state(bench, protocol) -> None:
    order = an_order(protocol, new_job())
    first = await bench.driver.start_job(bench.machine, order)
    again = await bench.driver.start_job(bench.machine, order)
    assert (again.job, again.state, again.started) == (first.job, "running", first.started)
    ended = await bench.ended(order.job)
    assert await bench.driver.start_job(bench.machine, order) == ended
    await finish(bench, order.job)


async def test_refusals_say_why(bench, protocol) -> None:
    running, other = an_order(protocol, new_job(), seconds=60), an_order(protocol, new_job())
    await bench.driver.start_job(bench.machine, running)
    busy = await bench.driver.start_job(bench.machine, other)
    assert (busy.job, busy.state, busy.reason) == (other.job, "refused", "busy")
    assert not await bench.driver.clear(bench.machine, running.job)
    await finish(bench, running.job)
    cleared = await bench.driver.start_job(bench.machine, running)
    assert (cleared.state, cleared.reason) == ("refused", "cleared")
    assert not await bench.driver.clear(bench.machine, "J-never-seen")


async def test_an_aborted_job_ends_as_failed(bench, protocol) -> None:
    order = an_order(protocol, new_job(), seconds=3600)
    await bench.driver.start_job(bench.machine, order)
    assert await bench.driver.abort(bench.machine, order.job)
    ended = await bench.ended(order.job)
    assert (ended.state, ended.reason, dict(ended.results)) == ("failed", "aborted", {})
    assert await bench.driver.abort(bench.machine, order.job)
    await finish(bench, order.job)
    assert not await bench.driver.abort(bench.machine, "J-never-seen")


async def test_two_hundred_jobs_in_a_row(bench, protocol) -> None:
    for _ in range(200):
        order = an_order(protocol, new_job(), seconds=0.5)
        started = await bench.driver.start_job(bench.machine, order)
        assert started.job == order.job
        assert started.state in ("running", "finished")
        while not any(each.job == order.job and each.state == "finished" for each in await bench.driver.jobs(bench.machine)):
            await asyncio.sleep(0.005)
        assert await bench.driver.clear(bench.machine, order.job)
    await eventually(lambda: bench.jobs[bench.machine] == (), "an empty machine")
    assert bench.lost is None
    assert bench.faults == []


async def test_a_broken_machine_refuses_and_comes_back(bench, protocol, plant: EmulatedPlant) -> None:
    plant.tell("break", equipment=bench.machine, seconds=50)
    await eventually(lambda: bench.states[bench.machine] == "alarm", "alarm")
    refused = await bench.driver.start_job(bench.machine, an_order(protocol, new_job()))
    assert (refused.state, refused.reason) == ("refused", "broken")
    await eventually(lambda: bench.states[bench.machine] == "idle", "idle")


async def test_a_machine_that_is_switched_off_is_seen_to_be_gone(bench, protocol, plant: EmulatedPlant) -> None:
    plant.tell("switch-off", equipment=bench.machine, seconds=75)
    await eventually(lambda: bench.machine in bench.gone or bench.states.get(bench.machine) == "offline", "offline")
    await eventually(lambda: bench.machine not in bench.gone and bench.states.get(bench.machine) == "idle", "idle")
    assert bench.lost is None


async def test_a_machine_that_answers_nothing_is_asked_later(bench, protocol, plant: EmulatedPlant) -> None:
    plant.tell("mute", equipment=bench.machine, seconds=2.5)
    order = an_order(protocol, new_job(), seconds=0)
    with pytest.raises(TryLater):
        await bench.driver.start_job(bench.machine, order)
    await asyncio.sleep(2.5)

    async def answered() -> bool:
        try:
            return (await bench.driver.start_job(bench.machine, order)).state in ("running", "finished")
        except TryLater:
            return False

    while not await answered():
        await asyncio.sleep(0.1)
    await bench.ended(order.job)
    assert await bench.driver.clear(bench.machine, order.job)


async def test_garbage_is_counted_and_passes(bench, protocol, plant: EmulatedPlant) -> None:
    plant.tell("garble", equipment=bench.machine, seconds=2)
    await eventually(lambda: bench.faults, "faults")
    await asyncio.sleep(2)
    order = an_order(protocol, new_job())

    async def sound() -> bool:
        try:
            return (await bench.driver.start_job(bench.machine, order)).state == "running"
        except TryLater:
            return False

    while not await sound():
        await asyncio.sleep(0.1)
    await finish(bench, order.job)
    await eventually(lambda: bench.states[bench.machine] == "idle", "idle")
    assert bench.lost is None


async def test_undeclared_signals_are_told_too(bench) -> None:
    known = {f"{bench.machine}/{name}" for name in ("force", "flow", "head", "speed")}
    await eventually(
        lambda: [path for path in bench.values if path.startswith(bench.machine) and path not in known], "an undeclared signal"
    )


async def test_an_unplugged_far_side_is_lost_and_a_new_driver_finds_it_again(
    make_bench, protocol, plant: EmulatedPlant
) -> None:  # fmt: skip
    bench = make_bench()
    await bench.open()
    await eventually(lambda: bench.states.get(bench.machine) is not None, "a state")
    order = an_order(protocol, new_job(), seconds=150)
    await bench.driver.start_job(bench.machine, order)
    plant.tell("unplug", connection=CONNECTION[protocol], seconds=2)
    await eventually(lambda: bench.lost is not None, "the loss", within_s=20)
    with pytest.raises(TryLater):
        await bench.driver.start_job(bench.machine, order)
    await bench.close()
    again = make_bench()

    async def opened() -> bool:
        nonlocal again
        try:
            await again.open()
        except TryLater:
            await again.close()
            again = make_bench()
            return False
        return True

    while not await opened():
        await asyncio.sleep(0.1)
    assert (await again.ended(order.job)).state == "finished"
    assert await again.driver.clear(again.machine, order.job)
    await again.close()


async def test_a_far_side_that_is_not_there_is_tried_later(protocol, reach) -> None:
    driver = make_driver(wiring_of(protocol, Ports.free()), replace(reach, mqtt_port=free_port()), SystemClock())
    with pytest.raises(TryLater):
        await driver.open()
    await driver.close()
