"""What planners do with the plan: load a branch, plan it, store it, and put it in force."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from batchone.chain.planning import store as plans
from batchone.chain.planning.bottleneck import bottleneck
from batchone.chain.planning.branches import store
from batchone.chain.planning.branches.changes import altered, hand_move, last_move, refuse_nonsense, searched, without
from batchone.chain.planning.branches.draft import Draft, HandMove, draft, over, pins_of, settled
from batchone.chain.planning.branches.store import StoredBranch
from batchone.chain.planning.branches.told import (
    bottlenecks_of,
    checked,
    illegal_words,
    news_between,
    operations,
    reasons_of,
    result_of,
)
from batchone.chain.planning.explain import explain
from batchone.chain.planning.hand import Hand
from batchone.chain.planning.hand.forced import forced
from batchone.chain.planning.history import Past
from batchone.chain.planning.hours import Hours
from batchone.chain.planning.judged import Judged, RulesBroken, broken_by_places, each_named, judged, named, news, refusal
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.past import past_plans
from batchone.chain.planning.picture import Picture, StoredPin, changed, placements
from batchone.chain.planning.planner import Planner
from batchone.chain.planning.worker import draft_task
from batchone.contracts.by_hand import (
    Acceptance,
    Bottlenecks,
    Branch,
    Change,
    HandRules,
    Move,
    MoveCheck,
    OrderWish,
    Overtime,
    PinnedOperation,
    Reasons,
    Stop,
)
from batchone.contracts.planning import PlannedOperation, PlanSummary, Spot
from batchone.kernel.database import Transaction
from batchone.kernel.errors import BatchoneError, Conflict, NotFound, Refused, TryLater
from batchone.kernel.module import Context

_log = structlog.get_logger(__name__)
_LISTED = 40
_ANSWER_S = 4.0
"""How long a search is waited for before the answer says that it goes on."""
_MEASURED_S = 60.0
_CHANGES_MAX = 500


@dataclass(frozen=True)
class _Laid:
    """A legal plan laid out for checks: of the plan in force, or of a branch as it stood at a version."""

    version: object
    made_s: float
    hand: Hand
    picture: Picture


@dataclass(frozen=True)
class _Planned:
    picture: Picture
    problem: Problem
    before: Plan
    draft: Draft
    hypothetical: tuple[str, ...]
    in_force: int


class Desk:
    """Implements `contracts.by_hand.PlanningByHand`."""

    def __init__(self, context: Context, planner: Planner) -> None:
        self._context, self._planner = context, planner
        self._desks: dict[str, _Laid] = {}
        self._solving: dict[str, asyncio.Task[None]] = {}
        self._measuring: tuple[float, asyncio.Task[Bottlenecks]] | None = None

    # Moves.

    async def rules(self, tenant: str) -> HandRules:  # noqa: ARG002 - one planner has one tenant
        """What holds for every move."""
        return HandRules(self._planner.settings.frozen_s)

    async def check_move(self, tenant: str, move: Move, branch: str | None) -> MoveCheck:
        """Whether an operation could stand there."""
        desk = await self._desk(tenant, branch)
        wish = hand_move(move, desk.picture)
        found = await asyncio.to_thread(
            desk.hand.move, wish.operation, resource=wish.resource, track=wish.track, start_s=wish.start_s, push=wish.push
        )
        return checked(found, desk.hand.plan, desk.picture, wish.start_s)

    async def _desk(self, tenant: str, branch: str | None) -> _Laid:
        stored = None
        version: object = await self._planner.number_in_force()
        if branch is not None:
            stored = await self._read(tenant, branch)
            version = (stored.applied, len(stored.every), stored.result.made if stored.result else None)
        name = branch or ""
        known = self._desks.get(name)
        fresh_s = self._planner.settings.desk_s
        # A plan in force that is replaced often is laid out once a second at most; who changed a branch sees the change.
        replaced_s = 1.0 if stored is None else 0.0
        if known is not None and time.monotonic() - known.made_s < (fresh_s if known.version == version else replaced_s):
            return known
        picture = await self._planner.picture()
        changes = stored.changes if stored else ()
        placed = stored.placed if stored else None
        desk = await asyncio.to_thread(self._lay_out, picture, changes, placed, version)
        self._desks = {key: each for key, each in self._desks.items() if time.monotonic() - each.made_s < fresh_s}
        self._desks[name] = desk
        return desk

    def _lay_out(self, picture: Picture, changes: Sequence[Change], placed: bytes | None, version: object) -> _Laid:
        change = altered(picture, changes)
        start = store.unpacked(placed, picture.now) if placed else change.picture.in_force()
        pins = pins_of((f"{move.item}/{move.op}" for move in change.moves), start)
        bound, plan = settled(change.problem, start, (*change.picture.places_pinned(), *pins))
        held = frozenset(pin.operation for pin in bound.pins)
        hand = Hand(change.problem, plan, frozen_until_s=round(self._planner.settings.frozen_s), pinned=held)
        return _Laid(version, time.monotonic(), hand, change.picture)

    # Branches.

    async def branches(self, tenant: str) -> tuple[Branch, ...]:
        """The open branches and the newest closed ones."""
        solving = frozenset(self._solving)
        async with self._context.database.transaction() as tx:
            found = await store.read_branches(tx, tenant, _LISTED)
        return tuple(each.told(solving=each.id in solving) for each in found)

    async def branch(self, tenant: str, branch: str) -> Branch:
        """One branch."""
        # Looked up before it is read: a search that ends in between has stored what it found, and must not seem to have none.
        solving = branch in self._solving
        return (await self._read(tenant, branch)).told(solving=solving)

    async def branch_window(
        self, tenant: str, branch: str, start: datetime, end: datetime, limit: int
    ) -> tuple[PlannedOperation, ...]:
        """The operations of a branch that touch a window."""
        desk = await self._desk(tenant, branch)
        async with self._context.database.transaction() as tx:
            begun = [each for each in await plans.window(tx, tenant, start, end, limit) if each.state != "planned"]
        known = {(each.item, each.op) for each in begun}
        plan = desk.hand.plan
        since, until = (round((at - plan.origin).total_seconds()) for at in (start, end))
        inside = [a for a in plan.assignments if a.start_s < until and a.end_s > since][:limit]
        planned = operations(inside, plan, desk.picture)
        return (*begun, *(each for each in planned if (each.item, each.op) not in known))

    async def open_branch(self, tenant: str, name: str, changes: Sequence[Change], key: str, by: str) -> Branch:
        """A new branch, planned at once if it only moves operations."""
        picture = await self._planner.picture()
        for change in changes:
            refuse_nonsense(picture, change)
        async with self._context.database.transaction() as tx:
            made = self._context.clock.now()
            opened = await store.add_branch(tx, tenant, self._context.ids.new("B"), name, made, by, key, changes)
        if opened.result is None and not searched(opened.changes):
            opened = await self._plan(tenant, opened, budget_s=0.0)
        return self._told(opened)

    async def change_branch(self, tenant: str, branch: str, change: Change, key: str) -> Branch:
        """One change more."""
        stored = await self._open(tenant, branch)
        if key == stored.last_key:
            return self._told(stored)
        if stored.applied >= _CHANGES_MAX:
            raise Refused("planning.branch_full", f"A branch holds {_CHANGES_MAX} changes.", "Accept it, and open another.")
        refuse_nonsense(await self._planner.picture(), change)
        if isinstance(change, Move):
            found = await self.check_move(tenant, change, branch)
            if not found.legal:
                desk = await self._desk(tenant, branch)
                raise await asyncio.to_thread(_illegal, found, desk.hand, hand_move(change, desk.picture))
        grown = replace(stored, every=(*stored.changes, change), applied=stored.applied + 1, last_key=key)
        # A move is made on top of what was planned; anything else needs a search.
        if isinstance(change, Move) and (stored.placed is not None or not searched(grown.changes)):
            return self._told(await self._plan(tenant, grown, budget_s=0.0))
        return self._told(await self._save(tenant, store.without_result(grown)))

    async def undo(self, tenant: str, branch: str) -> Branch:
        """The last change taken back."""
        return await self._step(tenant, branch, -1)

    async def redo(self, tenant: str, branch: str) -> Branch:
        """The change that was undone last, done again."""
        return await self._step(tenant, branch, +1)

    async def _step(self, tenant: str, branch: str, by: int) -> Branch:
        stored = await self._open(tenant, branch)
        if not 0 <= stored.applied + by <= len(stored.every):
            return self._told(stored)
        moved = store.without_result(replace(stored, applied=stored.applied + by, last_key=""))
        if searched(moved.changes):
            return self._told(await self._save(tenant, moved))
        return self._told(await self._plan(tenant, moved, budget_s=0.0))

    async def solve_branch(self, tenant: str, branch: str, budget_s: float) -> Branch:
        """Search for the best plan of a branch."""
        stored = await self._open(tenant, branch)
        if branch not in self._solving:
            self._solving[branch] = asyncio.create_task(self._search(tenant, stored, budget_s))
        task = self._solving[branch]
        done, _ = await asyncio.wait([task], timeout=_ANSWER_S)
        if done:
            task.result()
        return await self.branch(tenant, branch)

    async def _search(self, tenant: str, stored: StoredBranch, budget_s: float) -> None:
        try:
            await self._plan(tenant, stored, budget_s=budget_s)
        except BatchoneError as error:
            # Who asked may have got an answer already; whoever looks again finds the branch not planned.
            _log.warning("plan.branch_failed", branch=stored.id, error=str(error))
            raise
        finally:
            self._solving.pop(stored.id, None)

    async def throw_away(self, tenant: str, branch: str) -> Branch:
        """The branch is closed."""
        async with self._context.database.transaction() as tx:
            stored = await store.read_branch(tx, tenant, branch, for_update=True)
            if stored.state != "thrown_away":
                await store.close_branch(tx, tenant, stored, "thrown_away", None)
        return await self.branch(tenant, branch)

    # Planning and accepting.

    async def _plan(self, tenant: str, branch: StoredBranch, *, budget_s: float) -> StoredBranch:
        """Plans a branch on how things stand now, and stores it."""
        began = time.monotonic()
        planned = await self._planned(branch, budget_s)
        if branch.every and budget_s == 0 and planned.draft.given_up and branch.last_key:
            # The move just made was legal a moment ago; whoever made it should hear that it is not any more.
            move, found = planned.draft.given_up[-1]
            if move == last_move(branch.changes, planned.picture):
                told = checked(found, planned.draft.plan, planned.picture, move.start_s)
                hand = Hand(planned.problem, planned.draft.plan)
                raise await asyncio.to_thread(_illegal, told, hand, move)
        result = result_of(
            planned.picture, planned.before, planned.draft, planned.in_force, self._context.clock.now(),
            planned.hypothetical, time.monotonic() - began,
        )  # fmt: skip
        solved = replace(branch, stale=False, result=result, placed=store.packed(planned.draft.plan))
        return await self._save(tenant, solved)

    async def _planned(self, branch: StoredBranch, budget_s: float) -> _Planned:
        """Plans a branch: from the plan in force, or from what it was planned to before."""
        number = await self._planner.number_in_force()
        picture = await self._open_work()
        change = altered(picture, branch.changes)
        in_force = picture.in_force()
        start = change.picture.in_force()
        if branch.placed is not None and budget_s == 0:
            start = over(start, store.unpacked(branch.placed, picture.now))
        moves = [hand_move(move, picture) for move in change.moves]
        pins, frozen = picture.places_pinned(), round(self._planner.settings.frozen_s)
        seed = self._planner.settings.seed
        _, before = await asyncio.to_thread(settled, picture.problem(), in_force, pins)
        # A search is long and goes to the worker; a move must not wait behind the search of another plan.
        asked = (change.problem, start, moves, pins, frozen, budget_s, seed)
        if budget_s > 0:
            found = await self._planner.searched(draft_task, *asked)
        else:
            found = await asyncio.to_thread(draft, *asked)
        if found.verdict.broken:
            # What machines report that cannot be is broken in the plan in force, too.
            known = await asyncio.to_thread(judged, picture.problem(), before)
            broken = news(found.verdict.broken, known.broken)
            if broken:
                raise refusal(broken)
        return _Planned(change.picture, change.problem, before, found, change.hypothetical, number)

    async def accept_branch(self, tenant: str, branch: str, by: str) -> Acceptance:
        """The branch becomes the next plan."""
        stored = await self._read(tenant, branch)
        if stored.state == "accepted" and stored.plan is not None:
            return Acceptance(self._told(stored), await self._summary(tenant, stored.plan), ())
        if stored.state != "open":
            raise store.closed(stored)
        seen = stored.result
        if seen is None or stored.stale:
            raise Conflict(
                "planning.branch_stale", f"The branch {stored.name!r} is not planned yet.", "Plan it, then accept it."
            )
        if seen.hypothetical:
            raise Conflict(
                "planning.hypothetical",
                f"The branch {stored.name!r} can only be compared: a plan cannot carry a machine that is not there, nor leave "
                "out an order that was promised, nor change its due time.",
                "Take those changes back, or buy the machine, cancel the order or agree on another date first.",
            )  # fmt: skip
        async with self._planner.lock:
            began = time.monotonic()
            planned = await self._planned(stored, 0.0)
            result = result_of(
                planned.picture, planned.before, planned.draft, planned.in_force, self._context.clock.now(), (),
                time.monotonic() - began,
            )  # fmt: skip
            tolerance = timedelta(seconds=self._planner.settings.tell_s)
            news = news_between(seen, planned.before, planned.draft.plan, planned.picture, tolerance)
            lost = set(result.given_up) - set(seen.given_up)
            if news or lost:
                rebased = replace(stored, result=result, placed=store.packed(planned.draft.plan))
                return Acceptance(self._told(await self._save(tenant, rebased)), None, news)
            summary = await self._put_in_force(tenant, stored, planned, by, time.monotonic() - began)
        return Acceptance(await self.branch(tenant, branch), summary, ())

    async def take_back(self, tenant: str, branch: str, by: str) -> PlanSummary:
        """Back to the plan before an accepted branch."""
        async with self._planner.lock:
            began = time.monotonic()
            stored = await self._read(tenant, branch)
            if stored.back is not None and (made := await self._summary(tenant, stored.back)) is not None:
                return made
            if stored.state != "accepted" or stored.plan is None:
                raise Conflict(
                    "planning.not_accepted", f"The branch {stored.name!r} is not in force.", "Take an accepted one back."
                )
            async with self._context.database.transaction() as tx:
                newest = await store.newest_accepted(tx, tenant)
            if newest != branch:
                raise Conflict(
                    "planning.not_the_newest", "Another branch was accepted after this one.", "Take that one back first.",
                    branch=newest or "",
                )  # fmt: skip
            (past,), _ = await past_plans(self._context.database, tenant, max(1, stored.plan - 1))
            picture = without(await self._open_work(), stored)
            verdict = await asyncio.to_thread(_back_to, past, picture)
            found = placements(verdict.plan, picture.operations)
            changes = changed(found, picture.operations, timedelta(0))

            async def also(tx: Transaction, number: int) -> None:
                await store.take_back(tx, tenant, stored, number)

            why = f"back to plan {past.summary.number}, without branch {stored.name}"
            solve_s = time.monotonic() - began
            _log.info("plan.back", branch=branch, to=past.summary.number, by=by)
            made = await self._planner.accept_by_hand(verdict, picture, changes, why, solve_s, also)
        self._desks.clear()
        return made

    async def _put_in_force(self, tenant: str, stored: StoredBranch, planned: _Planned, by: str, solve_s: float) -> PlanSummary:
        picture, verdict = planned.picture, planned.draft.verdict
        found = placements(verdict.plan, picture.operations)
        changes = changed(found, picture.operations, timedelta(0))
        moved = {f"{move.item}/{move.op}" for move in stored.changes if isinstance(move, Move)}
        runs = {each.id: each.run for each in picture.operations if each.state == "planned"}
        replaced = await self._replaced(tenant, stored, moved)

        async def also(tx: Transaction, number: int) -> None:
            pins = [
                StoredPin(p.item, p.op, p.run, p.equipment, p.position, p.start, by, number)
                for p in found
                if f"{p.item}/{p.op}" in moved and f"{p.item}/{p.op}" in runs
            ]
            await store.set_pins(tx, tenant, pins)
            for change in stored.changes:
                if isinstance(change, Overtime | Stop):
                    hours = Hours(change.target, isinstance(change, Overtime), change.start, change.end)
                    await store.add_hours(tx, tenant, hours, by, number)
                elif isinstance(change, OrderWish) and change.priority is not None:
                    await store.set_weight(tx, tenant, change.order, change.priority)
            await store.close_branch(tx, tenant, stored, "accepted", number, replaced)

        return await self._planner.accept_by_hand(verdict, picture, changes, f"branch {stored.name}", solve_s, also)

    async def _replaced(self, tenant: str, stored: StoredBranch, moved: Collection[str]) -> store.Replaced:
        """What a branch is about to write over."""
        wished = {each.order for each in stored.changes if isinstance(each, OrderWish) and each.priority is not None}
        async with self._context.database.transaction() as tx:
            pins = await store.pins(tx, tenant)
            orders = await plans.open_orders(tx, tenant)
        return store.Replaced(
            tuple(pin for pin in pins if f"{pin.item}/{pin.op}" in moved),
            {each.id: each.weight for each in orders if each.id in wished},
        )

    # Pins, reasons, bottlenecks.

    async def pins(self, tenant: str) -> tuple[PinnedOperation, ...]:
        """Operations that stay where a planner put them."""
        async with self._context.database.transaction() as tx:
            found = await store.pins(tx, tenant)
        return tuple(PinnedOperation(p.item, p.op, Spot(p.equipment, p.position, p.start), p.by, p.plan) for p in found)

    async def unpin(self, tenant: str, item: str, op: str) -> None:
        """Planning may move the operation again."""
        async with self._context.database.transaction() as tx:
            if not await store.drop_pin(tx, tenant, item, op):
                raise NotFound("planning.pin", f"{item}/{op} is not pinned.", "Name a pinned operation.")
        self._desks.clear()
        self._planner.changed("pin removed")

    async def reasons(self, tenant: str, order: str) -> Reasons:
        """Why an order ends when it does."""
        desk = await self._desk(tenant, None)
        told = await asyncio.to_thread(explain, desk.hand.problem, desk.hand.plan, order)
        return reasons_of(told, desk.hand.plan, desk.picture, frozenset(f"{pin.item}/{pin.op}" for pin in desk.picture.pins))

    async def bottlenecks(self, tenant: str) -> Bottlenecks:
        """What work waits for; measured once a minute, however many ask."""
        if self._measuring is None or time.monotonic() - self._measuring[0] > _MEASURED_S:
            self._measuring = time.monotonic(), asyncio.create_task(self._measure(tenant))
        task = self._measuring[1]
        done, _ = await asyncio.wait([task], timeout=_ANSWER_S)
        if not done:
            raise TryLater("planning.measuring", "What would help most is being measured.", after_s=5.0)
        if task.exception() is not None:
            self._measuring = None
        return task.result()

    async def _measure(self, tenant: str) -> Bottlenecks:
        desk = await self._desk(tenant, None)
        plan = desk.hand.plan
        return bottlenecks_of(await self._planner.work(bottleneck, desk.hand.problem, plan), plan, desk.picture)

    # Small things.

    async def _open_work(self) -> Picture:
        picture = await self._planner.picture()
        if not picture.operations:
            raise Conflict("planning.no_work", "There is no open work to plan.", "Place an order first.")
        return picture

    def _told(self, stored: StoredBranch) -> Branch:
        return stored.told(solving=stored.id in self._solving)

    async def _read(self, tenant: str, branch: str) -> StoredBranch:
        async with self._context.database.transaction() as tx:
            return await store.read_branch(tx, tenant, branch)

    async def _open(self, tenant: str, branch: str) -> StoredBranch:
        stored = await self._read(tenant, branch)
        if stored.state != "open":
            raise store.closed(stored)
        return stored

    async def _save(self, tenant: str, branch: StoredBranch) -> StoredBranch:
        async with self._context.database.transaction() as tx:
            now = await store.read_branch(tx, tenant, branch.id, for_update=True)
            if now.state != "open":
                raise store.closed(now)
            await store.save_branch(tx, tenant, branch)
        return branch

    async def _summary(self, tenant: str, number: int) -> PlanSummary | None:
        async with self._context.database.transaction() as tx:
            return await plans.summary(tx, tenant, number)


def _illegal(found: MoveCheck, hand: Hand, move: HandMove) -> RulesBroken:
    """Refuses a move with every rule that the judge finds broken were it made; with the hand's own rule (frozen, pinned) where
    the judge finds none."""
    floor = hand.floor
    wished = forced(floor, move.operation, move.resource, move.track, move.start_s)
    broken = news(broken_by_places(floor.problem, wished), broken_by_places(floor.problem, floor.plan))
    behind = f"{found.behind.item}/{found.behind.op}" if found.behind else move.operation
    if move.push:
        # What stands behind it gives way; what is in its way does not.
        broken = tuple(each for each in broken if each.operation in (move.operation, behind))
    what, cure = illegal_words(found)
    errors = each_named(broken) or [named(what, found.why, floor.at[behind].job, behind)]
    return RulesBroken("planning.illegal_move", what, cure, errors, why=found.why)


def _back_to(past: Past, picture: Picture) -> Judged:
    """A past plan made to hold for how things stand: what machines have, and what was not in it, stays where it is."""
    problem, in_force = picture.problem(), picture.in_force()
    runs = {each.id: each.run for each in picture.operations if each.state == "planned"}
    old = past.plan.shifted(problem.origin)
    same = tuple(a for a in old.assignments if runs.get(a.operation) == past.runs[a.operation])
    _, plan = settled(problem, over(in_force, replace(old, assignments=same)), picture.places_pinned())
    return judged(problem, plan)
