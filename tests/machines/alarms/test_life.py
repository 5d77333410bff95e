from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.alarms import AlarmFilter
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import EquipmentChanged
from batchone.kernel.errors import Conflict
from batchone.machines.alarms.life import Occurrence, Transition, outcome, state_of
from batchone.machines.alarms.model import About

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PATH = "m1/P01/pressure"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


ABOUTS = [About("a", "m", "high", "warning", 30.0, "", {}), About("b", "m", "low", "warning", 5.0, "", {})]


def test_the_states_are_those_of_isa_18_2() -> None:
    def state(returned: bool, acknowledged: bool, suppressed: str | None = None, ended: bool = False) -> str:
        return state_of(returned=returned, acknowledged=acknowledged, ended=ended, suppressed=suppressed)  # type: ignore[arg-type]

    assert [state(False, False), state(False, True), state(True, False), state(True, True, ended=True)] == [
        "unacknowledged", "acknowledged", "returned", "normal",
    ]  # fmt: skip
    assert state(False, False, "shelved") == "shelved"
    assert state(True, True, "shelved", ended=True) == "normal", "what has ended is history"
    assert state(True, False, "out_of_service", ended=True) == "returned", "the condition came again first"


def naive(transitions: list[Transition], standing: set[tuple[str, str]]) -> tuple[dict[object, datetime], list[Occurrence]]:
    """The same for one alarm after another, as rows of a table that each transition changes."""
    returned: dict[object, datetime] = {}
    rows: list[dict[str, object]] = []
    for each in transitions:
        own = [row for row in rows if row["about"] is each.about]
        lasts = (each.key in standing and each.key not in returned) or any(row["returned"] is None for row in own)
        if each.raised and not lasts:
            for row in own:
                row["ended"] = row["ended"] or each.at
            rows.append({"about": each.about, "raised": each.at, "value": each.value, "returned": None, "ended": None})
        elif not each.raised and lasts:
            if own and own[-1]["returned"] is None:
                own[-1]["returned"] = each.at
            else:
                returned[each.key] = each.at
    return returned, [Occurrence(**row) for row in rows]  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.sampled_from(ABOUTS), st.booleans()), max_size=20),
    st.sets(st.sampled_from([(about.path, about.limit) for about in ABOUTS])),
)
def test_many_transitions_at_once_make_what_they_make_one_by_one(steps, standing) -> None:
    transitions = [Transition(about, raised, at(n), float(n)) for n, (about, raised) in enumerate(steps)]
    found = outcome(transitions, standing)
    assert (found.returned, list(found.fresh)) == naive(transitions, standing)


TABLE = {
    ("normal", "raise"): "unacknowledged", ("returned", "raise"): "unacknowledged",
    ("unacknowledged", "acknowledge"): "acknowledged", ("returned", "acknowledge"): "normal",
    ("unacknowledged", "return"): "returned", ("acknowledged", "return"): "normal",
}  # fmt: skip


@dataclass
class Iso:
    """The states and their transitions as the standard draws them, for one alarm whose suppression lies over it."""

    state: str = "normal"
    shelved_until: float = 0.0
    out_of_service: bool = False
    offline: bool = False

    def step(self, what: str, now: float) -> None:
        self.state = TABLE.get((self.state, what), self.state)
        if what == "shelve" and not self.out_of_service:
            self.shelved_until = now + 30
        elif what == "unshelve":
            self.shelved_until = 0.0
        elif what == "take_out":
            self.shelved_until, self.out_of_service = 0.0, True
        elif what == "put_back":
            self.out_of_service = False
        elif what in ("offline", "online"):
            self.offline = what == "offline"

    def shown(self, now: float) -> str:
        if self.state == "normal":
            return "normal"
        if self.out_of_service:
            return "out_of_service"
        if self.shelved_until > now:
            return "shelved"
        return "suppressed_by_design" if self.offline else self.state


STEPS = ["raise", "return", "acknowledge", "shelve", "unshelve", "take_out", "put_back", "offline", "online", "wait"]


async def do(rig, what: str, tenant: str, alarm: str) -> None:
    eva, key, now = Actor(tenant, "eva", "Eva", "engineer"), (PATH, "high"), rig.clock.now()
    seconds = (now - rig.start).total_seconds()
    if what in ("raise", "return"):
        value = 9.0 if what == "raise" else 1.0
        await rig.judge((PATH, seconds - 6, value), (PATH, seconds, value), tenant=tenant)
    elif what in ("offline", "online"):
        state = "offline" if what == "offline" else "idle"
        await rig.hear(EquipmentChanged("m1", state, "running", now), "equipment.changed", tenant=tenant)
    elif what == "shelve":
        with suppress(Conflict):
            await rig.service.shelve(tenant, *key, 30, "noisy", eva)
    elif what == "take_out":
        await rig.service.take_out(tenant, *key, "sensor away", eva)
    elif what in ("unshelve", "put_back"):
        await getattr(rig.service, what)(tenant, *key, eva)
    elif what == "acknowledge" and alarm:
        await rig.service.acknowledge(tenant, alarm, eva)


async def states_of(rig, tenant: str, steps: list[str]) -> set[str]:
    """Go through the steps, ten seconds each, beside the standard; the states that were seen."""
    iso, alarm, seen = Iso(), "", set[str]()
    for number, what in enumerate(steps, 1):
        await rig.clock.advance(10)
        await do(rig, what, tenant, alarm)
        iso.step(what, 10 * number)
        await rig.service.tick_once()
        newest = await rig.service.find(tenant, AlarmFilter(show="all", path=PATH), 1)
        alarm = newest[0].id if newest else ""
        state = newest[0].state if newest else "normal"
        assert state == iso.shown(10 * number), (steps, number)
        active = await rig.service.find(tenant, AlarmFilter(path=PATH), 1)
        assert bool(active) == (state in ("unacknowledged", "acknowledged", "returned"))
        seen.add(state)
    return seen


@pytest.mark.engine
async def test_an_alarm_goes_through_its_states_as_the_standard_draws_them(rig) -> None:
    rig.design = ("offline",)
    rig.restart()
    drawn: list[list[str]] = []

    # The steps are drawn first and gone afterwards: the service is asynchronous, and what draws them is not.
    @settings(max_examples=25, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.sampled_from(STEPS), min_size=6, max_size=14))
    def draw(steps: list[str]) -> None:
        drawn.append(["raise", *steps])

    draw()
    seen = [await states_of(rig, f"t{number}", steps) for number, steps in enumerate(drawn)]
    assert set().union(*seen) == {
        "normal", "unacknowledged", "acknowledged", "returned", "shelved", "suppressed_by_design", "out_of_service",
    }  # fmt: skip
