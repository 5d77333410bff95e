import csv
import io

import pytest
from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED, op, problem

from batchone.chain.planning import Job, Problem, Resource, validate
from batchone.chain.planning.files import table
from batchone.kernel.errors import Refused


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


@UNHURRIED
@given(rich_problems())
def test_a_table_is_read_as_the_plan_that_it_was_written_from(of: Problem) -> None:
    plan = one_by_one(of)
    again = table.read(table.write(plan), of)
    assert {a.operation: a for a in again.assignments} == plan.by_operation
    assert (again.jobs, again.objective) == (plan.jobs, plan.objective)
    assert validate(of, again) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("operation,job\na,b\n", "line 1: there is no column resource"),
        ("operation,job,resource,track,setup_start_s,start_s,end_s\na,b,r,one,0,0,1\n", "line 2"),
        ("operation,job,resource,track,setup_start_s,start_s,end_s\na,b,r,0,0,0,1\na,b\n", "line 3"),
        ('operation,job,resource,track,setup_start_s,start_s,end_s\n"a', "line 1"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(text: str, where: str) -> None:
    of = problem([Resource("r")], [Job("b")], [op("b.0", {"r": 1})])
    with pytest.raises(Refused, match=where):
        table.read(text, of)
