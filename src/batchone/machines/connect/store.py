"""What connect remembers in PostgreSQL: states as last said, jobs as sent, commands as given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from batchone.contracts.enterprises import system
from batchone.contracts.machines import EquipmentChanged, MachineState, SamplesLost
from batchone.kernel.database import Database, load_queries
from batchone.machines.connect.jobs import Sent

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")
_ACTOR = system("", "connect").person


@dataclass(frozen=True)
class Kept:
    """A command as it is kept: what was asked, its answer if it has one, and whether the audit record has it."""

    request: str
    answer: str | None
    recorded: bool


@dataclass(frozen=True)
class CommandKey:
    """Whose idempotency key it is."""

    tenant: str
    person: str
    key: str


class Store:
    """Each method is a transaction of its own; `TryLater` while PostgreSQL is away."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def said(self) -> dict[str, MachineState]:
        """The state of each equipment as last said."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["equipment"], tenant=self._tenant)
        return {row["equipment"]: cast(MachineState, row["state"]) for row in rows}

    async def say(self, fact: EquipmentChanged) -> None:
        """Remember a change of state and say it, both or neither."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["put_equipment"], tenant=self._tenant, equipment=fact.equipment, state=fact.state, at=fact.at)
            await tx.say(self._tenant, fact, actor=_ACTOR, time=fact.at)

    async def say_lost(self, connection: str, dropped: int, why: str, now: datetime) -> None:
        """Say how many samples were lost since that was said last; `dropped` counts them all."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["lost"], tenant=self._tenant, connection=connection)
            known = row["samples"] if row else 0
            if dropped == known:
                return
            await tx.run(_QUERIES["put_lost"], tenant=self._tenant, connection=connection, samples=dropped)
            if dropped > known:
                fact = SamplesLost(connection, dropped - known, why, now)
                await tx.say(self._tenant, fact, actor=_ACTOR, time=now)

    async def sent(self) -> dict[tuple[str, str], Sent]:
        """What was sent, by equipment and job."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["sent"], tenant=self._tenant)
        return {(row["equipment"], row["job"]): Sent(row["program"], row["parameters"]) for row in rows}

    async def put_sent(self, equipment: str, job: str, sent: Sent, now: datetime) -> None:
        """Remember what is about to be sent."""
        async with self._database.transaction() as tx:
            await tx.run(
                _QUERIES["put_sent"], tenant=self._tenant, equipment=equipment, job=job, program=sent.program,
                parameters=sent.parameters, at=now,
            )  # fmt: skip

    async def drop_sent(self, equipment: str, job: str) -> None:
        """Forget a job that its machine has forgotten or refused."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["drop_sent"], tenant=self._tenant, equipment=equipment, job=job)

    async def claim(self, key: CommandKey, request: str, now: datetime) -> Kept:
        """The command under this key, which is this one if there was none."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["claim_command"], **_names(key), request=request, at=now)
            row = await tx.one(_QUERIES["command"], **_names(key))
        assert row is not None
        return Kept(row["request"], row["answer"], row["recorded"])

    async def answer(self, key: CommandKey, answer: str) -> None:
        """Keep the answer to a command."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["answer_command"], **_names(key), answer=answer)

    async def recorded(self, key: CommandKey) -> None:
        """The audit record has the command."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["record_command"], **_names(key))

    async def forget_commands(self, before: datetime) -> None:
        """Forget commands given before a time."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["forget_commands"], tenant=self._tenant, before=before)


def _names(key: CommandKey) -> dict[str, str]:
    return {"tenant": key.tenant, "person": key.person, "key": key.key}
