from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.pack import Limits
from batchone.contracts.sources import Found
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.machines.connect.proposing import LISTED_MAX, propose

NAME = {"en": "x"}
MODEL = ThingModel(
    1,
    (
        EquipmentType(
            "pump", NAME,
            (SignalType("pressure", NAME, "bar", limits=Limits(low=1, high=9)), SignalType("oil_temperature", NAME, "degC")),
        ),
    ),
    (Thing("pump-1", "pump", NAME, "e/s"), Thing("pump-2", "pump", NAME, "e/s")),
)  # fmt: skip


def test_what_is_named_alike_and_has_a_unit_of_the_dimension_is_proposed_with_the_evidence() -> None:
    (found,), rest = propose([Found("ns=2;s=Pump1.OilTemperature", "Pump1 OilTemperature", "Double", "degF", "104")], MODEL)
    assert (found.proposed, rest) == ("pump-1/oil_temperature", 0)
    assert found.why == "the names are 100% alike; degF can be turned into degC"


def test_a_unit_of_another_dimension_speaks_against_it_whatever_the_name() -> None:
    (found,), _ = propose([Found("a", "pump 1 pressure", "Double", "degC")], MODEL)
    assert (found.proposed, found.why) == ("", "")


def test_a_value_outside_the_limits_is_told() -> None:
    (found,), _ = propose([Found("a", "Pump-2 Pressure", "Int16", "", "812")], MODEL)
    assert found.proposed == "pump-2/pressure"
    assert "812 lies OUTSIDE" in found.why


def test_of_two_that_are_equally_alike_neither_is_proposed() -> None:
    found, _ = propose([Found("a", "pump 1 pressure", "Double"), Found("b", "pump 1 pressure", "Double")], MODEL)
    assert [each.proposed for each in found] == ["", ""]


def test_of_two_the_one_that_is_more_alike_is_proposed() -> None:
    found, _ = propose([Found("a", "pump 1 presure", "Double"), Found("b", "pump 1 pressure", "Double")], MODEL)
    assert [each.proposed for each in found] == ["", "pump-1/pressure"]


def test_what_nobody_could_look_through_is_counted() -> None:
    found, rest = propose((Found(str(at), f"tag {at}", "Double") for at in range(LISTED_MAX + 7)), ThingModel())
    assert (len(found), rest) == (LISTED_MAX, 7)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            Found, st.text(max_size=9), st.text(max_size=20) | st.just("pump 1 pressure"), st.text(max_size=5),
            st.text(max_size=8) | st.sampled_from(["bar", "bar^-999999", "1e999 bar", "degC", "m/s/s", "%"]),
            st.text(max_size=9) | st.sampled_from(["nan", "1e999", "9" * 400]),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_a_machine_calls_its_signals_each_is_listed_as_it_was_found(offered: list[Found]) -> None:
    found, rest = propose(offered, MODEL)
    assert rest == 0
    assert [(each.address, each.name, each.unit, each.value) for each in found] == [
        (each.address, each.name, each.unit, each.value) for each in offered
    ]
    taken = [each.proposed for each in found if each.proposed]
    assert len(taken) == len(set(taken))
