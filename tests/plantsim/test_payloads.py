import json
from collections.abc import Callable

import pytest

from plantsim.equipment import Changes, Equipment
from plantsim.pack import Pack
from plantsim.payloads import (
    FIRST_DEVICE_ALIAS,
    DeviceAliases,
    Metric,
    PayloadFault,
    message,
    node_birth,
    node_death,
    read_metrics,
)
from plantsim.sparkplug_b_pb2 import Payload


@pytest.fixture
def glazer(mugs: Pack) -> Equipment:
    return Equipment(mugs.equipment["glazer-1"], mugs, seed=1, now_s=0.0, record=lambda _told: None)


@pytest.fixture
def device(glazer: Equipment) -> DeviceAliases:
    return DeviceAliases(glazer, FIRST_DEVICE_ALIAS)


def parse(payload: bytes) -> Payload:
    parsed = Payload()
    parsed.ParseFromString(payload)
    return parsed


def test_a_payload_keeps_to_the_published_field_numbers() -> None:
    # Written by hand from the specification: timestamp (1) = 5, one metric (2) with name (1) "x", alias (2) 9,
    # datatype (4) 10 and double_value (13) 1.0; seq (3) = 7.
    metric = b"\x0a\x01x\x10\x09\x20\x0a\x69" + bytes.fromhex("000000000000f03f")
    expected = b"\x08\x05\x12" + bytes([len(metric)]) + metric + b"\x18\x07"
    assert message([Metric(name="x", alias=9, datatype=10, double_value=1.0)], 7, 0.005) == expected


def test_birth_and_death_of_a_node_carry_the_same_number() -> None:
    birth, death = node_birth(12, 1.0), parse(node_death(12, 1.0))
    assert (birth[0].name, birth[0].long_value, birth[0].datatype) == ("bdSeq", 12, 4)
    assert (birth[1].name, birth[1].datatype, birth[1].boolean_value) == ("Node Control/Rebirth", 11, False)
    assert death.metrics[0].long_value == 12
    assert not death.HasField("seq")


def test_a_device_birth_names_types_and_aliases_every_metric(device: DeviceAliases) -> None:
    metrics = {metric.name: metric for metric in device.birth(2.0)}
    assert sorted(metrics) == sorted(device.names)
    assert len({metric.alias for metric in metrics.values()}) == len(metrics)
    assert metrics["State"].datatype == 3
    assert metrics["viscosity"].is_null
    assert metrics["viscosity"].datatype == 10
    assert (metrics["Jobs"].string_value, metrics["Answer"].string_value, metrics["Command/Clear"].datatype) == ("[]", "", 12)
    assert all(metric.timestamp == 2000 for metric in metrics.values())


def test_aliases_of_devices_do_not_overlap(glazer: Equipment, device: DeviceAliases) -> None:
    assert DeviceAliases(glazer, device.beyond).birth(0)[0].alias >= device.beyond


def test_data_say_only_what_changed_by_alias(glazer: Equipment, device: DeviceAliases, order: Callable[..., str]) -> None:
    births = {metric.name: metric.alias for metric in device.birth(0)}
    glazer.store_and_start(order("J-1", "20"), 10.0)
    glazer.sample(10, 1)
    metrics = {metric.alias: metric for metric in device.data(glazer.take_changes(10, 0), 10.0, answer="hm")}
    assert not any(metric.name for metric in metrics.values())
    assert metrics[births["State"]].int_value == 1
    assert json.loads(metrics[births["Jobs"]].string_value)[0]["job"] == "J-1"
    assert metrics[births["viscosity"]].double_value == pytest.approx(1.2, abs=0.1)
    assert metrics[births["Answer"]].string_value == "hm"
    assert device.data(Changes(), 11.0) == []


def test_a_command_may_name_its_metric_or_give_the_alias(device: DeviceAliases) -> None:
    births = {metric.name: metric.alias for metric in device.birth(0)}
    assert device.name_of(Metric(name="Command/Abort")) == "Command/Abort"
    assert device.name_of(Metric(alias=births["Command/Abort"])) == "Command/Abort"
    assert device.name_of(Metric(alias=9999)) == ""


def test_bytes_that_are_no_payload_are_refused() -> None:
    with pytest.raises(PayloadFault):
        read_metrics(b"\xff\xff\xff")
