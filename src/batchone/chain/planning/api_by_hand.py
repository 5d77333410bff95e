"""Planning's routes for what a planner does with the plan by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.by_hand import (
    Acceptance,
    Bottlenecks,
    Branch,
    Change,
    Move,
    MoveCheck,
    PinnedOperation,
    PlanningByHand,
    Reasons,
)
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.planning import PlanSummary
from batchone.kernel.http import idempotency_key
from batchone.kernel.module import Context

_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Planner = Annotated[Actor, Depends(allow("planner"))]
_Key = Annotated[str, Depends(idempotency_key)]


class NewBranch(BaseModel):
    """A name, and the changes to begin with."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=80)
    changes: list[Change] = Field(default=[], max_length=100)


class Solve(BaseModel):
    """How long to search, in seconds of real time."""

    model_config = ConfigDict(extra="forbid")
    budget_s: float = Field(default=4.0, gt=0, le=60)


def add_routes_by_hand(routes: APIRouter, context: Context) -> None:
    """The routes, over whoever implements `PlanningByHand`."""
    _add_reading(routes, context)
    _add_branches(routes, context)
    _add_closing(routes, context)


async def _record(context: Context, actor: Actor, what: str, about: str, key: str, **more: object) -> None:
    told = {name: str(value) for name, value in more.items()}
    await context.get(Enterprises).record(actor, what, about, key, "done", told)


def _add_reading(routes: APIRouter, context: Context) -> None:
    @routes.post("/moves")
    async def check_move(body: Move, actor: _Planner, branch: Annotated[str | None, Query(max_length=60)] = None) -> MoveCheck:
        """Whether an operation could stand there, in the plan in force or in a branch, and what it would do."""
        return await context.get(PlanningByHand).check_move(actor.tenant, body, branch)

    @routes.get("/branches")
    async def branches(actor: _Staff) -> tuple[Branch, ...]:
        """The open branches and the newest closed ones."""
        return await context.get(PlanningByHand).branches(actor.tenant)

    @routes.get("/branches/{branch}")
    async def branch(branch: str, actor: _Staff) -> Branch:
        """One branch, with its result beside the plan in force."""
        return await context.get(PlanningByHand).branch(actor.tenant, branch)

    @routes.get("/pins")
    async def pins(actor: _Staff) -> tuple[PinnedOperation, ...]:
        """Operations that stay where a planner put them."""
        return await context.get(PlanningByHand).pins(actor.tenant)

    @routes.get("/orders/{order}/reasons")
    async def reasons(order: str, actor: _Staff) -> Reasons:
        """Why an order ends when it does in the plan in force."""
        return await context.get(PlanningByHand).reasons(actor.tenant, order)

    @routes.get("/bottlenecks")
    async def bottlenecks(actor: _Staff) -> Bottlenecks:
        """What work waits for, the worst first, and what an hour or a position more there would save: measured."""
        return await context.get(PlanningByHand).bottlenecks(actor.tenant)


def _add_branches(routes: APIRouter, context: Context) -> None:
    @routes.post("/branches", status_code=201)
    async def open_branch(body: NewBranch, actor: _Planner, key: _Key) -> Branch:
        """A new what-if branch of the plan in force."""
        made = await context.get(PlanningByHand).open_branch(actor.tenant, body.name, body.changes, key, actor.person)
        await _record(context, actor, "plan.branch_opened", made.id, key, name=made.name)
        return made

    @routes.post("/branches/{branch}/changes")
    async def change(branch: str, body: Change, actor: _Planner, key: _Key) -> Branch:
        """One change more. A move that is not legal in the branch is refused; the nearest legal starts are named."""
        made = await context.get(PlanningByHand).change_branch(actor.tenant, branch, body, key)
        await _record(context, actor, "plan.branch_changed", branch, key, kind=body.kind)
        return made

    @routes.post("/branches/{branch}/undo")
    async def undo(branch: str, actor: _Planner, key: _Key) -> Branch:
        """Take the last change back."""
        made = await context.get(PlanningByHand).undo(actor.tenant, branch)
        await _record(context, actor, "plan.branch_changed", branch, key, kind="undo")
        return made

    @routes.post("/branches/{branch}/redo")
    async def redo(branch: str, actor: _Planner, key: _Key) -> Branch:
        """Do the change that was taken back last again."""
        made = await context.get(PlanningByHand).redo(actor.tenant, branch)
        await _record(context, actor, "plan.branch_changed", branch, key, kind="redo")
        return made

    @routes.post("/branches/{branch}/runs")
    async def solve(branch: str, body: Solve, actor: _Planner, key: _Key) -> Branch:
        """Search for the best plan of the branch; `solving` if that is not over when this answers."""
        made = await context.get(PlanningByHand).solve_branch(actor.tenant, branch, body.budget_s)
        await _record(context, actor, "plan.branch_run", branch, key, budget_s=body.budget_s)
        return made


def _add_closing(routes: APIRouter, context: Context) -> None:
    @routes.post("/branches/{branch}/acceptance")
    async def accept(branch: str, actor: _Planner, key: _Key) -> Acceptance:
        """Put the branch in force. If the plant went on since it was planned, and orders would now end later than was seen, it
        is only planned anew, and `news` says which: look at it and accept it again."""
        made = await context.get(PlanningByHand).accept_branch(actor.tenant, branch, actor.person)
        number = made.plan.number if made.plan else ""
        outcome = "accepted" if made.plan is not None else "planned anew"
        await _record(context, actor, "plan.branch_accepted", branch, key, outcome=outcome, plan=number)
        return made

    @routes.post("/branches/{branch}/reversal")
    async def take_back(branch: str, actor: _Planner, key: _Key) -> PlanSummary:
        """Back to the plan before an accepted branch, as a new plan: everything stands where it stood then as far as facts
        allow, and the branch's pins, hours and priorities are gone."""
        made = await context.get(PlanningByHand).take_back(actor.tenant, branch, actor.person)
        await _record(context, actor, "plan.branch_taken_back", branch, key, plan=made.number)
        return made

    @routes.delete("/branches/{branch}")
    async def throw_away(branch: str, actor: _Planner, key: _Key) -> Branch:
        """Close the branch; nothing comes of it."""
        made = await context.get(PlanningByHand).throw_away(actor.tenant, branch)
        await _record(context, actor, "plan.branch_thrown_away", branch, key, name=made.name)
        return made

    @routes.delete("/pins/{item}/{op}", status_code=204)
    async def unpin(item: str, op: str, actor: _Planner, key: _Key) -> None:
        """Planning may move the operation again."""
        await context.get(PlanningByHand).unpin(actor.tenant, item, op)
        await _record(context, actor, "plan.unpinned", f"{item}/{op}", key)
