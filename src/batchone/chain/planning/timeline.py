"""What is taken on every track: built once from a plan, then added to, removed from and forked, and the earliest slot in it.

Tracks are never changed, only replaced (see `tracks`), so a fork costs a list of pointers: a hundred reservations may be tried
over one plan in force of a hundred thousand operations. A slot keeps what a plan keeps: hours, setups and their crews, ovens,
tools and skills. What ties the operations of a job to each other is `insertion`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from batchone.chain.planning.compiled import Option, Resolver
from batchone.chain.planning.limits import Beside, Cause
from batchone.chain.planning.model import (
    NEVER,
    Assignment,
    Calendar,
    Operation,
    Plan,
    Problem,
    SetupMatrix,
)
from batchone.chain.planning.tracks import Batch, Block, Page, Track

Places = tuple[tuple[str, int], ...]
NOWHERE_LATER: Mapping[int, int] = {}
CLOSED_MAX = 128
"""Where the hours of a machine and its tools do not meet so often in a row, they never will."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in time for an operation: behind an operation (if any), from whose end, `free_s`, the track is free.

    `also`: the tracks of its tools, skills and crew, as in `Assignment`. `beside`: what beside its track decided its start.
    """

    resource: int
    track: int
    setup_start_s: int
    start_s: int
    end_s: int
    setup_s: int
    behind: str | None
    free_s: int
    also: Places = ()
    beside: Beside | None = None


class _Missing(NamedTuple):
    """What of the tools, skills and crew of a slot is not there: worth trying again from when, and who has it until then.
    `busy`: something is in the way, and not only its hours."""

    again_s: int
    cause: Cause
    resource: str
    behind: str | None
    busy: bool


class Shop:
    """What of a problem every timeline needs and none changes."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        calendars = {resource.calendar: problem.calendar_of(resource) for resource in problem.resources}
        self.calendars: list[Calendar] = [calendars[resource.calendar] for resource in problem.resources]
        setups = {setup.id: setup for setup in problem.setups}
        self.setups: list[SetupMatrix | None] = [setups.get(resource.setup or "") for resource in problem.resources]
        self.resolve = Resolver(problem)
        self.members: dict[str, list[int]] = {}
        for r, resource in enumerate(problem.resources):
            for name in (resource.id, *resource.classes):
                self.members.setdefault(name, []).append(r)
        self.index = {resource.id: r for r, resource in enumerate(problem.resources)}
        self.available = [max(0, resource.available_from_s) for resource in problem.resources]
        self.batch = [resource.batch for resource in problem.resources]
        self.crew = [setup.crew if setup is not None else None for setup in self.setups]

    @property
    def places(self) -> Mapping[str, object]:
        """Every name that an alternative or a need may have."""
        return self.members


class Timeline:
    """Busy intervals per track of the resources of a problem, in seconds from its origin."""

    def __init__(self, problem: Problem, shop: Shop | None = None, tracks: list[list[Track]] | None = None) -> None:
        """An empty timeline; with `tracks` one that starts from those, as `fork` does."""
        self.problem = problem
        self.shop = shop or Shop(problem)
        self._tracks = tracks or [[Track()] * resource.positions for resource in problem.resources]

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Timeline:
        """The timeline of a plan of this problem; keys, needs and batches are those of the problem's operations. What is over
        before second 0, or on a resource that is not there, is left out."""
        timeline = cls(problem)
        operations = {op.id: op for op in problem.operations}
        found: dict[tuple[int, int], dict[object, Block]] = {}
        for a in plan.assignments:
            r = timeline.shop.index.get(a.resource)
            if r is None or a.end_s <= 0 < a.end_s - a.start_s:
                continue
            op = operations.get(a.operation)
            for place, block in timeline._blocks(a, op.setup_key if op else None, op):
                on = found.setdefault(place, {})
                # Members of a batch come as blocks of the same times; they are one.
                name: object = (block.batch.key, block.batch.start_s, block.end_s) if block.batch else block.name
                on[name] = _together(on[name], block) if block.batch and name in on else block
        for (r, k), blocks in found.items():
            timeline._tracks[r][k] = Track.of(blocks.values())
        return timeline

    def fork(self) -> Timeline:
        """A timeline like this one that changes by itself; this one stays as it is when the fork changes."""
        return Timeline(self.problem, self.shop, [row[:] for row in self._tracks])

    def in_shop(self, problem: Problem) -> Timeline:
        """A fork of which the resources are those of another problem, alike but for their hours (overtime)."""
        return Timeline(problem, Shop(problem), [row[:] for row in self._tracks])

    def take_over(self, fork: Timeline) -> None:
        """Becomes what a fork of it became."""
        self._tracks = fork._tracks

    def add(self, assignment: Assignment, key: str | None, op: Operation | None = None) -> None:
        """Takes the time of an assignment with a setup key; what was there already is not asked. `op` tells of its needs and
        its batch key, if it has any."""
        for (r, k), block in self._blocks(assignment, key, op):
            track = self._tracks[r][k]
            place = self._batch_at(track, block) if block.batch is not None else None
            self._tracks[r][k] = track.joined(*place, block.name, key) if place is not None else track.with_block(block)

    def remove(self, assignment: Assignment) -> None:
        """Gives the time of an assignment back. `KeyError` if it is not there."""
        places = [(assignment.resource, assignment.track), *assignment.also]
        for n, (name, k) in enumerate(places):
            r = self.shop.index[name]
            try:
                self._tracks[r][k] = self._tracks[r][k].without(assignment.setup_start_s, assignment.operation)
            except KeyError:
                # What is needed for no time was never taken.
                if n == 0:
                    raise

    def reserve(self, assignments: Iterable[Assignment], operations: Iterable[Operation]) -> None:
        """Takes the time of many assignments of these operations."""
        known = {op.id: op for op in operations}
        for a in assignments:
            self.add(a, known[a.operation].setup_key, known[a.operation])

    def fits(self, assignment: Assignment, key: str | None, op: Operation | None = None) -> bool:
        """Whether an assignment that is not in the timeline could stand there: its seconds are free, its setup is enough
        behind what is before it, so is that of what is behind it, and what it takes beside its track is there and free."""
        r = self.shop.index.get(assignment.resource)
        if r is None or assignment.track >= len(self._tracks[r]) or not self._helped_at(assignment, key, op, r):
            return False
        a, track, setup = assignment, self._tracks[r][assignment.track], self.shop.setups[r]
        if a.setup_start_s < self.shop.available[r] or track.busy(a.setup_start_s, a.end_s) is not None:
            return False
        if setup is None or key is None:
            return True
        p, i = track.at(a.setup_start_s)
        prepared = self.shop.calendars[r].working(a.setup_start_s, a.start_s)
        if setup.seconds(track.key_before(p, i, self._first_key(r, a.track)), key) > prepared:
            return False
        following = track.next_keyed(p, i)
        return following is None or _stays(setup, key, following)

    def _helped_at(self, a: Assignment, key: str | None, op: Operation | None, r: int) -> bool:
        """Whether what an assignment takes beside its track is there and free."""
        if not a.also:
            return True
        if any(name not in self.shop.index or k >= len(self._tracks[self.shop.index[name]]) for name, k in a.also):
            return False
        beside = self._blocks(a, key, op)[1:]
        return all(self._there(other, k, each.begin_s, each.end_s, r)[0] <= each.begin_s for (other, k), each in beside)

    def _blocks(self, a: Assignment, key: str | None, op: Operation | None) -> list[tuple[tuple[int, int], Block]]:
        """What an assignment takes: its own track, and those of its tools, skills and crew."""
        r = self.shop.index[a.resource]
        batch = None
        if op is not None and op.batch_key is not None and self.shop.batch[r] > 1:
            batch = Batch(op.batch_key, a.start_s, (a.operation,))
        # Batches are told apart by their start, so their members need not begin with the same setup.
        prepared = self.shop.calendars[r].working(a.setup_start_s, a.start_s) if a.setup_start_s != a.start_s else 0
        found = [((r, a.track), Block(a.setup_start_s, a.end_s, key, prepared, a.operation, batch))]
        # Where the operation is not known, a crew cannot be told from a tool: all of it is held to the end.
        needs = len(op.needs) if op is not None else len(a.also)
        for n, (name, k) in enumerate(a.also):
            until = a.end_s if n < needs else self._set_up(a, op)
            if a.setup_start_s < until:
                found.append(((self.shop.index[name], k), Block(a.setup_start_s, until, None, 0, a.operation)))
        return found

    def _set_up(self, a: Assignment, op: Operation | None) -> int:
        """When the setup before an assignment ends: at its start, or, where it is running, when only its own work is left."""
        fixed = op.fixed if op is not None else None
        if op is None or fixed is None or fixed.remaining_s is None:
            return a.start_s
        r = self.shop.index[a.resource]
        seconds = dict(self.shop.resolve(op.alternatives)).get(r, 0)
        left, since = max(0, fixed.remaining_s - seconds), self.shop.available[r]
        return self.shop.calendars[r].work_end(since, left) if op.attended else since + left

    @staticmethod
    def _batch_at(track: Track, block: Block) -> tuple[int, int] | None:
        assert block.batch is not None
        p, i = track.at(block.batch.start_s - 1)
        while p < len(track.pages):
            for n in range(i, len(track.pages[p].blocks)):
                found = track.pages[p].blocks[n]
                if found.begin_s > block.batch.start_s:
                    return None
                if found.batch is not None and found.batch[:2] == block.batch[:2] and found.end_s == block.end_s:
                    return p, n
            p, i = p + 1, 0
        return None

    def _first_key(self, r: int, k: int) -> str | None:
        keys = self.problem.resources[r].keys
        return keys[k] if k < len(keys) else None

    # The earliest slot.

    def earliest(self, op: Operation, ready: int, later: Mapping[int, int] = NOWHERE_LATER, ends_from: int = 0) -> Slot | None:
        """The slot in which an operation would end first, moving nothing; None if there is never one.

        `ready`: it does not start before. `later`: nor before that on some resources, by index. `ends_from`: it does not end
        before.
        """
        best: Slot | None = None
        for option in self.shop.resolve(op.alternatives):
            since = max(ready, later.get(option[0], 0)) if later else ready
            slot = self._on_resource(op, since, option, best, ends_from)
            if slot is not None:
                best = slot
        return best

    def _on_resource(self, op: Operation, ready: int, option: Option, best: Slot | None, ends_from: int) -> Slot | None:
        """A slot on one resource that ends before `best`, if there is one."""
        r, seconds = option
        calendar = self.shop.calendars[r]
        since = max(ready, self.shop.available[r])
        soonest = calendar.next_start(since)
        ideal = max(ends_from, calendar.work_end(soonest, seconds) if op.attended else soonest + seconds)
        if ideal >= NEVER or (best is not None and ideal >= best.end_s):
            return None
        plain = not op.needs and not ends_from and self.shop.crew[r] is None and self.shop.batch[r] == 1
        found: Slot | None = None
        limit = best.end_s if best is not None else NEVER
        for k in range(len(self._tracks[r])):
            if plain:
                slot = self._on_track(op, since, r, k, seconds, limit, 0)
            else:
                slot = self._helped(op, since, r, k, seconds, limit, ends_from)
            if slot is not None:
                found, limit = slot, slot.end_s
                if limit == ideal and not slot.setup_s:
                    break
        return found

    def _helped(self, op: Operation, since: int, r: int, k: int, seconds: int, limit: int, ends_from: int) -> Slot | None:
        """The first slot on one track at which its tools, skills and setup crew are free too, or a batch that it joins."""
        floor = closed = 0
        beside: Beside | None = None
        first = NEVER
        while closed < CLOSED_MAX:
            slot = self._on_track(op, since, r, k, seconds, limit, floor)
            batch = self._joins(op, max(since, floor), r, k, seconds, slot.end_s + 1 if slot is not None else limit)
            if batch is not None:
                slot = batch
            if slot is None:
                return None
            first = min(first, slot.start_s)
            if slot.end_s < ends_from:
                since = slot.start_s + max(1, ends_from - slot.end_s)
                beside = Beside(Cause.WAIT, first)
                continue
            also, missing = self._helpers(op, slot)
            if missing is None:
                return replace(slot, also=also, beside=beside or slot.beside)
            if missing.again_s >= NEVER:
                return None
            until = None if missing.behind is None else missing.again_s
            beside = Beside(missing.cause, first, missing.resource, missing.behind, until)
            floor, closed = max(missing.again_s, floor + 1), 0 if missing.busy else closed + 1
        return None

    def _helpers(self, op: Operation, slot: Slot) -> tuple[Places, _Missing | None]:
        """A track for each need and the crew while the slot lasts; else what is missing."""
        wanted = [(name, slot.end_s, Cause.TOOL) for name in op.needs]
        crew = self.shop.crew[slot.resource]
        if crew is not None and slot.setup_s:
            wanted.append((crew, slot.start_s, Cause.CREW))
        chosen: list[tuple[int, int]] = []
        for name, until, cause in wanted:
            missing, place, busy = _Missing(NEVER, cause, name, None, busy=False), None, False
            for r in self.shop.members.get(name, ()):
                for k in range(len(self._tracks[r])):
                    if (r, k) == (slot.resource, slot.track) or (r, k) in chosen:
                        continue
                    at, behind, taken = self._there(r, k, slot.setup_start_s, until, slot.resource)
                    if at <= slot.setup_start_s:
                        place = (r, k)
                        break
                    busy = busy or taken
                    if at < missing.again_s:
                        missing = _Missing(at, cause, self.problem.resources[r].id, behind, taken)
                if place is not None:
                    break
            if place is None:
                return (), missing._replace(busy=busy)
            chosen.append(place)
        return tuple((self.problem.resources[r].id, k) for r, k in chosen), None

    def _there(self, r: int, k: int, begin: int, end: int, machine: int) -> tuple[int, str | None, bool]:
        """From when a track may be free for what a machine does from `begin` to `end`, at most `begin` if it is; who has it
        until then, and whether it is busy or broken (or only off shift)."""
        if begin >= end:
            return begin, None, False
        if self.shop.available[r] > begin:
            return self.shop.available[r], None, True
        busy = self._tracks[r][k].busy(begin, end)
        if busy is not None:
            return busy.end_s, busy.name, True
        resources, calendar = self.problem.resources, self.shop.calendars[r]
        if resources[r].calendar == resources[machine].calendar or calendar.working(begin, end) == end - begin:
            return begin, None, False
        works = calendar.next_start(begin)
        return (works if works > begin else calendar.next_start(calendar.intervals(begin, end)[0][1])), None, False

    def _joins(self, op: Operation, since: int, r: int, k: int, seconds: int, limit: int) -> Slot | None:
        """The first batch on an oven's track that an operation can join and that ends before `limit`."""
        if op.batch_key is None or self.shop.batch[r] == 1:
            return None
        track, calendar, most = self._tracks[r][k], self.shop.calendars[r], self.shop.batch[r]
        p, i = track.at(since - 1)
        while p < len(track.pages):
            blocks = track.pages[p].blocks if track.pages[p].batched else ()
            for block in blocks[i:]:
                if block.end_s >= limit:
                    return None
                batch = block.batch
                if batch is None or batch.key != op.batch_key or batch.start_s < since or len(batch.members) >= most:
                    continue
                end = calendar.work_end(batch.start_s, seconds) if op.attended else batch.start_s + seconds
                if end == block.end_s and op.setup_key in (None, block.key):
                    start = batch.start_s
                    alone = calendar.next_start(since)
                    beside = Beside(Cause.BATCH, alone, self.problem.resources[r].id, block.name, start)
                    held = beside if alone < start else None
                    return Slot(r, k, start, start, end, 0, None, self.shop.available[r], (), held)
            p, i = p + 1, 0
        return None

    def _on_track(self, op: Operation, since: int, r: int, k: int, seconds: int, limit: int, floor: int) -> Slot | None:
        """The first slot between the blocks of one track that ends before `limit`; nothing begins before `floor`."""
        track = self._tracks[r][k]
        pages = track.pages
        free0 = max(self.shop.available[r], floor)
        # What ends by then cannot be before it: the gap that holds `since` is the first to look at.
        p, i = track.at(max(since, floor))
        while True:
            before = track.before(p, i)
            free = max(before.end_s, free0) if before is not None else free0
            at = free if free > since else since
            if at + seconds >= limit:
                return None
            until = pages[p].begins[i] if p < len(pages) else NEVER
            if until - at >= seconds:
                slot = self._in_gap(op, since, r, k, p, i, free, before, seconds)
                if slot is not None:
                    return slot if slot.end_s < limit else None
            if p == len(pages):
                return None
            p, i = _next_gap(pages, p, i, seconds)

    def _in_gap(
        self, op: Operation, since: int, r: int, k: int, p: int, i: int, free: int, before: Block | None, seconds: int
    ) -> Slot | None:
        """The slot before block `i` of page `p`, if the operation fits there and the next setup stays enough."""
        track, calendar, setup = self._tracks[r][k], self.shop.calendars[r], self.shop.setups[r]
        need = 0
        if setup is not None and op.setup_key is not None:
            need = setup.seconds(track.key_before(p, i, self._first_key(r, k)), op.setup_key)
        if not need:
            setup_start = start = calendar.next_start(max(free, since))
        else:
            assert setup is not None
            if setup.detached:
                start = calendar.next_start(max(since, calendar.work_end(free, need)))
            else:
                start = calendar.next_start(calendar.work_end(max(since, free), need))
            setup_start = calendar.latest_start(start, need)
        end = calendar.work_end(start, seconds) if op.attended else start + seconds
        if end >= NEVER:
            return None
        if p < len(track.pages):
            following = track.pages[p].blocks[i]
            if end > following.begin_s:
                return None
            if setup is not None and op.setup_key is not None:
                keyed = track.next_keyed(p, i)
                if keyed is not None and not _stays(setup, op.setup_key, keyed):
                    return None
        behind = before.name if before is not None and before.end_s == free else None
        return Slot(r, k, setup_start, start, end, need, behind, free)


def _stays(setup: SetupMatrix, key: str, block: Block) -> bool:
    """A block can stay as it is behind another key: its setup is long enough, and whoever was to do it is needed still."""
    needed = setup.seconds(key, block.key)
    return needed <= block.prepared and (setup.crew is None or (needed > 0) == (block.prepared > 0))


def _next_gap(pages: Sequence[Page], p: int, i: int, seconds: int) -> tuple[int, int]:
    """The next place behind one with a gap before it of so many seconds, or behind the last block."""
    page = pages[p]
    begins, ends = page.begins, page.ends
    for n in range(i + 1, len(begins)):
        if begins[n] - ends[n - 1] >= seconds:
            return p, n
    while p + 1 < len(pages):
        last = pages[p].ends[-1]
        p += 1
        page = pages[p]
        if page.begins[0] - last >= seconds:
            return p, 0
        if page.room >= seconds:
            begins, ends = page.begins, page.ends
            for n in range(1, len(begins)):
                if begins[n] - ends[n - 1] >= seconds:
                    return p, n
    return p + 1, 0


def _together(block: Block, other: Block) -> Block:
    """Two parts of one batch."""
    assert block.batch is not None
    assert other.batch is not None
    members = (*block.batch.members, *other.batch.members)
    first, last = (block, other) if block.begin_s <= other.begin_s else (other, block)
    return first._replace(key=first.key or last.key, name=members[0], batch=block.batch._replace(members=members))
