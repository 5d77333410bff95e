import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tests.chain.planning.problems import plant

from batchone.chain.planning import solve, validate
from batchone.chain.planning.pins import Pin
from batchone.chain.planning.worker import (
    SearchProcess,
    Teller,
    Worker,
    pack_task,
    search_packed,
    search_task,
    unpack_plan,
    unpack_task,
)
from batchone.contracts.planning import Searching, SearchNow
from batchone.kernel.bus import Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.errors import Refused, TryLater
from batchone.kernel.remote import remote, serve


def test_a_task_comes_out_as_it_went_in() -> None:
    of = plant(4)
    plan = solve(of, 0, 1)
    pins = (Pin("J0.0", "shell-1", 0, 60),)
    assert unpack_task(pack_task(of, plan, pins)) == (of, plan, pins)


@pytest.mark.parametrize("packed", ["", "no task", "c$@()"])
def test_what_is_no_task_is_refused(packed: str) -> None:
    with pytest.raises(Refused):
        unpack_task(packed)


def test_a_search_over_text_is_a_search() -> None:
    of = plant(12, due_h=(1.0, 1.4))
    plan = solve(of, 0, 1)
    better = unpack_plan(search_packed(pack_task(of, plan, ()), 0.5, 1, 0))
    assert validate(of, better) == []
    assert better.objective.key(of.aim) <= plan.objective.key(of.aim)


@pytest.fixture
async def worker(nats_bus: NatsBus) -> AsyncIterator[Worker]:
    made = Worker(nats_bus)
    yield made
    made.stop()


async def _asked(bus: NatsBus, packed: str) -> str:
    """The answer, as soon as somebody listens."""
    async with asyncio.timeout(150):
        while True:
            with suppress(TryLater):
                return await remote(Searching, bus, timeout_s=120).search(packed, 0.5, 1, 0, "live.search.t")
            await asyncio.sleep(0.1)


@pytest.mark.engine
@pytest.mark.timeout(300)
async def test_somebody_on_the_bus_searches(nats_bus: NatsBus, worker: Worker) -> None:
    serving = asyncio.create_task(serve(nats_bus, Searching, worker))
    try:
        of = plant(12, due_h=(1.0, 1.4))
        plan = solve(of, 0, 1)
        packed = pack_task(of, plan, ())
        better = unpack_plan(await _asked(nats_bus, packed))
        assert validate(of, better) == []
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@pytest.mark.timeout(300)
async def test_a_search_is_heard_while_it_runs() -> None:
    heard: list[SearchNow] = []
    process = SearchProcess(heard.append)
    try:
        of = plant(12, due_h=(1.0, 1.4))
        plan = await asyncio.wrap_future(process.submit(search_task, of, solve(of, 0, 1), (), 0.5, 1, 0))
        await asyncio.sleep(0.05)
    finally:
        process.stop()
    assert heard[0].budget_s == 0.5
    assert heard[0].elapsed_s < 0.5
    assert heard[-1].tardiness_s >= plan.objective.weighted_tardiness_s >= heard[-1].bound_s


async def test_what_is_heard_is_told_until_the_last_search_ended() -> None:
    bus, told = MemoryBus(), []

    async def hear(message: Message) -> None:
        told.append(message.data)

    listening = asyncio.create_task(bus.listen("live.search.t", hear))
    await asyncio.sleep(0)
    teller, first, second = Teller(bus), asyncio.Event(), asyncio.Event()
    searches = [asyncio.create_task(teller.during(each.wait(), "live.search.t")) for each in (first, second)]
    await asyncio.sleep(0)
    teller.hear(SearchNow(0.5, 3.0, 200, 60, 900, 100, "tabu"))
    await asyncio.sleep(0.01)
    first.set()
    await searches[0]
    assert len(told) == 1
    assert b'"tardiness_s":200' in told[0]
    second.set()
    await searches[1]
    await asyncio.sleep(0.01)
    assert told[1:] == [b""]
    listening.cancel()


@pytest.mark.parametrize(("late_s", "gap"), [(200, 0.5), (0, None)])
def test_the_gap_is_a_part_of_the_lateness(late_s: int, gap: float | None) -> None:
    assert SearchNow(0.5, 3.0, late_s, 60, 900, 100 if late_s else 0, "tabu").gap == gap
