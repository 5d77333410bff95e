"""How much of a submodel an answer shows."""

from __future__ import annotations

import pytest
from tests.machines.aas.world import TENANT, record

from batchone.kernel.errors import NotFound, Refused
from batchone.machines.aas import model, views
from batchone.machines.aas.addresses import Asset
from batchone.machines.aas.service import node_of


@pytest.fixture
def made() -> views.Node:
    asset = Asset(TENANT, "item", "I-0001")
    return node_of(model.submodel(asset, "production-record", model.production_record(TENANT, record())))


def test_every_path_that_is_told_leads_to_its_element(made: views.Node) -> None:
    told = views.paths(made, "deep")
    assert "Jobs[1].Parameters.time_s" in told
    for path in told:
        assert views.paths(views.trail(made, path)[-1][1], "deep", path)[0] == path
    assert len(set(told)) == len(told)


def test_the_core_of_a_submodel_goes_one_step_down(made: views.Node) -> None:
    assert views.paths(made, "core") == [each["idShort"] for each in made["submodelElements"]]
    jobs = next(each for each in views.core(made)["submodelElements"] if each["idShort"] == "Jobs")
    assert "value" not in jobs
    assert views.paths(views.trail(made, "Jobs")[-1][1], "core", "Jobs") == ["Jobs", "Jobs[0]", "Jobs[1]"]


def test_metadata_hold_no_values(made: views.Node) -> None:
    assert "submodelElements" not in views.metadata(made)
    limits = views.metadata(views.trail(made, "Checks[0].Limits")[-1][1])
    assert {"max", "value"}.isdisjoint(limits)
    assert limits["valueType"] == "xs:double"


def test_a_reference_names_each_step(made: views.Node) -> None:
    keys = views.reference(made, views.trail(made, "Jobs[1].Run"))["keys"]
    assert [(key["type"], key["value"]) for key in keys[1:]] == [
        ("SubmodelElementList", "Jobs"), ("SubmodelElementCollection", "1"), ("Property", "Run"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["Nothing", "Jobs[2]", "Jobs.Run", "State.More", "Jobs[0].Nothing", "State[0]"])
def test_a_path_that_leads_nowhere_is_not_found(made: views.Node, path: str) -> None:
    with pytest.raises(NotFound):
        views.trail(made, path)


@pytest.mark.parametrize("path", ["", "Jobs[", "Jobs[-1]", "a b", "Jobs[0]x", ".Jobs"])
def test_what_is_no_path_is_refused(made: views.Node, path: str) -> None:
    with pytest.raises(Refused, match="no idShort path"):
        views.trail(made, path)
