from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from batchone.contracts.design import ProductReleased
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import EquipmentChanged
from batchone.contracts.things import ThingsDeclared
from batchone.kernel.bus import Message
from batchone.kernel.errors import Forbidden, NotFound, Refused, TryLater

pytestmark = pytest.mark.engine

T, HIGH = "m1/temperature", ("m1/temperature", "high", "unacknowledged")
OPERATOR = Actor("t", "wang", "Wang", "operator")


async def test_a_limit_that_is_passed_for_long_enough_is_an_alarm_and_is_said(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    assert await rig.active() == [HIGH]
    (alarm,) = await rig.service.active("t", "m1")
    assert (alarm.value, alarm.bound, alarm.unit, alarm.name) == (35, 30, "degC", {"en": "Temperature"})
    assert (alarm.raised, alarm.priority, alarm.equipment) == (rig.at(6), "warning", "m1")
    assert await rig.said() == [("alarm.raised", T)]


async def test_time_alone_raises_what_has_lasted(rig) -> None:
    await rig.judge((T, 0, 35))
    assert await rig.active() == []
    await rig.clock.advance(5)
    await rig.service.tick_once()
    assert await rig.active() == [HIGH]


async def test_an_alarm_that_returned_stays_until_somebody_has_seen_it(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 20))
    assert await rig.active() == [(T, "high", "returned")]
    (alarm,) = await rig.service.active("t", "")
    done = await rig.service.acknowledge("t", alarm.id, OPERATOR)
    assert (done.state, done.acknowledged_by, done.returned) == ("normal", "wang", rig.at(7))
    assert await rig.active() == []
    assert [each.id for each in await rig.service.history("t", "", 10)] == [alarm.id]
    assert await rig.said() == [("alarm.raised", T), ("alarm.returned", T)]


async def test_an_acknowledged_alarm_ends_when_it_returns(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    (alarm,) = await rig.service.active("t", "")
    await rig.service.acknowledge("t", alarm.id, OPERATOR)
    assert await rig.active() == [(T, "high", "acknowledged")]
    await rig.judge((T, 8, 20))
    assert await rig.active() == []


async def test_acknowledging_again_keeps_the_first_name_and_is_recorded(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    (alarm,) = await rig.service.active("t", "")
    await rig.service.acknowledge("t", alarm.id, OPERATOR)
    again = await rig.service.acknowledge("t", alarm.id, Actor("t", "chen", "Chen", "engineer"))
    assert again.acknowledged_by == "wang"
    assert rig.enterprises.lines == [
        ("wang", "alarm.acknowledge", alarm.id, "acknowledged"),
        ("chen", "alarm.acknowledge", alarm.id, "was acknowledged before"),
    ]


@pytest.mark.parametrize("actor", [Actor("t", "li", "Li", "customer"), Actor("u", "wu", "Wu", "operator")])
async def test_who_has_no_business_there_may_not_acknowledge(rig, actor: Actor) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    (alarm,) = await rig.service.active("t", "")
    with pytest.raises(Forbidden):
        await rig.service.acknowledge("t", alarm.id, actor)
    assert await rig.active() == [HIGH]
    assert rig.enterprises.lines == []


async def test_an_unknown_alarm_is_not_found(rig) -> None:
    with pytest.raises(NotFound, match="AL-none"):
        await rig.service.acknowledge("t", "AL-none", OPERATOR)


async def test_the_same_condition_again_is_one_active_alarm_and_two_in_the_history(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 20), (T, 10, 35), (T, 16, 36))
    assert await rig.active() == [HIGH]
    history = await rig.service.history("t", "m1", 10)
    assert [(each.raised, each.state) for each in history] == [
        (rig.at(15), "unacknowledged"),
        (rig.at(6), "returned"),
    ]


async def test_worst_comes_first(rig) -> None:
    await rig.judge((T, 1, 45), (T, 7, 45), ("m1/P01/pressure", 1, 9), ("m1/P01/pressure", 30, 9))
    assert [limit for _, limit, _ in await rig.active()] == ["high_high", "high", "high"]


async def test_only_good_samples_are_judged(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36), quality=1)
    await rig.judge((T, 1, float("nan")), (T, 7, float("inf")))
    assert await rig.active() == []


async def test_the_same_message_again_even_after_a_restart_changes_nothing(rig) -> None:
    message = rig.message([(T, 1, 35), (T, 7, 20), (T, 8, 35), (T, 20, 35)])
    await rig.service.handle([message])
    said, active = await rig.said(), await rig.active()
    assert len(said) == 3
    await rig.service.handle([message, message])
    rig.restart()
    await rig.service.handle([message])
    assert (await rig.said(), await rig.active()) == (said, active)


async def test_a_restart_goes_on_with_a_condition_that_had_not_lasted_yet(rig) -> None:
    await rig.judge((T, 0, 35))
    rig.restart()
    await rig.service.load("t")
    await rig.clock.advance(6)
    await rig.service.tick_once()
    (alarm,) = await rig.service.active("t", "")
    assert (alarm.raised, alarm.value) == (rig.at(5), 35)


async def test_a_restart_remembers_what_is_raised(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    rig.restart()
    await rig.judge((T, 8, 29))  # inside the deadband
    assert await rig.active() == [HIGH]
    await rig.judge((T, 9, 20))
    assert await rig.active() == [(T, "high", "returned")]


async def test_a_failed_commit_is_judged_again_in_full(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.service.load("t")
    message = rig.message([(T, 1, 35), (T, 7, 36)])

    async def away(*_: object, **__: object) -> None:
        raise TryLater("database.away", "PostgreSQL broke off.")

    with monkeypatch.context() as patch:
        patch.setattr("batchone.machines.alarms.store.tell", away)
        with pytest.raises(TryLater):
            await rig.service.handle([message])
    assert await rig.active() == []
    await rig.service.handle([message])
    assert await rig.active() == [HIGH]


async def test_a_commit_that_took_place_though_it_seemed_to_fail_is_not_done_again(
    rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.service.load("t")
    message = rig.message([(T, 1, 35), (T, 7, 20)])
    transaction = rig.database.transaction

    @asynccontextmanager
    async def breaking():
        async with transaction() as tx:
            yield tx
        raise TryLater("database.away", "PostgreSQL broke off.")

    with monkeypatch.context() as patch:
        patch.setattr(rig.database, "transaction", breaking)
        with pytest.raises(TryLater):
            await rig.service.handle([message])
    await rig.service.handle([message])
    assert await rig.said() == [("alarm.raised", T), ("alarm.returned", T)]


async def test_tenants_do_not_see_each_other(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36), tenant="u")
    assert await rig.active("t") == []
    assert await rig.active("u") == [HIGH]


async def test_a_lost_machine_is_an_alarm_and_returns_with_it(rig) -> None:
    await rig.service.load("t")
    await rig.hear(EquipmentChanged("m1", "offline", "running", rig.at(1)), "equipment.changed")
    await rig.hear(EquipmentChanged("m1", "offline", "running", rig.at(1)), "equipment.changed")
    (alarm,) = await rig.service.active("t", "m1")
    assert (alarm.limit, alarm.priority, alarm.name, alarm.value) == ("offline", "warning", {"en": "M1"}, None)
    await rig.hear(EquipmentChanged("m1", "idle", "offline", rig.at(9)), "equipment.changed")
    assert await rig.active() == [("m1", "offline", "returned")]
    assert await rig.said() == [("alarm.raised", "m1"), ("alarm.returned", "m1")]


async def test_a_broken_machine_that_is_lost_is_still_broken(rig) -> None:
    await rig.hear(EquipmentChanged("m1", "alarm", "running", rig.at(1)), "equipment.changed")
    await rig.hear(EquipmentChanged("m1", "offline", "alarm", rig.at(2)), "equipment.changed")
    assert await rig.active() == [("m1", "broken", "unacknowledged"), ("m1", "offline", "unacknowledged")]
    await rig.hear(EquipmentChanged("m1", "running", "offline", rig.at(3)), "equipment.changed")
    assert [state for *_, state in await rig.active()] == ["returned", "returned"]


async def test_a_rule_that_a_new_version_dropped_returns_its_alarm(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    rig.things.the_model = rig.model_of(rig.signal("temperature", "equipment", high_high=40))
    await rig.hear(ProductReleased("p", "p", "2", "h"), "product.released")
    await rig.judge((T, 8, 36))
    assert await rig.active() == [(T, "high", "returned")]


async def test_what_an_engineer_declares_is_judged_from_then_on(rig) -> None:
    rig.things.the_model = rig.model_of(rig.signal("speed", "equipment", high=9), machines={"m1": 2, "fan": 1})
    await rig.hear(ThingsDeclared(1, "chen"), "things.declared")
    await rig.judge(("fan/speed", 1, 10), ("fan/speed", 7, 10))
    assert await rig.active() == [("fan/speed", "high", "unacknowledged")]


async def test_a_new_version_keeps_what_stands(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 36))
    await rig.hear(ProductReleased("p", "p", "2", "h"), "product.released")
    await rig.judge((T, 8, 36))
    assert await rig.active() == [HIGH]
    assert len(await rig.said()) == 1


async def test_without_the_thing_model_samples_wait(rig) -> None:
    rig.things.away = TryLater("bus.no_answer", "Nobody answers.")
    with pytest.raises(TryLater):
        await rig.judge((T, 1, 35), (T, 7, 36))
    rig.things.away = None
    await rig.judge((T, 1, 35), (T, 7, 36))
    assert await rig.active() == [HIGH]


async def test_a_message_that_is_no_batch_stops_nothing(rig) -> None:
    await rig.service.handle([Message("samples.t.c", b"garbage"), rig.message([(T, 1, 35), (T, 7, 36)])])
    assert await rig.active() == [HIGH]
    assert rig.service.refused == 1


async def test_a_list_of_no_alarms_is_refused(rig) -> None:
    with pytest.raises(Refused):
        await rig.service.history("t", "", 0)
