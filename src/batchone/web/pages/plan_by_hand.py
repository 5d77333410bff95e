"""What a planner does on the plan's page: moves, what-if branches, why an order is late, what would help most.

Each form works without script: it posts, and is led back to the page. A script that posts the same form asks for JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from batchone.contracts.by_hand import (
    Branch,
    Change,
    ExtraMachine,
    Move,
    MoveCheck,
    OrderWish,
    Overtime,
    PlanningByHand,
    Stop,
    WithoutOrder,
)
from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.planning import Spot
from batchone.contracts.sales import Sales
from batchone.kernel.errors import Forbidden, Refused
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import by_hand as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/plan")
Reader = Annotated[Visit, Depends(member("plan"))]
ThisWeb = Annotated[Web, Depends(web_of)]
MAY_PLAN: frozenset[Role] = frozenset({"planner", "admin"})
STEPS = ("undo", "redo", "solve", "accept", "discard", "back")
_BUDGET_S = 4.0


def may_plan(visit: Visit) -> bool:
    """Whether a visitor may change the plan."""
    return visit.actor is not None and visit.actor.role in MAY_PLAN


def planner(visit: Reader) -> Visit:
    """A visit by somebody who may change the plan."""
    if not may_plan(visit):
        raise Forbidden("web.plan", "Only a planner changes the plan.", "Ask one.")
    return visit


Planner = Annotated[Visit, Depends(planner)]


class MoveForm(BaseModel):
    """A move as a form says it: `start` in milliseconds (a script), or `at` in the pages' zone (a person)."""

    operation: str = Field(max_length=200)
    equipment: str = Field(max_length=100)
    start: float | None = None
    at: str = Field("", max_length=40)
    push: bool = False
    branch: str = Field("", max_length=60)
    key: str = Field("", max_length=100)

    def move(self, web: Web) -> Move:
        """The move. `Refused` if it names no time or no operation."""
        item, found, op = self.operation.rpartition("/")
        if not found:
            raise Refused("web.operation", "No operation is chosen.", "Choose one of the list.")
        start = local(web, self.at) if self.start is None else datetime.fromtimestamp(self.start / 1000, tz=UTC)
        return Move(item, op, self.equipment, start.replace(microsecond=0), None, self.push)


AMove = Annotated[MoveForm, Form()]


def local(web: Web, text: str) -> datetime:
    """A time that was written in the pages' zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("web.date", f"'{text}' is not a date and time.", "Choose a day and a time.") from error
    return (at.replace(tzinfo=web.settings.zone) if at.tzinfo is None else at).astimezone(UTC)


def _desk(web: Web) -> PlanningByHand:
    return web.services.get(PlanningByHand)


async def _record(web: Web, actor: Actor, what: str, about: str, key: str, **more: str) -> None:
    await web.services.get(Enterprises).record(actor, what, about, key, "done", more)


def _for_script(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


@router.post("/check")
async def check(visit: Planner, web: ThisWeb, form: AMove) -> JSONResponse:
    """Whether an operation could stand there, with the reason or the effect in words, for the script that drags."""
    wish = form.move(web)
    found = await _desk(web).check_move(visit.tenant, wish, form.branch or None)
    return JSONResponse(await _said(web, visit, wish, found))


async def _said(web: Web, visit: Visit, wish: Move, found: MoveCheck) -> dict[str, Any]:
    orders = [found.behind.order] if found.behind else []
    effect = view.effect(found.orders)
    briefs = await web.briefs.of(visit.tenant, [*orders, *(each.order for each in effect.first)])
    books = await web.books.all(visit.tenant)
    near = tuple(spot for spot in (found.sooner, found.later) if spot is not None)
    html = web.renderer.fragment(
        "_move_said.html", visit.language, check=found, effect=effect, briefs=briefs, near=near,
        machine=view.named(books, wish.equipment),
        op=view.op_named(books, found.behind.op) if found.behind else {},
    )  # fmt: skip
    return {
        "legal": found.legal, "why": found.why, "html": html, "end": _ms(found.end) if found.end else None,
        "lane": found.position, "near": [_spot(spot) for spot in near],
    }  # fmt: skip


def _spot(spot: Spot) -> dict[str, Any]:
    return {"row": spot.equipment, "start": _ms(spot.start)}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@router.post("/moves")
async def move(request: Request, visit: Planner, web: ThisWeb, form: AMove) -> Response:
    """A move becomes a change of the branch that is looked at, or of a new draft. One that is not legal says why."""
    wish = form.move(web)
    desk, actor, key = _desk(web), actor_of(visit), form.key or web.services.ids.new("K")
    found = await desk.check_move(visit.tenant, wish, form.branch or None)
    if not found.legal:
        said = await _said(web, visit, wish, found)
        if _for_script(request):
            return JSONResponse(said, 422)
        return web.renderer.page(
            visit, "plan_refused.html", status=422, said=said["html"], near=[*filter(None, (found.sooner, found.later))],
            form=form, branch=form.branch, zone=web.settings.zone, key=key,
        )  # fmt: skip
    if form.branch:
        made = await desk.change_branch(visit.tenant, form.branch, wish, key)
        await _record(web, actor, "plan.branch_changed", made.id, key, kind=wish.kind)
    else:
        name = f"{actor.name} {web.renderer.formats(visit.language).clock(visit.now)}"
        made = await desk.open_branch(visit.tenant, name, [wish], key, actor.person)
        await _record(web, actor, "plan.branch_opened", made.id, key, name=name)
    return _back(request, made)


def _back(request: Request, branch: Branch, said: str = "") -> Response:
    gone = branch.state != "open"
    where = "/plan" if gone else f"/plan?branch={branch.id}"
    if said:
        where += ("&" if "?" in where else "?") + f"said={said}"
    if _for_script(request):
        return JSONResponse({"branch": "" if gone else branch.id, "said": said, "where": where})
    return RedirectResponse(where, 303)


class ChangeForm(BaseModel):
    """A what-if as a form says it; which fields count depends on `kind`."""

    kind: str = Field(max_length=30)
    name: str = Field("", max_length=80)
    branch: str = Field("", max_length=60)
    target: str = Field("", max_length=100)
    begins: str = Field("", max_length=40)
    ends: str = Field("", max_length=40)
    order: str = Field("", max_length=60)
    priority: str = Field("", max_length=6)
    due: str = Field("", max_length=40)
    positions: int = 1
    key: str = Field("", max_length=100)


@router.post("/branches")
async def try_something(request: Request, visit: Planner, web: ThisWeb, form: Annotated[ChangeForm, Form()]) -> Response:
    """A new what-if, or one change more in the branch that is looked at, and what comes of planning it."""
    desk, actor, key = _desk(web), actor_of(visit), form.key or web.services.ids.new("K")
    change = await _change(web, visit, form)
    if form.branch:
        made = await desk.change_branch(visit.tenant, form.branch, change, key)
        await _record(web, actor, "plan.branch_changed", made.id, key, kind=change.kind)
    else:
        name = form.name.strip() or f"{change.kind} {web.renderer.formats(visit.language).clock(visit.now)}"
        made = await desk.open_branch(visit.tenant, name, [change], key, actor.person)
        await _record(web, actor, "plan.branch_opened", made.id, key, name=name)
    made = await desk.solve_branch(visit.tenant, made.id, _BUDGET_S)
    return _back(request, made)


async def _change(web: Web, visit: Visit, form: ChangeForm) -> Change:
    match form.kind:
        case "overtime":
            return Overtime(form.target, local(web, form.begins), local(web, form.ends))
        case "stop":
            return Stop(form.target, local(web, form.begins), local(web, form.ends))
        case "extra_machine":
            return ExtraMachine(form.target, form.positions)
        case "without_order":
            return WithoutOrder(await _order(web, visit, form.order))
        case "order_wish":
            priority = int(form.priority) if form.priority.strip().isdecimal() else None
            due = local(web, form.due) if form.due else None
            return OrderWish(await _order(web, visit, form.order), due, priority)
        case _:
            raise Refused("web.kind", f"There is no change of the kind '{form.kind}'.", "Choose one of the forms.")


async def _order(web: Web, visit: Visit, number: str) -> str:
    return (await web.services.get(Sales).order(visit.tenant, number.strip())).id


@router.post("/branches/{branch}/{step}")
async def step(
    request: Request, branch: str, step: str, visit: Planner, web: ThisWeb, key: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Undo, redo, plan, accept or discard a branch, or go back to the plan before it was accepted."""
    if step not in STEPS:
        raise Refused("web.step", f"A branch cannot be told to '{step}'.", "Use the buttons of the page.")
    desk, actor, said = _desk(web), actor_of(visit), ""
    key = key or web.services.ids.new("K")
    match step:
        case "undo":
            made = await desk.undo(visit.tenant, branch)
        case "redo":
            made = await desk.redo(visit.tenant, branch)
        case "solve":
            made = await desk.solve_branch(visit.tenant, branch, _BUDGET_S)
        case "discard":
            made = await desk.throw_away(visit.tenant, branch)
        case "back":
            await desk.take_back(visit.tenant, branch, actor.person)
            made, said = await desk.branch(visit.tenant, branch), "back"
        case _:
            accepted = await desk.accept_branch(visit.tenant, branch, actor.person)
            made, said = accepted.branch, "accepted" if accepted.plan is not None else "again"
    await _record(web, actor, f"plan.branch_{step}", branch, key, outcome=said or "done")
    return _back(request, made, said)


@router.post("/pins/{item}/{op}/remove")
async def unpin(item: str, op: str, visit: Planner, web: ThisWeb, key: Annotated[str, Form(max_length=100)] = "") -> Response:
    """Planning may move the operation again."""
    await _desk(web).unpin(visit.tenant, item, op)
    await _record(web, actor_of(visit), "plan.unpinned", f"{item}/{op}", key or web.services.ids.new("K"))
    return RedirectResponse("/plan#pins", 303)


@router.get("/draft")
async def draft(visit: Reader, web: ThisWeb, branch: str = "", said: str = "") -> HTMLResponse:
    """The bar of the branch that is looked at, for the script."""
    return web.renderer.page(visit, "_plan_draft.html", **await draft_values(web, visit, branch, said))


async def draft_values(web: Web, visit: Visit, branch: str, said: str) -> dict[str, Any]:
    """What the bar of a branch shows."""
    found = await _desk(web).branch(visit.tenant, branch) if branch else None
    effect = view.effect(found.result.orders) if found and found.result else None
    briefs = await web.briefs.of(visit.tenant, [each.order for each in effect.first]) if effect else {}
    return {
        "draft": found, "effect": effect, "briefs": briefs, "said": said, "plans": may_plan(visit),
        "key": web.services.ids.new("K"),
    }  # fmt: skip


@router.get("/branches")
async def compare(visit: Reader, web: ThisWeb, of: Annotated[list[str] | None, Query()] = None) -> HTMLResponse:
    """Branches side by side with the plan in force; all open ones unless some are named."""
    every = await _desk(web).branches(visit.tenant)
    shown = [each for each in every if (each.id in of if of else each.state == "open")][:4]
    table = view.comparison(shown)
    briefs = await web.briefs.of(visit.tenant, [line.order for line in table.lines[:60]])
    return web.renderer.page(
        visit, "plan_branches.html", table=table, shown=shown, every=every, lines=table.lines[:60], briefs=briefs,
        accepted=view.to_take_back(every), plans=may_plan(visit), key=web.services.ids.new("K"),
    )  # fmt: skip


@router.get("/orders/{number}")
async def why(number: str, visit: Reader, web: ThisWeb) -> HTMLResponse:
    """Why an order ends when it does: the chain that decides it, row by row."""
    order = await web.services.get(Sales).order(visit.tenant, number)
    reasons = await _desk(web).reasons(visit.tenant, order.id)
    books = await web.books.all(visit.tenant)
    briefs = await web.briefs.of(visit.tenant, view.of_orders(reasons.shares))
    return web.renderer.page(
        visit, "plan_why.html", order=order, reasons=reasons, blamed=view.blamed(reasons), briefs=briefs,
        machine=lambda name: view.named(books, name), op=lambda name: view.op_named(books, name),
        late_s=max(0.0, (reasons.finish - reasons.due) / timedelta(seconds=1)),
    )  # fmt: skip


@router.get("/help")
async def most_help(visit: Reader, web: ThisWeb) -> HTMLResponse:
    """What would help most: the equipment that is waited for, and what an hour or a position more would save."""
    found = await _desk(web).bottlenecks(visit.tenant)
    books = await web.books.all(visit.tenant)
    rows = view.helps(found, books)
    waiting = [each for row in rows for each in row.found.waiting]
    briefs = await web.briefs.of(visit.tenant, [each.order for each in waiting])
    return web.renderer.page(
        visit, "plan_help.html", rows=rows, best=view.best_help(rows), briefs=briefs, worth=found.worth,
        op=lambda name: view.op_named(books, name), plans=may_plan(visit),
    )  # fmt: skip
