"""What fails is started again, after a growing pause, and nothing else suffers."""

import asyncio

import pytest

from batchone.kernel.errors import Broken, Refused, TryLater
from batchone.kernel.supervise import Supervisor, contained


class Times:
    """The pauses that were asked for; each passes at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []
        really = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            await really(0)

        monkeypatch.setattr("batchone.kernel.supervise.asyncio.sleep", sleep)


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while not condition():
            woken = asyncio.Event()  # `asyncio.sleep` itself is what a test may have replaced
            loop.call_later(0.005, woken.set)
            await woken.wait()


async def test_work_that_fails_is_started_again_after_pauses_that_double_up_to_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times, supervisor, starts = Times(monkeypatch), Supervisor(), 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 10:
            raise ValueError(f"failure {starts}")
        await asyncio.Event().wait()

    supervisor.start("work", work)
    await until(lambda: starts == 10)
    assert times.pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10])
    health = supervisor.health["work"]
    assert (health.restarts, health.last_error, health.running) == (9, "ValueError('failure 9')", True)
    await supervisor.stop()


async def test_work_that_ran_well_for_long_begins_with_a_short_pause_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times, supervisor, starts, now = Times(monkeypatch), Supervisor(), 0, 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now, raising=True)

    async def work() -> None:
        nonlocal starts, now
        starts += 1
        now += 31 if starts == 4 else 1
        if starts < 6:
            raise TryLater("t", "not now")

    supervisor.start("work", work)
    await supervisor._tasks[0]
    assert times.pauses == pytest.approx([0.2, 0.4, 0.8, 0.2, 0.4])


async def test_work_that_ends_well_is_not_started_again() -> None:
    supervisor, starts = Supervisor(), 0

    async def work() -> None:
        nonlocal starts
        starts += 1

    supervisor.start("work", work)
    await supervisor._tasks[0]
    assert starts == 1
    assert not supervisor.health["work"].running
    assert supervisor.health["work"].restarts == 0


async def test_one_piece_of_work_does_not_suffer_from_another() -> None:
    supervisor, steps, failures = Supervisor(), 0, 0

    async def good() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0.01)

    async def bad() -> None:
        nonlocal failures
        failures += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async def fail() -> None:
        raise OSError("disk full")

    supervisor.start("good", good)
    supervisor.start("bad", bad)
    await until(lambda: failures == 3 and steps > 20)
    assert supervisor.health["good"].restarts == 0
    assert "disk full" in supervisor.health["bad"].last_error
    await supervisor.stop()


async def test_stopping_ends_all_work_also_what_waits_for_its_restart() -> None:
    supervisor, ended = Supervisor(), []

    async def running() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("running")

    async def failing() -> None:
        raise ValueError

    supervisor.start("running", running)
    supervisor.start("failing", failing)
    await asyncio.sleep(0.05)
    tasks = list(supervisor._tasks)
    async with asyncio.timeout(2):
        await supervisor.stop()
    assert ended == ["running"]
    assert all(task.done() for task in tasks)
    assert not supervisor.health["running"].running


async def test_stopping_ends_work_that_fails_in_the_very_moment() -> None:
    supervisor, failing = Supervisor(), asyncio.Event()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async def fail() -> None:
        failing.set()
        raise ValueError("while being cancelled")

    supervisor.start("work", work)
    await failing.wait()
    async with asyncio.timeout(2):
        await supervisor.stop()


async def test_contained_work_gives_its_result_and_its_own_errors() -> None:
    async def right() -> int:
        return 3

    async def refused() -> int:
        raise Refused("a.b", "wrong", "mend")

    assert await contained("work", right()) == 3
    with pytest.raises(Refused, match="wrong"):
        await contained("work", refused())


async def test_contained_work_that_fails_unexpectedly_is_broken_for_its_caller() -> None:
    async def wrong() -> int:
        raise ZeroDivisionError("by zero")

    with pytest.raises(Broken, match="ZeroDivisionError") as broken:
        await contained("counting", wrong())
    assert isinstance(broken.value.__cause__, ZeroDivisionError)


async def test_work_that_loses_a_cancellation_is_told_again() -> None:
    supervisor, lost = Supervisor(), []

    async def deaf() -> None:
        while len(lost) < 2:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost.append(True)

    supervisor.start("deaf", deaf)
    await asyncio.sleep(0)
    await supervisor.stop()
    assert len(lost) == 2
