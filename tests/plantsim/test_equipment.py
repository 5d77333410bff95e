import json
from collections.abc import Callable

import pytest

from plantsim.equipment import Equipment, State
from plantsim.faults import Lie
from plantsim.pack import Pack

Order = Callable[..., str]


@pytest.fixture
def make(mugs: Pack) -> Callable[..., Equipment]:
    def equipment(id_: str = "press-1", *, breakdowns: bool = False, seed: int = 1) -> Equipment:
        spec = mugs.equipment[id_]
        return Equipment(spec, mugs, seed=seed, now_s=0.0, record=lambda _told: None, breakdowns=breakdowns)

    return equipment


def finish(equipment: Equipment, text: str, now_s: float = 0.0) -> dict[str, object]:
    """Run one job to its end and return its response."""
    job = str(json.loads(text)["job"])
    assert equipment.store_and_start(text, now_s)["state"] == "running"
    equipment.advance(now_s + 2000)
    return dict(equipment.ledger.completed[job].response())


def test_a_job_runs_by_the_packs_cycle_where_the_order_brings_facts(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", facts={"size_ml": 500}, seconds=1), 0)
    assert press.ledger.running["J-1"].work.run_s == pytest.approx(30, rel=0.08)


def test_a_job_without_facts_runs_as_long_as_the_order_says(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", seconds=77), 0)
    assert press.ledger.running["J-1"].work.run_s == pytest.approx(77, rel=0.08)


def test_a_finished_job_reports_its_measurements_and_reads_back_program_and_parameters(
    make: Callable[..., Equipment], order: Order
) -> None:
    response = finish(make(), order("J-1"))
    assert response["state"] == "finished"
    assert set(response["results"]) == {"wall_thickness", "height_deviation"}  # type: ignore[call-overload]
    assert (response["program"], response["parameters"]) == ("program-10", {"b": 1.5, "a": "x"})
    assert response["started"] == "1970-01-01T00:00:00.000Z"
    assert "1970-01-01T00:00:18" < str(response["ended"]) < "1970-01-01T00:00:22"
    assert response["energy_kwh"] == pytest.approx(0.05, rel=0.2)


def test_a_replay_gives_the_same_and_a_rework_something_else(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    first, rework = finish(press, order("J-1")), finish(press, order("J-2"), 5000)
    replay = finish(make(), order("J-1"))
    assert first == replay
    assert first["results"] != rework["results"]


def test_the_machine_pays_its_own_setup_when_the_key_changes(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", setup="300", setup_seconds=7), 0)
    assert press.ledger.running["J-1"].setup_s == 7
    assert press.state == State.SETUP
    press.advance(8)
    assert press.state == State.RUNNING
    press.advance(100)
    press.store_and_start(order("J-2", setup="300", setup_seconds=7), 100)
    assert press.ledger.running["J-2"].setup_s == 0
    press.advance(200)
    press.store_and_start(order("J-3", setup="500", setup_seconds=7), 200)
    assert press.ledger.running["J-3"].setup_s == 25


def test_what_is_not_understood_is_refused_and_leaves_nothing(make: Callable[..., Equipment]) -> None:
    press = make()
    assert press.store_and_start("{}", 0)["reason"].startswith("not understood: job")
    assert not press.ledger.running
    assert press.state == State.IDLE


def test_a_broken_machine_stands_then_goes_on(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", seconds=100), 0)
    ends_s = press.ledger.running["J-1"].ends_s
    press.break_down(600, 50)
    assert press.state == State.ALARM
    assert press.store_and_start(order("J-2"), 60) == {"job": "J-2", "state": "refused", "reason": "broken"}
    assert press.store_and_start(order("J-1"), 300)["progress"] == pytest.approx(0.5, abs=0.06)
    press.advance(655)
    assert press.state == State.RUNNING
    press.advance(ends_s + 600.5)
    assert press.ledger.completed["J-1"].ended_s == pytest.approx(ends_s + 600)


def test_a_machine_that_breaks_again_while_broken_is_repaired_once(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", seconds=100), 0)
    press.break_down(100, 10)
    press.break_down(300, 50)
    press.switch_off(10, 60)
    press.advance(349)
    assert press.state == State.ALARM
    press.advance(351)
    assert press.state == State.IDLE
    assert not press.ledger.stands
    assert press.store_and_start(order("J-2"), 352)["state"] == "running"


def test_a_machine_switched_off_loses_its_jobs_and_comes_back(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1", seconds=100), 0)
    press.switch_off(60, 10)
    assert press.state == State.OFFLINE
    assert press.power_kw(20) == 0
    assert press.ledger.completed["J-1"].reason == "power lost"
    press.advance(71)
    assert press.state == State.IDLE


def test_uncleared_results_block_the_machine(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    for number in range(8):
        finish(press, order(f"J-{number}"), number * 3000.0)
    assert press.state == State.BLOCKED
    assert press.store_and_start(order("J-9"), 99000)["reason"] == "busy"
    assert press.clear("J-0", 99000)
    assert press.state == State.IDLE


def test_energy_is_idle_draw_plus_what_the_jobs_took(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    jobs = [finish(press, order(f"J-{n}"), n * 3600.0)["energy_kwh"] for n in range(5)]
    press.store_and_start(order("J-half", seconds=100), 18000)
    running = press.ledger.running["J-half"].work
    half_s = 18000 + running.run_s / 2
    assert press.energy_kwh(half_s) == pytest.approx(half_s / 3600 + sum(map(float, jobs)) + running.energy_kwh / 2, rel=1e-4)  # type: ignore[arg-type]


def test_power_is_the_slope_of_energy(make: Callable[..., Equipment], order: Order) -> None:
    kiln = make("kiln-1")
    for number in range(3):
        kiln.store_and_start(order(f"J-{number}", "40", facts={"glaze": "gold"}), number * 10.0)
    before = kiln.energy_kwh(100)
    assert kiln.power_kw(100) > 2
    assert kiln.energy_kwh(136) - before == pytest.approx(kiln.power_kw(120) / 100, rel=1e-6)


def test_position_signals_are_reported_only_where_work_is(make: Callable[..., Equipment], order: Order) -> None:
    kiln = make("kiln-1")
    kiln.store_and_start(order("J-1", "40"), 0)
    kiln.store_and_start(order("J-2", "40"), 0)
    kiln.advance(5)
    kiln.sample(5, 1)
    names = {kiln.sampler.points[number].name("."): value for number, (value, _) in kiln.take_changes(5, 0).samples.items()}
    assert {name for name in names if name.endswith("plate_temperature")} == {"P01.plate_temperature", "P02.plate_temperature"}
    assert (names["P03.draught"], names["P04.draught"]) == (0, 0)
    assert names["P01.draught"] > 8


def test_a_position_signal_goes_to_its_idle_value_when_the_job_ends(make: Callable[..., Equipment], order: Order) -> None:
    kiln = make("kiln-1")
    kiln.store_and_start(order("J-1", "40"), 0)
    kiln.sample(10, 1)
    kiln.take_changes(10, 0)
    kiln.advance(1000)
    names = {kiln.sampler.points[number].name("."): value for number, (value, _) in kiln.take_changes(1000, 1).samples.items()}
    assert names == {"P01.draught": 0}


def test_count_and_energy_signals_follow_the_machine(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    finish(press, order("J-1"))
    press.sample(2000, 1)
    values = dict(zip([point.name(".") for point in press.sampler.points], press.sampler.values, strict=True))
    assert values["pieces"] == 1
    assert values["power"] == 1


def test_lists_of_running_jobs_come_at_most_twice_a_real_second(make: Callable[..., Equipment], order: Order) -> None:
    kiln = make("kiln-1")
    assert kiln.take_changes(0, 0.0).jobs
    kiln.store_and_start(order("J-1", "40", seconds=1000), 1)
    assert not kiln.take_changes(1, 0.1).jobs
    assert kiln.take_changes(2, 0.6).jobs
    assert not kiln.take_changes(3, 2.0).jobs
    kiln.advance(400)
    assert kiln.take_changes(400, 3.0).jobs  # the progress moved
    assert kiln.take_changes(401, 3.1).jobs is False


def test_a_drift_moves_signal_and_measurement(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.drift("wall_thickness", 5, 0, 0)
    assert dict(finish(press, order("J-1"))["results"])["wall_thickness"] > 7  # type: ignore[call-overload]
    press.drift("power", 5, 0, 0)
    kiln = make("kiln-1")
    kiln.drift("gas", 100, 0, 0)
    kiln.sample(10, 1)
    assert (kiln.sampler.values[0] or 0) > 130


def test_a_lie_is_reported_once(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.faults.lie("wall_thickness", Lie(0.123, 1))
    assert dict(finish(press, order("J-1"))["results"])["wall_thickness"] == 0.123  # type: ignore[call-overload]
    assert dict(finish(press, order("J-2"), 3000)["results"])["wall_thickness"] != 0.123  # type: ignore[call-overload]


def test_chance_breakdowns_happen_only_when_asked_for(make: Callable[..., Equipment]) -> None:
    def alarms(press: Equipment) -> int:
        count = 0
        for at in range(0, 200000, 10):
            before = press.state
            press.advance(float(at))
            count += before != State.ALARM and press.state == State.ALARM
        return count

    assert alarms(make()) == 0
    assert alarms(make(breakdowns=True)) == pytest.approx(200000 / 7560, rel=0.4)


def test_aborting_answers_the_same_when_repeated(make: Callable[..., Equipment], order: Order) -> None:
    press = make()
    press.store_and_start(order("J-1"), 0)
    assert press.abort("J-1", 5)
    assert press.abort("J-1", 6)
    assert press.clear("J-1", 7)
    assert not press.abort("J-1", 8)
    assert not press.abort("J-unknown", 8)
