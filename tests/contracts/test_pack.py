from __future__ import annotations

import pytest
from tests.support_pack import REFRIGERATOR, SMALL

from batchone.chain.design.packs import load_files, load_pack
from batchone.contracts.pack import Check, Pack, Setup, SetupPair
from batchone.kernel.facts import adapter


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_files(SMALL)


def test_a_setup_takes_the_time_of_its_pair_else_that_of_any_change() -> None:
    setup = Setup(30, (SetupPair("red", "blue", 12),))
    assert setup.time_s("red", "blue") == 12
    assert setup.time_s("blue", "red") == 30
    assert setup.time_s("red", "red") == 0
    assert setup.time_s(None, "red") == 0
    assert setup.time_s("red", None) == 0


@pytest.mark.parametrize(
    ("minimum", "maximum", "measured", "passed"),
    [
        (1.0, 2.0, 1.0, True),
        (1.0, 2.0, 2.0, True),
        (1.0, 2.0, 0.999, False),
        (1.0, 2.0, 2.001, False),
        (None, 2.0, -1e9, True),
        (1.0, None, 1e9, True),
        (None, None, 5.0, True),
        (None, None, float("nan"), False),
        (1.0, 2.0, float("nan"), False),
    ],
)
def test_a_check_passes_within_its_bounds(minimum: float | None, maximum: float | None, measured: float, passed: bool) -> None:
    check = Check("c", "10", {"en": "c"}, "m", "mm", minimum, maximum, "hold", (), {})
    assert check.passed(measured) is passed


def test_parts_are_found_by_id(pack: Pack) -> None:
    assert pack.option("foot").value("clamp").id == "clamp"
    assert pack.module("bulb").variant("bulb-led").lot == 6
    assert pack.operation("20").equipment_class == "fitting"
    assert pack.equipment_class("turning").calendar == "days"
    assert pack.calendar("days").week[0].to_s == 64800
    assert pack.connection("shop").port == 4900
    assert [machine.id for machine in pack.equipment_of("testing")] == ["tester-1"]
    assert [signal.id for signal in pack.signals_of("turning")] == ["spindle_speed"]
    assert [check.id for check in pack.checks_of("30")] == ["brightness"]
    assert pack.path(pack.machine("lathe-1")) == "lumen/brno/hall/one/metal/lathe-1"


@pytest.mark.parametrize("kind", ["option", "module", "operation", "equipment_class", "calendar", "connection", "machine"])
def test_what_is_not_there_is_a_key_error(pack: Pack, kind: str) -> None:
    with pytest.raises(KeyError, match="nothing"):
        getattr(pack, kind)("nothing")


def test_a_pack_travels_as_json_unharmed() -> None:
    pack = load_pack(REFRIGERATOR)
    assert adapter(Pack).validate_json(adapter(Pack).dump_json(pack)) == pack


def test_the_refrigerator_is_as_large_as_published() -> None:
    pack = load_pack(REFRIGERATOR)
    assert (len(pack.options), len(pack.modules), len({operation.group for operation in pack.routing})) == (11, 17, 12)
    assert all(2 <= len(module.suppliers) <= 4 for module in pack.modules)
    leads_h = [supplier.lead_s / 3600 for module in pack.modules for supplier in module.suppliers]
    assert (min(leads_h), max(leads_h)) == (4, 14 * 24)
    assert sum(machine.positions for machine in pack.equipment_of("run-testing")) == 240
