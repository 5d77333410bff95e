"""What the board's stream tells is read from its own template, and each onlooker's first sight counts."""

import asyncio

import pytest
from benchmarks.board import Seen, states_in

from batchone.web.live import region


def test_states_are_read_from_stations_and_only_there() -> None:
    stations = '<li id="station-m-1" class="station is-alarm is-urgent"></li><li id="station-m2" class="station is-idle">'
    html = region("board", stations)
    assert states_in(html) == {"m-1": "alarm", "m2": "idle"}
    assert states_in('<p id="step-10" class="step">') == {}


async def test_the_first_sight_of_a_change_counts() -> None:
    seen = Seen()
    waiting = asyncio.create_task(seen.wait("board", "m", alarm=True, timeout_s=5))
    await asyncio.sleep(0)
    seen.see("poll", "m", "alarm", 1.0)
    seen.see("board", "m", "alarm", 2.0)
    seen.see("board", "m", "alarm", 3.0)
    assert await waiting == 2.0
    seen.see("board", "m", "running", 4.0)
    assert await seen.wait("board", "m", alarm=False, timeout_s=5) == 4.0


async def test_a_change_that_nobody_tells_ends_the_waiting() -> None:
    with pytest.raises(TimeoutError):
        await Seen().wait("board", "m", alarm=True, timeout_s=0.01)
