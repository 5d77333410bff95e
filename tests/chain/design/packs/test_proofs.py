from __future__ import annotations

import pytest
from tests.support_pack import SMALL, edited

from batchone.chain.design.packs import Fault, check_files


def only(file: str, old: str, new: str) -> Fault:
    """The one fault that an edit makes."""
    [fault] = check_files(edited(SMALL, file, old, new)).faults
    return fault


def test_a_value_that_no_valid_configuration_has_is_dead() -> None:
    fault = only("rules.yaml", "light = halogen => height_cm <= 45", "light = halogen => height_cm < 30")
    assert (fault.file, fault.line) == ("options.yaml", 22)
    assert fault.what == "No valid configuration has light = halogen, because of hot-lamps-stay-low."


def test_rules_that_leave_nothing_are_named() -> None:
    contradiction = "rule: height_cm > 45 and light = halogen"
    fault = only("rules.yaml", "rule: height_cm > 45 => stands = fixed", contradiction)
    assert (fault.file, fault.line) == ("rules.yaml", 6)
    assert fault.what == "No configuration keeps these rules together: hot-lamps-stay-low, tall-lamps-are-clamped."


def test_a_configuration_without_a_variant_is_shown() -> None:
    fault = only("bom.yaml", "{when: stands = free, variant: base-plate}", "{when: foot = round, variant: base-plate}")
    assert (fault.file, fault.line) == ("bom.yaml", 6)
    assert fault.what.startswith("No variant of base is chosen for foot = square, height_cm = ")
    assert "light = " in fault.what


def test_a_configuration_with_two_variants_is_shown() -> None:
    fault = only("bom.yaml", "{when: foot = clamp, variant: base-clamp}", "{when: foot != round, variant: base-clamp}")
    assert (fault.file, fault.line) == ("bom.yaml", 7)
    assert fault.what.startswith("Both base-plate and base-clamp are chosen for foot = square, ")


def test_choices_must_be_exact_only_where_the_line_holds() -> None:
    narrower = edited(SMALL, "bom.yaml", "{when: true, variant: feet-felt}", "{when: stands = free, variant: feet-felt}")
    assert check_files(narrower).faults == ()


def test_rules_count_when_choices_are_proved_exact() -> None:
    """60 cm is only sold with the clamp, so a choice that forgets the other feet at 60 cm is still exact."""
    files = edited(
        SMALL, "bom.yaml", "{when: stands = free, variant: base-plate}",
        "{when: stands = free and height_cm <= 45, variant: base-plate}",
    )  # fmt: skip
    assert check_files(files).faults == ()


def test_a_line_is_consumed_only_by_operations_that_happen() -> None:
    fault = only("bom.yaml", "    when: stands = free\n", "")
    assert (fault.file, fault.line) == ("bom.yaml", 15)
    assert fault.what.startswith("feet is consumed by operation 20, which is skipped for foot = clamp, ")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        (
            "{base: 30 s, add: [{when: height_cm > 45, by: 0.5 min}]}",
            "{base: 30 s, add: [{when: height_cm > 45, by: -30 s}]}",
            6,
            "is 0",
        ),
        ("cycle: {base: 10 s}", "cycle: {base: 0 s}", 15, "A cycle time is 0"),
    ],
)
def test_time_is_above_zero_for_every_configuration(old: str, new: str, line: int, what: str) -> None:
    fault = only("routing.yaml", old, new)
    assert (fault.file, fault.line) == ("routing.yaml", line)
    assert what in fault.what


def test_a_quantity_that_could_fall_below_zero_but_never_does_is_no_fault() -> None:
    fine = "{base: 3, add: [{when: foot = square, by: -2}, {when: foot = round, by: -2}]}"
    assert check_files(edited(SMALL, "bom.yaml", "{base: 3, add: [{when: foot = square, by: 1}]}", fine)).faults == ()
    fault = only(
        "bom.yaml", "{base: 3, add: [{when: foot = square, by: 1}]}", "{base: 3, add: [{when: foot = square, by: -3}]}"
    )
    assert "A quantity is 0 for foot = square" in fault.what
