from dataclasses import replace

from batchone.machines.connect.driver import JobResponse
from batchone.machines.connect.recent import Recent

RUNNING = JobResponse("J-1", "running", position=1)


class Now:
    s = 100.0

    def __call__(self) -> float:
        return self.s


def test_a_job_just_started_is_shown_before_the_machine_lists_it() -> None:
    now = Now()
    recent = Recent(now)
    recent.started("m1", RUNNING)
    assert recent.amend("m1", ()) == (RUNNING,)
    assert recent.amend("m2", ()) == ()
    told = replace(RUNNING, progress=0.5)
    assert recent.amend("m1", (told,)) == (told,)


def test_a_job_that_the_machine_never_lists_is_not_shown_for_ever() -> None:
    now = Now()
    recent = Recent(now)
    recent.started("m1", RUNNING)
    now.s += 10
    assert recent.amend("m1", ()) == ()


def test_a_job_just_cleared_is_not_shown_though_the_machine_still_lists_it() -> None:
    now = Now()
    recent = Recent(now)
    recent.started("m1", RUNNING)
    recent.cleared("m1", "J-1")
    assert recent.amend("m1", (RUNNING,)) == ()
    assert recent.amend("m1", ()) == ()
    assert recent.amend("m2", (RUNNING,)) == (RUNNING,)


def test_a_job_that_had_ended_at_once_is_not_remembered_as_running() -> None:
    recent = Recent(Now())
    recent.started("m1", replace(RUNNING, state="finished"))
    assert recent.amend("m1", ()) == ()
