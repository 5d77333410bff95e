from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.files.instances import FJSP, FOLDER, JSP, needs_instances
from tests.chain.planning.problems import UNHURRIED, op, problem

from batchone.chain.planning import Fixed, Job, Measure, Problem, Resource, SetupMatrix, solve
from batchone.chain.planning.files import fjsp, jsp
from batchone.kernel.errors import Refused

SHOP = problem(
    [Resource("r", ("a",)), Resource("s", ("b",))],
    [Job("j"), Job("k")],
    [op("j.0", "a", 5), op("j.1", "s", 7, ("j.0",)), op("k.0", "b", 2), op("k.1", "r", 3, ("k.0",))],
    aim=(Measure.MAKESPAN,),
)


@st.composite
def shops(draw) -> Problem:
    """Job shops as they are read: each job on as many machines as there are, some of them twice."""
    jobs, machines = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    step = st.tuples(st.integers(0, machines - 1), st.integers(0, 10**6))
    rows = draw(st.lists(st.lists(step, min_size=machines, max_size=machines), min_size=jobs, max_size=jobs))
    return jsp.read("\n".join([f"{jobs} {machines}", *(" ".join(f"{m} {s}" for m, s in row) for row in rows)]))


@UNHURRIED
@given(shops())
def test_what_is_read_is_written_again(of: Problem) -> None:
    text = jsp.write(of)
    assert jsp.read(text) == of
    # It is a flexible shop without a choice, too, but for the numbers of its machines.
    assert solve(fjsp.read(fjsp.write(of)), 0, 1).objective == solve(of, 0, 1).objective


@needs_instances
def test_every_published_job_shop_is_written_as_it_stands() -> None:
    for path in sorted((FOLDER / "jsp").glob("*.txt")):
        text = path.read_text()
        lines = [row.split() for row in text.splitlines() if row.strip() and not row.startswith("#")]
        assert [row.split() for row in jsp.write(jsp.read(text)).splitlines()] == lines, path


def test_a_class_of_one_machine_is_that_machine_and_names_become_numbers() -> None:
    assert jsp.write(SHOP) == "2 2\n0 5 1 7\n1 2 0 3\n"


def test_jobs_stand_in_the_order_of_the_problem_and_steps_as_they_follow_each_other() -> None:
    assert jsp.write(replace(SHOP, operations=SHOP.operations[::-1])) == jsp.write(SHOP)
    assert jsp.write(replace(SHOP, jobs=SHOP.jobs[::-1])) == "2 2\n1 2 0 3\n0 5 1 7\n"


@pytest.mark.parametrize(
    ("unfit", "said"),
    [
        (replace(SHOP, aim=(Measure.TARDINESS,)), "aim"),
        (replace(SHOP, jobs=(Job("j", release_s=4), Job("k"))), "'j' is released later"),
        (replace(SHOP, resources=(Resource("r", ("a",), setup="m"), SHOP.resources[1]), setups=(SetupMatrix("m"),)), "setups"),
        (replace(SHOP, operations=(op("j.0", "a", fixed=Fixed("r", 0, 0)), *SHOP.operations[1:])), "is fixed"),
        (replace(SHOP, operations=SHOP.operations[:3]), "job 'k' has 1 operations, not one for each of 2 machines"),
        (
            replace(SHOP, resources=(Resource("r", ("a",)), Resource("s", ("a", "b")))),
            "operation 1 of job 'j' has a choice of 2",
        ),
        (replace(SHOP, resources=(Resource("r", ("a",), 2), SHOP.resources[1])), "choice of 2 machines"),
        (replace(SHOP, jobs=(), operations=()), "no machines or no jobs"),
        (fjsp.read(FJSP), "not one for each of 3 machines"),
    ],
)
def test_what_does_not_fit_is_said(unfit: Problem, said: str) -> None:
    with pytest.raises(Refused, match=said):
        jsp.write(unfit)


def test_a_remark_is_not_kept() -> None:
    assert jsp.write(jsp.read(JSP)) == "2 2\n0 3 1 2\n1 4 0 1\n"
