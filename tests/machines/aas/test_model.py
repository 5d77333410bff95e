"""What submodels say of equipment and items, and that it keeps every constraint of the metamodel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from aas_core3 import verification
from hypothesis import given
from hypothesis import strategies as st
from tests.machines.aas.world import NOON, TENANT, World, record

from batchone.contracts.machines import LastValue
from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.machines.aas import model
from batchone.machines.aas.addresses import Asset
from batchone.machines.aas.service import node_of
from batchone.machines.aas.views import value

PRESS = EquipmentType(
    "press",
    {"en": "Press", "zh": "压机"},
    (
        SignalType("oil-temp", {"en": "Oil"}, "degC", limits=Limits(low=10.0, high=60.0, high_high=80.0), every_s=1.0),
        SignalType("oil.temp", {"en": "Oil, again"}, "degC"),
        SignalType("open", {"en": "Open"}, kind="boolean"),
        SignalType("strokes", {"en": "Strokes"}, kind="integer", scope="position"),
    ),
)
MACHINE = Thing("press-1", "press", {"en": "Press 1"}, "e/s/a/l/c", positions=2)
MODEL = ThingModel(0, (PRESS,), (MACHINE,))
ASSET = Asset(TENANT, "equipment", "press-1")


def operational(*last: LastValue) -> dict[str, object]:
    said = model.operational_data(MACHINE, PRESS, MODEL, last, NOON)
    return value(node_of(model.submodel(ASSET, "operational-data", said)))


def heard(path: str, number: float, quality: int = 0) -> LastValue:
    at = NOON - timedelta(seconds=90)
    return LastValue(f"press-1/{path}", number, quality, at, at)


def test_a_signal_tells_its_last_value_its_quality_and_how_old_it_is() -> None:
    assert operational(heard("oil-temp", 41.5, 1))["Signals"]["oil_temp"] == {
        "Value": 41.5, "Unit": "degC", "Quality": "uncertain", "SourceTime": "2026-03-02T11:58:30Z", "AgeSeconds": 90.0,
    }  # fmt: skip


def test_a_signal_that_was_never_heard_has_no_value() -> None:
    assert operational()["Signals"]["open"] == {"Value": None, "Unit": None, "Quality": "unknown"}


def test_signals_of_positions_stand_at_their_positions_in_their_kind() -> None:
    said = operational(heard("P02/strokes", 7.0), heard("open", 1.0))
    assert said["Positions"]["P02"]["strokes"]["Value"] == 7
    assert said["Positions"]["P01"]["strokes"]["Value"] is None
    assert said["Signals"]["open"]["Value"] is True


def test_a_value_that_is_no_number_is_told_as_such_only_where_that_is_possible() -> None:
    said = operational(heard("oil-temp", float("nan"), 2), heard("P01/strokes", float("inf"), 2))
    assert said["Signals"]["oil_temp"]["Value"] == "NaN"
    assert said["Positions"]["P01"]["strokes"]["Value"] is None


def test_signals_whose_names_differ_in_a_sign_keep_both_their_places() -> None:
    assert [*operational()["Signals"]] == ["oil_temp", "oil_temp_2", "open"]


def test_technical_data_tell_units_and_limits_and_leave_open_what_is_open() -> None:
    said = value(node_of(model.submodel(ASSET, "technical-data", model.technical_data(MACHINE, PRESS))))
    assert said["oil_temp"]["Unit"] == "degC"
    assert said["oil_temp"]["WarningLimits"] == {"min": 10.0, "max": 60.0}
    assert said["oil_temp"]["AlarmLimits"] == {"max": 80.0}


def test_a_signal_that_the_equipment_has_beside_its_type_means_something_of_its_own() -> None:
    extra = SignalType("noise", {}, "dB")
    said = {each.id: each for each in model.concepts(replace(MACHINE, signals=(extra,)), PRESS)}
    assert "urn:batchone:signal:type:press:oil-temp" in said
    assert "urn:batchone:signal:equipment:press-1:noise" in said


def test_a_production_record_tells_jobs_checks_lots_and_holds() -> None:
    said = value(
        node_of(model.submodel(Asset(TENANT, "item", "I"), "production-record", model.production_record(TENANT, record())))
    )
    assert [job["Run"] for job in said["Jobs"]] == [1, 2]
    assert said["Jobs"][0]["Equipment"]["keys"][0]["value"].endswith(":aas")
    assert said["Checks"][0]["Limits"] == {"max": 0.5}
    assert [check["Passed"] for check in said["Checks"]] == [True, None]
    assert said["Lots"][0]["Lot"] == "L1"
    assert said["Holds"][0]["Decision"] == "do 40 again"


async def test_all_that_both_packs_and_their_items_say_keeps_the_constraints_of_the_metamodel() -> None:
    world = World(items=[record()])
    item = Asset(TENANT, "item", "I-0001").shell
    for names in ([], [item]):
        environment = await world.service().environment(TENANT, names, [], concepts=True)
        assert [str(fault) for fault in verification.verify(environment)] == []
    assert len(environment.submodels) == 2


@given(st.text(max_size=40), st.text(max_size=300), st.floats(), st.sampled_from(["float", "integer", "boolean", "state"]))
def test_whatever_texts_and_numbers_come_in_the_metamodel_holds(name: str, text: str, number: float, kind: str) -> None:
    signal = SignalType("x", {"en": text, "zh": name}, name, kind, limits=Limits(low=number))
    thing = Thing("t", "none", {"en": text}, text, signals=(signal,))
    found = ThingModel(0, (), (thing,))
    last = LastValue("t/x", number, 0, NOON, NOON)
    asset = Asset("t", "equipment", "t")
    shell = model.shell_of_thing(asset, thing, None)
    parts = [
        model.submodel(asset, "operational-data", model.operational_data(thing, None, found, [last], NOON)),
        model.submodel(asset, "technical-data", model.technical_data(thing, None)),
        model.submodel(asset, "identification", model.thing_identification(thing, None)),
    ]
    assert [
        str(fault.cause) for each in (shell, *parts, *model.concepts(thing, None)) for fault in verification.verify(each)
    ] == []


@pytest.mark.parametrize("state", ["planned", "held"])
def test_an_item_that_is_not_finished_has_no_time_of_finishing(state: str) -> None:
    begun = replace(record(), state=state, finished=None, jobs=(), measurements=(), lots=(), holds=())
    said = value(
        node_of(model.submodel(Asset(TENANT, "item", "I"), "production-record", model.production_record(TENANT, begun)))
    )
    assert (said["State"], said["Finished"], said["Jobs"]) == (state, None, [])
