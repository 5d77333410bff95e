"""The picture of the plant: what machines report is planned around, and what cannot be is told and does not stop planning."""

import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support_pack import AIDED, SMALL

from batchone.chain.design.packs import load_files
from batchone.chain.planning.model import Alternative, Assignment, Fixed, Measure, Resource, Tariff, Wait
from batchone.chain.planning.picture import (
    EquipmentState,
    OpenOperation,
    OpenOrder,
    Picture,
    StoredPin,
    changed,
    placements,
)
from batchone.chain.planning.pins import Pin
from batchone.chain.planning.repair import repair
from batchone.chain.planning.solve import solve
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.validator import validate

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
PACK = load_files(SMALL)
STEPS = (("10", "turning", ()), ("20", "fitting", ("10",)), ("30", "testing", ("20",)))


def open_operation(item: str, op: str, **more) -> OpenOperation:
    kind, after = next((kind, after) for name, kind, after in STEPS if name == op)
    bare = OpenOperation(
        item, op, "O1", 1, kind, after, 60, None, False, None, False, "planned", None, None, None, None, None
    )  # fmt: skip
    return replace(bare, **more)


def running(item: str, op: str, equipment: str, position: int | None, **more) -> OpenOperation:
    start = NOW - timedelta(seconds=10)
    times = {"setup_start": start, "start": start, "end": start + timedelta(seconds=60)}
    return open_operation(item, op, state="running", equipment=equipment, position=position, **times | more)


def picture(*operations: OpenOperation) -> Picture:
    return Picture(NOW, (PACK,), (OpenOrder("O1", NOW + timedelta(hours=1), 1),), operations, {})


def told(found: Picture) -> list[str]:
    return [clash.what for clash in found.clashes]


def tracks(found: Picture) -> dict[str, int]:
    return {op.id: op.fixed.track for op in found.problem().operations if op.fixed is not None}


def planned(found: Picture) -> dict[str, tuple[str, int]]:
    """What comes of it: every operation is in the plan, and promises find a timeline."""
    problem, in_force = found.problem(), found.in_force()
    plan = repair(problem, in_force)
    Timeline.of(problem, in_force)
    assert {a.operation for a in plan.assignments} == {op.id for op in problem.operations}
    return {a.operation: (a.resource, a.start_s) for a in plan.assignments}


def test_a_running_operation_stands_where_it_is_reported() -> None:
    found = picture(running("I1", "20", "fitter-1", 2), open_operation("I2", "20"))
    assert tracks(found) == {"I1/20": 1}
    assert told(found) == []
    assert planned(found)["I1/20"] == ("fitter-1", -10)


def test_two_on_one_position_are_planned_on_two_while_the_machine_has_room() -> None:
    found = picture(running("I1", "20", "fitter-1", 1), running("I2", "20", "fitter-1", 1))
    assert tracks(found) == {"I1/20": 0, "I2/20": 1}
    assert {a.operation: a.track for a in found.in_force().assignments} == {"I1/20": 0, "I2/20": 1}
    assert told(found) == []
    planned(found)


def test_one_too_many_on_a_machine_is_told_and_planned_as_if_it_had_yet_to_begin() -> None:
    found = picture(running("I1", "10", "lathe-1", 1), running("I2", "10", "lathe-1", 1), open_operation("I2", "20"))
    assert told(found) == ["I2/10 runs on lathe-1 beside others on all of its 1 positions"]
    starts = planned(found)
    assert starts["I1/10"] == ("lathe-1", -10)
    assert starts["I2/10"] == ("lathe-1", 50)
    assert starts["I2/20"][1] >= 110


def test_a_position_that_the_machine_does_not_have_is_told_and_another_one_taken() -> None:
    found = picture(running("I1", "20", "fitter-1", 3), running("I2", "20", "fitter-1", 1))
    assert told(found) == ["I1/20 runs on fitter-1 at position 3 of 2"]
    assert set(tracks(found).values()) == {0, 1}
    planned(found)


def test_a_machine_that_is_not_there_is_told_and_the_work_planned_on_one_that_is() -> None:
    found = picture(running("I1", "10", "lathe-9", 1), open_operation("I1", "20"))
    assert told(found) == ["I1/10 runs on lathe-9, which is not there"]
    assert planned(found)["I1/10"][0] == "lathe-1"


def test_a_plan_for_positions_that_are_gone_is_forgotten() -> None:
    soon = NOW + timedelta(minutes=5)
    gone = open_operation("I1", "20", equipment="fitter-1", position=7, setup_start=soon, start=soon, end=soon)
    found = picture(gone)
    assert found.in_force().assignments == ()
    assert told(found) == []
    assert planned(found)["I1/20"] == ("fitter-1", 0)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_machines_report_everything_is_planned(seed: int) -> None:
    chance = random.Random(seed)
    machines = [*((machine.id, machine.positions) for machine in PACK.equipment), ("gone-1", 1)]
    operations = []
    for item in range(chance.randint(1, 6)):
        for op, _, _ in STEPS:
            equipment, positions = chance.choice(machines)
            start = NOW + timedelta(seconds=chance.randint(-3000, 3000))
            placed = {
                "equipment": equipment, "position": chance.choice([None, 1, positions, positions + 1, 9]),
                "setup_start": start, "start": start, "end": start + timedelta(seconds=chance.randint(1, 2000)),
            }  # fmt: skip
            state = chance.choice(["planned", "released", "running"])
            key = chance.choice([None, "free", "fixed"]) if op == "10" else None
            operations.append(open_operation(f"I{item}", op, state=state, setup_key=key, **placed))
    down = {machine: EquipmentState(chance.choice(["idle", "alarm"]), NOW, None) for machine, _ in machines}
    planned(replace(picture(*operations), equipment=down))


HELPED = load_files(AIDED)
GLUE = {"needs": ("gluing", "clamping")}
JIG, FITTER = ("jig", 0), ("fitters", 0)


def helped(*operations: OpenOperation, pins=()) -> Picture:
    """The same with the pack that has tools, people, waits, a tariff and an aim."""
    return Picture(NOW, (HELPED,), (OpenOrder("O1", NOW + timedelta(hours=1), 1),), operations, {}, pins)


def test_tools_people_crews_tariff_and_aim_of_a_pack_are_those_of_the_problem() -> None:
    of = helped(open_operation("I1", "20", **GLUE), open_operation("I1", "30", waits=(Wait("20", 3600, 7200),))).problem()
    assert of.resources[-2:] == (
        Resource("jig", ("clamping",), 2, "always"), Resource("fitters", ("gluing", "setting"), 1, "days")
    )  # fmt: skip
    assert [setup.crew for setup in of.setups] == ["setting"]
    assert of.aim == (Measure.TARDINESS, Measure.ENERGY)
    # A price per megawatt-hour; the day began eight and a half hours ago, and a position draws what is beyond idling.
    assert of.tariff == Tariff(((0, 0.08), (6 * 3600, 0.1905)), starts_s=-30_600)
    glue, fit = of.operations
    assert (glue.needs, glue.alternatives) == (("gluing", "clamping"), (Alternative("fitting", 60, 3.6),))
    assert fit.waits == (Wait("I1/20", 3600, 7200),)
    plan = solve(of, 0, 1)
    assert validate(of, plan) == []
    assert plan.by_operation["I1/20"].also == (FITTER, JIG)
    assert plan.by_operation["I1/30"].start_s - plan.by_operation["I1/20"].end_s >= 3600


def test_people_of_two_packs_are_the_same_people() -> None:
    also = load_files(
        {**AIDED, "resources.yaml": AIDED["resources.yaml"].replace("[gluing, setting]", "[gluing, setting, cleaning]")}
    )
    other = replace(also, equipment=(), classes=(), auxiliaries=also.auxiliaries[1:])
    of = Picture(NOW, (HELPED, other), (OpenOrder("O1", NOW, 1),), (open_operation("I1", "20", **GLUE),), {}).problem()
    assert [each for each in of.resources if each.id == "fitters"] == [
        Resource("fitters", ("gluing", "setting", "cleaning"), 1, "days")
    ]
    assert validate(of, solve(of, 0, 1)) == []


def test_a_pack_without_them_makes_the_problem_that_it_always_made() -> None:
    of = picture(open_operation("I1", "20")).problem()
    assert (of.tariff, of.aim, of.weights) == (None, (Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN), ())
    assert of.operations[0].alternatives == (Alternative("fitting", 60),)


def test_a_cure_goes_on_when_what_is_cured_is_done() -> None:
    waits, ended = (Wait("20", 3600, 7200),), {"20": NOW - timedelta(minutes=10)}
    [fit] = helped(open_operation("I1", "30", waits=waits, ended=ended)).problem().operations
    assert (fit.predecessors, fit.earliest_s, fit.waits) == ((), 3000, ())


def test_what_must_follow_soon_on_what_has_begun_stays_where_it_is_planned() -> None:
    start = NOW + timedelta(hours=1)
    where = {"equipment": "tester-1", "position": 1, "setup_start": start, "start": start, "end": start + timedelta(minutes=1)}
    waits = (Wait("20", 600, 7200),)
    begun = running("I1", "20", "fitter-1", 1, **GLUE, also=(FITTER, JIG))
    found = helped(begun, open_operation("I1", "30", waits=waits, **where))
    assert found.places_pinned() == (Pin("I1/30", "tester-1", 0, 3600),)
    # A machine that is late must not leave no plan at all, so the longest wait binds as a pin only.
    assert found.problem().operations[1].waits == (Wait("I1/20", 600, None),)
    assert planned(found)["I1/30"] == ("tester-1", 3600)
    done = helped(open_operation("I1", "30", waits=waits, ended={"20": NOW}, **where))
    assert done.places_pinned() == (Pin("I1/30", "tester-1", 0, 3600),)
    by_hand = StoredPin("I1", "30", 1, "tester-1", 1, start + timedelta(minutes=5), "ann", 3)
    assert helped(begun, open_operation("I1", "30", waits=waits, **where), pins=(by_hand,)).places_pinned() == (
        Pin("I1/30", "tester-1", 0, 3900),
    )
    assert helped(open_operation("I1", "20", **GLUE), open_operation("I1", "30", waits=waits, **where)).places_pinned() == ()


def test_what_runs_keeps_what_it_holds_and_nobody_else_gets_it() -> None:
    begun = running("I1", "20", "fitter-1", 1, **GLUE, also=(FITTER, ("jig", 1)))
    found = helped(begun, open_operation("I2", "20", **GLUE))
    of = found.problem()
    assert of.operations[0].fixed == Fixed("fitter-1", 0, -10, remaining_s=50, also=(FITTER, ("jig", 1)))
    plan = repair(of, found.in_force())
    assert validate(of, plan) == []
    first, second = plan.by_operation["I1/20"], plan.by_operation["I2/20"]
    assert first.also == (FITTER, ("jig", 1))
    # The other tool is free at once, but there is one fitter.
    assert (second.start_s, second.also) == (50, (FITTER, JIG))
    again = solve(of, 0.2, 1, in_force=plan, steps=20)
    assert validate(of, again) == []
    assert again.by_operation["I1/20"].also == (FITTER, ("jig", 1))


def test_a_crew_is_held_while_the_machine_is_set_up_and_no_longer() -> None:
    begun = running("I1", "10", "lathe-1", 1, setup_key="free", also=(FITTER,), end=NOW + timedelta(seconds=80))
    found = helped(begun, open_operation("I2", "20", **GLUE))
    of = found.problem()
    assert of.operations[0].fixed == Fixed("lathe-1", 0, -10, remaining_s=80, also=(FITTER,))
    plan = repair(of, found.in_force())
    assert validate(of, plan) == []
    assert plan.by_operation["I2/20"].start_s == 20
    # The judge sees it, too: nobody is lent twice while the setup lasts.
    early = replace(plan.by_operation["I2/20"], setup_start_s=19, start_s=19, end_s=79)
    broken = replace(plan, assignments=(*(a for a in plan.assignments if a.operation != "I2/20"), early))
    assert any("fitters from 19" in each.what for each in validate(of, broken))
    timeline = Timeline.of(of, plan)
    timeline.remove(plan.by_operation["I2/20"])
    assert timeline.earliest(of.operations[1], 0).start_s == 20
    working = helped(replace(begun, end=NOW + timedelta(seconds=40)), open_operation("I2", "20", **GLUE))
    assert working.problem().operations[0].fixed.also == ()
    assert repair(working.problem(), working.in_force()).by_operation["I2/20"].start_s == 0


def test_a_tool_that_two_are_said_to_hold_is_with_one_of_them() -> None:
    one = running("I1", "20", "fitter-1", 1, needs=("clamping",), also=(JIG,))
    other = running("I2", "20", "fitter-1", 2, needs=("clamping",), also=(JIG,))
    found = helped(one, other)
    plan = repair(found.problem(), found.in_force())
    assert validate(found.problem(), plan) == []
    assert {plan.by_operation[f"{item}/20"].also for item in ("I1", "I2")} == {(JIG,), (("jig", 1),)}


def test_other_tools_are_another_place_in_the_plan() -> None:
    each = open_operation("I1", "20", **GLUE)
    plan = solve(helped(each).problem(), 0, 1)
    [placed] = placements(plan, (each,))
    assert placed.also == (FITTER, JIG)
    there = {"equipment": placed.equipment, "position": placed.position, "setup_start": placed.setup_start,
             "start": placed.start, "end": placed.end}  # fmt: skip
    stays, gone = open_operation("I1", "20", **GLUE, **there, also=(FITTER, JIG)), timedelta(seconds=30)
    assert changed([placed], (stays,), gone) == []
    assert changed([placed], (replace(stays, also=(FITTER, ("jig", 1))),), gone) == [placed]
    # A tool that is no more is not held by anybody.
    assert helped(replace(stays, also=(FITTER, ("jig", 2)))).in_force().assignments[0].also == ()
    assert helped(stays).in_force().assignments == (
        Assignment("I1/20", "O1", "fitter-1", placed.position - 1, *plan_times(placed), (FITTER, JIG)),
    )


def plan_times(placed) -> tuple[int, int, int]:
    return tuple(round((at - NOW).total_seconds()) for at in (placed.setup_start, placed.start, placed.end))
