"""How an equipment was at a time that is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from batchone.contracts.alarms import Alarm, AlarmFilter
from batchone.contracts.machines import EquipmentChanged, Gap, LastValue, SignalAt, ValuesAt
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.kernel.database import migrate
from batchone.kernel.errors import Refused
from batchone.kernel.facts import Envelope
from batchone.kernel.outbox import Heard
from batchone.machines.twin import MODULE
from batchone.machines.twin.past import Past, States, as_it_stood

pytestmark = pytest.mark.engine


class Neighbours:
    """A thing model with two machines, a history that knows `m/x`, and the alarms of a machine."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.alarms: list[Alarm] = []
        self.asked: tuple[str, ...] = ()

    async def model(self, tenant: str) -> ThingModel:
        name = {"en": "M"}
        signals = (SignalType("x", name), SignalType("y", name))
        things = tuple(Thing(each, "c", name, "e/s/a/l/c") for each in ("m", "m2"))
        return ThingModel(0, (EquipmentType("c", name, signals),), things)

    async def at(self, tenant: str, paths: Sequence[str], time: datetime, look_back_s: float) -> ValuesAt:
        self.asked = tuple(paths)
        told = time - timedelta(seconds=90)
        return ValuesAt(
            time, time - timedelta(seconds=look_back_s), (LastValue("m/x", 4.0, 1, told, told),), (Gap("none", "m/y"),)
        )

    async def find(self, tenant: str, wanted: AlarmFilter, limit: int) -> tuple[Alarm, ...]:
        assert wanted.until is not None
        return tuple(each for each in self.alarms if each.raised < wanted.until and each.equipment == wanted.equipment)


@pytest.fixture
async def states(database) -> States:
    await migrate(database, "twin", MODULE.migrations)
    return States(database)


@pytest.fixture
def neighbours(clock) -> Neighbours:
    return Neighbours(clock.now())


@pytest.fixture
def past(states: States, clock, neighbours: Neighbours) -> Past:
    return Past(states, clock, neighbours, lambda: neighbours, lambda: neighbours, look_back_s=3600)


def alarm(raised: datetime, **other: object) -> Alarm:
    made = Alarm(
        "A", "m/x", "m", "high", "alarm", 3.0, 4.0, "", {"en": "X"}, "normal", raised, None, None, ""
    )  # fmt: skip
    return replace(made, **other)


async def change(states: States, database, at: datetime, state: str, *, tenant: str = "t", times: int = 1) -> None:
    fact = EquipmentChanged("m", state, "idle", at)
    for _ in range(times):
        async with database.transaction() as tx:
            await states.changed(tx, Heard(Envelope("F", tenant, "equipment.changed", 1, at, "x", "{}"), fact))


async def test_an_equipment_is_told_with_its_signals_and_their_ages(past: Past, neighbours: Neighbours) -> None:
    time = neighbours.now - timedelta(hours=5)
    found = await past.at("t", "m", time)
    assert neighbours.asked == ("m/x", "m/y")
    assert found.signals == (SignalAt("m/x", 4.0, 1, time - timedelta(seconds=90), 90.0),)
    assert (found.gaps, found.looked_back_to) == ((Gap("none", "m/y"),), time - timedelta(hours=1))
    assert (found.state, found.state_since, found.alarms) == (None, None, ())


async def test_the_state_is_the_last_that_was_told_by_then(
    past: Past, states: States, database, neighbours: Neighbours
) -> None:
    now = neighbours.now
    told = [now - timedelta(minutes=30), now - timedelta(minutes=20), now - timedelta(minutes=10)]
    for at, state in zip(told, ("running", "alarm", "idle"), strict=True):
        await change(states, database, at, state, times=2)
    await change(states, database, told[1], "blocked", tenant="u")
    assert (await past.at("t", "m", told[0] - timedelta(microseconds=1))).state is None
    for at, state in zip(told, ("running", "alarm", "idle"), strict=True):
        for shift in (0, 599):
            found = await past.at("t", "m", at + timedelta(seconds=shift))
            assert (found.state, found.state_since) == (state, at)
    assert (await past.at("t", "m2", now)).state is None


async def test_alarms_are_those_whose_condition_lasted_as_they_stood(past: Past, neighbours: Neighbours) -> None:
    raised = neighbours.now - timedelta(hours=3)
    seen, over = raised + timedelta(hours=1), raised + timedelta(hours=2)
    neighbours.alarms = [alarm(raised, returned=over, acknowledged=seen, acknowledged_by="Ann")]

    async def at(time: datetime) -> tuple[Alarm, ...]:
        return (await past.at("t", "m", time)).alarms

    assert await at(raised - timedelta(microseconds=1)) == ()
    (stood,) = await at(raised)
    assert (stood.state, stood.acknowledged, stood.acknowledged_by, stood.returned) == ("unacknowledged", None, "", None)
    (stood,) = await at(seen)
    assert (stood.state, stood.acknowledged, stood.acknowledged_by, stood.returned) == ("acknowledged", seen, "Ann", None)
    assert await at(over) == ()
    assert as_it_stood(neighbours.alarms[0], seen) == stood


async def test_a_time_to_come_or_without_a_zone_is_refused(past: Past, neighbours: Neighbours) -> None:
    with pytest.raises(Refused, match="yet to come"):
        await past.at("t", "m", neighbours.now + timedelta(seconds=1))
    with pytest.raises(Refused, match="zone"):
        await past.at("t", "m", datetime(2026, 1, 1))  # noqa: DTZ001
