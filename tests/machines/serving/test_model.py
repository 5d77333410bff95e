import orjson
import pytest

from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.machines.serving.model import BAD, GOOD, UNCERTAIN, Value, changes, space

PUMP = EquipmentType(
    "pump", {"en": "Pump"},
    (SignalType("flow", {"en": "Flow"}, "L/min"), SignalType("torque", {"en": "Torque"}, "N*m", scope="position")),
)  # fmt: skip
MODEL = ThingModel(1, (PUMP,), (Thing("p-1", "pump", {"en": "Pump 1"}, "works/site/hall/line", positions=2),))


def test_every_signal_is_a_variable_below_its_things_path() -> None:
    told = space(MODEL)
    assert [each.path for each in told] == ["p-1/flow", "p-1/P01/torque", "p-1/P02/torque"]
    assert [each.node for each in told][:2] == ["works/site/hall/line/p-1:flow", "works/site/hall/line/p-1:P01/torque"]
    assert (told[0].folders, told[0].unit, told[0].display) == (("works", "site", "hall", "line", "p-1"), "L/min", "Flow")


def test_a_broadcast_tells_values_with_their_quality_and_time() -> None:
    body = {"paths": ["a/x", "a/y", "a/z"], "values": [1.5, 2.0, None], "times": [10.0, 11.0, 12.0], "quality": [0, 1, 2]}
    assert changes(orjson.dumps(body)) == {
        "a/x": Value(1.5, GOOD, 10.0), "a/y": Value(2.0, UNCERTAIN, 11.0), "a/z": Value(0.0, BAD, 12.0),
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"paths":["a"],"values":[],"times":[],"quality":[]}'])
def test_what_is_no_broadcast_changes_nothing(body: bytes) -> None:
    assert changes(body) == {}
