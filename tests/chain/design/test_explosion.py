from __future__ import annotations

import random
from collections import Counter

import pytest
from tests.support_brute import Brute
from tests.support_universe import Universe

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.rules import parse


def test_every_line_of_the_bill_has_exactly_one_variant_for_every_valid_configuration(universe: Universe) -> None:
    for line in universe.pack.bom:
        here = universe.valid & universe.of(parse(line.when, universe.vocabulary))
        found = [here & universe.of(parse(choice.when, universe.vocabulary)) for choice in line.choose]
        assert sum(part.bit_count() for part in found) == here.bit_count(), line.module
        union = 0
        for part in found:
            assert part, f"a variant of {line.module} is never used"
            union |= part
        assert union == here, line.module


SUBMODELS = (
    {"layout": "cross", "cooling": "frostfree", "smart": "none", "hinge": "left"},
    {"layout": "french4", "volume_l": "560", "racks": "4", "grade": "2"},
    {"layout": "single", "panel": "steel", "dispenser": "none"},
    {"compressor": "inverter", "panel": "glass", "smart": "21in", "hinge": "left"},
)


@pytest.mark.parametrize("fixed", SUBMODELS)
def test_bill_and_routing_of_the_refrigerator_are_what_trying_everything_and_a_hand_written_list_say(
    refrigerator: Blueprint, fixed: dict[str, str]
) -> None:
    brute = Brute(refrigerator.pack, fixed=fixed)
    assert brute.valid
    for c in random.Random(4).sample(brute.valid, min(len(brute.valid), 80)):
        found = explode(refrigerator, "C", c)
        assert [(line.variant, line.slot, line.quantity) for line in found.bom] == brute.bom(c)
        assert {each.op: each.duration_s for each in found.operations} == timed(c)
        assert [(each.op, each.after) for each in found.operations] == AFTER


AFTER = [
    ("10", ()), ("20", ()), ("30", ("10", "20")), ("40", ("30",)), ("50", ()), ("60", ("40",)), ("70", ("60",)),
    ("80", ("70",)), ("85", ("80",)), ("90", ("50", "85")), ("100", ("90",)), ("110", ("100",)), ("120", ("110",)),
]  # fmt: skip


def timed(c: dict[str, str]) -> dict[str, float]:
    """The operations of a refrigerator and their seconds, written out by hand."""
    large, paired = int(c["volume_l"]) >= 560, c["layout"] in {"french4", "cross"}
    return {
        "10": 14 if large else 12, "20": 28 if large else 24, "30": 13 if c["cooling"] == "frostfree" else 12,
        "40": 270 if large else 240, "50": 200 if paired else 180, "60": 38 if c["compressor"] == "inverter" else 36,
        "70": 40, "80": 1120 if large else 1000, "85": 20,
        "90": 12 + 4 * (c["smart"] in {"10in", "21in"}) + 3 * (c["dispenser"] != "none"), "100": 15, "110": 2700, "120": 12,
    }  # fmt: skip


def test_a_lamp_is_exploded_as_its_files_say(lamp: Blueprint) -> None:
    found = explode(lamp, "C-1", complete(lamp, {"foot": "square", "height_cm": "45"}))
    assert (found.configuration, found.product, found.pack, found.version) == ("C-1", "lamp", "lamps", "1.0.0")
    assert [(line.variant, line.quantity, line.unit, line.op) for line in found.bom] == [
        ("base-plate", 1, "piece", "10"),
        ("bulb-led", 1, "piece", "30"),
        ("feet-felt", 4, "piece", "20"),
    ]
    turn, glue, fit = found.operations
    assert (turn.duration_s, turn.setup_key, turn.program) == (30, "free", "turn-square-45")
    assert turn.parameters == {"height": 450, "kind": "free", "speed": 900}
    assert (turn.after, glue.after, fit.after) == ((), ("10",), ("20",))
    assert (turn.attended, fit.attended) == (True, False)
    assert [check.id for check in turn.checks] == ["diameter"]
    assert glue.setup_key is None


def test_a_skipped_operation_is_seen_through(lamp: Blueprint) -> None:
    found = explode(lamp, "C-2", complete(lamp, {"foot": "clamp", "height_cm": "60"}))
    assert [operation.op for operation in found.operations] == ["10", "30"]
    assert found.operations[1].after == ("10",)
    assert found.operations[0].duration_s == 60
    assert "feet-felt" not in [line.variant for line in found.bom]


def test_the_refrigerator_has_twelve_published_operations(refrigerator: Blueprint) -> None:
    found = explode(refrigerator, "C-3", complete(refrigerator, {}))
    assert len({operation.group for operation in found.operations}) == 12
    assert sum(operation.energy_kwh for operation in found.operations) == pytest.approx(14)
    per_item_s = {
        operation.op: operation.duration_s
        / sum(machine.positions for machine in refrigerator.pack.equipment_of(operation.equipment_class))
        for operation in found.operations
    }
    assert max(per_item_s.values()) < 14, "the line should finish an item about every 12 seconds"


def test_power_and_energy_of_the_refrigerator_agree(refrigerator: Blueprint) -> None:
    pack = refrigerator.pack
    by_cell: Counter[str] = Counter()
    for operation in pack.routing:
        for machine in pack.equipment_of(operation.equipment_class):
            share_kw = (machine.power.run_kw - machine.power.idle_kw) / machine.positions
            kwh = share_kw * float(operation.cycle_s.base) / 3600
            assert kwh == pytest.approx(operation.energy_kwh, rel=1e-3), machine.id
        by_cell[pack.equipment_of(operation.equipment_class)[0].cell] += operation.energy_kwh
    for cell, share in pack.energy.shares.items():
        assert by_cell[cell] / pack.energy.nominal_kwh == pytest.approx(share, abs=1e-6), cell


def test_the_charge_of_every_refrigerator_is_within_what_is_allowed(refrigerator: Blueprint) -> None:
    charges = []
    for value in refrigerator.pack.option("volume_l").values:
        found = explode(refrigerator, "C-4", complete(refrigerator, {"volume_l": value.id}))
        charges.append(next(each.parameters["charge_g"] for each in found.operations if each.op == "85"))
    assert charges == [45, 51, 60, 67, 75]
