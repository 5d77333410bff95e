"""Alarms at work: judge what comes, remember how things stand, answer, let people acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import structlog

from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.machines import Alarm, EquipmentChanged
from batchone.contracts.things import Things
from batchone.kernel.bus import Message
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database, Transaction
from batchone.kernel.errors import Forbidden, NotFound, Refused, TryLater
from batchone.kernel.ids import Ids
from batchone.kernel.outbox import Heard
from batchone.machines import columns
from batchone.machines.alarms import store
from batchone.machines.alarms.judge import judge
from batchone.machines.alarms.model import About, Limit, Readings, Rules, State
from batchone.machines.alarms.rules import PRIORITIES, names_of, rules_of

_log = structlog.get_logger(__name__)
_MAY_ACKNOWLEDGE: tuple[Role, ...] = ("operator", "engineer", "admin")
_HISTORY_MAX = 1000
_YEAR_9999_US = 253_370_764_800_000_000
_CONDITIONS: Mapping[str, Limit] = {"offline": "offline", "alarm": "broken"}
"""Which state of an equipment is an alarm of its own."""


@dataclass
class _Watch:
    """A tenant's rules and how they stand."""

    rules: Rules
    state: State
    names: Mapping[str, Mapping[str, str]]


class AlarmsService:
    """Implements `batchone.contracts.machines.Alarms`. Judgements of one process go one after another; the table's own
    constraint lets no alarm stand twice should there be two processes for a moment."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, things: Callable[[], Things],
        enterprises: Callable[[], Enterprises], *, deadband: float, delay_s: float,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._ids = ids
        self._things = things
        self._enterprises = enterprises
        self._deadband = deadband
        self._delay_s = delay_s
        self._watches: dict[str, _Watch] = {}
        self._stale: set[str] = set()
        self._turn = asyncio.Lock()
        self.refused = 0

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        """Alarms that have not ended, worst first; an empty equipment means all."""
        async with self._database.transaction() as tx:
            return await store.active(tx, tenant, equipment)

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        """The newest alarms, ended ones too, 1,000 at most."""
        if limit < 1:
            raise Refused("alarms.limit", f"A list of {limit} alarms shows nothing.", "Ask for at least 1.")
        async with self._database.transaction() as tx:
            return await store.newest(tx, tenant, equipment, min(limit, _HISTORY_MAX))

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        """Somebody has seen it. Who did first stays named; a repeated acknowledgement changes nothing but is recorded."""
        if actor.role not in _MAY_ACKNOWLEDGE or actor.tenant != tenant:
            raise Forbidden(
                "alarms.role", f"{actor.name} may not acknowledge alarms here.",
                f"It is for: {', '.join(_MAY_ACKNOWLEDGE)} of this enterprise.", role=actor.role,
            )  # fmt: skip
        async with self._database.transaction() as tx:
            first = await store.acknowledge(tx, tenant, alarm, actor.person, self._clock.now())
            found = await store.get(tx, tenant, alarm)
        if found is None:
            raise NotFound("alarms.unknown", f"There is no alarm {alarm}.", "See /api/alarms for those there are.")
        outcome = "acknowledged" if first else "was acknowledged before"
        details = {"path": found.path, "limit": found.limit}
        await self._enterprises().record(actor, "alarm.acknowledge", alarm, "", outcome, details)
        return found

    async def handle(self, messages: Sequence[Message]) -> None:
        """Judge batches of samples; a message that is no batch is passed over, for the history keeps it."""
        by_tenant: dict[str, list[pa.RecordBatch]] = {}
        for message in messages:
            try:
                by_tenant.setdefault(message.subject.split(".")[1], []).append(decode(message))
            except Refused as error:
                self.refused += 1
                _log.warning("alarms.refused", subject=message.subject, what=error.what)
        for tenant, batches in by_tenant.items():
            async with self._turn:
                watch = await self._watch(tenant)
                await self._judge(tenant, watch, readings_of(watch.rules, columns.concat(batches)))

    async def tick(self, every_s: float) -> None:
        """Find conditions that have lasted long enough without a further sample, every so many real seconds."""
        while True:
            await asyncio.sleep(every_s)
            await self.tick_once()

    async def tick_once(self) -> None:
        """Judge that time has passed."""
        async with self._turn:
            for tenant in list(self._watches):
                watch = await self._watch(tenant)
                if watch.state.waiting():
                    await self._judge(tenant, watch, Readings.none())

    async def on_things_changed(self, _: Transaction, heard: Heard) -> None:
        """Read the rules anew at the next batch; the state goes on."""
        self._stale.add(heard.envelope.tenant)

    async def on_equipment_changed(self, tx: Transaction, heard: Heard) -> None:
        """Raise or return the alarms of an equipment that is lost or broken. One that is lost may still be broken, so
        only a state of its own saying returns that."""
        changed, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(changed, EquipmentChanged)
        for state, limit in _CONDITIONS.items():
            if changed.state == state:
                await store.put_raised(tx, self._ids, tenant, self._about(tenant, changed.equipment, limit), None, changed.at)
            elif not (limit == "broken" and changed.state == "offline"):
                await store.put_returned(tx, tenant, (changed.equipment, limit), changed.at)

    def _about(self, tenant: str, equipment: str, limit: Limit) -> About:
        watch = self._watches.get(tenant)
        name = (watch.names if watch else {}).get(equipment, {"en": equipment})
        return About(equipment, equipment, limit, PRIORITIES[limit], None, "", name)

    async def _judge(self, tenant: str, watch: _Watch, readings: Readings) -> None:
        after, transitions = judge(watch.rules, watch.state, readings, columns.to_us(self._clock.now()))
        changed = store.changed(watch.state, after, transitions)
        if len(changed):
            try:
                async with self._database.transaction() as tx:
                    await store.save_state(tx, tenant, watch.rules, after, changed)
                    await store.tell(tx, self._ids, tenant, watch.rules, transitions)
            except TryLater:
                # Whether it was stored is unknown; the next judgement starts from what the database says.
                self._stale.add(tenant)
                raise
        watch.state = after

    async def load(self, tenant: str) -> None:
        """Read a tenant's rules, and how they stand, if that has not been done."""
        async with self._turn:
            await self._watch(tenant)

    async def _watch(self, tenant: str) -> _Watch:
        if tenant not in self._watches or tenant in self._stale:
            # First, so that a product released meanwhile makes the watch stale again, and a failure leaves none.
            self._stale.discard(tenant)
            self._watches.pop(tenant, None)
            model = await self._things().model(tenant)
            rules = rules_of(model, deadband=self._deadband, delay_s=self._delay_s)
            async with self._database.transaction() as tx:
                state, orphans = await store.load_state(tx, tenant, rules)
                for key in orphans:
                    await store.put_returned(tx, tenant, key, self._clock.now())
                await store.drop_standing(tx, tenant, orphans)
            self._watches[tenant] = _Watch(rules, state, names_of(model))
        return self._watches[tenant]


def decode(message: Message) -> pa.RecordBatch:
    """The batch of a message; `Refused` when it is none, or a sample has no path."""
    try:
        batch = columns.from_bytes(message.data).replace_schema_metadata(None)
    except UnicodeDecodeError as error:
        raise Refused("alarms.text", f"A damaged batch: {error}.", "Send an Arrow IPC stream with one batch.") from error
    if batch.column("path").dictionary.null_count:
        raise Refused("alarms.path", "A path is null.", "Name the signal of every sample.")
    return batch


def readings_of(rules: Rules, batch: pa.RecordBatch) -> Readings:
    """Those samples of a batch that can be judged: of good quality, a number, a date, and of a path with limits."""
    known = batch.column("path").dictionary.to_pylist()
    place = np.fromiter((rules.paths.get(path, -1) for path in known), np.int64, len(known))
    path = place[columns.codes_of(batch)] if len(known) else np.zeros(0, np.int64)
    value, time = columns.values_of(batch), columns.times_us(batch)
    keep = (path >= 0) & (columns.qualities_of(batch) == columns.GOOD) & np.isfinite(value)
    keep &= (time >= 0) & (time < _YEAR_9999_US)
    return Readings(path[keep], time[keep], value[keep])
