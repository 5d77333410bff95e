"""The rules of a move that tie an operation to others beside it: tools and crews, batches, lines on which nobody passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from batchone.chain.planning.hand.floor import Floor, TrackId, Trial
from batchone.chain.planning.hand.result import Why

Fault = tuple[Why, str | None]
Span = tuple[int, int, str]


def shared_fault(trial: Trial, touched: list[str]) -> Fault | None:
    """The first such rule that the trial breaks; tools are taken for what it moved, another of the kind if need be."""
    floor = trial.floor
    fault: Fault | None = None
    if floor.batches:
        fault = next((fault for fault in (_batch(trial, name) for name in touched) if fault), None)
    if fault is None and floor.problem.no_passing:
        fault = _passing(trial)
    if fault is None and floor.shares:
        fault = _needs(trial, touched)
    return fault


def _batch(trial: Trial, name: str) -> Fault | None:
    """What a resource does together cannot be moved apart by hand; an operation alone may be moved."""
    floor, was = trial.floor, trial.floor.at[name]
    for other in (floor.before[name], floor.behind[name]):
        if other is not None and floor.resources[was.resource].batch > 1 and floor.at[other].start_s == was.start_s:
            return Why.BATCH, other
    return None


def _passing(trial: Trial) -> Fault | None:
    """Whoever stands before the moved operation's job on one resource of a line does so on all of it."""
    floor, moved = trial.floor, trial.at(trial.moved)
    for line in floor.problem.no_passing:
        if moved.resource not in line:
            continue
        mine = {trial.at(name).resource: trial.at(name) for name in floor.by_job[moved.job] if trial.at(name).resource in line}
        here = {floor.at[name].job: trial.at(name) for name in _on(floor, moved.resource) if name != trial.moved}
        for resource, a in mine.items():
            if resource == moved.resource:
                continue
            for name in _on(floor, resource):
                other = trial.at(name)
                beside = here.get(other.job)
                if other.job == moved.job or beside is None:
                    continue
                if (beside.start_s < moved.start_s) != (other.start_s < a.start_s):
                    return Why.PASSING, beside.operation
    return None


def _on(floor: Floor, resource: str) -> Iterator[str]:
    for k in range(floor.resources[resource].positions):
        track = floor.tracks.get((resource, k))
        if track is not None:
            yield from track.ids


def _needs(trial: Trial, touched: list[str]) -> Fault | None:
    """Gives each changed operation its tools and crew, the same as before where they are free; who has one if none is."""
    floor, changed = trial.floor, set(touched)
    taken: dict[TrackId, list[Span]] = {}
    for name in sorted(touched, key=lambda name: trial.at(name).setup_start_s):
        a, op = trial.at(name), floor.operations[name]
        clash = _first_in((a.resource, a.track), a.setup_start_s, a.end_s, floor, changed, taken, name)
        if clash is not None:
            return Why.NEED, clash
        wanted = [(need, a.setup_start_s, a.end_s) for need in op.needs]
        setup = floor.setups[a.resource]
        if setup is not None and setup.crew is not None and trial.need(name):
            wanted.append((setup.crew, a.setup_start_s, a.start_s))
        found: list[TrackId] = []
        for index, (need, begin, end) in enumerate(wanted):
            holder: str | None = None
            for track in _choices(floor, need, a.also[index] if index < len(a.also) else None):
                holder = _first_in(track, begin, end, floor, changed, taken, name)
                if holder is None and _off(floor, a.resource, track[0], begin, end):
                    holder = name
                if holder is None:
                    taken.setdefault(track, []).append((begin, end, name))
                    found.append(track)
                    break
            else:
                return Why.NEED, holder
        if tuple(found) != a.also:
            trial.now[name] = replace(a, also=tuple(found))
    return None


def _off(floor: Floor, machine: str, tool: str, begin: int, end: int) -> bool:
    """A tool pauses only when its machine does."""
    same = floor.resources[machine].calendar == floor.resources[tool].calendar
    return not same and floor.calendars[tool].working(begin, end) < end - begin


def _choices(floor: Floor, need: str, before: TrackId | None) -> Iterator[TrackId]:
    if before is not None:
        yield before
    for resource in floor.problem.resources:
        if need == resource.id or need in resource.classes:
            for k in range(resource.positions):
                if (resource.id, k) != before:
                    yield resource.id, k


def _first_in(
    track: TrackId, begin: int, end: int, floor: Floor, changed: set[str], taken: dict[TrackId, list[Span]], mine: str
) -> str | None:
    """Another operation that has a track within some seconds."""
    if floor.available[track[0]] > begin:
        return mine
    for spans in (floor.shared_spans.get(track, ()), taken.get(track, ())):
        fresh = spans is taken.get(track)
        for a, b, name in spans:
            if a < end and begin < b and name != mine and (fresh or name not in changed):
                return name
    return None
