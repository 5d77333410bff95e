from dataclasses import replace

import pytest
from tests.chain.planning.files.instances import FJSP
from tests.chain.planning.problems import DAY_SHIFT, op, problem

from batchone.chain.planning import Fixed, Job, Measure, Problem, Resource, SetupMatrix
from batchone.chain.planning.files import fjsp
from batchone.kernel.errors import Refused

SHOP = problem([Resource("r", ("a",), 2), Resource("s", ("a",))], [Job("j")], [op("j.0", "a", 5)], aim=(Measure.MAKESPAN,))


def test_what_is_read_is_written_again() -> None:
    of = fjsp.read(FJSP)
    assert fjsp.read(fjsp.write(of)) == of


def test_positions_become_machines_and_classes_their_members() -> None:
    assert fjsp.write(SHOP) == "1 3\n1 3 1 5 2 5 3 5\n"
    own = replace(SHOP, operations=(op("j.0", {"a": 5, "s": 7}),))
    assert fjsp.write(own) == "1 3\n1 3 1 5 2 5 3 7\n"


@pytest.mark.parametrize(
    ("unfit", "said"),
    [
        (replace(SHOP, aim=(Measure.TARDINESS,)), "aim"),
        (replace(SHOP, no_passing=(("r",),)), "passes"),
        (replace(SHOP, jobs=(Job("j", release_s=4),)), "'j' is released later"),
        (replace(SHOP, resources=(Resource("r", ("a",), calendar="day"),), calendars=(DAY_SHIFT,)), "'r' does not always work"),
        (replace(SHOP, resources=(Resource("r", ("a",), setup="m"),), setups=(SetupMatrix("m"),)), "setups or batches"),
        (replace(SHOP, operations=(op("j.0", "a", fixed=Fixed("r", 0, 0)),)), "is fixed"),
        (replace(SHOP, operations=(op("j.0", "a"), op("j.1", "a"))), "no chain"),
    ],
)
def test_what_does_not_fit_is_said(unfit: Problem, said: str) -> None:
    with pytest.raises(Refused, match=said):
        fjsp.write(unfit)
