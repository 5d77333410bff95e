"""Tools, skills and setup crews: named where they are needed, there when they are needed, and never in two places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchone.chain.planning.judge.facts import Facts, Rule, Violation, choice, running, work_begins
from batchone.chain.planning.judge.tracks import Block
from batchone.chain.planning.model import Assignment, Operation


@dataclass(frozen=True, slots=True)
class _Take:
    """A track that is not free for half-open seconds, by which operation; `lent`: as a need, not for its own work."""

    begins_s: int
    ends_s: int
    op: Operation
    lent: bool


def check_needs(facts: Facts, blocks: Iterable[Block]) -> Iterator[Violation]:
    """Everything wrong with what operations take beside their own track."""
    takes: dict[tuple[str, int], list[_Take]] = {}
    for block in blocks:
        yield from _of_block(facts, block, takes)
    for (name, track), taken in takes.items():
        if any(take.lent for take in taken):
            yield from _overlaps(facts, f"track {track} of {name}", taken)


def _of_block(facts: Facts, block: Block, takes: dict[tuple[str, int], list[_Take]]) -> Iterator[Violation]:
    crew = _crew_of(facts, block) if block.setup_s else None
    begins = block.setup_start_s
    crews: list[tuple[str, int]] = []
    for a in block.members:
        op = facts.operations[a.operation]
        takes.setdefault((a.resource, a.track), []).append(_Take(a.setup_start_s, a.end_s, op, lent=False))
        wanted = list(op.needs)
        if crew is not None and (len(block.members) == 1 or len(a.also) > len(wanted)):
            wanted.append(crew)
        elif _is_set_up_yet(op):
            wanted += [name for name in [_crew_of(facts, block)] if name is not None]
        if len(a.also) != len(wanted):
            yield facts.wrong(Rule.NEED, op, f"names {len(a.also)} of the {len(wanted)} it takes beside its track: {wanted}")
        for n, (name, place) in enumerate(zip(wanted, a.also, strict=False)):
            fault = _no_place(facts, name, place)
            is_crew = n == len(op.needs)
            if fault:
                yield facts.wrong(Rule.NEED, op, fault)
            elif not is_crew:
                yield from _takes(facts, a, op, place, (a.setup_start_s, a.end_s), takes)
            elif place not in crews:
                crews.append(place)
                yield from _takes(facts, a, op, place, (begins, _set_up(facts, a, op)), takes)
    if crew is not None and len(block.members) > 1 and len(crews) != 1:
        op = facts.operations[block.members[0].operation]
        yield facts.wrong(Rule.NEED, op, f"is in a batch with one setup, for which {len(crews)} of {crew} are named")


def _crew_of(facts: Facts, block: Block) -> str | None:
    return facts.setups[block.resource.setup].crew if block.resource.setup else None


def _is_set_up_yet(op: Operation) -> bool:
    """It is running and known to hold a crew beside its needs."""
    return running(op) and op.fixed is not None and len(op.fixed.also) > len(op.needs)


def _set_up(facts: Facts, a: Assignment, op: Operation) -> int:
    """When a crew may go: at the start; of what is running, when no more is left than its work."""
    resource = facts.resources[a.resource]
    chosen = choice(op, resource)
    if not running(op) or op.fixed is None or op.fixed.remaining_s is None or chosen is None:
        return a.start_s
    left, at = op.fixed.remaining_s - chosen.duration_s, work_begins(a, op, resource)
    if left <= 0 or not op.attended:
        return at + max(0, left)
    for begin, end in facts.hours_of(resource).spans(at, a.end_s):
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return a.end_s


def _no_place(facts: Facts, name: str, place: tuple[str, int]) -> str | None:
    resource = facts.resources.get(place[0])
    if resource is None or not 0 <= place[1] < resource.positions:
        return f"takes track {place[1]} of {place[0]} for {name!r}, which is not there"
    if name != resource.id and name not in resource.classes:
        return f"takes {place[0]} for {name!r}, which it is not"
    return None


def _takes(
    facts: Facts,
    a: Assignment,
    op: Operation,
    place: tuple[str, int],
    span: tuple[int, int],
    takes: dict[tuple[str, int], list[_Take]],
) -> Iterator[Violation]:
    """Books a place for a span; it must be there, and at work throughout unless it pauses as the machine does."""
    begins, ends = span
    takes.setdefault(place, []).append(_Take(begins, ends, op, lent=True))
    resource = facts.resources[place[0]]
    if running(op) or begins >= ends:
        return
    if begins < resource.available_from_s:
        yield facts.wrong(Rule.NEED, op, f"takes {resource.id} at {begins}, but it is there from {resource.available_from_s}")
    elif resource.calendar != facts.resources[a.resource].calendar:
        off = ends - begins - facts.hours_of(resource).between(begins, ends)
        if off:
            what = f"takes {resource.id} from {begins} to {ends}, of which it is off for {off} seconds"
            yield facts.wrong(Rule.NEED, op, what)


def _overlaps(facts: Facts, where: str, taken: list[_Take]) -> Iterator[Violation]:
    """Takes of one track that share a second, one of them at least as a need."""
    last: dict[bool, _Take] = {}
    for take in sorted(taken, key=lambda t: (t.begins_s, t.ends_s)):
        if take.begins_s >= take.ends_s:
            continue
        against = [last[lent] for lent in last if lent or take.lent]
        busy = max(against, key=lambda t: t.ends_s, default=None)
        if busy is not None and take.begins_s < busy.ends_s:
            what = f"takes {where} from {take.begins_s}, but {busy.op.id!r} has it to {busy.ends_s}"
            yield facts.wrong(Rule.NEED, take.op, what)
        if take.lent not in last or last[take.lent].ends_s < take.ends_s:
            last[take.lent] = take
