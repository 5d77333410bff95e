"""`batchone plan`: the plan in force, planning anew, and the planning engine on files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform

plan = App(name="plan", help="The plan in force, and the planning engine on files.")
app.command(plan)

FormatName = Literal["json", "fjsp", "jsp", "sdst-pfsp", "hfsp", "tt-pfsp", "b2mml"]
WrittenName = Literal["json", "fjsp", "jsp"]


def _resource_and_file(_: object, value: tuple[str, ...] | None) -> None:
    for each in value or ():
        if not all(each.partition(":")[::2]):
            raise ValueError(f"{each!r} is not RESOURCE:FILE")


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


@plan.command
def worker(*, nats: str | None = None) -> int:
    """Search for plans for others until Ctrl-C: planners with `search_elsewhere` give their searches away.

    Parameters
    ----------
    nats:
        Where NATS answers; by default, that of the platform which runs over this home.
    """

    async def work() -> int:
        import asyncio

        from batchone.chain.planning.worker import work_for
        from batchone.cli.running import until_stopped
        from batchone.kernel.bus_nats import NatsBus, client_of
        from batchone.kernel.home import home_folder, running_in

        url = nats or running_in(home_folder()).nats
        bus = NatsBus(await client_of(url, "batchone-plan-worker"))  # it answers only, so it needs no stream
        working = asyncio.create_task(work_for(bus))
        stopping = asyncio.create_task(until_stopped())
        output.say(f"searching for planners at {url}; Ctrl-C stops it")
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)
            await bus.close()
        return 0

    return run(work())


@plan.command
def solve(
    file: Path,
    *,
    format: FormatName | None = None,  # noqa: A002 - the name of the option
    seconds: Annotated[float, Parameter(validator=Number(gte=0, lte=86_400))] = 10.0,
    seed: int = 1,
    workers: Annotated[int, Parameter(validator=Number(gte=1, lte=256))] = 2,
    steps: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    target: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    out: Path | None = None,
    csv: Path | None = None,
    ical: Annotated[tuple[str, ...], Parameter(validator=_resource_and_file, negative=())] = (),
    b2mml: Path | None = None,
    leave_out: Annotated[bool, Parameter(negative=())] = False,
    json: bool = False,
) -> int:
    """Plan a problem from a file and write the plan.

    Parameters
    ----------
    file:
        The problem; its format is told from its ending and content.
    format:
        The format, if it cannot be told.
    seconds:
        How long to search.
    seed:
        The chance to search with.
    workers:
        Threads of the search.
    steps:
        Search for so many steps instead of seconds: the same seed and workers give the same plan again.
    target:
        Stop as soon as the first measure of the aim, or the weighted sum, is this or less.
    out:
        Write the plan as JSON to this file.
    csv:
        Write the plan as a table to this file.
    ical:
        Write the work of a resource as a calendar: RESOURCE:FILE.
    b2mml:
        Write the plan as an operations schedule of ISA-95 to this file.
    leave_out:
        Leave out the jobs that are at fault, and plan the rest.
    json:
        The result as JSON.
    """
    from batchone.cli.solving import Effort, Outputs, solve_file

    calendars = tuple((each.partition(":")[0], Path(each.partition(":")[2])) for each in ical)
    outputs = Outputs(out, csv, b2mml, calendars)
    effort = Effort(seconds, seed, workers, steps, target)
    return solve_file(file, format, effort, outputs, leave_out=leave_out, json=json)


@plan.command
def convert(
    file: Path,
    out: Path,
    *,
    format: FormatName | None = None,  # noqa: A002
    to: WrittenName | None = None,
    json: bool = False,
) -> int:
    """Write a problem in another format; what that cannot hold is named, and then nothing is written.

    Parameters
    ----------
    file:
        The problem; its format is told from its ending and content.
    out:
        The file to write; its ending says the format: .json, .fjs or .jsp.
    format:
        The format to read, if it cannot be told.
    to:
        The format to write, if the ending does not say it.
    json:
        The result as JSON.
    """
    from batchone.cli.solving import convert_file

    return convert_file(file, out, format, to, json=json)


@plan.command
def validate(problem: Path, plan: Path, *, format: FormatName | None = None, json: bool = False) -> int:  # noqa: A002
    """Judge a plan against its problem: exit code 0 if it keeps every rule, 1 if not.

    Parameters
    ----------
    problem:
        The problem; its format is told from its ending and content.
    plan:
        The plan, as JSON.
    format:
        The format of the problem, if it cannot be told.
    json:
        The result as JSON.
    """
    from batchone.cli.solving import validate_files

    return validate_files(problem, plan, format, json=json)


@plan.command
def diff(before: Path, after: Path, *, json: bool = False) -> int:
    """What a plan differs in from another: measures, jobs that end at another time, operations that moved.

    Parameters
    ----------
    before:
        A plan, as JSON.
    after:
        The plan to compare with it, as JSON.
    json:
        The result as JSON.
    """
    from batchone.cli.comparing import diff_files

    return diff_files(before, after, json=json)
