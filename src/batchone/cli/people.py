"""`batchone person`: who may sign in, made at the terminal of the machine that runs the platform."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform
from batchone.contracts.enterprises import Role
from batchone.kernel.errors import Refused

person = App(name="person", help="Who may sign in.")
app.command(person)


@person.command
def add(
    id: str,  # noqa: A002 - the word people use at the terminal
    /,
    *,
    role: Role,
    name: str = "",
    party: Annotated[str, Parameter(help="the customer, supplier or carrier they act for")] = "",
    password_from_stdin: bool = False,
    json: bool = False,
) -> int:
    """Let somebody sign in: with a password read from standard input, and with a link that is printed once."""

    async def work() -> int:
        from batchone.contracts.enterprises import Enterprises

        password = sys.stdin.readline().rstrip("\n") if password_from_stdin else ""
        if password_from_stdin and len(password) < 12:
            raise Refused("person.password", "The password is too short.", "Give at least 12 characters.")
        async with platform() as running:
            enterprises = running.get(Enterprises)
            made = await enterprises.ensure_person(running.tenant, id, name or id, role, password, party)
            link = f"{running.note.web}/sign-in/link/{await enterprises.issue_link(running.tenant, id)}"
            await enterprises.record(running.actor, "person.add", id, "", "done", {"role": role})
        if json:
            output.result_json({"person": made, "link": link})
        else:
            output.result(f"{made.name} ({made.role}) signs in at {link}")
        return 0

    return run(work())


@person.command(name="list")
def list_(*, json: bool = False) -> int:
    """Everybody who may sign in."""

    async def work() -> int:
        from batchone.contracts.enterprises import Enterprises

        async with platform() as running:
            people = await running.get(Enterprises).people(running.tenant)
        if json:
            output.result_json(people)
        else:
            output.table([vars(each) for each in people], ("id", "name", "role", "party", "active"))
        return 0

    return run(work())
