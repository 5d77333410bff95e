"""Problems to plan: small ones by hand, random ones by hypothesis, a fridge-like plant, and the optimum of tiny ones."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations, product

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from batchone.chain.planning import (
    ALWAYS,
    DAY_S,
    Alternative,
    Calendar,
    Job,
    Measure,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Shift,
    weekly,
)
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.replay import duration
from batchone.chain.planning.schedule import Schedule

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Other work on the machine is no fault of an example."""
ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
TIMES = (Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN)
"""The measures that are made of times alone."""
DAY_SHIFT = weekly("day", [Shift((0, 1, 2, 3, 4), 6 * 3600, 14 * 3600)], [Shift((0, 1, 2, 3, 4), 36000, 37800)], origin=ORIGIN)


def problem(resources, jobs, operations, **more) -> Problem:
    return Problem(ORIGIN, tuple(resources), tuple(jobs), tuple(operations), **more)


def op(name: str, on: str | dict[str, int], seconds: int = 10, after: tuple[str, ...] = (), **more) -> Operation:
    """Operation `job.step`; `on` is a class or resource, or several with their seconds."""
    places = on if isinstance(on, dict) else {on: seconds}
    return Operation(name, name.partition(".")[0], tuple(Alternative(k, s) for k, s in places.items()), after, **more)


def starts(plan: Plan) -> dict[str, int]:
    return {a.operation: a.start_s for a in plan.assignments}


def plant(orders: int, seed: int = 1, due_h: tuple[float, float] = (2, 6)) -> Problem:
    """A line of 13 stations as a refrigerator's: one very parallel, some with setups, most with breaks."""
    chance = random.Random(seed)
    every = tuple(range(7))
    shifts = weekly(
        "shifts", [Shift(every, 0, DAY_S)], [Shift(every, h * 3600, h * 3600 + 900) for h in (2, 10, 18)], origin=ORIGIN
    )
    stations = [  # class, equipment, positions, cycle, attended, setup
        ("shell", 1, 1, 12, True, "shell"),
        ("liner", 1, 2, 24, True, "liner"),
        ("pre", 1, 1, 12, True, None),
        ("cabinet", 1, 22, 240, True, "cabinet"),
        ("door", 1, 16, 180, True, None),
        ("braze", 1, 3, 36, True, None),
        ("leak", 1, 4, 40, False, None),
        ("evacuate", 1, 90, 1000, False, None),
        ("charge", 2, 1, 20, True, None),
        ("fit", 1, 1, 12, True, None),
        ("safety", 2, 1, 15, True, None),
        ("cool", 1, 240, 2700, False, None),
        ("pack", 1, 1, 12, True, None),
    ]
    resources = [
        Resource(f"{name}-{n}", (name,), positions, "shifts" if attended else "always", setup=setup)
        for name, count, positions, _, attended, setup in stations
        for n in range(1, count + 1)
    ]
    jobs, operations = [], []
    for j in range(orders):
        release, layout = chance.randrange(orders * 8), chance.choice(["single", "double", "cross"])
        due = release + chance.randrange(int(due_h[0] * 3600), int(due_h[1] * 3600))
        jobs.append(Job(f"J{j}", due, chance.choice([1, 1, 1, 5]), release))
        for step, (name, _, _, cycle, attended, setup) in enumerate(stations):
            before = (f"J{j}.{step - 1}",) if step else ()
            key = layout if setup else None
            operations.append(op(f"J{j}.{step}", name, cycle, before, setup_key=key, attended=attended))
    setups = (SetupMatrix("shell", 90, (("single", "double", 60),)), SetupMatrix("liner", 120), SetupMatrix("cabinet", 300))
    return problem(resources, jobs, operations, calendars=(shifts,), setups=setups)


@st.composite
def calendars(draw) -> Calendar:
    """Always, or a short cycle with gaps, or explicit hours followed by one."""
    if draw(st.booleans()):
        return ALWAYS
    cycle_s = draw(st.integers(20, 60))
    cycle = draw(_spans(cycle_s)) or [(0, cycle_s // 2)]
    head_end = draw(st.sampled_from([0, 0, 50]))
    head = draw(_spans(head_end)) if head_end else []
    return Calendar(f"c{draw(st.integers(0, 10**6))}", tuple(head), head_end, tuple(cycle), cycle_s)


def _spans(end: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    def pair_up(points: set[int]) -> list[tuple[int, int]]:
        ordered = sorted(points)
        return list(zip(ordered[::2], ordered[1::2], strict=False))

    return st.sets(st.integers(0, end), min_size=2, max_size=6).map(pair_up)


@st.composite
def problems(draw, *, breaks: bool = True, jobs_max: int = 4, steps_max: int = 3) -> Problem:
    """Random small problems: calendars, parallel tracks, setups of both kinds, precedence graphs, material, weights."""
    matrix = SetupMatrix(
        "m",
        draw(st.integers(0, 9)),
        tuple(draw(st.lists(st.tuples(_KEYS, _KEYS, st.integers(0, 12)), max_size=3, unique_by=lambda p: p[:2]))),
        draw(st.integers(0, 5)),
        draw(st.booleans()),
    )
    open_hours = {calendar.id: calendar for calendar in (draw(calendars()) if breaks else ALWAYS for _ in range(2))}
    resources = []
    for r in range(draw(st.integers(1, 3))):
        positions = draw(st.integers(1, 3))
        resources.append(
            Resource(
                f"r{r}",
                tuple(sorted(draw(st.sets(st.sampled_from(["a", "b"]), max_size=2)))),
                positions,
                draw(st.sampled_from(sorted(open_hours))),
                draw(st.sampled_from([0, 0, 7])),
                draw(st.sampled_from([None, "m"])),
                tuple(draw(st.lists(st.none() | _KEYS, max_size=positions))),
            )
        )
    places = sorted({name for resource in resources for name in (resource.id, *resource.classes)})
    jobs, operations = [], []
    for j in range(draw(st.integers(1, jobs_max))):
        jobs.append(Job(f"j{j}", draw(st.none() | st.integers(0, 80)), draw(st.integers(0, 3)), draw(st.integers(0, 20))))
        for step in range(draw(st.integers(1, steps_max))):
            known = [f"j{j}.{s}" for s in range(step)] + [o.id for o in operations if not o.id.startswith(f"j{j}.")][:1]
            after = tuple(sorted(draw(st.sets(st.sampled_from(known), max_size=2)))) if known else ()
            on = {name: draw(st.integers(0, 25)) for name in draw(st.sets(st.sampled_from(places), min_size=1, max_size=2))}
            operations.append(
                op(
                    f"j{j}.{step}",
                    dict(sorted(on.items())),
                    after=after,
                    earliest_s=draw(st.sampled_from([0, 0, 0, 15])),
                    setup_key=draw(st.none() | _KEYS),
                    attended=draw(st.booleans()),
                )
            )
    aim = draw(st.sampled_from([TIMES, (Measure.MAKESPAN, Measure.TARDINESS), (Measure.TARDINESS,)]))
    extra = tuple(calendar for calendar in open_hours.values() if calendar is not ALWAYS)
    return problem(resources, jobs, operations, calendars=extra, setups=(matrix,), aim=aim)


_KEYS = st.sampled_from(["red", "green"])


def lasting(of: Problem) -> Problem:
    """The same problem with every operation of some length: the order of those of none is a matter of taste."""

    def longer(o: Operation) -> Operation:
        return replace(o, alternatives=tuple(replace(x, duration_s=x.duration_s + 1) for x in o.alternatives))

    return replace(of, operations=tuple(map(longer, of.operations)))


def scaled(of: Problem, by: int) -> Problem:
    """The same problem with every time `by` times as long; its calendars must always work."""
    return replace(
        of,
        resources=tuple(replace(r, available_from_s=r.available_from_s * by) for r in of.resources),
        jobs=tuple(replace(j, due_s=None if j.due_s is None else j.due_s * by, release_s=j.release_s * by) for j in of.jobs),
        operations=tuple(
            replace(
                o,
                alternatives=tuple(replace(x, duration_s=x.duration_s * by) for x in o.alternatives),
                earliest_s=o.earliest_s * by,
            )
            for o in of.operations
        ),
        setups=tuple(
            SetupMatrix(m.id, m.change_s * by, tuple((a, b, s * by) for a, b, s in m.pairs), m.first_s * by, m.detached)
            for m in of.setups
        ),
    )


def optimum(of: Problem) -> int:
    """The least first measure of a tiny problem: every order of its operations, on every choice of tracks."""
    compiled = Compiled(of)
    aim = of.aim[:1]
    return min(schedule.objective().key(aim)[0] for schedule in all_schedules(compiled))


def all_schedules(compiled: Compiled) -> Iterator[Schedule]:
    spots = [[(r, k) for r, _ in options for k in range(compiled.positions[r])] for options in compiled.options]
    orders = [o for o in permutations(range(compiled.n)) if _keeps(o, compiled.preds)]
    for places in product(*spots):
        for order in orders:
            schedule = Schedule(compiled)
            for i in order:
                r, k = places[i]
                schedule.append(i, r, k, schedule.ready(i), duration(compiled, i, r))
            yield schedule


def _keeps(order: tuple[int, ...], preds: list[tuple[int, ...]]) -> bool:
    at = {i: position for position, i in enumerate(order)}
    return all(at[p] < at[i] for i in order for p in preds[i])
