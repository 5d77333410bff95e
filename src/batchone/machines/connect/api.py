"""Routes of connect."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Connect, ConnectionNow, EquipmentNow, JobOrder, JobReport
from batchone.kernel.http import idempotency_key
from batchone.kernel.module import Context
from batchone.machines.connect.panel import Panel

_staff = allow("planner", "operator", "engineer")
_in_charge = allow("engineer", "planner")
Staff = Annotated[Actor, Depends(_staff)]
InCharge = Annotated[Actor, Depends(_in_charge)]
Key = Annotated[str, Depends(idempotency_key)]


def router(context: Context) -> APIRouter:
    """`/api/machines/...`, from the protocols alone. Commands need an `Idempotency-Key` and are recorded."""
    routes = APIRouter(prefix="/api/machines", tags=["machines"])

    @routes.get("/connections")
    async def connections(actor: Staff) -> tuple[ConnectionNow, ...]:
        """Every connection: whether it is up, what went through, what was set aside."""
        return await context.get(Connect).connections(actor.tenant)

    @routes.get("/equipment")
    async def equipment(actor: Staff) -> tuple[EquipmentNow, ...]:
        """Every equipment's state."""
        return await context.get(Connect).equipment(actor.tenant)

    @routes.get("/equipment/{equipment}/jobs")
    async def jobs(actor: Staff, equipment: str) -> tuple[JobReport, ...]:
        """All jobs that a machine knows, asked now."""
        return await context.get(Connect).job_reports(actor.tenant, equipment)

    @routes.post("/equipment/{equipment}/jobs")
    async def start(actor: InCharge, key: Key, equipment: str, order: JobOrder) -> JobReport:
        """Give a job to a machine by hand; the answer is the machine's own read-back."""
        return await context.get(Panel).start(equipment, order, actor, key)

    @routes.post("/equipment/{equipment}/jobs/{job}/abort", status_code=204)
    async def abort(actor: InCharge, key: Key, equipment: str, job: str) -> Response:
        """Stop a running job; it ends as failed."""
        await context.get(Panel).abort(equipment, job, actor, key)
        return Response(status_code=204)

    @routes.post("/equipment/{equipment}/jobs/{job}/clear", status_code=204)
    async def clear(actor: InCharge, key: Key, equipment: str, job: str) -> Response:
        """Let a machine forget an ended job."""
        await context.get(Panel).clear(equipment, job, actor, key)
        return Response(status_code=204)

    return routes
