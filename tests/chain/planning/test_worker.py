import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tests.chain.planning.problems import plant

from batchone.chain.planning import solve, validate
from batchone.chain.planning.pins import Pin
from batchone.chain.planning.worker import Worker, pack_task, search_packed, unpack_plan, unpack_task
from batchone.contracts.planning import Searching
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
async def worker() -> AsyncIterator[Worker]:
    made = Worker()
    yield made
    made.stop()


async def _asked(bus: NatsBus, packed: str) -> str:
    """The answer, as soon as somebody listens."""
    async with asyncio.timeout(150):
        while True:
            with suppress(TryLater):
                return await remote(Searching, bus, timeout_s=120).search(packed, 0.5, 1, 0)
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
