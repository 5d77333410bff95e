"""`batchone plan`: the plan in force, and planning anew."""

from __future__ import annotations

from cyclopts import App

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform

plan = App(name="plan", help="The plan in force.")
app.command(plan)


@plan.command
def show(*, json: bool = False, limit: int = 10) -> int:
    """The newest plans; the first is in force."""

    async def work() -> int:
        from batchone.contracts.planning import Planning

        async with platform() as running:
            plans = await running.get(Planning).summaries(running.tenant, limit)
        if json:
            output.result_json(plans)
        else:
            columns = (
                "number",
                "made",
                "why",
                "method",
                "operations",
                "orders",
                "late_orders",
                "tardiness_s",
                "setup_s",
                "solve_s",
            )
            rows = [vars(each) | {"made": f"{each.made:%m-%d %H:%M:%S}", "solve_s": f"{each.solve_s:.2f}"} for each in plans]
            output.table(rows, columns)
        return 0

    return run(work())


@plan.command
def now(*, why: str = "asked for at the terminal", json: bool = False) -> int:
    """Plan anew from how things stand."""

    async def work() -> int:
        from batchone.contracts.planning import Planning

        async with platform() as running:
            made = await running.get(Planning).replan(running.tenant, why)
        if json:
            output.result_json(made)
        else:
            output.result(f"plan {made.number}: {made.operations} operations, {made.late_orders} of {made.orders} orders late")
        return 0

    return run(work())
