"""Published instances are judged by what was wanted of them, and a figure that is not kept is shown as such."""

from pathlib import Path

import pytest
from benchmarks.figures import Cell, Table
from benchmarks.schedules import FAMILIES, Family, Known, Ours, Result, data_folder, judged, known, means, measured, row

from batchone.chain.planning.files import Format, parse

SHOP = "2 3 1.5\n2 2 1 5 3 4 1 2 3\n1 1 3 7\n"
FAMILY = Family("shops", "fjsp", ("a", "b"), mean_gap=3)


def result(
    objective: int,
    *,
    name: str = "a",
    first_s: tuple[float, ...] = (0.1, 0.2, 0.1),
    valid: bool = True,
    cp_sat: int | None = 110,
) -> Result:
    return Result(name, Known(100, cpo_60s=105.0), Ours(objective, 100, first_s, valid), cp_sat, 130)


def test_nothing_is_judged_where_nothing_is_wanted() -> None:
    assert judged(FAMILY, result(500)) == (None, None)


@pytest.mark.parametrize(("objective", "verdict"), [(105, "yes"), (106, "no")])
def test_an_objective_is_held_against_the_optimizers_or_one_of_its_own(objective: int, verdict: str) -> None:
    assert judged(Family("f", "", (), as_optimizer=True), result(objective)) == ("<= 105", verdict)
    assert judged(Family("f", "", (), most={"a": 105}), result(objective)) == ("<= 105", verdict)
    assert judged(Family("f", "", (), most={"b": 105}), result(objective)) == (None, None)


def test_the_first_plan_of_the_slowest_seed_counts() -> None:
    family = Family("f", "", (), first_ms=300, as_optimizer=True)
    assert judged(family, result(105, first_s=(0.1, 0.3))) == ("<= 105, first <= 300 ms", "yes")
    assert judged(family, result(105, first_s=(0.1, 0.1, 0.31))) == ("<= 105, first <= 300 ms", "no")


def test_a_plan_that_breaks_a_rule_keeps_nothing() -> None:
    broken = result(100, valid=False)
    assert judged(Family("f", "", (), as_optimizer=True), broken)[1] == "no"
    assert shown(means([(FAMILY, [broken])], 60, 3))["kept"] == "no"
    assert row(FAMILY, broken)[0] == "a INVALID"


def test_a_row_has_gap_median_and_worst_first_plan() -> None:
    cells = row(Family("f", "", (), as_optimizer=True), result(120, first_s=(0.1, 0.5, 0.2)))
    assert cells[:4] == ("a", 100, 120, pytest.approx(20))
    assert cells[5:7] == (200, 500)
    assert cells[-2:] == ("<= 105", "no")


def shown(table: Table) -> dict[str, Cell]:
    return dict(zip(table.columns, table.rows[0], strict=True))


@pytest.mark.parametrize(("other", "verdict"), [(106, "yes"), (107, "no")])
def test_a_family_is_judged_by_its_mean_gap(other: int, verdict: str) -> None:
    found = shown(means([(FAMILY, [result(100), result(other, name="b", cp_sat=None)])], 60, 3))
    assert found["ours"] == pytest.approx((other - 100) / 2)
    assert found["CP-SAT"] == pytest.approx(10)
    assert found["rule"] == pytest.approx(30)
    assert (found["wanted"], found["kept"]) == ("<= 3", verdict)


def test_a_family_without_a_mean_has_no_verdict() -> None:
    found = shown(means([(Family("f", "", (), as_optimizer=True), [result(100)])], 60, 3))
    assert (found["wanted"], found["kept"]) == (None, None)


def test_every_seed_is_solved_and_judged() -> None:
    ours = measured(parse(SHOP, Format.FJSP), 0, 3)
    assert len(ours.first_s) == 3
    assert ours.valid
    assert ours.objective >= ours.bound > 0


def test_published_figures_are_read_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "best-known.csv").write_text(
        "family,instance,best_known_makespan,cp_optimizer_4w_at_10s,cp_optimizer_4w_at_60s\nfjsp,mk01,40,41,40\njsp,x,7,,\n"
    )
    (tmp_path / "best-known-flow.csv").write_text("problem,instance,best_known,cp_optimizer_900s_8w\nHFSP,1,955,982.0\n")
    assert known(tmp_path) == {
        "mk01": Known(40, 41.0, 40.0),
        "x": Known(7),
        "HFSP-1": Known(955, cpo_900s=982.0),
    }


def test_whatever_is_wanted_by_name_is_of_an_instance_of_its_family() -> None:
    for family in FAMILIES:
        assert set(family.most) <= set(family.instances)


@pytest.mark.skipif(data_folder() is None, reason="the published instances are not beside this repository (../shared/data)")
def test_where_the_optimizer_is_the_measure_its_figure_is_known() -> None:
    published = known(data_folder() or Path())
    for family in FAMILIES:
        for name in family.instances:
            assert not family.as_optimizer or published[name].cpo_60s is not None
