import csv
import io

from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning import Problem
from batchone.chain.planning.files import table


@UNHURRIED
@given(rich_problems())
def test_a_table_has_a_row_for_each_operation_with_its_times(of: Problem) -> None:
    plan = one_by_one(of)
    rows = list(csv.DictReader(io.StringIO(table.write(plan))))
    assert [row["operation"] for row in rows] == [a.operation for a in plan.assignments]
    for row, a in zip(rows, plan.assignments, strict=True):
        assert row["start"] == plan.at(a.start_s).isoformat()
        assert (int(row["start_s"]), int(row["end_s"]), int(row["track"])) == (a.start_s, a.end_s, a.track)
        assert row["also"].split() == [f"{resource}/{track}" for resource, track in a.also]
