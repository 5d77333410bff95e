"""The picture of the plant: what machines report is planned around, and what cannot be is told and does not stop planning."""

import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support_pack import SMALL

from batchone.chain.design.packs import load_files
from batchone.chain.planning.picture import EquipmentState, OpenOperation, OpenOrder, Picture
from batchone.chain.planning.repair import repair
from batchone.chain.planning.timeline import Timeline

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
