"""What a machine reported, turned into state and facts, once.

The same report may come many times, from a broadcast, from a read-back, after a restart: each step looks at the job's
row under lock and does nothing if it is already true. Only after the transaction that stored a finished job has committed
is the machine told to forget it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.chain.production import store
from batchone.chain.production.model import Judged, TooLate, judge, react
from batchone.contracts.machines import JobReport
from batchone.contracts.pack import Pack
from batchone.contracts.production import (
    CheckFailed,
    CheckPassed,
    ItemFinished,
    ItemHeld,
    ItemReleased,
    JobFinished,
    JobReleased,
    JobStarted,
)
from batchone.kernel.clock import Clock
from batchone.kernel.database import Row, Transaction
from batchone.kernel.ids import Ids

ACTOR = "production"
_TOO_LATE = {"en": "{op}: too long after {after}", "zh": "{op}：距{after}已超过最长等待时间"}


@dataclass(frozen=True)
class Reports:
    """Takes reports in; `ids` and `clock` for holds and for machines that report no time."""

    ids: Ids
    clock: Clock

    async def take(self, tx: Transaction, row: Row, report: JobReport, pack: Pack) -> bool:
        """Bring a locked job up to what the machine says; whether the machine may forget it now."""
        if row["state"] in ("finished", "failed", "withdrawn"):
            return report.state in ("finished", "failed")
        if report.state == "refused":
            await store.withdraw(tx, row, report.reason, self.clock.now())
            return False
        await self._confirm(tx, row)
        started = report.started or row["started"] or self.clock.now()
        await self._start(tx, row, report, started, pack)
        if report.state == "running":
            return False
        ended = max(report.ended or self.clock.now(), started)
        if report.state == "failed" or not report.parameters_match:
            reason = report.reason if report.state == "failed" else "the machine ran another program than it was given"
            await self._fail(tx, row, report, started, ended, reason)
        else:
            await self._finish(tx, row, report, started, ended, pack)
        return True

    async def _confirm(self, tx: Transaction, row: Row) -> None:
        if row["confirmed"]:
            return
        await store.confirm(tx, row["id"])
        said = JobReleased(row["id"], row["item"], row["order_id"], row["op"], row["run"], row["equipment"],
                           store.places_of(row))  # fmt: skip
        await tx.say(row["tenant"], said, actor=ACTOR)

    async def hold_late(self, tx: Transaction, row: Row, late: TooLate, pack: Pack, at: datetime) -> None:
        """An item is held whose operation did not follow another soon enough: a person decides what is done again."""
        names = {step.op: step.name for step in pack.routing}
        reason = {
            language: sentence.format(
                op=names[late.op].get(language, late.op), after=names[late.after].get(language, late.after)
            )
            for language, sentence in _TOO_LATE.items()
        }
        await store.hold(tx, self.ids.new("H"), row["tenant"], row["item"], late.check, reason, at)
        await tx.say(row["tenant"], ItemHeld(row["item"], row["order_id"], late.check, reason["en"]), actor=ACTOR, time=at)

    async def _start(self, tx: Transaction, row: Row, report: JobReport, started: datetime, pack: Pack) -> None:
        if row["state"] == "started":
            return
        await store.start(tx, row["id"], started, report.position)
        await store.begin_item(tx, row["tenant"], row["item"], pack.product.serial, started)
        expected = started + timedelta(seconds=row["setup_s"] + row["seconds"])
        said = JobStarted(
            row["id"], row["item"], row["order_id"], row["op"], row["run"], row["equipment"], report.position, started, expected
        )
        await tx.say(row["tenant"], said, actor=ACTOR, time=started)

    async def _fail(
        self, tx: Transaction, row: Row, report: JobReport, started: datetime, ended: datetime, reason: str
    ) -> None:
        await store.fail(tx, row, started, ended, report.position, report.energy_kwh, reason)
        await self._say_end(tx, row, report, started, ended, reason)

    async def _finish(
        self, tx: Transaction, row: Row, report: JobReport, started: datetime, ended: datetime, pack: Pack
    ) -> None:
        await store.finish(tx, row, started, ended, report.position, report.energy_kwh)
        judged = judge([check for check in pack.checks if check.op == row["op"]], report.results)
        await store.add_measurements(tx, row, judged, ended)
        await self._say_end(tx, row, report, started, ended, "")
        for one in judged:
            if one.passed is not None:
                kind = CheckPassed(row["item"], row["order_id"], row["op"], one.check.id, one.value or 0.0)
                failed = CheckFailed(row["item"], row["order_id"], row["op"], one.check.id, one.value, one.check.reaction)
                await tx.say(row["tenant"], kind if one.passed else failed, actor=ACTOR, time=ended)
        await self._follow(tx, row, [one for one in judged if one.passed is False], ended, pack)

    async def _follow(self, tx: Transaction, row: Row, failed: list[Judged], at: datetime, pack: Pack) -> None:
        """What the result means for the item: on, held, done again, or finished."""
        tenant, item, order = row["tenant"], row["item"], row["order_id"]
        times = {one.check.id: await store.failed_before(tx, tenant, item, one.check.id) for one in failed}
        reaction = react(failed, times, [step.op for step in pack.routing])
        if reaction is None:
            await finish_if_done(tx, tenant, item, order, at)
            return
        check, hold_id = reaction.check, self.ids.new("H")
        await store.hold(tx, hold_id, tenant, item, check.id, check.name, at)
        await tx.say(tenant, ItemHeld(item, order, check.id, check.name.get("en", check.id)), actor=ACTOR, time=at)
        if reaction.kind == "rework":
            await release_item(tx, tenant, item, order, hold_id, reaction.redo, "rework", ACTOR, at)

    async def _say_end(
        self, tx: Transaction, row: Row, report: JobReport, started: datetime, ended: datetime, reason: str
    ) -> None:
        said = JobFinished(
            row["id"], row["item"], row["order_id"], row["op"], row["run"], row["equipment"],
            "failed" if reason else "finished", started, ended, report.energy_kwh, reason,
        )  # fmt: skip
        await tx.say(row["tenant"], said, actor=ACTOR, time=ended)


async def release_item(
    tx: Transaction, tenant: str, item: str, order: str, hold_id: str, redo: tuple[str, ...], decision: str, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """A hold of an item (all of them for an empty id) is decided: the operations `redo` wait again, each as its next run."""
    runs = tuple([(op, await store.again(tx, tenant, item, op)) for op in redo])
    await store.release(tx, tenant, item, hold_id, decision, at)
    await tx.say(tenant, ItemReleased(item, order, runs, decision), actor=actor, time=at)
    await finish_if_done(tx, tenant, item, order, at)


async def finish_if_done(tx: Transaction, tenant: str, item: str, order: str, at: datetime) -> None:
    """An item whose operations are all done, and which nothing holds, is finished."""
    found = await store.item(tx, tenant, item, lock=True)
    if found is None or found["state"] != "in_production" or await store.open_operations(tx, tenant, item):
        return
    energy_kwh = await store.finish_item(tx, tenant, item, at)
    await tx.say(tenant, ItemFinished(item, order, found["serial"], energy_kwh), actor=ACTOR, time=at)
