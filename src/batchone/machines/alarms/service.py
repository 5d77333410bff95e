"""Alarms at work: judge what comes, remember how things stand, answer, let people acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import structlog

from batchone.contracts.alarms import (
    Alarm,
    AlarmFilter,
    AlarmKind,
    AlarmLimit,
    AlarmStatistics,
    LimitEdition,
    LimitSettings,
    Rationale,
    Suppressed,
    Suppression,
)
from batchone.contracts.enterprises import Actor, Enterprises, Role, system
from batchone.contracts.machines import EquipmentChanged, MachineState, SamplesLost
from batchone.contracts.things import Declared, ThingModel, Things
from batchone.kernel.bus import Message
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database, Transaction
from batchone.kernel.errors import Conflict, Forbidden, NotFound, Refused, TryLater
from batchone.kernel.ids import Ids
from batchone.kernel.outbox import Heard
from batchone.machines import columns
from batchone.machines.alarms import control, store
from batchone.machines.alarms.judge import judge
from batchone.machines.alarms.life import Transition
from batchone.machines.alarms.model import About, Key, Readings, Rules, State
from batchone.machines.alarms.rules import BOUNDS, PRIORITIES, limits_of, names_of, refuse_faults, rules_of

_log = structlog.get_logger(__name__)
_WATCHES: tuple[Role, ...] = ("operator", "engineer", "admin")
"""Who may acknowledge and shelve."""
_ENGINEERS: tuple[Role, ...] = ("engineer", "admin")
"""Who may take out of service and change limits."""
_HISTORY_MAX = 1000
_TEXT_MAX = 500
_WINDOW_MAX = timedelta(days=366)
_YEAR_9999_US = 253_370_764_800_000_000
_QUIET_S = 60.0
"""Real time without a loss after which the alarm of a connection returns."""
_CONDITIONS: Mapping[str, AlarmKind] = {"offline": "offline", "alarm": "broken"}
"""Which state of an equipment is an alarm of its own."""


@dataclass(frozen=True)
class Judging:
    """How alarms are judged and shown where nobody set anything else: the share of a signal's band by which it must be back,
    the on-delay, the states of an equipment in which the limits of its signals are suppressed by design, the longest time to
    shelve, and how many operators share the alarms. Times in plant seconds."""

    deadband: float = 0.01
    delay_s: float = 5.0
    design: Collection[MachineState] = ()
    shelve_at_most_s: float = 8 * 3600.0
    operators: int = 1


@dataclass
class _Watch:
    """A tenant's rules and how they stand."""

    model: ThingModel
    rules: Rules
    state: State
    names: Mapping[str, Mapping[str, str]]

    def knows(self, key: Key) -> bool:
        """Whether there can be an alarm of this key: a limit that is judged, or a condition of an equipment."""
        judged = self.rules.keys()
        return key in judged or (key[1] in _CONDITIONS.values() and key[0] in self.names)


class AlarmsService:
    """Implements `batchone.contracts.alarms.Alarms`. Judgements of one process go one after another; the table's own
    constraint lets no alarm stand twice should there be two processes for a moment."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, things: Callable[[], Things],
        enterprises: Callable[[], Enterprises], judging: Judging,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._ids = ids
        self._things = things
        self._enterprises = enterprises
        self._judging = judging
        self._watches: dict[str, _Watch] = {}
        self._stale: set[str] = set()
        self._turn = asyncio.Lock()
        self.refused = 0

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        """Alarms that have not ended and are not suppressed, worst first; an empty equipment means all."""
        return await self._find(tenant, AlarmFilter(equipment=equipment), None)

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        """The newest alarms, ended ones too, 1,000 at most."""
        return await self.find(tenant, AlarmFilter(show="all", equipment=equipment), limit)

    async def find(self, tenant: str, wanted: AlarmFilter, limit: int) -> tuple[Alarm, ...]:
        """Alarms that fit, 1,000 at most: what stands worst first, all newest first."""
        if limit < 1:
            raise Refused("alarms.limit", f"A list of {limit} alarms shows nothing.", "Ask for at least 1.")
        return await self._find(tenant, wanted, min(limit, _HISTORY_MAX))

    async def _find(self, tenant: str, wanted: AlarmFilter, most: int | None) -> tuple[Alarm, ...]:
        async with self._database.transaction() as tx:
            return await store.find(tx, tenant, wanted, most, self._judging.design, self._clock.now())

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        """Somebody has seen it. Who did first stays named; a repeated acknowledgement changes nothing but is recorded."""
        _allow(tenant, actor, _WATCHES, "acknowledge alarms")
        now = self._clock.now()
        async with self._database.transaction() as tx:
            first = await store.acknowledge(tx, tenant, alarm, actor.person, now)
            found = await store.get(tx, tenant, alarm, self._judging.design, now)
        if found is None:
            raise NotFound("alarms.unknown", f"There is no alarm {alarm}.", "See /api/alarms for those there are.")
        outcome = "acknowledged" if first else "was acknowledged before"
        details = {"path": found.path, "limit": found.limit}
        await self._enterprises().record(actor, "alarm.acknowledge", alarm, "", outcome, details)
        return found

    async def suppressed(self, tenant: str) -> tuple[Suppressed, ...]:
        """What is shelved or out of service now, the newest first."""
        async with self._database.transaction() as tx:
            return await control.suppressed(tx, tenant, self._clock.now())

    async def shelve(self, tenant: str, path: str, limit: AlarmKind, for_s: float, reason: str, actor: Actor) -> Suppressed:
        """Set an alarm aside for so many seconds of plant time; it comes back by itself. Again: the new time counts."""
        _allow(tenant, actor, _WATCHES, "shelve alarms")
        longest = self._judging.shelve_at_most_s
        if not 0 < for_s <= longest:
            raise Refused("alarms.shelve", f"An alarm is not shelved for {for_s:g} s.", f"Shelve it for at most {longest:g} s.")
        now = self._clock.now()
        until = now + timedelta(seconds=for_s)
        return await self._suppress(tenant, Suppressed(path, limit, "shelved", now, until, actor.person, reason), actor)

    async def unshelve(self, tenant: str, path: str, limit: AlarmKind, actor: Actor) -> None:
        """Take an alarm back before its time; one that is not shelved stays as it is."""
        _allow(tenant, actor, _WATCHES, "take alarms from the shelf")
        await self._restore(tenant, (path, limit), "shelved", "alarm.unshelve", actor)

    async def take_out(self, tenant: str, path: str, limit: AlarmKind, reason: str, actor: Actor) -> Suppressed:
        """Take an alarm out of service until it is put back."""
        _allow(tenant, actor, _ENGINEERS, "take alarms out of service")
        what = Suppressed(path, limit, "out_of_service", self._clock.now(), None, actor.person, reason)
        return await self._suppress(tenant, what, actor)

    async def put_back(self, tenant: str, path: str, limit: AlarmKind, actor: Actor) -> None:
        """Put an alarm back into service; one that is in service stays as it is."""
        _allow(tenant, actor, _ENGINEERS, "put alarms back into service")
        await self._restore(tenant, (path, limit), "out_of_service", "alarm.put_back", actor)

    async def _suppress(self, tenant: str, what: Suppressed, actor: Actor) -> Suppressed:
        what = replace(what, reason=_told(what.reason, "a reason"))
        watch = await self.load(tenant)
        async with self._database.transaction() as tx:
            key = (what.path, what.limit)
            if not watch.knows(key) and not await store.occurred(tx, tenant, key):
                raise NotFound("alarms.unknown", f"{what.path} has no alarm {what.limit}.", "See /api/alarms/limits.")
            await control.suppress(tx, tenant, what)
        action = "alarm.shelve" if what.kind == "shelved" else "alarm.take_out"
        details = {"reason": what.reason, **({"until": what.until.isoformat()} if what.until else {})}
        await self._enterprises().record(actor, action, f"{what.path} {what.limit}", "", what.kind, details)
        return what

    async def _restore(self, tenant: str, key: Key, kind: Suppression, action: str, actor: Actor) -> None:
        async with self._database.transaction() as tx:
            done = await control.restore(tx, tenant, key, kind, actor.person, self._clock.now())
        outcome = "shown again" if done else f"was not {kind}"
        await self._enterprises().record(actor, action, f"{key[0]} {key[1]}", "", outcome, {})

    async def limits(self, tenant: str, path: str) -> tuple[AlarmLimit, ...]:
        """The limits of a signal, also those that are not declared; all signals' declared or changed ones if it is empty."""
        watch = await self.load(tenant)
        async with self._database.transaction() as tx:
            changes = await control.changes(tx, tenant)
        if path:
            return self._limits(_signal(watch, path), changes)
        every = (limit for declared in watch.model.signals.values() for limit in self._limits(declared, changes))
        return tuple(limit for limit in every if limit.in_force.bound is not None or limit.edition.version)

    async def limit_editions(self, tenant: str, path: str, limit: AlarmKind) -> tuple[LimitEdition, ...]:
        """Every change of a limit, the newest first."""
        async with self._database.transaction() as tx:
            return await control.editions(tx, tenant, (path, limit))

    async def change_limit(
        self, tenant: str, path: str, limit: AlarmKind, base: int, settings: LimitSettings, rationale: Rationale, why: str,
        actor: Actor,
    ) -> AlarmLimit:  # fmt: skip
        """Judge a limit otherwise from the next batch on. `base` is the version it was made from; `Conflict` if somebody else
        changed the limit since; `Refused` with every fault."""
        return await self._change(tenant, (path, limit), why, actor, lambda _: LimitEdition(base, settings, rationale))

    async def reset_limit(self, tenant: str, path: str, limit: AlarmKind, why: str, actor: Actor) -> AlarmLimit:
        """Judge a limit as declared again; its rationale stays."""
        return await self._change(tenant, (path, limit), why, actor, lambda now: replace(now, settings=LimitSettings()))

    async def _change(
        self, tenant: str, key: Key, why: str, actor: Actor, wanted: Callable[[LimitEdition], LimitEdition]
    ) -> AlarmLimit:
        """Add the edition after the one that `wanted` was made from."""
        _allow(tenant, actor, _ENGINEERS, "change limits")
        path, limit = key
        if limit not in BOUNDS:
            raise Refused("alarms.limits", f"{limit} is no limit of a signal.", f"Change one of: {', '.join(BOUNDS)}.")
        declared = _signal(await self.load(tenant), path)
        async with self._database.transaction() as tx:
            changes = await control.changes(tx, tenant)
            now = changes.get(key, LimitEdition())
            given = wanted(now)
            if given.version != now.version:
                raise Conflict(
                    "alarms.limit_changed", f"{limit} of {path} is at version {now.version}, not {given.version}.",
                    "Look at it as it is now, and change that.",
                )  # fmt: skip
            edition = replace(
                given, version=now.version + 1, by=actor.person, at=self._clock.now(), why=_told(why, "why it changes")
            )
            found = self._limits(declared, {**changes, key: edition})
            refuse_faults(found)
            await control.put_edition(tx, tenant, key, edition)
        self._stale.add(tenant)
        changed = next(each for each in found if each.limit == limit)
        details = {name: str(value) for name, value in vars(edition.settings).items() if value is not None}
        outcome = f"version {edition.version}"
        await self._enterprises().record(
            actor, "alarm.limit", f"{path} {limit}", "", outcome, {"why": edition.why, **details}
        )  # fmt: skip
        return changed

    def _limits(self, declared: Declared, changes: Mapping[Key, LimitEdition]) -> tuple[AlarmLimit, ...]:
        return limits_of(declared, changes, self._judging.deadband, self._judging.delay_s)

    async def statistics(self, tenant: str, start: datetime, end: datetime) -> AlarmStatistics:
        """The load on operators, and how often each alarm came, between two times at most a year apart."""
        if not timedelta() < end - start <= _WINDOW_MAX:
            raise Refused("alarms.window", "The window ends before it begins, or is too long.", "Ask for at most a year.")
        async with self._database.transaction() as tx:
            return await control.statistics(
                tx, tenant, start, end, operators=self._judging.operators, design=self._judging.design, now=self._clock.now()
            )

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
        """Judge that time has passed: conditions have lasted, shelves expire, connections have been quiet."""
        for tenant in list(self._watches):
            async with self._turn:
                watch = await self._watch(tenant)
                if watch.state.waiting():
                    await self._judge(tenant, watch, Readings.none())
            await self._let_expire(tenant)

    async def _let_expire(self, tenant: str) -> None:
        now = self._clock.now()
        quiet = timedelta(seconds=_QUIET_S * max(self._clock.speed, 1.0))
        async with self._database.transaction() as tx:
            for connection, last in (await control.end_losses(tx, tenant, now - quiet)).items():
                await store.return_all(tx, tenant, [(connection, "lost")], last + quiet)
            # Recorded before it is committed: a record that cannot be written leaves the shelf to be found expired again.
            for each in await control.expire(tx, tenant, now):
                actor, subject, details = system(tenant, store.ACTOR), f"{each.path} {each.limit}", {"shelved_by": each.by}
                await self._enterprises().record(actor, "alarm.shelf_expired", subject, "", "shown again", details)

    async def on_things_changed(self, _: Transaction, heard: Heard) -> None:
        """Read the rules anew at the next batch; the state goes on."""
        self._stale.add(heard.envelope.tenant)

    async def on_equipment_changed(self, tx: Transaction, heard: Heard) -> None:
        """Raise or return the alarms of an equipment that is lost or broken. One that is lost may still be broken, so
        only a state of its own saying returns that."""
        changed, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(changed, EquipmentChanged)
        await control.put_equipment(tx, tenant, changed.equipment, changed.state, changed.at)
        name = self._watches[tenant].names.get(changed.equipment) if tenant in self._watches else None
        told = []
        for state, limit in _CONDITIONS.items():
            if changed.state == state or not (limit == "broken" and changed.state == "offline"):
                about = _about(changed.equipment, limit, name or {"en": changed.equipment})
                told.append(Transition(about, changed.state == state, changed.at))
        await self._tell(tx, tenant, told)

    async def on_samples_lost(self, tx: Transaction, heard: Heard) -> None:
        """Raise the alarm of a connection that lost samples; it returns when nothing was lost for a minute."""
        lost, tenant = heard.fact, heard.envelope.tenant
        assert isinstance(lost, SamplesLost)
        await control.put_loss(tx, tenant, lost.connection, lost.at)
        name = {"en": f"Connection {lost.connection}", "zh": f"连接 {lost.connection}"}
        about = _about(lost.connection, "lost", name)
        await self._tell(tx, tenant, [Transition(about, True, lost.at, float(lost.samples))])

    async def _tell(self, tx: Transaction, tenant: str, transitions: Sequence[Transition]) -> None:
        await store.tell(tx, self._ids, tenant, transitions, self._judging.design, self._clock.now())

    async def _judge(self, tenant: str, watch: _Watch, readings: Readings) -> None:
        after, transitions = judge(watch.rules, watch.state, readings, columns.to_us(self._clock.now()))
        changed = store.changed(watch.state, after, transitions)
        if len(changed):
            try:
                async with self._database.transaction() as tx:
                    await store.save_state(tx, tenant, watch.rules, after, changed)
                    await self._tell(tx, tenant, list(store.told(watch.rules, transitions)))
            except TryLater:
                # Whether it was stored is unknown; the next judgement starts from what the database says.
                self._stale.add(tenant)
                raise
        watch.state = after

    async def load(self, tenant: str) -> _Watch:
        """Read a tenant's rules, and how they stand, if that has not been done."""
        async with self._turn:
            return await self._watch(tenant)

    async def _watch(self, tenant: str) -> _Watch:
        if tenant not in self._watches or tenant in self._stale:
            # First, so that a product released meanwhile makes the watch stale again, and a failure leaves none.
            self._stale.discard(tenant)
            self._watches.pop(tenant, None)
            model = await self._things().model(tenant)
            async with self._database.transaction() as tx:
                changes = await control.changes(tx, tenant)
                rules = rules_of(model, changes, deadband=self._judging.deadband, delay_s=self._judging.delay_s)
                state, orphans = await store.load_state(tx, tenant, rules)
                await store.return_all(tx, tenant, orphans, self._clock.now())
                await store.drop_standing(tx, tenant, orphans)
            self._watches[tenant] = _Watch(model, rules, state, names_of(model))
        return self._watches[tenant]


def _allow(tenant: str, actor: Actor, roles: tuple[Role, ...], what: str) -> None:
    if actor.role not in roles or actor.tenant != tenant:
        raise Forbidden(
            "alarms.role", f"{actor.name} may not {what} here.", f"It is for: {', '.join(roles)} of this enterprise.",
            role=actor.role,
        )  # fmt: skip


def _told(text: str, what: str) -> str:
    """What somebody wrote, which must be something."""
    if not text.strip():
        raise Refused("alarms.why", f"Nobody said {what}.", "Write it down; whoever comes after reads it.")
    return text.strip()[:_TEXT_MAX]


def _signal(watch: _Watch, path: str) -> Declared:
    found = watch.model.signals.get(path)
    if found is None:
        raise NotFound("alarms.signal", f"There is no signal {path}.", "See /api/alarms/limits for those there are.")
    return found


def _about(source: str, limit: AlarmKind, name: Mapping[str, str]) -> About:
    return About(source, source, limit, PRIORITIES[limit], None, "", name)


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
