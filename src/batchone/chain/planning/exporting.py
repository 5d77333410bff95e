"""The plan in force as a file. Pure."""

from __future__ import annotations

from batchone.chain.planning.files import b2mml, ical, table
from batchone.chain.planning.files.names import Names
from batchone.chain.planning.picture import Picture
from batchone.contracts.pack import Text
from batchone.contracts.planning import ExportForm, PlanSummary
from batchone.kernel.errors import Conflict


def exported(picture: Picture, summary: PlanSummary, form: ExportForm, equipment: str, language: str) -> str:
    """The text of a file. Its times are counted from when the plan was made, so that one plan makes one file until machines
    report something. `NotFound` if the plant has no such equipment, `Conflict` if a schedule would be empty."""
    problem, names = picture.problem(), names_of(picture, language)
    plan = picture.in_force().shifted(summary.made.replace(microsecond=0))
    match form:
        case "csv":
            return table.write(plan, names)
        case "ics":
            return ical.write(plan, equipment, tuple(each.id for each in problem.resources), names)
        case "xml":
            if not plan.assignments:
                raise Conflict("planning.no_work", "Nothing of the plan is left to be done.", "Place an order first.")
            return b2mml.write(problem, plan, f"plan {summary.number}", names).decode()


def names_of(picture: Picture, language: str) -> Names:
    """What people call the orders, the equipment and the operations of a picture."""
    ops = {each.op: _said(each.name, language) for pack in picture.packs for each in pack.routing}
    return Names(
        jobs={order.id: order.number for order in picture.orders if order.number},
        resources={each.id: _said(each.name, language) for pack in picture.packs for each in pack.equipment},
        operations={each.id: f"{each.op} {ops.get(each.op, '')}".strip() for each in picture.operations},
    )


def _said(text: Text, language: str) -> str:
    return text.get(language) or text.get("en") or ""
