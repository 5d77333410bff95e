from __future__ import annotations

from datetime import timedelta

import pytest

from batchone.contracts.alarms import AlarmFilter, LimitSettings, Rationale
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import EquipmentChanged, SamplesLost
from batchone.kernel.errors import Conflict, Forbidden, NotFound, Refused

pytestmark = pytest.mark.engine

T, PRESSURE = "m1/temperature", "m1/P01/pressure"
WANG = Actor("t", "wang", "Wang", "operator")
EVA = Actor("t", "eva", "Eva", "engineer")


async def stand(rig) -> None:
    """An alarm stands."""
    await rig.judge((T, 1, 35), (T, 7, 36))


async def states(rig, show: str = "suppressed") -> list[tuple[str, str, str]]:
    found = await rig.service.find("t", AlarmFilter(show=show), 100)
    return [(each.path, each.limit, each.state) for each in found]


async def test_a_shelved_alarm_is_not_shown_and_comes_back_by_itself(rig) -> None:
    await stand(rig)
    shelved = await rig.service.shelve("t", T, "high", 600, " noisy ", WANG)
    assert (shelved.until, shelved.reason, shelved.by) == (rig.at(600), "noisy", "wang")
    assert await rig.active() == []
    assert await states(rig) == [(T, "high", "shelved")]
    (alarm,) = await rig.service.find("t", AlarmFilter(show="suppressed"), 10)
    assert alarm.suppressed_until == rig.at(600)
    await rig.clock.advance(600)
    assert await rig.active() == [(T, "high", "unacknowledged")]
    await rig.service.tick_once()
    await rig.service.tick_once()
    assert [line[:2] for line in rig.enterprises.lines] == [("wang", "alarm.shelve"), ("alarms", "alarm.shelf_expired")]
    assert await rig.said() == [("alarm.raised", T), ("alarm.suppressed", T), ("alarm.restored", T)]


async def test_a_shelved_alarm_is_judged_all_the_same(rig) -> None:
    await rig.service.shelve("t", T, "high", 600, "noisy", WANG)
    await rig.judge((T, 1, 35), (T, 7, 20), (T, 10, 35), (T, 16, 36))
    assert (await rig.active(), await states(rig)) == ([], [(T, "high", "shelved")])
    figures = await rig.service.statistics("t", rig.at(0), rig.at(60))
    assert (figures.alarms, figures.raised_suppressed, figures.suppressed["shelved"]) == (0, 2, 1)
    await rig.service.unshelve("t", T, "high", WANG)
    assert await rig.active() == [(T, "high", "unacknowledged")]
    await rig.service.unshelve("t", T, "high", WANG)
    assert [line[3] for line in rig.enterprises.lines] == ["shelved", "shown again", "was not shelved"]


@pytest.mark.parametrize(
    ("seconds", "reason", "wrong"),
    [(0, "x", "0 s"), (3601, "x", "at most 3600 s"), (float("nan"), "x", "nan s"), (60, " ", "a reason")],
)
async def test_shelving_needs_a_time_that_is_not_too_long_and_a_reason(rig, seconds, reason, wrong) -> None:
    await stand(rig)
    with pytest.raises(Refused, match=wrong):
        await rig.service.shelve("t", T, "high", seconds, reason, WANG)
    assert len(await rig.active()) == 1


async def test_what_there_is_not_cannot_be_shelved(rig) -> None:
    for path, limit in (("m1/nothing", "high"), (PRESSURE, "low"), ("m2", "offline")):
        with pytest.raises(NotFound):
            await rig.service.shelve("t", path, limit, 60, "x", WANG)
    await rig.service.shelve("t", "m1", "offline", 60, "x", WANG)


async def test_who_has_no_business_there_may_not(rig) -> None:
    await stand(rig)
    for tried in (
        rig.service.shelve("t", T, "high", 60, "x", Actor("t", "li", "Li", "customer")),
        rig.service.shelve("t", T, "high", 60, "x", Actor("u", "wu", "Wu", "operator")),
        rig.service.unshelve("t", T, "high", Actor("t", "pia", "Pia", "planner")),
        rig.service.take_out("t", T, "high", "x", WANG),
        rig.service.put_back("t", T, "high", WANG),
        rig.service.change_limit("t", T, "high", 0, LimitSettings(50), Rationale(), "x", WANG),
        rig.service.reset_limit("t", T, "high", "x", WANG),
    ):
        with pytest.raises(Forbidden):
            await tried
    assert (rig.enterprises.lines, len(await rig.active())) == ([], 1)


async def test_out_of_service_lasts_until_it_is_put_back(rig) -> None:
    await rig.service.shelve("t", T, "high", 600, "noisy", WANG)
    await rig.service.take_out("t", T, "high", "sensor away", EVA)
    with pytest.raises(Conflict):
        await rig.service.shelve("t", T, "high", 60, "x", WANG)
    await stand(rig)
    await rig.clock.advance(10**6)
    await rig.service.tick_once()
    assert await states(rig) == [(T, "high", "out_of_service")]
    assert [(each.kind, each.by, each.until) for each in await rig.service.suppressed("t")] == [("out_of_service", "eva", None)]
    await rig.service.put_back("t", T, "high", EVA)
    assert await rig.active() == [(T, "high", "unacknowledged")]
    assert [line[1] for line in rig.enterprises.lines] == ["alarm.shelve", "alarm.take_out", "alarm.put_back"]


async def test_the_limits_of_a_machine_are_suppressed_by_design_in_the_states_that_the_setting_names(rig) -> None:
    rig.design = ("offline", "setup")
    rig.restart()
    await stand(rig)
    await rig.hear(EquipmentChanged("m1", "offline", "running", rig.at(8)), "equipment.changed")
    assert await rig.active() == [("m1", "offline", "unacknowledged")], "its own alarms are shown"
    assert await states(rig) == [(T, "high", "suppressed_by_design")]
    await rig.hear(EquipmentChanged("m1", "running", "offline", rig.at(9)), "equipment.changed")
    await rig.hear(EquipmentChanged("m1", "setup", "running", rig.at(2)), "equipment.changed")
    assert (T, "high", "unacknowledged") in await rig.active(), "an earlier state that comes late changes nothing"


async def test_a_changed_limit_holds_from_the_next_batch_on(rig) -> None:
    await stand(rig)
    changed = await rig.service.change_limit(
        "t",
        T,
        "high",
        0,
        LimitSettings(38, 1.0, 10.0, 20.0, "alarm"),
        Rationale(response={"en": "Open the valve."}),
        "new oil",
        EVA,
    )
    assert (changed.edition.version, changed.declared.bound, changed.in_force.bound) == (1, 30, 38)
    await rig.judge((T, 8, 36))
    await rig.clock.advance(28)
    await rig.service.tick_once()
    assert await rig.active() == [(T, "high", "returned")]
    await rig.judge((T, 40, 39), (T, 49, 39))
    assert await rig.active() == [(T, "high", "returned")], "the on-delay is longer now"
    await rig.judge((T, 50, 39))
    (alarm,) = await rig.service.active("t", "")
    assert (alarm.state, alarm.priority, alarm.bound, alarm.raised) == ("unacknowledged", "alarm", 38, rig.at(50))
    assert rig.enterprises.lines == [("eva", "alarm.limit", f"{T} high", "version 1")]
    assert ("alarm.limit_changed", T) in await rig.said()


async def test_a_limit_that_is_switched_off_returns_and_is_judged_no_more(rig) -> None:
    await stand(rig)
    await rig.service.change_limit("t", T, "high", 0, LimitSettings(enabled=False), Rationale(), "double", EVA)
    await rig.judge((T, 8, 36), (T, 30, 36))
    assert await rig.active() == [(T, "high", "returned")]


async def test_a_limit_that_was_not_declared_is_judged_when_it_gets_a_bound(rig) -> None:
    await rig.service.change_limit("t", PRESSURE, "low", 0, LimitSettings(bound=1), Rationale(), "leaks", EVA)
    await rig.judge((PRESSURE, 1, 0.5), (PRESSURE, 7, 0.5))
    assert await rig.active() == [(PRESSURE, "low", "unacknowledged")]


async def test_resetting_brings_back_what_was_declared_and_keeps_the_rationale_and_every_edition(rig) -> None:
    cause = Rationale(cause={"en": "Fan stands.", "zh": "风扇停转。"})
    await rig.service.change_limit("t", T, "high", 0, LimitSettings(39), cause, "summer", EVA)
    found = await rig.service.reset_limit("t", T, "high", "autumn", EVA)
    assert (found.in_force, found.edition.rationale) == (found.declared, cause)
    editions = await rig.service.limit_editions("t", T, "high")
    assert [(each.version, each.settings.bound, each.by, each.why) for each in editions] == [
        (2, None, "eva", "autumn"), (1, 39, "eva", "summer"),
    ]  # fmt: skip
    await stand(rig)
    assert len(await rig.active()) == 1


async def test_two_people_do_not_change_a_limit_at_once_without_knowing(rig) -> None:
    await rig.service.change_limit("t", T, "high", 0, LimitSettings(35), Rationale(), "x", EVA)
    with pytest.raises(Conflict, match="version 1"):
        await rig.service.change_limit("t", T, "high", 0, LimitSettings(36), Rationale(), "x", EVA)


@pytest.mark.parametrize(
    ("limit", "settings", "why", "wrong"),
    [
        ("high", LimitSettings(bound=45), "x", r"[Hh]igh \(45\) lies above high_high \(40\)"),
        ("high", LimitSettings(bound=float("nan"), deadband=-1, on_delay_s=1e6), "x", "no number.*below 0.*longer than a day"),
        ("offline", LimitSettings(enabled=False), "x", "no limit of a signal"),
        ("high", LimitSettings(bound=31), "", "why"),
    ],
)
async def test_a_wrong_limit_is_refused_with_every_fault(rig, limit, settings, why, wrong) -> None:
    with pytest.raises(Refused, match=wrong):
        await rig.service.change_limit("t", T, limit, 0, settings, Rationale(), why, EVA)
    assert await rig.service.limit_editions("t", T, limit) == ()


async def test_limits_are_listed_for_one_signal_or_for_all_that_have_some(rig) -> None:
    assert [(each.limit, each.in_force.bound) for each in await rig.service.limits("t", PRESSURE)] == [
        ("low_low", None), ("low", None), ("high", 5), ("high_high", None),
    ]  # fmt: skip
    assert len(await rig.service.limits("t", "")) == 6
    with pytest.raises(NotFound):
        await rig.service.limits("t", "m1/nothing")


async def test_lost_samples_are_an_alarm_of_the_connection_until_it_is_quiet_for_a_minute(rig) -> None:
    await rig.service.load("t")
    await rig.hear(SamplesLost("opc", 70, "disk full", rig.at(0)), "samples.lost")
    await rig.clock.advance(50)
    await rig.hear(SamplesLost("opc", 30, "disk full", rig.at(50)), "samples.lost")
    await rig.clock.advance(20)
    await rig.service.tick_once()
    (alarm,) = await rig.service.active("t", "")
    assert (alarm.path, alarm.limit, alarm.state, alarm.value) == ("opc", "lost", "unacknowledged", 70)
    await rig.clock.advance(40)
    await rig.service.tick_once()
    assert await rig.active() == [("opc", "lost", "returned")]
    assert (await rig.service.history("t", "opc", 1))[0].returned == rig.at(110)


async def test_alarms_are_found_by_what_they_are_and_when_they_came(rig) -> None:
    await rig.judge((T, 1, 45), (T, 7, 45), (PRESSURE, 1, 9), (PRESSURE, 30, 1))

    async def found(**wanted: object) -> int:
        return len(await rig.service.find("t", AlarmFilter(**wanted), 10))  # type: ignore[arg-type]

    assert await found() == 3
    assert (await found(priority="alarm"), await found(path=T), await found(limit="high"), await found(equipment="x")) == (
        1,
        2,
        2,
        0,
    )
    assert (await found(show="all", since=rig.at(6)), await found(show="all", until=rig.at(6))) == (3, 0)


async def test_the_figures_of_a_window_are_of_what_was_shown_in_it(rig) -> None:
    await rig.judge((T, 1, 35), (T, 7, 20))
    (alarm,) = await rig.service.active("t", "")
    await rig.clock.advance(16)
    await rig.service.acknowledge("t", alarm.id, WANG)
    await rig.judge((PRESSURE, 100, 9), (PRESSURE, 105, 9))
    figures = await rig.service.statistics("t", rig.at(0), rig.at(600))
    assert [(each.path, each.count, each.mean_s) for each in figures.each] == [(PRESSURE, 1, None), (T, 1, 1)]
    assert (figures.alarms, figures.acknowledge_median_s, figures.stale) == (2, 10, 0)
    later = await rig.service.statistics("t", rig.at(600), rig.at(100_000))
    assert (later.alarms, later.stale) == (0, 1)
    for start, end in ((rig.at(1), rig.at(1)), (rig.at(0), rig.at(0) + timedelta(days=367))):
        with pytest.raises(Refused):
            await rig.service.statistics("t", start, end)


async def test_a_flood_is_written_as_one(rig) -> None:
    rig.things.the_model = rig.model_of(rig.signal("pressure", "position", high=5), machines={"m": 2500})
    rows = [(f"m/P{place:02d}/pressure", second, value) for place in range(1, 2501) for second, value in ((1, 9), (7, 1))]
    await rig.judge(*rows)
    found = await rig.service.find("t", AlarmFilter(show="all"), 1000)
    assert (len(found), {each.state for each in found}) == (1000, {"returned"})
    said = [name for name, _ in await rig.said()]
    assert (said.count("alarm.raised"), said.count("alarm.returned")) == (2500, 2500)
    async with rig.database.transaction() as tx:
        order = await tx.all("SELECT time FROM kernel.outbox ORDER BY seq")
    assert order == sorted(order, key=lambda row: row["time"])
