"""Two shells or submodels are told apart by what they say, not by how a tool wrote it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.machines.aas.world import TENANT, record

from batchone.machines.aas import model
from batchone.machines.aas.addresses import Asset
from batchone.machines.aas.comparing import differences
from batchone.machines.aas.service import node_of
from batchone.machines.aas.views import Node, trail


def made() -> Node:
    asset = Asset(TENANT, "item", "I-0001")
    return node_of(model.submodel(asset, "production-record", model.production_record(TENANT, record())))


def rewritten(said: Any, chance: random.Random) -> Any:
    """The same in another tool's hand: collections shuffled, times with an offset, numbers with more digits."""
    if isinstance(said, list):
        return [rewritten(each, chance) for each in said]
    if not isinstance(said, dict):
        return said
    found = {name: rewritten(each, chance) for name, each in said.items()}
    for name in ("submodelElements", "value"):
        if said.get("modelType") != "SubmodelElementList" and isinstance(found.get(name), list):
            chance.shuffle(found[name])
    if found.get("valueType") == "xs:dateTime" and "value" in found:
        found["value"] = found["value"].replace("T12:", "T20:").replace("T13:", "T21:").replace("Z", "+08:00")
    if found.get("valueType") == "xs:double":
        found |= {name: f"{float(found[name]):.6e}" for name in ("value", "min", "max") if name in found}
    return found


@pytest.mark.parametrize("seed", range(5))
def test_order_and_notation_make_no_difference(seed: int) -> None:
    other = rewritten(made(), random.Random(seed))
    assert other != made()
    assert differences(made(), {**other, "kind": "Instance"}) == []


@pytest.mark.parametrize(
    ("path", "change", "place"),
    [
        ("State", {"value": "held"}, "/submodelElements/State/value"),
        ("Finished", {"value": "2026-03-02T13:00:01Z"}, "/submodelElements/Finished/value"),
        ("Checks[0].Value", {"value": "0.41"}, "/submodelElements/Checks/value/0/value/Value/value"),
        ("Checks[0].Limits", {"max": "0.6"}, "/submodelElements/Checks/value/0/value/Limits/max"),
        ("Jobs[0].Equipment", {"value": None}, "/submodelElements/Jobs/value/0/value/Equipment/value"),
        ("Jobs[1].Run", {"idShort": "Runs"}, "/submodelElements/Jobs/value/1/value/Run"),
        ("EnergyKilowattHours", {"value": "much"}, "/submodelElements/EnergyKilowattHours/value"),
    ],
)
def test_what_says_something_else_is_named_by_its_place(path: str, change: dict[str, object], place: str) -> None:
    other = made()
    trail(other, path)[-1][1].update(change)
    assert differences(made(), other)[0] == place


def test_the_order_of_a_list_counts() -> None:
    other = made()
    trail(other, "Jobs")[-1][1]["value"].reverse()
    assert "/submodelElements/Jobs/value/0/value/Run/value" in differences(made(), other)
