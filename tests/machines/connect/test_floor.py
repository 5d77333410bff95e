from datetime import UTC, datetime, timedelta

import pytest

from batchone.contracts.machines import EquipmentChanged, EquipmentNow
from batchone.machines.connect.floor import Floor, worth_saying

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


class Heard:
    def __init__(self) -> None:
        self.live: list[EquipmentNow] = []
        self.facts: list[EquipmentChanged] = []

    def __call__(self, standing: EquipmentNow, fact: EquipmentChanged | None) -> None:
        self.live.append(standing)
        if fact:
            self.facts.append(fact)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def floor(heard: Heard) -> Floor:
    made = Floor(heard)
    made.declare(["m1", "m2"], {}, NOON)
    return made


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        ("idle", "running", False), ("running", "setup", False), ("idle", "idle", False), ("running", "alarm", True),
        ("alarm", "idle", True), ("alarm", "offline", True), ("offline", "setup", True), ("blocked", "running", True),
    ],
)  # fmt: skip
def test_only_ways_into_and_out_of_trouble_are_facts(before, after, fact: bool) -> None:
    assert worth_saying(before, after) is fact


def test_what_was_never_heard_is_offline_and_no_news(floor: Floor, heard: Heard) -> None:
    assert floor.all()[0] == EquipmentNow("m1", "offline", NOON, connected=False, last_heard=None)
    floor.lose("m1", LATER)
    assert heard.live == heard.facts == []


def test_work_is_broadcast_and_trouble_is_said(floor: Floor, heard: Heard) -> None:
    for state in ("idle", "running", "running", "alarm", "idle"):
        floor.see("m1", state, LATER)
    assert [standing.state for standing in heard.live] == ["idle", "running", "alarm", "idle"]
    assert [(fact.before, fact.state) for fact in heard.facts] == [
        ("offline", "idle"), ("running", "alarm"), ("alarm", "idle"),
    ]  # fmt: skip


def test_a_lost_machine_says_so_once(floor: Floor, heard: Heard) -> None:
    floor.see("m1", "running", NOON)
    heard.facts.clear()
    floor.lose("m1", LATER)
    floor.lose("m1", LATER + timedelta(seconds=9))
    assert heard.facts == [EquipmentChanged("m1", "offline", "running", LATER)]
    now = floor.all()[0]
    assert (now.state, now.connected, now.since) == ("offline", False, LATER)


def test_since_is_when_the_state_began(floor: Floor) -> None:
    floor.see("m1", "idle", NOON)
    floor.see("m1", "idle", LATER)
    assert floor.all()[0].since == NOON


def test_a_restart_of_the_platform_is_no_news_of_the_machine(heard: Heard) -> None:
    floor = Floor(heard)
    floor.declare(["m1", "m2", "m3"], {"m1": "idle", "m2": "alarm", "m3": "idle"}, NOON)
    floor.see("m1", "running", LATER)
    floor.see("m2", "idle", LATER)
    floor.lose("m3", LATER)
    assert heard.facts == [
        EquipmentChanged("m2", "idle", "alarm", LATER),
        EquipmentChanged("m3", "offline", "idle", LATER),
    ]
    assert len(heard.live) == 3


def test_a_machine_that_is_switched_off_but_connected_differs_from_a_lost_one(floor: Floor, heard: Heard) -> None:
    floor.see("m1", "offline", NOON)
    assert floor.all()[0].connected
    floor.lose("m1", LATER)
    assert not floor.all()[0].connected
    assert heard.facts == []


def test_declaring_anew_keeps_what_stays_and_forgets_what_goes(floor: Floor) -> None:
    floor.see("m1", "running", NOON)
    floor.hear(["m1", "unknown"], LATER)
    floor.declare(["m1", "m9"], {}, LATER)
    assert [(now.equipment, now.state) for now in floor.all()] == [("m1", "running"), ("m9", "offline")]
    assert floor.all()[0].last_heard == LATER
    assert not floor.knows("m2")
    floor.see("m2", "idle", LATER)
    assert len(floor.all()) == 2
