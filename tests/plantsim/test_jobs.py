from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from plantsim.jobs import Ledger
from plantsim.orders import JobOrder
from plantsim.physics import Work
from plantsim.state import compact

WORK = Work(run_s=100.0, energy_kwh=2.0)


def job(id_: str) -> JobOrder:
    return JobOrder(id_, "10", "p", parameters={"a": 1})


def ledger(positions: int = 2) -> Ledger:
    return Ledger(positions, lambda _told: None)


def test_a_job_takes_the_lowest_free_position_and_a_full_machine_is_busy() -> None:
    jobs = ledger()
    assert jobs.start(job("A"), 0, 0, WORK)["position"] == 1
    assert jobs.start(job("B"), 0, 0, WORK)["position"] == 2
    assert jobs.start(job("C"), 0, 0, WORK) == {"job": "C", "state": "refused", "reason": "busy"}
    jobs.abort("A", 1)
    assert jobs.start(job("C"), 1, 0, WORK)["position"] == 1


def test_a_known_job_is_answered_with_its_present_state() -> None:
    jobs = ledger()
    first = jobs.start(job("A"), 0, 0, WORK)
    assert jobs.start(job("A"), 0, 0, WORK) == first
    jobs.finish(jobs.due(100)[0], {"wall": 3.5})
    assert jobs.start(job("A"), 200, 0, WORK)["state"] == "finished"
    assert jobs.start(job("A"), 200, 0, WORK)["results"] == {"wall": 3.5}
    assert jobs.clear("A")
    assert jobs.start(job("A"), 300, 0, WORK) == {"job": "A", "state": "refused", "reason": "cleared"}


def test_clear_is_done_once_and_for_all_but_not_while_the_job_runs() -> None:
    jobs = ledger()
    jobs.start(job("A"), 0, 0, WORK)
    assert not jobs.clear("A")
    assert not jobs.clear("unknown")
    jobs.abort("A", 10)
    assert jobs.clear("A")
    assert jobs.clear("A")


def test_progress_counts_from_the_end_of_setup_in_steps() -> None:
    jobs = ledger()
    jobs.start(job("A"), 0, 50, WORK)
    running = jobs.running["A"]
    assert [running.progress(at) for at in (0, 49, 50, 54, 56, 149)] == [0, 0, 0, 0, 0.05, 0.95]
    assert jobs.due(149) == []
    assert jobs.due(150) == [running]


def test_an_aborted_job_fails_with_what_it_used() -> None:
    jobs = ledger()
    jobs.start(job("A"), 0, 0, WORK)
    ended = jobs.abort("A", 50)
    assert ended is not None
    assert (ended.state, ended.reason, ended.results, ended.energy_kwh, ended.ended_s) == ("failed", "aborted", {}, 1.0, 50)
    assert jobs.abort("A", 51) is None
    assert jobs.was_aborted("A")


def test_standing_still_moves_the_end() -> None:
    jobs = ledger()
    jobs.start(job("A"), 0, 0, WORK)
    jobs.stand(40)
    assert jobs.due(1000) == []
    assert jobs.running["A"].progress(jobs.now(1000)) == 0.4
    jobs.go_on(1040)
    assert jobs.running["A"].ends_s == jobs.next_end_s == 1100


def test_uncleared_results_block_further_jobs() -> None:
    jobs = ledger(1)
    for number in range(8):
        jobs.start(job(f"J{number}"), number, 0, WORK)
        jobs.abort(f"J{number}", number)
    assert jobs.blocked
    assert jobs.start(job("next"), 9, 0, WORK)["reason"] == "busy"
    jobs.clear("J0")
    assert jobs.start(job("next"), 9, 0, WORK)["state"] == "running"


def test_jobs_are_due_in_the_order_of_their_ends() -> None:
    jobs = ledger()
    jobs.start(job("slow"), 0, 0, Work(90, 1))
    jobs.start(job("quick"), 10, 0, Work(20, 1))
    assert [running.order.job for running in jobs.due(200)] == ["quick", "slow"]


def test_a_restart_fails_what_ran_and_keeps_what_waits() -> None:
    kept: list[Mapping[str, Any]] = []
    before = Ledger(2, kept.append)
    for id_ in "AB":
        before.start(JobOrder(id_, "10", "p", setup=f"key-{id_}", parameters={"a": 1}), 0, 0, WORK)
    before.finish(before.due(100)[0], {"wall": 3.5})
    after = ledger()
    assert after.restore(kept, 500) == "key-B"
    assert after.completed["A"].results == {"wall": 3.5}
    assert (after.completed["B"].state, after.completed["B"].reason, after.completed["B"].ended_s) == (
        "failed",
        "power lost",
        500,
    )
    assert not after.running


class LedgerUnderFire(RuleBasedStateMachine):
    """Any sequence of commands, passing time, breakdowns and kills: no job runs twice, and none is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.kept: list[dict[str, Any]] = []
        self.begun: Counter[str] = Counter()
        self.cleared: set[str] = set()
        self.ledger = Ledger(2, self.keep)

    def keep(self, told: Mapping[str, Any]) -> None:
        self.kept.append({"equipment": "E", **told})

    ids = st.sampled_from([f"J{number}" for number in range(12)])

    @rule(id_=ids)
    def start(self, id_: str) -> None:
        known = id_ in self.begun
        before = set(self.ledger.running)
        response = self.ledger.start(job(id_), self.now_s, 0, WORK)
        self.begun.update(set(self.ledger.running) - before)
        if known:
            assert (response["state"] == "refused") == (id_ in self.cleared)
        else:
            assert response["state"] in ("running", "refused")

    @rule(id_=ids)
    def clear(self, id_: str) -> None:
        runs = id_ in self.ledger.running
        done = self.ledger.clear(id_)
        assert done == (id_ in self.begun and not runs)
        self.cleared |= {id_} if done else set()

    @rule(id_=ids)
    def abort(self, id_: str) -> None:
        runs = id_ in self.ledger.running
        assert (self.ledger.abort(id_, self.now_s) is not None) == runs

    @rule(seconds=st.floats(0, 150))
    def work(self, seconds: float) -> None:
        self.now_s += seconds
        for running in self.ledger.due(self.now_s):
            self.ledger.finish(running, {})

    @rule()
    def break_down(self) -> None:
        self.ledger.stand(self.now_s)

    @rule()
    def repair(self) -> None:
        self.ledger.go_on(self.now_s)

    @rule()
    def kill_and_restart(self) -> None:
        self.kept = compact(self.kept)
        self.ledger = Ledger(2, self.keep)
        self.ledger.restore(list(self.kept), self.now_s)

    @invariant()
    def no_job_runs_twice(self) -> None:
        assert all(times == 1 for times in self.begun.values())

    @invariant()
    def every_job_is_in_exactly_one_place(self) -> None:
        places = [*self.ledger.running, *self.ledger.completed, *self.ledger.cleared]
        assert sorted(places) == sorted(self.begun)
        assert self.ledger.cleared == self.cleared

    @invariant()
    def positions_are_taken_once(self) -> None:
        assert sorted(self.ledger.places) == sorted(running.position for running in self.ledger.running.values())


LedgerUnderFire.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLedgerUnderFire = pytest.mark.timeout(120)(LedgerUnderFire.TestCase)
