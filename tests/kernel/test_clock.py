"""Plant time: scaled, shared through a file, and stood still for tests."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchone.kernel.clock import ManualClock, ScaledClock, SharedClock, SystemClock
from batchone.kernel.errors import Broken

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class Real:
    """Real seconds that a test sets."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_the_systems_clock_tells_aware_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
    assert abs(SystemClock().now().timestamp() - time.time()) < 1


def test_a_scaled_clock_runs_so_many_times_as_fast_from_its_epoch() -> None:
    real = Real()
    clock = ScaledClock(60, 1000, NEW_YEAR.timestamp(), real)
    assert clock.now() == NEW_YEAR
    real.s += 2
    assert clock.now() == NEW_YEAR + timedelta(minutes=2)


async def test_sleeping_in_plant_time_takes_its_share_of_real_time() -> None:
    began = time.monotonic()
    await ScaledClock(100, time.time(), 0).sleep(10)
    assert 0.1 <= time.monotonic() - began < 1


def test_a_clock_read_from_its_file_tells_the_same_time(tmp_path: Path) -> None:
    real = Real()
    written = ScaledClock(60, 900.5, NEW_YEAR.timestamp(), real)
    written.write(tmp_path / "clock.json")
    read = ScaledClock.from_file(tmp_path / "clock.json", real)
    assert read.now() == written.now()
    assert read.speed == 60
    assert [path.name for path in tmp_path.iterdir()] == ["clock.json"], "nothing half-written is left"


def test_a_shared_clock_follows_when_the_plant_changes_its_speed(tmp_path: Path) -> None:
    real, file = Real(), tmp_path / "clock.json"
    ScaledClock(60, 1000, 0).write(file)
    clock = SharedClock(file, real)
    real.s = 1010
    assert clock.now().timestamp() == 600
    ScaledClock(100, 1010, 600).write(file)
    real.s = 1011
    assert clock.now().timestamp() == 700
    assert clock.speed == 100


def test_a_shared_clock_never_runs_backwards(tmp_path: Path) -> None:
    real, file = Real(), tmp_path / "clock.json"
    ScaledClock(60, 1000, 0).write(file)
    clock = SharedClock(file, real)
    real.s = 1010
    before = clock.now()
    real.s = 1005
    assert clock.now() == before
    ScaledClock(1, 1005, 0).write(file)
    real.s = 1006
    assert clock.now() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"speed": 1}', '{"speed": "x", "real_epoch": 0, "plant_epoch": 0}'])
def test_a_shared_clock_runs_on_when_its_file_is_spoilt_or_gone(tmp_path: Path, text: str) -> None:
    real, file = Real(), tmp_path / "clock.json"
    ScaledClock(60, 1000, 0).write(file)
    clock = SharedClock(file, real)
    file.write_text(text)
    real.s = 1001
    assert clock.now().timestamp() == 60
    file.unlink()
    real.s = 1002
    assert clock.now().timestamp() == 120


@pytest.mark.parametrize(
    "content",
    [
        None, "", "not json", "[]", "{}", '{"speed": 1, "real_epoch": 0}', '{"speed": 0, "real_epoch": 0, "plant_epoch": 0}',
        '{"speed": -1, "real_epoch": 0, "plant_epoch": 0}', '{"speed": NaN, "real_epoch": 0, "plant_epoch": 0}',
        '{"speed": [], "real_epoch": 0, "plant_epoch": 0}',
    ],
)  # fmt: skip
def test_a_file_that_holds_no_clock_is_said_to_hold_none(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "clock.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Broken, match=r"clock\.json"):
        ScaledClock.from_file(file)


async def test_sleeping_on_a_shared_clock_ends_sooner_when_the_plant_speeds_up(tmp_path: Path) -> None:
    file, now = tmp_path / "clock.json", time.time()
    ScaledClock(1, now, 0).write(file)
    sleeping = asyncio.create_task(SharedClock(file).sleep(100))
    await asyncio.sleep(0.1)
    ScaledClock(500, now, 0).write(file)
    async with asyncio.timeout(3):
        await sleeping


async def test_sleeping_no_time_still_lets_others_run(tmp_path: Path) -> None:
    ScaledClock(1, time.time(), 0).write(tmp_path / "clock.json")
    clock, ran = SharedClock(tmp_path / "clock.json"), asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await clock.sleep(0)
    assert ran.is_set()


async def test_a_manual_clock_wakes_sleepers_each_at_its_own_time_in_order(clock: ManualClock) -> None:
    woken: list[tuple[str, datetime]] = []
    start = clock.now()

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now()))

    tasks = [
        asyncio.create_task(sleeper("b", 20)),
        asyncio.create_task(sleeper("a", 10, 5)),
        asyncio.create_task(sleeper("c", 20)),
    ]
    await asyncio.sleep(0)
    await clock.advance(19)
    assert woken == [("a", start + timedelta(seconds=10)), ("a", start + timedelta(seconds=15))]
    await clock.advance(1)
    assert [name for name, _ in woken[2:]] == ["b", "c"]
    assert clock.now() == start + timedelta(seconds=20)
    await asyncio.gather(*tasks)


async def test_a_sleeper_that_was_cancelled_does_not_stop_the_clock(clock: ManualClock) -> None:
    sleeping = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    await clock.advance(10)


def test_the_file_is_what_an_emulated_plant_reads(tmp_path: Path) -> None:
    ScaledClock(60, 1.5, 2.5).write(tmp_path / "clock.json")
    assert json.loads((tmp_path / "clock.json").read_text()) == {"speed": 60, "real_epoch": 1.5, "plant_epoch": 2.5}
