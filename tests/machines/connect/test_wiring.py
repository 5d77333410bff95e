from dataclasses import replace

from tests.support_plant import Ports, pack_of

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import SignalType, Thing, joined, of_packs
from batchone.machines.connect.wiring import Wired, WiredMeter, position_name, wire, wire_all, with_more

PACK = pack_of(Ports(4840, 5020))


def test_every_connection_has_its_equipment_with_signals_in_the_order_of_the_pack() -> None:
    forming, filling, packing = wire(PACK)
    assert (forming.protocol, forming.port) == ("opcua", 4840)
    assert forming.equipment == (
        Wired("press-1", ("force",)),
        Wired("oven-1", ("gas", "P01/heat", "P02/heat", "P03/heat")),
    )
    assert filling.equipment == (Wired("filler-1", ("flow", "head"), 3), Wired("filler-2", ("flow", "head"), 4))
    assert filling.meters == (WiredMeter("meter-1", 9),)
    assert (packing.protocol, packing.group, packing.port) == ("sparkplug", "tins", None)


def test_measurements_are_numbered_where_the_protocol_numbers_them() -> None:
    forming, filling, _ = wire(PACK)
    assert forming.measures == {}
    assert filling.measures["20"] == ("mass", "torque")


def test_declared_paths_are_those_of_equipment_positions_and_meters() -> None:
    forming, filling, _ = wire(PACK)
    assert forming.paths == {"press-1/force", "oven-1/gas", "oven-1/P01/heat", "oven-1/P02/heat", "oven-1/P03/heat"}
    assert {"meter-1/energy", "meter-1/power", "filler-2/head"} <= filling.paths


def test_positions_have_two_digits_at_least() -> None:
    assert [position_name(place) for place in (1, 99, 100)] == ["P01", "P99", "P100"]


def test_two_packs_that_agree_share_a_connection() -> None:
    other = replace(PACK, id="boxes")
    wirings, conflicts = wire_all([PACK, other])
    assert len(wirings) == 3
    assert conflicts == {}


def test_of_two_packs_that_disagree_the_first_ones_word_holds_and_the_conflict_is_told() -> None:
    other = replace(PACK, id="boxes", equipment=PACK.equipment[1:])
    wirings, conflicts = wire_all([PACK, other])
    assert [wired.id for wired in wirings["forming"].equipment] == ["press-1", "oven-1"]
    assert list(conflicts) == ["forming"]
    assert "boxes" in conflicts["forming"]


def test_packs_may_each_have_operations_of_their_own_on_a_shared_connection() -> None:
    renamed = tuple(replace(operation, op=f"{operation.op}b") for operation in PACK.routing)
    checks = tuple(replace(check, op=f"{check.op}b") for check in PACK.checks)
    wirings, conflicts = wire_all([PACK, replace(PACK, id="boxes", routing=renamed, checks=checks)])
    assert conflicts == {}
    assert wirings["filling"].measures["20"] == wirings["filling"].measures["20b"] == ("mass", "torque")


def test_signals_declared_beside_a_pack_are_read_where_their_equipment_answers() -> None:
    pack = pack_of(Ports(1, 2))
    hum = SignalType("hum", {"en": "Hum"})
    things = (
        Thing("press-1", "", {}, "", signals=(hum,)),
        Thing("fan-1", "", {}, "e/s", signals=(hum, replace(hum, id="dust"))),
    )
    model = joined(of_packs([pack]), (), things, 1)
    dust = Source("dust", "modbus://10.0.0.5", points=(Point("fan-1/dust", "holding:1"),))
    wirings = with_more(wire_all([pack])[0], [dust], model)
    assert wirings["forming"].more == {"press-1/hum", "fan-1/hum"}
    assert {wirings[each].more for each in ("filling", "packing")} == {frozenset({"fan-1/hum"})}, "press-1 is wired elsewhere"
    assert "press-1/hum" in wirings["forming"].paths
