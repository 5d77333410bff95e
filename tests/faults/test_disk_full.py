"""The disk takes nothing more, at the edge and at the hub: nothing acknowledged is lost, it is said, and it goes on by itself.

A running process is told by the kernel that its files may not grow (`prlimit`), its log no less than its data, as on a full
disk; and that they may again.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.faults.edges import METER_SOURCES, METERS, TENANT, Counter, Plant, deployed, hours_ago, soon, values

from batchone.contracts.sources import Sources, Taken
from batchone.kernel.errors import TryLater
from batchone.kernel.remote import remote

pytestmark = [pytest.mark.engine, pytest.mark.fault]
_START = int(hours_ago(1).timestamp())


async def test_a_full_disk_costs_nothing_that_was_acknowledged_and_is_said() -> None:
    start = hours_ago(2)
    async with deployed() as plant, Counter().serving() as machine:
        await plant.declare(METERS, METER_SOURCES % machine.port)
        await _push(plant, 1)

        async with _full(plant, "edge"):
            with pytest.raises(TryLater) as told:
                await asyncio.wait_for(_push_once(plant, 2), 20)
            assert told.value.code == "samples.full"
            async with asyncio.timeout(20):
                while "disk takes no samples" not in (await soon(plant.connections))["polled"].error:
                    await asyncio.sleep(0.1)
            until = machine.told + 100
            while machine.told < until:
                await asyncio.sleep(0.05)
        await _push(plant, 2)
        async with asyncio.timeout(20):
            while any(each.error for each in (await soon(plant.connections)).values()):
                await asyncio.sleep(0.1)

        async with _full(plant, "hub"):
            stored = await _stored_until_it_stands(plant)
            await _push(plant, 3)
            await asyncio.sleep(3)
            assert await plant.stored() == stored
        await plant.until_stored(stored + 100, timeout_s=60)
        await _push(plant, 4)

        machine.rests = True
        await plant.until_settled()
        polled, missing = await plant.samples("meter-1/count", start, datetime.now(UTC))
        pushed, _ = await plant.samples("meter-2/count", start, datetime.now(UTC))
        assert missing == ()
        assert values(polled) == list(range(1, machine.told + 1))
        assert values(pushed) == [1, 2, 3, 4]
        assert {each.dropped for each in (await soon(plant.connections)).values()} == {0}


@asynccontextmanager
async def _full(plant: Plant, name: str) -> AsyncIterator[None]:
    """No file of a process may grow until the block ends."""
    pid = plant.child(name).process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        assert plant.child(name).process.pid == pid, f"{name} did not live through it"


async def _push_once(plant: Plant, number: int) -> Taken:
    line = f"meter count={number} {_START + number}"
    return await remote(Sources, plant.at_edge).push(TENANT, "pushed", line, {"precision": "s"})


async def _push(plant: Plant, number: int) -> None:
    taken = await soon(lambda: _push_once(plant, number))
    assert taken.samples == 1


async def _stored_until_it_stands(plant: Plant) -> int:
    """How many samples history has once it has no more: what was under way when the disk became full is stored."""
    stored = -1
    while stored != (now := await plant.stored()):
        stored = now
        await asyncio.sleep(2)
    return stored


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, which can be full; whoever may not mount one does without."""
    folder = Path(tempfile.mkdtemp(prefix="batchone-test-"))
    folder.chmod(0o755)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only the superuser may mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)
    folder.rmdir()


async def test_when_engines_and_all_have_no_room_everything_goes_on_once_there_is_some(small_disk: Path) -> None:
    start = hours_ago(2)
    async with deployed(small_disk) as plant, Counter().serving() as machine:
        await plant.declare(METERS, METER_SOURCES % machine.port)
        pushed, refused = 0, 0
        filler = small_disk / "filler"
        for full in (False, True, False):
            if full:
                _fill(filler)
            else:
                filler.unlink(missing_ok=True)
            until_s = time.monotonic() + (20 if full else 5)
            while time.monotonic() < until_s:
                try:
                    pushed += (await _push_once(plant, pushed + 1)).samples
                except TryLater:
                    refused += 1
                await asyncio.sleep(0.05)
        assert refused > 0
        before = pushed
        await _push(plant, before + 1)
        machine.rests = True
        await plant.until_settled()
        polled, missing = await plant.samples("meter-1/count", start, datetime.now(UTC))
        acknowledged, _ = await plant.samples("meter-2/count", start, datetime.now(UTC))
        assert missing == ()
        print(f"{machine.told} told, {len(values(polled))} stored; {before + 1} acknowledged, {refused} refused")
        assert values(acknowledged) == list(range(1, before + 2))
        assert values(polled) == list(range(1, machine.told + 1))


def _fill(filler: Path) -> None:
    """Leave no byte."""
    with filler.open("wb", buffering=0) as out:
        for size in (1_000_000, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    out.write(b"x" * size)
