import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, calendars, op, problem

from batchone.chain.planning import Calendar, Job, Resource
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.solvers import hours_kernel as hours
from batchone.chain.planning.solvers.tables import tables_of


@UNHURRIED
@given(calendars(), st.integers(0, 300), st.integers(0, 90))
def test_compiled_working_time_is_that_of_the_calendar(calendar: Calendar, at: int, seconds: int) -> None:
    extra = () if calendar.id == "always" else (calendar,)
    of = problem([Resource("r", calendar=calendar.id)], [Job("j")], [op("j.0", "r", 0)], calendars=extra)
    tables = tables_of(Compiled(of))
    where = tables.calendars, tables.spans, np.int64(0)
    assert hours.worked(*where, at) == calendar.worked(at)
    assert hours.next_start(*where, at) == calendar.next_start(at)
    assert hours.work_end(*where, at, seconds) == calendar.work_end(at, seconds)
    if seconds and calendar.worked(at) >= seconds:
        assert hours.latest_start(*where, at, seconds) == calendar.latest_start(at, seconds)
