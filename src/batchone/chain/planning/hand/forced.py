"""A plan with an operation put where it may not stand, so that its judge can name what is broken there."""

from __future__ import annotations

from dataclasses import replace

from batchone.chain.planning.hand.floor import Floor, Trial
from batchone.chain.planning.model import Assignment, Plan


def forced(floor: Floor, operation: str, resource: str, track: int | None, start_s: int) -> Plan:
    """The plan with an operation there, its setup right before it; nothing else gives way. What it is worth stays as it was."""
    stands, op = floor.at[operation], floor.operations[operation]
    place = track if track is not None else stands.track if stands.resource == resource else 0
    put = replace(
        stands,
        resource=resource,
        track=place,
        setup_start_s=start_s,
        start_s=start_s,
        end_s=start_s + stands.end_s - stands.start_s,
    )
    duration = floor.durations(op).get(resource)
    if duration is not None:
        setup_start = _setup_start(floor, put, op.setup_key)
        put = replace(put, setup_start_s=setup_start, end_s=floor.end(op, resource, start_s, duration))
    every = (put if a.operation == operation else a for a in floor.plan.assignments)
    return replace(floor.plan, assignments=tuple(sorted(every, key=lambda a: (a.start_s, a.end_s))))


def _setup_start(floor: Floor, put: Assignment, key: str | None) -> int:
    setup, trial = floor.setups[put.resource], Trial(floor, put.operation)
    if setup is None or key is None:
        return put.start_s
    where = (put.resource, put.track)
    ahead, _ = trial.neighbours(where, put.start_s)
    need = setup.seconds(trial.key_before(ahead, where), key)
    return floor.calendars[put.resource].latest_start(put.start_s, need) if need else put.start_s
