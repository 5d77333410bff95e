"""The planner's desk over the made-up plant: moves against the bars that are there, branches in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.web.world import World

from batchone.contracts.by_hand import (
    Acceptance,
    Bottleneck,
    Bottlenecks,
    Branch,
    BranchResult,
    Change,
    ExtraMachine,
    HandRules,
    Move,
    MoveCheck,
    OrderWish,
    PinnedOperation,
    Reasons,
    Share,
    WithoutOrder,
)
from batchone.contracts.planning import OrderChange, PlannedOperation, PlanSummary, Spot, Worth
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.ids import Ids

FROZEN_S = 300.0

_CAUSES = ("resource", "setup", "tool", "material", "crew", "wait", "batch", "calendar")


@dataclass
class FakeByHand:
    world: World
    clock: Clock
    ids: Ids
    kept: dict[str, Branch] = field(default_factory=dict)
    pinned: list[PinnedOperation] = field(default_factory=list)
    checks: int = 0
    plant_went_on: bool = False

    async def rules(self, tenant: str) -> HandRules:
        return HandRules(FROZEN_S)

    # The plan of a branch: the world's operations with its moves made.

    def _operations(self, changes: Sequence[Change]) -> list[PlannedOperation]:
        found = list(self.world.operations)
        for change in changes:
            if isinstance(change, Move):
                found = self._moved(found, change)
        return found

    def _moved(self, operations: list[PlannedOperation], move: Move) -> list[PlannedOperation]:
        own = next(each for each in operations if (each.item, each.op) == (move.item, move.op))
        by = move.start - own.start
        out = []
        for each in operations:
            if each is own:
                out.append(replace(each, equipment=move.equipment, setup_start=move.start, start=move.start, end=each.end + by))
            elif each.item == own.item and each.start >= own.end and by > timedelta(0):
                out.append(replace(each, setup_start=each.setup_start + by, start=each.start + by, end=each.end + by))
            else:
                out.append(each)
        return out

    def _finishes(self, operations: Sequence[PlannedOperation]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for each in operations:
            found[each.order] = max(found.get(each.order, each.end), each.end)
        return found

    def _due(self, order: str) -> datetime:
        return self.world.orders[order].promised_p90 - timedelta(hours=20)

    def _worth(self, operations: Sequence[PlannedOperation]) -> Worth:
        late = {o: end - self._due(o) for o, end in self._finishes(operations).items() if end > self._due(o)}
        return Worth(len(late), round(sum(by.total_seconds() for by in late.values())), 840, 7200)

    def _changes(self, before: Sequence[PlannedOperation], after: Sequence[PlannedOperation]) -> tuple[OrderChange, ...]:
        was, now = self._finishes(before), self._finishes(after)
        return tuple(OrderChange(o, self._due(o), was[o], now[o]) for o in was if was[o] != now[o])

    async def check_move(self, tenant: str, move: Move, branch: str | None) -> MoveCheck:
        self.checks += 1
        operations = self._operations(self.kept[branch].changes if branch else ())
        own = next((each for each in operations if (each.item, each.op) == (move.item, move.op)), None)
        if own is None:
            raise NotFound("planning.operation", f"The plan has no operation {move.item}/{move.op}.", "Name one.")
        why, behind = self._fault(operations, own, move)
        now = self._worth(self.world.operations)
        if why:
            later = None
            if behind is not None and why == "busy":
                later = Spot(move.equipment, 1, max(behind.end, own.start))
            return MoveCheck(False, move.start, None, None, now, now, (), 0, why, behind, None, None, later)
        moved = self._moved(operations, move)
        end = move.start + (own.end - own.start)
        pushed = sum(a.start != b.start for a, b in zip(operations, moved, strict=True)) - 1
        after, orders = self._worth(moved), self._changes(operations, moved)
        return MoveCheck(True, move.start, end, 1, now, after, orders, max(0, pushed))

    def _fault(
        self, operations: list[PlannedOperation], own: PlannedOperation, move: Move
    ) -> tuple[str, PlannedOperation | None]:
        pack, end = self.world.blueprint.pack, move.start + (own.end - own.start)
        if pack.machine(move.equipment).equipment_class != pack.machine(own.equipment).equipment_class:
            return "place", None
        if own.state != "planned":
            return "fixed", None
        if move.start < self.clock.now() + timedelta(seconds=FROZEN_S):
            return "frozen", None
        mine = [each for each in operations if each.item == own.item and each is not own]
        before = next((each for each in mine if each.start < own.start and each.end > move.start), None)
        if before is not None:
            return "predecessor", before
        after = next((each for each in mine if each.start > own.start and each.start < end), None)
        if after is not None and not move.push:
            return "successor", after
        others = [each for each in operations if each.equipment == move.equipment and each is not own]
        busy = [each for each in others if each.start < end and each.end > move.start]
        return ("busy", busy[0]) if len(busy) >= pack.machine(move.equipment).positions else ("", None)

    # Branches.

    async def branches(self, tenant: str) -> tuple[Branch, ...]:
        return tuple(sorted(self.kept.values(), key=lambda each: each.state != "open"))

    async def branch(self, tenant: str, branch: str) -> Branch:
        if branch not in self.kept:
            raise NotFound("planning.branch", f"There is no branch '{branch}'.", "Name one of the list.")
        return self.kept[branch]

    async def branch_window(
        self, tenant: str, branch: str, start: datetime, end: datetime, limit: int
    ) -> tuple[PlannedOperation, ...]:
        found = self._operations((await self.branch(tenant, branch)).changes)
        return tuple(each for each in found if each.start < end and each.end > start)[:limit]

    async def open_branch(self, tenant: str, name: str, changes: Sequence[Change], key: str, by: str) -> Branch:
        made = self._new(name, changes, by)
        return self._keep(self._planned(made) if all(isinstance(each, Move) for each in changes) else made)

    def _new(self, name: str, changes: Sequence[Change], by: str) -> Branch:
        return Branch(
            self.ids.new("B"), name, self.clock.now(), by, "open", tuple(changes), (), stale=True, solving=False, result=None,
            plan=None,
        )  # fmt: skip

    def tried(self, name: str, *changes: Change) -> Branch:
        """A branch that somebody opened and had planned, for pictures and tests that do not wait."""
        return self._keep(self._planned(self._new(name, changes, "pia")))

    def movable(self, after: timedelta = timedelta(minutes=10)) -> PlannedOperation:
        """An operation that may be moved: the last of its item, on a machine with few positions where bars are drawn."""
        pack, last = self.world.blueprint.pack, self._last_of_items()
        able = [
            each
            for each in last.values()
            if each.state == "planned"
            and each.start > self.clock.now() + after
            and pack.machine(each.equipment).positions < 3
            and self._room_behind(each)
        ]
        return min(able, key=lambda each: each.start)

    def _room_behind(self, own: PlannedOperation) -> bool:
        """Whether it may stand some minutes later, as far as tests drag it."""
        others = [each for each in self.world.operations if each.equipment == own.equipment and each is not own]
        clear = timedelta(seconds=20)
        return not any(
            each.start < own.end + timedelta(minutes=late) + clear and each.end > own.start + timedelta(minutes=late) - clear
            for late in (5, 6, 7)
            for each in others
        )

    def _last_of_items(self) -> dict[str, PlannedOperation]:
        found: dict[str, PlannedOperation] = {}
        for each in self.world.operations:
            if each.item not in found or each.end > found[each.item].end:
                found[each.item] = each
        return found

    def _keep(self, branch: Branch) -> Branch:
        self.kept[branch.id] = branch
        return branch

    def _planned(self, branch: Branch) -> Branch:
        operations = self._operations(branch.changes)
        before, after = self._worth(self.world.operations), self._worth(operations)
        structural = [each for each in branch.changes if not isinstance(each, Move)]
        orders = self._changes(self.world.operations, operations)
        if structural:
            # More of anything makes the late orders a little less so.
            after = replace(after, late_orders=max(0, after.late_orders - 1), tardiness_s=after.tardiness_s * 2 // 3)
            late = [o for o, end in self._finishes(operations).items() if end > self._due(o)]
            orders = tuple(
                OrderChange(o, self._due(o), end, end - timedelta(minutes=9 + 4 * n))
                for n, o in enumerate(late)
                for end in [self._finishes(operations)[o]]
            )
        gone = [each for each in structural if isinstance(each, ExtraMachine | WithoutOrder)]
        gone += [each for each in structural if isinstance(each, OrderWish) and each.due is not None]
        orders += tuple(
            OrderChange(each.order, self._due(each.order), self._finishes(operations)[each.order], None)
            for each in structural
            if isinstance(each, WithoutOrder)
        )
        result = BranchResult(
            self.world.plans[0].number, self.clock.now(), before, after, orders, (), len(branch.changes), (),
            tuple(dict.fromkeys(each.kind for each in gone)), "by hand", 0.2,
        )  # fmt: skip
        return replace(branch, stale=False, result=result)

    async def change_branch(self, tenant: str, branch: str, change: Change, key: str) -> Branch:
        known = self._open(branch)
        grown = replace(known, changes=(*known.changes, change), undone=())
        return self._keep(self._planned(grown) if isinstance(change, Move) else replace(grown, stale=True, result=None))

    def _open(self, branch: str) -> Branch:
        known = self.kept[branch]
        if known.state != "open":
            raise Conflict("planning.branch_closed", f"The branch '{known.name}' is closed.", "Open a new one.")
        return known

    async def undo(self, tenant: str, branch: str) -> Branch:
        known = self._open(branch)
        if not known.changes:
            return known
        back = replace(known, changes=known.changes[:-1], undone=(known.changes[-1], *known.undone))
        return self._keep(self._planned(back))

    async def redo(self, tenant: str, branch: str) -> Branch:
        known = self._open(branch)
        if not known.undone:
            return known
        return self._keep(self._planned(replace(known, changes=(*known.changes, known.undone[0]), undone=known.undone[1:])))

    async def solve_branch(self, tenant: str, branch: str, budget_s: float) -> Branch:
        return self._keep(self._planned(self._open(branch)))

    async def accept_branch(self, tenant: str, branch: str, by: str) -> Acceptance:
        known = self._open(branch)
        if known.result is None or known.result.hypothetical:
            raise Conflict("planning.hypothetical", "The branch can only be compared.", "Take those changes back.")
        if self.plant_went_on:
            self.plant_went_on = False
            return Acceptance(known, None, known.result.orders[:1])
        self.world.operations[:] = self._operations(known.changes)
        made = replace(self.world.plans[0], number=self.world.plans[0].number + 1, why=f"branch {known.name}")
        self.world.plans.insert(0, made)
        for change in known.changes:
            if isinstance(change, Move):
                spot = Spot(change.equipment, 1, change.start)
                self.pinned.append(PinnedOperation(change.item, change.op, spot, by, made.number))
        closed = self._keep(replace(known, state="accepted", plan=made.number))
        return Acceptance(closed, made, ())

    async def take_back(self, tenant: str, branch: str, by: str) -> PlanSummary:
        known = self.kept[branch]
        newest = max((each.plan or 0 for each in self.kept.values() if each.back is None), default=0)
        if known.plan is None or known.plan != newest:
            raise Conflict(
                "planning.not_the_newest", "Another branch was accepted after this one.", "Take that one back first."
            )
        number = self.world.plans[0].number + 1
        made = replace(self.world.plans[0], number=number, why=f"back to plan {known.plan - 1}, without branch {known.name}")
        self.world.plans.insert(0, made)
        self.pinned = [each for each in self.pinned if each.plan != known.plan]
        self._keep(replace(known, back=number))
        return made

    async def throw_away(self, tenant: str, branch: str) -> Branch:
        return self._keep(replace(self._open(branch), state="thrown_away"))

    async def pins(self, tenant: str) -> tuple[PinnedOperation, ...]:
        return tuple(self.pinned)

    async def unpin(self, tenant: str, item: str, op: str) -> None:
        left = [each for each in self.pinned if (each.item, each.op) != (item, op)]
        if len(left) == len(self.pinned):
            raise Refused("planning.pin", f"{item}/{op} is not pinned.", "Name a pinned operation.")
        self.pinned = left

    # Reasons.

    async def reasons(self, tenant: str, order: str) -> Reasons:
        now = self.clock.now()
        own = sorted((each for each in self.world.operations if each.order == order), key=lambda each: each.start)
        coming = [each for each in own if each.end > now] or own[-1:]
        shares, at = [], now
        for each in coming:
            if each.start > at:
                holder = next(o for o in self.world.operations if o.equipment == each.equipment)
                cause = _CAUSES[len(shares) // 2 % len(_CAUSES)]
                waited = round((each.start - at).total_seconds())
                shares.append(Share(cause, each.equipment, holder.item, holder.op, holder.order, at, waited))
            begin = max(at, each.start)
            work = max(1, round((each.end - begin).total_seconds()))
            shares.append(Share("work", each.equipment, each.item, each.op, order, begin, work))
            at = max(at, each.end)
        return Reasons(order, self._finishes(own)[order], self._due(order), tuple(shares))

    async def bottlenecks(self, tenant: str) -> Bottlenecks:
        now = self._worth(self.world.operations)
        rows = []
        for n, machine in enumerate(self.world.blueprint.pack.equipment[:8]):
            waiting = tuple(each for each in self.world.operations if each.equipment == machine.id and each.state == "planned")[
                :4
            ]
            saved = replace(now, tardiness_s=max(0, now.tardiness_s - (900 >> n)), makespan_s=now.makespan_s - (600 >> n))
            rows.append(
                Bottleneck(
                    machine.id,
                    0.93 / (n + 1),
                    9000 // (n + 1),
                    240,
                    5400 >> n,
                    waiting,
                    saved if n % 2 == 0 else None,
                    saved if n < 5 else None,
                )  # fmt: skip
            )
        return Bottlenecks(now, tuple(rows))
