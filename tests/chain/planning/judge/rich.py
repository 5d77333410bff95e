"""A shop with everything in it, and plans of it made the dull way: one thing after another, each when all it takes is there."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from tests.chain.planning.problems import op, problem

from batchone.chain.planning import (
    ALWAYS,
    Alternative,
    Assignment,
    Before,
    Bound,
    Calendar,
    Job,
    JobOutcome,
    Measure,
    Objective,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Tariff,
    Wait,
)
from batchone.chain.planning.validator import measured

DAY = Calendar("day", cycle=((0, 60), (70, 100)), cycle_s=120)
NIGHT = Calendar("night", cycle=((10, 90),), cycle_s=100)


def summed(of: Problem, assignments: Sequence[Assignment]) -> Plan:
    """A plan of these assignments with its sums right."""
    ordered = tuple(sorted(assignments, key=lambda a: (a.start_s, a.operation)))
    ends: dict[str, int] = {}
    for a in ordered:
        ends[a.job] = max(ends.get(a.job, a.end_s), a.end_s)
    jobs = tuple(
        JobOutcome(job.id, ends[job.id], None if job.due_s is None else ends[job.id] - job.due_s, job.weight)
        for job in of.jobs
        if job.id in ends
    )
    empty = Plan(of.origin, ordered, jobs, Objective(0, 0, 0), Bound(0, 0), "by hand")
    return replace(empty, objective=measured(of, empty))


@st.composite
def rich_problems(draw) -> Problem:
    """Jobs of three steps: paint (setup with a crew, a skill), cure (an oven in batches, a wait on either side), pack."""
    of = draw(st.integers(1, 4))
    hours = st.sampled_from(["always", "day", "night"])
    resources = [
        Resource("painter", ("paint",), 1, draw(hours), setup="colours", keys=(draw(st.sampled_from([None, "red"])),)),
        Resource("sprayer", ("paint",), 2, draw(hours), setup="colours"),
        Resource("oven", ("cure",), 1, draw(hours), batch=draw(st.integers(2, 3))),
        Resource("packer", ("pack",), 1, draw(hours)),
        Resource("gun", ("spray",), draw(st.integers(1, 2)), draw(hours), draw(st.sampled_from([0, 25]))),
        Resource("ann", ("setter", "helper"), 1, draw(hours)),
        Resource("bob", ("helper",), 1, draw(hours)),
    ]
    jobs, operations = [], []
    for j in range(of):
        jobs.append(Job(f"j{j}", draw(st.none() | st.integers(0, 900)), draw(st.integers(0, 3)), draw(st.integers(0, 40))))
        colour, key = draw(st.sampled_from(["red", "green", None])), draw(st.sampled_from(["hot", "cold", None]))
        power = draw(st.sampled_from([0.0, 2.5, 7.0]))
        paint = op(f"j{j}.0", "paint", draw(st.integers(0, 12)), setup_key=colour, needs=("spray",))
        cure = Operation(
            f"j{j}.1",
            f"j{j}",
            (Alternative("cure", 20, power),),
            (paint.id,),
            attended=False,
            batch_key=key,
            waits=(Wait(paint.id, draw(st.sampled_from([0, 15]))),),
        )
        pack = op(f"j{j}.2", "pack", draw(st.integers(1, 9)), (cure.id,), needs=("helper",), waits=(Wait(cure.id, 0, 500),))
        operations += [paint, cure, pack]
    colours = SetupMatrix("colours", 5, (("red", "green", 8),), 3, draw(st.booleans()), "setter")
    tariff = Tariff(((0, 0.1), (30, 0.4), (70, 0.25)), 100, -draw(st.integers(0, 99)))
    lines = (("oven", "packer"),)
    return problem(
        resources,
        jobs,
        operations,
        calendars=(DAY, NIGHT),
        setups=(colours,),
        aim=tuple(Measure),
        no_passing=lines,
        tariff=tariff,
        before=(Before("j0.0", "painter", 0), Before("gone", "oven", 4)),
    )


def one_by_one(of: Problem) -> Plan:
    """A plan that does nothing at the same time, but for batches of two jobs that follow each other."""
    clock, placed = 0, dict[str, Assignment]()
    keys: dict[tuple[str, int], str | None] = {
        (r.id, k): r.keys[k] if k < len(r.keys) else None for r in of.resources for k in range(r.positions)
    }
    for job in of.jobs:
        for step in (o for o in of.operations if o.job == job.id):
            a = _placed(of, step, max(clock, job.release_s), keys, placed)
            placed[step.id] = a
            clock = a.end_s
    return summed(of, list(placed.values()))


def _placed(of: Problem, step: Operation, at: int, keys, placed) -> Assignment:
    by_id = {r.id: r for r in of.resources}
    on = step.alternatives[0].on
    resource = next(r for r in of.resources if on in r.classes)
    ready = max([at, *(placed[w.after].end_s + w.least_s for w in step.waits)])
    matrix = next((m for m in of.setups if m.id == resource.setup), None)
    needed = matrix.seconds(keys[resource.id, 0], step.setup_key) if matrix else 0
    also = tuple((next(r.id for r in of.resources if need in r.classes), 0) for need in step.needs)
    if needed:
        also = (*also, ("ann", 0))
    begins = max([ready, resource.available_from_s, *(by_id[name].available_from_s for name, _ in also)])
    while True:
        span = needed + step.alternatives[0].duration_s
        mine = _calendar(of, resource)
        others = [_calendar(of, by_id[name]) for name, _ in also if by_id[name].calendar != resource.calendar]
        end = begins + span
        whole = mine.working(begins, end) == span if step.attended else mine.next_start(begins) == begins
        if (
            whole
            and mine.next_start(begins + needed) == begins + needed
            and all(c.working(begins, end) == span for c in others)
        ):
            break
        begins += 1
    keys[resource.id, 0] = step.setup_key or keys[resource.id, 0]
    return Assignment(step.id, step.job, resource.id, 0, begins, begins + needed, end, also)


def _calendar(of: Problem, resource: Resource) -> Calendar:
    return ALWAYS if resource.calendar == "always" else of.calendar_of(resource)
