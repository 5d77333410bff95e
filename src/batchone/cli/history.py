"""`batchone history`: how long samples are kept, and what was dropped."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform
from batchone.contracts.machines import DroppedDay, RetentionPreview

history = App(name="history", help="Stored samples: how long they are kept.")
app.command(history)
_DAY_S = 86_400.0


@history.command
def retention(
    *,
    apply: Annotated[bool, Parameter(help="archive and drop what the preview shows", negative="--preview")] = False,
    restored: Annotated[bool, Parameter(help="with what was brought back from the archive", negative="")] = False,
    json: bool = False,
) -> int:
    """Show what is due to go: days, samples, bytes, signals. Nothing is changed unless --apply is given."""

    async def work() -> int:
        from batchone.contracts.machines import Retention

        async with platform() as running:
            service = running.get(Retention)
            found = await service.preview(running.tenant, restored)
            gone = [
                await service.drop(running.tenant, day.kept, day.day, day.digest, running.actor)
                for day in (found.days if apply else ())
            ]
        if json:
            output.result_json({"preview": found, "dropped": gone})
        else:
            _tell(found, gone, apply=apply)
        return 0

    return run(work())


@history.command
def dropped(*, json: bool = False) -> int:
    """The days that were dropped, newest first, and where the archive holds them."""

    async def work() -> int:
        from batchone.contracts.machines import Retention

        async with platform() as running:
            found = await running.get(Retention).dropped(running.tenant)
        if json:
            output.result_json(found)
        else:
            columns = ("id", "kept", "day", "rows", "signals", "dropped", "dropped_by", "restored", "archive")
            output.table([vars(each) for each in found], columns)
        return 0

    return run(work())


@history.command
def restore(id: str, /, *, json: bool = False) -> int:  # noqa: A002 - the word people use at the terminal
    """Bring a dropped day back from the archive."""

    async def work() -> int:
        from batchone.contracts.machines import Retention

        async with platform() as running:
            found = await running.get(Retention).restore(running.tenant, id, running.actor)
        if json:
            output.result_json(found)
        else:
            output.result(f"{found.rows} samples of {found.day} are back; they stay until `retention --apply --restored`.")
        return 0

    return run(work())


def _tell(found: RetentionPreview, gone: list[DroppedDay], *, apply: bool) -> None:
    set_ = {kept: keep_s for kept, keep_s in found.keep_s.items() if keep_s is not None}
    for kept, keep_s in set_.items():
        output.warn(f"{kept}: kept {keep_s / _DAY_S:g} days")
    if not set_:
        output.warn("Everything is kept for good; set keep_short, keep_standard or keep_long of the module history.")
    output.table(
        [{**vars(day), "signals": len(day.signals)} for day in found.days], ("kept", "day", "rows", "bytes", "signals")
    )
    if apply:
        output.result(f"{sum(day.rows for day in gone)} samples of {len(gone)} days were dropped.")
    else:
        where = f"go to {found.archive}" if found.archive else "be deleted without a copy"
        output.warn(f"{sum(day.rows for day in found.days)} samples would {where}. Nothing was changed.")
