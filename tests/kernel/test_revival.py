"""What dies is started again, more slowly the more often it dies."""

from structlog.testing import capture_logs

from batchone.kernel.engines.revival import Revival
from batchone.kernel.errors import Broken


class Time:
    def __init__(self) -> None:
        self.now_s, self.slept = 100.0, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


async def test_the_pause_grows_to_a_bound_and_is_short_again_after_a_quiet_time() -> None:
    time, started = Time(), list[str]()
    revival = Revival(time.sleep, lambda: time.now_s)
    for _ in range(7):
        await revival.again("a", lambda: started.append("a"))
    await revival.again("b", lambda: started.append("b"))
    time.now_s += 60
    await revival.again("a", lambda: started.append("a"))
    assert time.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 0.2, 0.2]
    assert started == ["a"] * 7 + ["b", "a"]


async def test_one_that_does_not_start_is_told_and_does_not_stop_the_watcher() -> None:
    def start() -> None:
        raise Broken("engine.died", "It ended at once.", "Read its log.")

    time = Time()
    with capture_logs() as logs:
        await Revival(time.sleep, lambda: time.now_s).again("a", start)
    assert [log["event"] for log in logs] == ["engine.restarting", "engine.not_restarted"]
