"""`batchone connect` and `batchone things`: what answers in the plant, what it may be, and what is declared of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform
from batchone.contracts.certificates import PlatformCertificate, ServerCertificate
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


@connect.command(name="certificates")
def certificates_list(*, json: bool = False) -> int:
    """List whom connections trust, who waits to be judged, and the platform's own."""

    async def work() -> int:
        from batchone.contracts.certificates import Certificates

        async with platform() as running:
            service = running.get(Certificates)
            own, seen = await service.own(running.tenant), await service.seen(running.tenant)
        if json:
            output.result_json({"own": own, "seen": seen})
        else:
            output.table(certificate_rows(own, seen), ("state", "server", "until", "subject", "fingerprint"))
        return 0

    return run(work())


@connect.command
def approve(server: str, fingerprint: str, /) -> int:
    """Trust a certificate that a server (host:port) showed, once you have compared its fingerprint with the machine's."""

    async def work() -> int:
        from batchone.contracts.certificates import Certificates

        async with platform() as running:
            judged = await running.get(Certificates).approve(running.tenant, server, fingerprint, running.actor)
        output.result(f"{judged.server} is trusted with {judged.fingerprint}")
        return 0

    return run(work())


@connect.command
def reject(server: str, fingerprint: str, /) -> int:
    """Trust a certificate of a server (host:port) no more, or never; connections that rest on it are closed."""

    async def work() -> int:
        from batchone.contracts.certificates import Certificates

        async with platform() as running:
            judged = await running.get(Certificates).revoke(running.tenant, server, fingerprint, running.actor)
        output.result(f"{judged.server} is not trusted with {judged.fingerprint}")
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


def certificate_rows(
    own: Sequence[PlatformCertificate], seen: Sequence[ServerCertificate]
) -> list[dict[str, str]]:  # fmt: skip
    """Certificates as lines: ours, then those of servers."""
    rows = [
        {
            "state": "ours" if each.in_use else "ours, next", "server": "", "until": f"{each.ends:%Y-%m-%d}",
            "subject": each.subject, "fingerprint": each.fingerprint,
        }
        for each in own
    ]  # fmt: skip
    return rows + [
        {
            "state": each.state, "server": each.server, "until": f"{each.ends:%Y-%m-%d}", "subject": each.subject,
            "fingerprint": each.fingerprint,
        }
        for each in seen
    ]  # fmt: skip


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
    """What a probe saw as a text to declare: what may be a declared signal stands with its evidence, all else as a comment.

    Settings of the probe alone (`probe_...`) are left out."""
    told = ["connections:", f"  - id: {id}", f"    url: {_quoted(probed.url)}"]
    kept = sorted((key, value) for key, value in settings.items() if not key.startswith("probe_"))
    if kept:
        told.append("    settings: {" + ", ".join(f"{key}: {_quoted(value)}" for key, value in kept) + "}")
    told.append("    signals:" if any(each.proposed for each in probed.found) else "    signals: []")
    for each in sorted(probed.found, key=lambda found: (not found.proposed, found.proposed, found.address)):
        seen = " ".join(part for part in (each.name, each.type, each.value, each.unit) if part)
        unit = f", unit: {_quoted(each.unit)}" if each.unit else ""
        point = f"{{path: {each.proposed or '?'}, address: {_quoted(each.address)}{unit}}}"
        why = f"; {each.why}" if each.why else ""
        told.append(f"      - {point}  # {seen}{why}" if each.proposed else f"      # - {point}  {seen}{why}")
    return "\n".join(told)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("connect.file", f"{file} cannot be read: {error}.", "Name a text file.") from error
