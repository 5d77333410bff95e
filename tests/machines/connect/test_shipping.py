import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support_plant import eventually

from batchone.kernel.bus import SAMPLES, Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.columns import Samples
from batchone.machines.connect.shipping import Bounds, Shipping

BOUNDS = Bounds(batch_s=0.05, batch_rows=100, retry_s=0.02)


class GoingBus(MemoryBus):
    """A bus that may be away."""

    away = False
    attempts = 0

    async def publish(self, subject: str, data: bytes, *, id: str) -> None:  # noqa: A002
        self.attempts += 1
        if self.away:
            raise TryLater("bus.away", "It is away.")
        await super().publish(subject, data, id=id)

    @property
    def messages(self) -> list[Message]:
        return self._logs[SAMPLES.name].messages


def rows(count: int, start: int = 0):
    samples = Samples()
    for number in range(start, start + count):
        samples.add("m1/a", number, number, float(number))
    return samples.take()


@pytest.fixture
def bus() -> GoingBus:
    return GoingBus()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "line"


@pytest.fixture
async def shipping(bus: GoingBus, folder: Path) -> AsyncIterator[Shipping]:
    made = Shipping(bus, "tinworks", "line", "B1", folder, BOUNDS, time.time)
    async with running(made):
        yield made


class running:  # noqa: N801
    def __init__(self, shipping: Shipping) -> None:
        self.shipping = shipping

    async def __aenter__(self) -> None:
        self.tasks = [asyncio.create_task(self.shipping.seal()), asyncio.create_task(self.shipping.send())]

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.shipping.close()


def values(bus: GoingBus) -> list[float]:
    return [value for message in bus.messages for value in columns.values_of(columns.from_bytes(message.data)).tolist()]


async def test_samples_of_a_short_time_become_one_batch_with_an_id(shipping: Shipping, bus: GoingBus, folder: Path) -> None:
    for number in range(5):
        shipping.put(rows(2, 2 * number))
    await eventually(lambda: shipping.sent == 10)
    (message,) = bus.messages
    assert message.subject == "samples.tinworks.line"
    assert columns.id_of(columns.from_bytes(message.data)) == "tinworks.line-B1-1"
    assert values(bus) == [float(number) for number in range(10)]
    await eventually(shipping.idle.is_set)
    assert not list(folder.glob("*.log"))


async def test_many_samples_do_not_wait(bus: GoingBus, folder: Path) -> None:
    made = Shipping(bus, "tinworks", "line", "B1", folder, Bounds(batch_s=60, batch_rows=100), time.time)
    async with running(made):
        made.put(rows(100))
        await eventually(lambda: made.sent == 100, within_s=3)


async def test_nothing_is_published_for_nothing(shipping: Shipping, bus: GoingBus) -> None:
    shipping.put(columns.empty())
    await asyncio.sleep(0.15)
    assert bus.messages == []


async def test_while_the_bus_is_away_batches_wait_and_then_go_in_order(shipping: Shipping, bus: GoingBus, folder: Path) -> None:
    bus.away = True
    for number in range(4):
        shipping.put(rows(3, 3 * number))
        await asyncio.sleep(0.1)
    assert bus.messages == []
    assert list(folder.glob("*.log"))
    bus.away = False
    await eventually(lambda: shipping.sent == 12)
    assert values(bus) == [float(number) for number in range(12)]


async def test_a_full_backlog_takes_no_more_and_counts_what_it_dropped(bus: GoingBus, folder: Path) -> None:
    bus.away = True
    bounds = Bounds(batch_s=0.01, disk_bytes=20_000, retry_s=0.02)
    made = Shipping(bus, "tinworks", "line", "B1", folder, bounds, time.time)
    async with running(made):
        while made.share < 1:
            made.put(rows(200))
            await asyncio.sleep(0.02)
        made.put(rows(7))
        assert made.dropped == 7
        bus.away = False
        await eventually(lambda: made.share == 0)
        made.put(rows(1))
        await eventually(lambda: made.sent % 200 == 1)
        assert made.dropped == 7


async def test_what_waited_when_the_process_ended_is_sent_by_the_next(bus: GoingBus, folder: Path) -> None:
    bus.away = True
    first = Shipping(bus, "tinworks", "line", "B1", folder, BOUNDS, time.time)
    first.put(rows(3))
    await first.close()
    bus.away = False
    second = Shipping(bus, "tinworks", "line", "B2", folder, BOUNDS, time.time)
    async with running(second):
        second.put(rows(3, 3))
        await eventually(lambda: second.sent == 6)
    assert values(bus) == [0, 1, 2, 3, 4, 5]
    assert [columns.id_of(columns.from_bytes(m.data)) for m in bus.messages] == ["tinworks.line-B1-1", "tinworks.line-B2-1"]


async def test_a_batch_that_is_published_twice_is_stored_once(bus: GoingBus, folder: Path) -> None:
    # The process ends after the bus has stored a batch and before the file forgets it.
    first = Shipping(bus, "tinworks", "line", "B1", folder, BOUNDS, time.time)
    first.put(rows(3))
    await first.seal_now()
    entry = first._spool.first()
    assert entry is not None
    await bus.publish("samples.tinworks.line", entry.data, id=entry.id)
    await first.close()
    second = Shipping(bus, "tinworks", "line", "B2", folder, BOUNDS, time.time)
    async with running(second):
        await eventually(second.idle.is_set)
    assert len(bus.messages) == 1


async def test_a_full_disk_is_told_and_samples_go_on_from_memory(
    shipping: Shipping, bus: GoingBus, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    shipping.put(rows(3))
    await eventually(lambda: shipping.sent == 3)
    assert "No space left" in shipping.trouble
    monkeypatch.undo()
    shipping.put(rows(3))
    await eventually(lambda: shipping.sent == 6)
    assert shipping.trouble == ""


async def test_who_is_stopped_while_a_batch_is_made_loses_nothing(
    bus: GoingBus, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    to_bytes = columns.to_bytes

    def slow(*given: object) -> bytes:
        begun.set()
        go.wait(5)
        return to_bytes(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(columns, "to_bytes", slow)
    made = Shipping(bus, "tinworks", "line", "B1", folder, BOUNDS, time.time)
    made.put(rows(3))
    sealing = asyncio.create_task(made.seal_now())
    await asyncio.to_thread(begun.wait, 5)
    sealing.cancel()
    go.set()
    await asyncio.gather(sealing, return_exceptions=True)
    await made.close()
    again = Shipping(bus, "tinworks", "line", "B2", folder, BOUNDS, time.time)
    async with running(again):
        await eventually(again.idle.is_set)
    assert values(bus) == [0, 1, 2]


async def test_what_was_dropped_is_still_told_after_a_restart(bus: GoingBus, folder: Path) -> None:
    bus.away = True
    made = Shipping(bus, "tinworks", "line", "B1", folder, Bounds(disk_bytes=1), time.time)
    made.put(rows(3))
    await made.seal_now()
    made.put(rows(5))
    await made.close()
    again = Shipping(bus, "tinworks", "line", "B2", folder, BOUNDS, time.time)
    assert (again.dropped, again.why_dropped) == (5, "the bus was away for too long")
    await again.close()


async def test_more_than_one_message_can_carry_goes_in_several_in_order(bus: GoingBus, folder: Path) -> None:
    made = Shipping(bus, "tinworks", "line", "B1", folder, Bounds(batch_s=0.01, message_rows=100), time.time)
    async with running(made):
        made.put(rows(1_050))
        await eventually(lambda: made.sent == 1_050)
    assert [columns.from_bytes(message.data).num_rows for message in bus.messages] == [100] * 10 + [50]
    assert values(bus) == [float(number) for number in range(1_050)]


async def test_a_batch_of_very_many_long_paths_is_cut_until_a_message_can_carry_it(bus: GoingBus, folder: Path) -> None:
    paths = [f"{'x' * 900}/{number}" for number in range(20_000)]
    batch = columns.to_batch(paths, range(20_000), [1] * 20_000, 1, [1.0] * 20_000, [0] * 20_000)
    made = Shipping(bus, "tinworks", "line", "B1", folder, Bounds(batch_s=0.01), time.time)
    async with running(made):
        made.put(batch)
        await eventually(lambda: made.sent == 20_000)
    assert len(bus.messages) > 4
    assert max(len(message.data) for message in bus.messages) < 8_000_000


async def test_what_waits_is_told_in_samples_and_in_time(bus: GoingBus, folder: Path) -> None:
    bus.away, now = True, [1_000.0]
    made = Shipping(bus, "tinworks", "line", "B1", folder, Bounds(disk_bytes=1_000_000), lambda: now[0])
    for _ in range(60):
        made.put(rows(100))
        await made.seal_now()
        now[0] += 1
    told = made.waiting()
    assert (told.samples, told.drain_per_s) == (6_000, 0)
    assert told.oldest_s == 60
    per_s = told.bytes / 60
    assert told.room_s == pytest.approx((1_000_000 - told.bytes) / per_s, rel=0.1)
    now[0] -= 3_600
    assert made.waiting().oldest_s == 0, "a clock that was set back makes nothing older"
    await made.close()


@pytest.mark.fault
async def test_acknowledged_samples_survive_kill_9(bus: GoingBus, folder: Path) -> None:
    program = f"""
import asyncio, sys, time
from pathlib import Path
from batchone.kernel.errors import TryLater
from batchone.machines.columns import Samples
from batchone.machines.connect.shipping import Bounds, Shipping
class Away:
    async def publish(self, subject, data, *, id):
        raise TryLater("bus.away", "It is away.")
async def main():
    made = Shipping(Away(), "tinworks", "line", "B1", Path({str(folder)!r}), Bounds(), time.time)
    number = 0
    while True:
        samples = Samples()
        for _ in range(10):
            samples.add("m1/a", number, number, float(number))
            number += 1
        made.put(samples.take())
        await made.seal_now()
        print(number, flush=True)
asyncio.run(main())
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = 0
    while acknowledged < 200:
        acknowledged = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    for line in child.stdout:
        acknowledged = int(line)
    child.wait()
    child.stdout.close()
    again = Shipping(bus, "tinworks", "line", "B2", folder, BOUNDS, time.time)
    async with running(again):
        await eventually(again.idle.is_set)
    assert len(values(bus)) >= acknowledged
    assert values(bus) == [float(number) for number in range(len(values(bus)))]


@pytest.mark.parametrize("step_s", [18_000, -18_000])
async def test_a_clock_that_is_set_by_hours_does_not_make_the_rate_absurd(bus: GoingBus, folder: Path, step_s: float) -> None:
    real_s = 1_000_000.0
    shipping = Shipping(bus, "tinworks", "line", "B1", folder, BOUNDS, lambda: real_s)
    async with running(shipping):
        for second in range(600):
            real_s += 1 + (step_s if second == 300 else 0)
            shipping.put(rows(10, 10 * second))
            await shipping.seal_now()
            await shipping.idle.wait()
    assert shipping.waiting().drain_per_s == pytest.approx(10, rel=0.1)
