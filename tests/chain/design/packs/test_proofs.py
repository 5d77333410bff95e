from __future__ import annotations

import pytest
from tests.support_nested import RACK
from tests.support_pack import SMALL, edited

from batchone.chain.design.packs import Fault, check_files


def only(file: str, old: str, new: str) -> Fault:
    """The one fault that an edit makes."""
    [fault] = check_files(edited(SMALL, file, old, new)).faults
    return fault


def test_a_value_that_no_valid_configuration_has_is_told_and_does_not_stop_an_install() -> None:
    report = check_files(edited(SMALL, "rules.yaml", "light = halogen => height_cm <= 45", "light = halogen => height_cm < 30"))
    assert report.pack is not None
    [warning] = report.warnings
    assert (warning.file, warning.line, warning.column) == ("options.yaml", 22, 14)
    assert warning.what == "No valid configuration has light = halogen, because of hot-lamps-stay-low."


def test_a_default_that_no_valid_configuration_has_is_a_fault() -> None:
    fault = only("rules.yaml", "light = halogen => height_cm <= 45", "light = halogen")
    assert (fault.file, fault.line) == ("options.yaml", 21)
    assert fault.what.endswith("because of hot-lamps-stay-low. It is a default of light.")


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


def rack_fault(file: str, old: str, new: str) -> Fault:
    """The one fault that an edit of the rack makes."""
    [fault] = check_files(edited(RACK, file, old, new)).faults
    return fault


def test_the_rack_has_no_fault_and_no_warning() -> None:
    report = check_files(RACK)
    assert (report.faults, report.warnings) == ((), ())


def test_a_shelf_without_a_variant_is_shown_with_the_shelf() -> None:
    fault = rack_fault(
        "bom.yaml", "{when: class != light, variant: bulb-halogen}", "{when: class = heavy, variant: bulb-halogen}"
    )
    assert (fault.file, fault.line) == ("bom.yaml", 13)
    assert "No variant of bulb is chosen for height = " in fault.what
    assert "shelf.1.boxes = 1" in fault.what or "shelf.2.boxes = 1" in fault.what or "shelf.3.boxes = 1" in fault.what


def test_a_quantity_that_falls_to_zero_somewhere_is_shown_with_the_numbers() -> None:
    fault = rack_fault("bom.yaml", "{of: shelves, by: 1}]", "{of: shelves, by: -3}]")
    assert (fault.file, fault.line) == ("bom.yaml", 4)
    assert fault.what.startswith("A quantity is -1 for height = 100, ") or fault.what.startswith("A quantity is -")
    assert "shelves = " in fault.what


def test_a_quantity_whose_sum_could_fall_to_zero_but_never_does_is_no_fault() -> None:
    """100 cm is sold with one shelf only: 2 less 1 is above zero, and so is 4 less 3."""
    fine = edited(RACK, "bom.yaml", "{of: shelves, by: 1}]", "{of: shelves, by: -0.999}]")
    assert check_files(fine).faults == ()


def test_parts_that_hold_one_another_are_a_ring() -> None:
    files = edited(RACK, "options.yaml", "    count: shelves\n", "    count: shelves\n    of: box\n")
    told = [fault.what for fault in check_files(files).faults]
    assert "The parts box → shelf → box hold one another." in told or "The parts shelf → box → shelf hold one another." in told


def test_rules_that_leave_nothing_from_a_day_on_name_the_day() -> None:
    late = "    since: 2026-05-01\n"
    rule = "  - id: never\n    rule: shelves > 3\n    message: {en: Never., zh: 从不。}\n    since: 2027-01-01\n"
    fault = rack_fault("rules.yaml", late, late + rule)
    assert fault.what == "No configuration keeps these rules together from 2027-01-01 on: never."
    assert (fault.file, fault.line) == ("rules.yaml", 24)


def test_a_value_that_is_dead_in_every_slot_is_told_once() -> None:
    report = check_files(edited(RACK, "rules.yaml", "rule: boxes = 1 => load = 100", "rule: boxes = 0"))
    assert report.faults == ()
    because = "because of heavy-shelves-bear-boxes."
    assert [(w.file, w.line, w.what) for w in report.warnings] == [
        ("options.yaml", 39, f"No valid configuration has shelf.1.boxes = 1, {because}"),
        ("options.yaml", 51, f"No valid configuration has shelf.1.box.1.lid = no, {because}"),
        ("options.yaml", 51, f"No valid configuration has shelf.1.box.1.lid = yes, {because}"),
    ]


def test_a_sum_that_needs_too_much_is_refused_by_a_stated_limit() -> None:
    members = "".join(
        f'  - {{id: q{n}, name: {{en: q, zh: q}}, quantity: {{from: 0, to: 400}}, price_each: "0.01", default: 0}}\n'
        for n in range(9)
    )
    files = edited(SMALL, "options.yaml", "derived:\n", members + "derived:\n")
    total = " + ".join(f"q{n} * {each}" for n, each in enumerate((1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051)))
    rule = f'  - {{id: heavy, rule: "{total} <= 1800000", message: {{en: h, zh: h}}}}\n'
    files = edited(files, "rules.yaml", "prices:\n", rule + "prices:\n")
    [fault] = check_files(files).faults
    assert fault.what == "A sum in this rule can come to more than 50000 different amounts on its way."
