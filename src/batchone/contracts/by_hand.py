"""What a planner does with the plan by hand: moves, branches, pins, reasons, bottlenecks. Owned by `chain.planning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import Field

from batchone.contracts.planning import OrderChange, PlannedOperation, PlanSummary, Shift, Spot, Worth


@dataclass(frozen=True)
class Overtime:
    """An equipment, or all of a class, works at a time at which it would not."""

    target: str
    start: datetime
    end: datetime
    kind: Literal["overtime"] = "overtime"


@dataclass(frozen=True)
class Stop:
    """An equipment, or all of a class, is closed for a time."""

    target: str
    start: datetime
    end: datetime
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True)
class ExtraMachine:
    """A class has one machine more, or an equipment `positions` positions more, that nobody has bought yet."""

    target: str
    positions: int = 1
    kind: Literal["extra_machine"] = "extra_machine"


@dataclass(frozen=True)
class WithoutOrder:
    """An order is not made; what machines already have of it stays."""

    order: str
    kind: Literal["without_order"] = "without_order"


@dataclass(frozen=True)
class OrderWish:
    """An order is due at another time, or a second of its lateness counts `priority` times."""

    order: str
    due: datetime | None = None
    priority: int | None = None
    kind: Literal["order_wish"] = "order_wish"


@dataclass(frozen=True)
class Move:
    """A planner puts an operation elsewhere. `position` None: any that will do; `push`: what stands behind moves right."""

    item: str
    op: str
    equipment: str
    start: datetime
    position: int | None = None
    push: bool = False
    kind: Literal["move"] = "move"


Change = Annotated[Overtime | Stop | ExtraMachine | WithoutOrder | OrderWish | Move, Field(discriminator="kind")]


@dataclass(frozen=True)
class MoveCheck:
    """What a move would do, or why it cannot be.

    `why`: the rule in the way (see `chain.planning.hand.Why`), empty if it is legal; `behind`: the operation in the way;
    `since`: from when the rule would allow it. `sooner`, `later`: the nearest legal starts on that equipment.
    """

    legal: bool
    start: datetime
    end: datetime | None
    position: int | None
    before: Worth
    after: Worth
    orders: tuple[OrderChange, ...]
    pushed: int
    why: str = ""
    behind: PlannedOperation | None = None
    since: datetime | None = None
    sooner: Spot | None = None
    later: Spot | None = None


@dataclass(frozen=True)
class GivenUp:
    """A move that could not be kept, and the rule in the way."""

    item: str
    op: str
    why: str


@dataclass(frozen=True)
class BranchResult:
    """A branch beside the plan that was in force when it was planned. `hypothetical`: the kinds of its changes that a plan
    cannot carry, so that it can only be compared."""

    plan: int
    made: datetime
    before: Worth
    after: Worth
    orders: tuple[OrderChange, ...]
    shifts: tuple[Shift, ...]
    moved: int
    given_up: tuple[GivenUp, ...]
    hypothetical: tuple[str, ...]
    method: str
    solve_s: float


@dataclass(frozen=True)
class Branch:
    """A named what-if: the plan with changes. `undone`: changes taken back, the next to redo first. `stale`: it changed since
    it was planned, or was never planned. `plan`: the number it was accepted as; `back`: that of the plan that took it back."""

    id: str
    name: str
    made: datetime
    made_by: str
    state: Literal["open", "accepted", "thrown_away"]
    changes: tuple[Change, ...]
    undone: tuple[Change, ...]
    stale: bool
    solving: bool
    result: BranchResult | None
    plan: int | None
    back: int | None = None


@dataclass(frozen=True)
class Acceptance:
    """What came of accepting a branch: the plan that is in force now, or None if the branch was planned anew because the plant
    went on and now differs by `news` from what was seen: look at it and accept it again."""

    branch: Branch
    plan: PlanSummary | None
    news: tuple[OrderChange, ...]


@dataclass(frozen=True)
class Share:
    """A part of the time until an order ends. `cause`: work (its own), resource (another order's work), setup, calendar,
    material, down, tool (or skill) and crew (needed elsewhere, broken or off shift; `equipment` is then that tool or person),
    wait (between two steps), batch (for the last of it), pinned or kept."""

    cause: str
    equipment: str
    item: str
    op: str
    order: str
    start: datetime
    seconds: int


@dataclass(frozen=True)
class Reasons:
    """Why an order ends when it does: the time until then along the chain that decides it, first to last."""

    order: str
    finish: datetime
    due: datetime
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Bottleneck:
    """An equipment that operations wait for. `hour`, `position`: what the plan would be worth with an hour of work or a
    position more there, in the same order of operations; None where not measured, or where it works day and night."""

    equipment: str
    load: float
    busy_s: int
    setup_s: int
    waiting_s: int
    waiting: tuple[PlannedOperation, ...]
    hour: Worth | None
    position: Worth | None


@dataclass(frozen=True)
class Bottlenecks:
    """All equipment with work, the one that is most waited for first; `worth` of the plan as it is, timed anew."""

    worth: Worth
    equipment: tuple[Bottleneck, ...]


@dataclass(frozen=True)
class PinnedOperation:
    """An operation that a planner put somewhere, and who did it in which plan."""

    item: str
    op: str
    spot: Spot
    by: str
    plan: int


@dataclass(frozen=True)
class HandRules:
    """What begins sooner than `frozen_s` from now is not moved by hand, and nothing is moved there."""

    frozen_s: float


class PlanningByHand(Protocol):
    """What a planner does with the plan: moves, branches, pins; why an order is late, and what would help most."""

    async def rules(self, tenant: str) -> HandRules:
        """What holds for every move."""
        ...

    async def branch_window(
        self, tenant: str, branch: str, start: datetime, end: datetime, limit: int
    ) -> tuple[PlannedOperation, ...]:
        """The operations of a branch that touch a window, what is done or at machines among them."""
        ...

    async def check_move(self, tenant: str, move: Move, branch: str | None) -> MoveCheck:
        """Whether an operation could stand there, in the plan in force or in a branch, and what that would do."""
        ...

    async def branches(self, tenant: str) -> tuple[Branch, ...]:
        """The open branches and the newest closed ones, the newest first."""
        ...

    async def branch(self, tenant: str, branch: str) -> Branch:
        """One branch; `NotFound` if there is none."""
        ...

    async def open_branch(self, tenant: str, name: str, changes: Sequence[Change], key: str, by: str) -> Branch:
        """A new branch, planned at once if it only moves operations. The same key gives the same branch."""
        ...

    async def change_branch(self, tenant: str, branch: str, change: Change, key: str) -> Branch:
        """One change more; what was undone can no longer be redone. `Refused` if a move is not legal in the branch; `errors`
        name each rule that it would break, with order and operation, and the branch stays as it was."""
        ...

    async def undo(self, tenant: str, branch: str) -> Branch:
        """The last change taken back."""
        ...

    async def redo(self, tenant: str, branch: str) -> Branch:
        """The change that was undone last, done again."""
        ...

    async def solve_branch(self, tenant: str, branch: str, budget_s: float) -> Branch:
        """Search for the best plan of a branch; answers after a few seconds at most, `solving` if it takes longer."""
        ...

    async def accept_branch(self, tenant: str, branch: str, by: str) -> Acceptance:
        """The branch becomes the next plan, its moves pins, its hours those of the plant; `Conflict` if it cannot."""
        ...

    async def take_back(self, tenant: str, branch: str, by: str) -> PlanSummary:
        """Back to the plan before an accepted branch, as a new plan: what is open stands where it stood then as far as facts
        allow, and the branch's pins, hours and priorities are gone. The newest accepted branch first; once for each."""
        ...

    async def throw_away(self, tenant: str, branch: str) -> Branch:
        """The branch is closed; nothing comes of it."""
        ...

    async def pins(self, tenant: str) -> tuple[PinnedOperation, ...]:
        """Operations that stay where a planner put them."""
        ...

    async def unpin(self, tenant: str, item: str, op: str) -> None:
        """Planning may move the operation again. `NotFound` if it is not pinned."""
        ...

    async def reasons(self, tenant: str, order: str) -> Reasons:
        """Why an order ends when it does in the plan in force."""
        ...

    async def bottlenecks(self, tenant: str) -> Bottlenecks:
        """What work waits for, and what more of it would save: measured by timing the plan anew. `TryLater` while it is."""
        ...
