"""What stands on each track: one thing or one batch at a time, with the setup it needs before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchone.chain.planning.judge.facts import Facts, Rule, Violation, running
from batchone.chain.planning.model import Assignment, Resource


@dataclass(frozen=True, slots=True)
class Block:
    """Operations that a track does as one: mostly one, several in a batch; with the setup seconds needed before them."""

    resource: Resource
    track: int
    members: tuple[Assignment, ...]
    setup_s: int

    @property
    def setup_start_s(self) -> int:
        """When the setup of the whole begins."""
        return min(a.setup_start_s for a in self.members)


def blocks_of(facts: Facts, assignments: Iterable[Assignment]) -> list[Block]:
    """The blocks of every track in the order of time."""
    tracks: dict[tuple[str, int], list[Assignment]] = {}
    for a in sorted(assignments, key=lambda a: (a.start_s, a.end_s, a.setup_start_s)):
        tracks.setdefault((a.resource, a.track), []).append(a)
    return [block for (name, track), line in tracks.items() for block in _blocks(facts, facts.resources[name], track, line)]


def _blocks(facts: Facts, resource: Resource, track: int, line: list[Assignment]) -> Iterator[Block]:
    key = resource.keys[track] if track < len(resource.keys) else None
    for members in _together(facts, resource, line):
        operations = [facts.operations[a.operation] for a in members]
        after = next((op.setup_key for op in operations if op.setup_key is not None), None)
        needed = 0 if any(running(op) for op in operations) else facts.setup_s(resource, key, after)
        yield Block(resource, track, tuple(members), needed)
        key = after or key


def _together(facts: Facts, resource: Resource, line: list[Assignment]) -> Iterator[list[Assignment]]:
    """Neighbours on an oven that start and end as one, of one batch key, are one batch."""
    waiting: list[Assignment] = []
    for a in line:
        key = facts.operations[a.operation].batch_key
        same = (
            resource.batch > 1
            and waiting
            and key is not None
            and facts.operations[waiting[0].operation].batch_key == key
            and (waiting[0].start_s, waiting[0].end_s) == (a.start_s, a.end_s)
        )
        if waiting and not same:
            yield waiting
            waiting = []
        waiting.append(a)
    if waiting:
        yield waiting


def check_tracks(facts: Facts, blocks: Iterable[Block]) -> Iterator[Violation]:
    """Blocks that overlap, batches that are too many or not set up alike, setups that are too short."""
    ahead: dict[tuple[str, int], Block] = {}
    free: dict[tuple[str, int], int] = {}
    for block in blocks:
        place = (block.resource.id, block.track)
        yield from _batch(facts, block)
        if place in free and block.setup_start_s < free[place]:
            yield _overlap(facts, block, ahead[place], free[place])
        else:
            yield from _setup(facts, block)
        ahead[place] = block
        free[place] = max(free.get(place, block.members[0].end_s), block.members[0].end_s)


def _overlap(facts: Facts, block: Block, ahead: Block, free: int) -> Violation:
    first, other = block.members[0], ahead.members[0]
    op = facts.operations[first.operation]
    if block.resource.batch > 1 and (first.start_s, first.end_s) == (other.start_s, other.end_s):
        key = facts.operations[other.operation].batch_key
        return facts.wrong(
            Rule.BATCH, op, f"of batch key {op.batch_key!r} is in one batch with {other.operation!r}, whose is {key!r}"
        )
    where = f"track {block.track} of {block.resource.id} is busy to {free}"
    return facts.wrong(Rule.CAPACITY, op, f"begins at {block.setup_start_s}, but {where} with {other.operation!r}")


def _batch(facts: Facts, block: Block) -> Iterator[Violation]:
    if len(block.members) == 1:
        return
    operations = [facts.operations[a.operation] for a in block.members]
    if len(operations) > block.resource.batch:
        what = f"makes a batch of {len(operations)}, but {block.resource.id} takes {block.resource.batch}"
        yield facts.wrong(Rule.BATCH, operations[-1], what)
    keyed = [op for op in operations if op.setup_key is not None]
    for op in keyed[1:]:
        if op.setup_key != keyed[0].setup_key:
            what = f"needs setup {op.setup_key!r}, but its batch is set up for {keyed[0].setup_key!r}"
            yield facts.wrong(Rule.BATCH, op, what)


def _setup(facts: Facts, block: Block) -> Iterator[Violation]:
    start = block.members[0].start_s
    prepared = facts.hours_of(block.resource).between(block.setup_start_s, start)
    if prepared < block.setup_s:
        op = facts.operations[block.members[0].operation]
        what = f"has {prepared} of the {block.setup_s} working seconds that its setup needs before {start}"
        yield facts.wrong(Rule.SETUP, op, what)
