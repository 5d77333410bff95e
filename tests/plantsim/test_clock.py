import json
import logging
import os
from pathlib import Path

import pytest

from plantsim.clock import ClockFault, ClockLaw, PlantClock, from_iso, iso, read_law


class Real:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def write_law(file: Path, speed: float, real: float, plant: float) -> None:
    file.write_text(json.dumps({"speed": speed, "real_epoch": real, "plant_epoch": plant}))
    os.utime(file, ns=(0, int(real * 1e9)))


def test_plant_time_runs_at_its_speed() -> None:
    real = Real()
    clock = PlantClock(real, ClockLaw(60, 1000, 50000))
    real.now += 10
    assert clock.now() == 50600


def test_a_changed_file_changes_the_speed(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    write_law(file, 10, 1000, 0)
    real = Real()
    clock = PlantClock(real, read_law(file), file)
    real.now = 1010
    assert clock.now() == 100
    write_law(file, 100, 1010, 100)
    real.now = 1011
    assert clock.now() == 200


def test_plant_time_never_runs_backwards(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    write_law(file, 10, 1000, 5000)
    real = Real()
    clock = PlantClock(real, read_law(file), file)
    before = clock.now()
    write_law(file, 10, 1001, 0)
    real.now = 1001
    assert clock.now() == before


def test_a_spoilt_file_lets_the_clock_run_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "clock.json"
    write_law(file, 10, 1000, 0)
    real = Real()
    clock = PlantClock(real, read_law(file), file)
    file.write_text("{")
    real.now = 1002
    with caplog.at_level(logging.WARNING):
        assert clock.now() == 20
    assert "not usable" in caplog.text


def test_a_new_speed_makes_no_jump_and_reaches_the_file(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    write_law(file, 10, 1000, 0)
    real = Real()
    clock = PlantClock(real, read_law(file), file)
    real.now = 1010
    clock.set_speed(500)
    assert clock.now() == 100
    assert read_law(file) == ClockLaw(500, 1010, 100)


@pytest.mark.parametrize("speed", [0, 0.5, 501])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ClockFault, match="not between"):
        ClockLaw(speed, 0, 0)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockFault, match=r"clock\.json"):
        read_law(tmp_path / "clock.json")


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert iso(1767254400.0004) == "2026-01-01T08:00:00.000Z"
    assert iso(1767254400.9996) == "2026-01-01T08:00:01.000Z"
    assert (
        from_iso("2026-01-01T08:00:00Z")
        == from_iso("2026-01-01T16:00:00+08:00")
        == from_iso("2026-01-01T08:00:00")
        == 1767254400
    )
