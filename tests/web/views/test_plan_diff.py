"""Two plans as rows and counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from batchone.contracts.planning import OrderChange, PlanDiff, PlanSummary, Shift, Spot
from batchone.web.views.plan_diff import Machine, figures, moves, orders

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ONE = PlanSummary(1, NOW, "w", "m", 10, 3, 2, 600, 3600, 60, None, 0.1)


def spot(equipment: str, minutes: int) -> Spot:
    return Spot(equipment, 1, NOW + timedelta(minutes=minutes))


SHIFTS = (
    Shift("a", "A", "10", spot("saw", 0), spot("saw", 5)),
    Shift("b", "B", "10", spot("saw", 10), spot("mill", 12)),
    Shift("c", "C", "10", spot("saw", 10), spot("saw", 70)),
    Shift("d", "D", "10", None, spot("saw", 20)),
    Shift("e", "A", "20", spot("mill", 30), None),
)


def test_moves_are_counted_and_those_to_other_machines_stand_first_then_the_farthest() -> None:
    found = moves(SHIFTS)
    assert (found.elsewhere, found.retimed, found.added, found.removed, found.more) == (1, 2, 1, 1, 0)
    assert [each.item for each in found.rows] == ["b", "c", "a", "e", "d"]
    assert found.machines == (Machine("saw", 1, 0, 2), Machine("mill", 0, 1, 0))


def test_moves_of_one_order_or_at_one_machine_stand_alone() -> None:
    assert [each.item for each in moves(SHIFTS, order="A").rows] == ["a", "e"]
    assert {each.item for each in moves(SHIFTS, machine="mill").rows} == {"b", "e"}


def test_a_thousand_moves_are_counted_whole_and_shown_in_part() -> None:
    found = moves([replace(SHIFTS[0], item=f"i{n}") for n in range(1000)])
    assert (found.retimed, len(found.rows), found.more) == (1000, 200, 800)


def test_orders_that_become_late_stand_first_and_those_that_end_as_before_are_left_out() -> None:
    def change(order: str, before: int, after: int) -> OrderChange:
        return OrderChange(order, NOW, NOW + timedelta(minutes=before), NOW + timedelta(minutes=after))

    told = PlanDiff(ONE, ONE, (), (change("same", -5, -5), change("far", -90, -30), change("late", -5, 5), change("was", 5, 9)))
    assert [each.order for each in orders(told)] == ["late", "far", "was"]


def test_each_measure_stands_beside_itself_with_the_difference() -> None:
    found = {each.name: each for each in figures(ONE, replace(ONE, number=2, tardiness_s=0, late_orders=0))}
    assert (found["tardiness_s"].by, found["tardiness_s"].kind) == (-600, "duration")
    assert (found["late_orders"].by, found["late_orders"].kind) == (-2, "number")
    assert found["setup_s"].by == 0
