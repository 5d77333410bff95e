"""`batchone connect` and `batchone things`: what answers in the plant, what it may be, and what is declared of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform
from batchone.contracts.sources import Probed
from batchone.kernel.errors import Refused

connect = App(name="connect", help="Machines beside the packs: probe one, declare connections.")
things = App(name="things", help="Equipment and signals beside the packs.")
app.command(connect)
app.command(things)
_Text = Annotated[Path, Parameter(help="the text, as `text` prints it")]
_Note = Annotated[str, Parameter(help="why, for the list of editions")]


@connect.command
def probe(
    url: str,
    /,
    *,
    id: Annotated[str, Parameter(help="what the connection is to be called")] = "new",  # noqa: A002 - the word of the text
    set: Annotated[tuple[str, ...], Parameter(help="a setting of the protocol, as key=value", negative="")] = (),  # noqa: A002
    json: bool = False,
) -> int:
    """Look at what answers at a url, and propose what is what, with the evidence. Nothing is declared by that: the text that is
    printed is for a person to correct and to declare."""
    settings = settings_of(set)

    async def work() -> int:
        from batchone.contracts.sources import Sources

        async with platform() as running:
            found = await running.get(Sources).probe(running.tenant, url, settings, running.actor)
        if json:
            output.result_json(found)
            return 0
        output.warn(f"{found.who}\nsecurity: {found.security}")
        for note in found.notes:
            output.warn(note)
        if found.left_out:
            output.warn(f"{found.left_out} more are not listed.")
        output.result(proposal(found, id, settings))
        return 0

    return run(work())


@connect.command(name="text")
def connect_text(*, version: int = 0) -> int:
    """Print what connections are declared; version 0 is the newest."""

    async def work() -> int:
        from batchone.contracts.sources import Sources

        async with platform() as running:
            output.result((await running.get(Sources).text(running.tenant, version)).rstrip())
        return 0

    return run(work())


@connect.command(name="declare")
def connect_declare(file: _Text, /, *, note: _Note = "") -> int:
    """Take a text as the next version of the declared connections; refused whole, with every fault by line."""

    async def work() -> int:
        from batchone.contracts.sources import Sources

        async with platform() as running:
            version = await running.get(Sources).declare(running.tenant, _read(file), note, running.actor)
        output.result(f"connections are at version {version}")
        return 0

    return run(work())


@things.command(name="text")
def things_text(*, version: int = 0) -> int:
    """Print what equipment and signals are declared; version 0 is the newest."""

    async def work() -> int:
        from batchone.contracts.things import Things

        async with platform() as running:
            output.result((await running.get(Things).text(running.tenant, version)).rstrip())
        return 0

    return run(work())


@things.command(name="declare")
def things_declare(file: _Text, /, *, note: _Note = "") -> int:
    """Take a text as the next version of the declared things; refused whole, with every fault by line."""

    async def work() -> int:
        from batchone.contracts.things import Things

        async with platform() as running:
            model = await running.get(Things).declare(running.tenant, _read(file), note, running.actor)
        output.result(f"things are at version {model.version}: {len(model.things)} equipment, {len(model.signals)} signals")
        return 0

    return run(work())


@things.command(name="at")
def things_at(equipment: str, time: datetime, /, *, json: bool = False) -> int:
    """How an equipment was at a time that is over: its state, its signals with their ages, its alarms.

    Parameters
    ----------
    equipment:
        Its id.
    time:
        As 2026-01-31T08:00:00Z; without a zone it is this machine's.
    json:
        The result as JSON.
    """

    async def work() -> int:
        from batchone.contracts.machines import Twin

        async with platform() as running:
            at = time if time.tzinfo is not None else time.astimezone()
            found = await running.get(Twin).at(running.tenant, equipment, at)
        if json:
            output.result_json(found)
            return 0
        since = f" since {found.state_since:%Y-%m-%d %H:%M:%S}" if found.state_since else ""
        output.result(f"{equipment} was {found.state or 'in a state that nobody told'}{since}")
        output.table([vars(each) for each in found.signals], ("path", "value", "quality", "source_time", "age_s"))
        for alarm in found.alarms:
            output.result(f"{alarm.priority}: {alarm.path} {alarm.limit}, {alarm.state} since {alarm.raised:%Y-%m-%d %H:%M:%S}")
        for gap in found.gaps:
            if gap.reason != "none":
                output.warn(f"{gap.reason}: {gap.what}")
        silent = sum(gap.reason == "none" for gap in found.gaps)
        if silent:
            output.warn(f"{silent} signals told nothing since {found.looked_back_to:%Y-%m-%d %H:%M:%S}; --json names them.")
        return 0

    return run(work())


def settings_of(given: tuple[str, ...]) -> dict[str, str]:
    """Settings out of `key=value` words."""
    wrong = [each for each in given if not each.partition("=")[2] or not each.partition("=")[0]]
    if wrong:
        raise Refused("connect.setting", f"'{wrong[0]}' is no setting.", "Write it as key=value.")
    return dict(each.split("=", 1) for each in given)


def proposal(probed: Probed, id: str, settings: Mapping[str, str]) -> str:  # noqa: A002 - the word of the text
    """What a probe saw as a text to declare: what may be a declared signal stands with its evidence, all else as a comment."""
    told = ["connections:", f"  - id: {id}", f"    url: {_quoted(probed.url)}"]
    if settings:
        told.append("    settings: {" + ", ".join(f"{key}: {_quoted(value)}" for key, value in sorted(settings.items())) + "}")
    told.append("    signals:" if any(each.proposed for each in probed.found) else "    signals: []")
    for each in sorted(probed.found, key=lambda found: (not found.proposed, found.proposed, found.address)):
        seen = " ".join(part for part in (each.name, each.type, each.value, each.unit) if part)
        unit = f", unit: {_quoted(each.unit)}" if each.unit else ""
        point = f"{{path: {each.proposed or '?'}, address: {_quoted(each.address)}{unit}}}"
        told.append(f"      - {point}  # {seen}; {each.why}" if each.proposed else f"      # - {point}  {seen}")
    return "\n".join(told)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("connect.file", f"{file} cannot be read: {error}.", "Name a text file.") from error
