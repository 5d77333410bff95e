"""What a move is worth, counted from what it changed alone; and the whole plan with it."""

from __future__ import annotations

from dataclasses import replace

from batchone.chain.planning.diff import JobChange
from batchone.chain.planning.hand.floor import Floor, Trial
from batchone.chain.planning.hand.result import Effect, Moved, outcome
from batchone.chain.planning.model import JobOutcome, Plan


def effect_of(trial: Trial, touched: list[str]) -> Effect:
    """The jobs whose end changes, and the measures before and after."""
    floor = trial.floor
    changed = _outcomes(trial, touched)
    jobs = tuple(
        JobChange(old.job, old.end_s, new.end_s, old.lateness_s, new.lateness_s)
        for old, new in changed
        if old.end_s != new.end_s
    )
    said = floor.plan.objective
    before = replace(
        said, work_in_progress_s=floor.work_in_progress_s, energy=round(1000 * floor.energy), changes=floor.changes
    )
    tardiness = sum(new.weight * max(0, new.lateness_s or 0) - old.weight * max(0, old.lateness_s or 0) for old, new in changed)
    energy = sum(floor.energy_of(trial.at(name)) - floor.energy_of(floor.at[name]) for name in touched)
    after = replace(
        before,
        weighted_tardiness_s=before.weighted_tardiness_s + tardiness,
        setup_s=before.setup_s + _setup_change(trial),
        makespan_s=_makespan(trial, touched),
        work_in_progress_s=before.work_in_progress_s + _more_in_progress(trial, changed),
        energy=round(1000 * (floor.energy + energy)),
        changes=before.changes + sum(floor.changed(trial.at(name)) - floor.changed(floor.at[name]) for name in touched),
    )
    return Effect(jobs, before, after)


def _more_in_progress(trial: Trial, changed: list[tuple[JobOutcome, JobOutcome]]) -> int:
    floor, more = trial.floor, 0
    for old, new in changed:
        names = floor.by_job[old.job]
        begins = min(trial.at(name).start_s for name in names) - min(floor.at[name].start_s for name in names)
        more += new.end_s - old.end_s - begins
    return more


def _outcomes(trial: Trial, touched: list[str]) -> list[tuple[JobOutcome, JobOutcome]]:
    floor = trial.floor
    found = []
    for job in dict.fromkeys(floor.at[name].job for name in touched):
        old = floor.plan.by_job.get(job)
        if old is not None:
            end = max(trial.at(name).end_s for name in floor.by_job[job])
            found.append((old, outcome(old, end)))
    return found


def _setup_change(trial: Trial) -> int:
    """Setups change before the moved operation, and before the first with a key behind its old and its new place."""
    floor, moved = trial.floor, trial.moved
    names = {moved, *trial.followers_with_key(trial.left), *trial.followers_with_key(trial.behind(moved))}
    plain = Trial(floor)
    return sum(trial.need(name) - plain.need(name) for name in names)


def _makespan(trial: Trial, touched: list[str]) -> int:
    changed = set(touched)
    rest = next((a.end_s for a in trial.floor.latest_first if a.operation not in changed), 0)
    return max([rest, *(trial.at(name).end_s for name in touched)])


def plan_with(floor: Floor, moved: Moved) -> Plan:
    """The whole plan with a move."""
    now = {a.operation: a for a in moved.now}
    rank = floor.rank
    assignments = sorted(
        (now.get(a.operation, a) for a in floor.at.values()),
        # Of two with the same times the moved one comes last, as it was put there.
        key=lambda a: (a.start_s, a.end_s, a.setup_start_s, a.operation == moved.operation, rank[a.operation]),
    )
    ends = {each.job: each.after_s for each in moved.effect.jobs}
    jobs = tuple(outcome(old, ends.get(old.job, old.end_s)) for old in floor.plan.jobs)
    return replace(floor.plan, assignments=tuple(assignments), jobs=jobs, objective=moved.effect.after, produced_by="by hand")
