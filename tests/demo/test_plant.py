"""The emulated plant's processes: one that dies comes back as it was started, and none is left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support_pack import SMALL, written

from batchone.chain.design.packs import load_pack
from batchone.demo.claims import Claims
from batchone.demo.run import Plant, free_offset
from batchone.kernel.engines.child import answers

pytestmark = pytest.mark.engine


@pytest_asyncio.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    folder, claims = written(SMALL, tmp_path / "pack"), Claims()
    built = Plant(folder, ["shop", "bench"], free_offset(load_pack(folder), claims))
    built.start(tmp_path / "home", "mqtt://127.0.0.1:1883", "", 1)
    try:
        yield built
    finally:
        await built.stop()
        claims.release()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_process_that_is_killed_comes_back_with_the_same_arguments_and_the_other_stays(plant: Plant) -> None:
    await until(lambda: all(answers(port) for port in plant.control_ports))
    killed, other = plant.children
    with capture_logs() as logs:
        os.kill(killed.process.pid, signal.SIGKILL)
        await until(lambda: plant.children[0] is not killed)
    assert [(log["event"], log["what"]) for log in logs] == [("engine.restarting", "plantsim 0")]
    assert plant.children[0].process.args == killed.process.args
    assert plant.children[1] is other
    await until(lambda: answers(plant.control_ports[0]))
    assert plant.children[0].alive


async def test_stopped_none_is_left_and_none_comes_back(plant: Plant) -> None:
    os.kill(plant.children[0].process.pid, signal.SIGKILL)
    await asyncio.sleep(0.25)  # the watcher has seen it and waits before it starts another one
    await plant.stop()
    pids = [child.process.pid for child in plant.children]
    assert all(gone(pid) for pid in pids)
    await asyncio.sleep(0.5)
    assert [child.process.pid for child in plant.children] == pids
