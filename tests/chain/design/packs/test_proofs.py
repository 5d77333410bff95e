from __future__ import annotations

import random
from collections import Counter
from datetime import date
from types import SimpleNamespace
from typing import cast

import pytest
from tests.support_brute import Brute
from tests.support_made_up import condition, made_up
from tests.support_nested import RACK
from tests.support_pack import SMALL, edited

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.expressions import holds
from batchone.chain.design.model import Blueprint, boundaries, compile_pack
from batchone.chain.design.packs import Fault, check_files, checking
from batchone.contracts.pack import Pack


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
        ("bom.yaml", 15, "No valid configuration has the line of feet."),
        ("options.yaml", 39, f"No valid configuration has shelf.1.boxes = 1, {because}"),
        ("options.yaml", 51, f"No valid configuration has shelf.1.box.1.lid = no, {because}"),
        ("options.yaml", 51, f"No valid configuration has shelf.1.box.1.lid = yes, {because}"),
        ("routing.yaml", 11, "No valid configuration has operation 20."),
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


def test_a_configuration_without_any_operation_is_shown() -> None:
    files = edited(SMALL, "routing.yaml", "    energy: 0.2 kWh\n", "    energy: 0.2 kWh\n    when: stands = free\n")
    files = edited(files, "routing.yaml", "    energy: 0.09 kWh\n", "    energy: 0.09 kWh\n    when: stands = free\n")
    files = {**files, "bom.yaml": "bom: []\n"}
    [fault] = check_files(files).faults
    assert (fault.file, fault.line) == ("routing.yaml", 2)
    assert fault.what.startswith("No operation is left on the routing for foot = clamp, height_cm = ")


def test_an_operation_and_a_line_that_no_configuration_has_are_told_and_stop_nothing() -> None:
    files = edited(
        SMALL, "routing.yaml", "    when: stands = free\n", "    when: stands = free and light = halogen and height_cm = 60\n"
    )
    files = edited(
        files, "bom.yaml", "    when: stands = free\n", "    when: stands = free and light = halogen and height_cm = 60\n"
    )
    report = check_files(files)
    assert report.faults == ()
    assert [(each.file, each.line, each.what) for each in report.warnings] == [
        ("bom.yaml", 14, "No valid configuration has the line of feet."),
        ("routing.yaml", 11, "No valid configuration has operation 20."),
    ]


def test_a_rework_of_what_was_skipped_is_shown_and_one_of_what_is_there_is_none() -> None:
    files = edited(SMALL, "checks.yaml", "reaction: hold\n", 'reaction: rework\n    redo: ["20"]\n')
    [fault] = check_files(files).faults
    assert (fault.file, fault.line) == ("checks.yaml", 17)
    assert fault.what.startswith("Nothing of 20 is there to redo for foot = clamp, ")
    assert fault.cure == "Add an operation that is, such as 30, or hold the item."
    assert check_files(edited(files, "checks.yaml", 'redo: ["20"]', 'redo: ["20", "30"]')).faults == ()


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("shelf.2.load", "Operation 90 names {shelf.2.load}, which is not there for "),
        ("shelf.1.box.1.lid", "Operation 90 names {shelf.1.box.1.lid}, which is not there for "),
        ("shelf.1.box.1.lid.own", "Operation 90 names {shelf.1.box.1.lid.own}, which is not there for "),
        ("shelf.1.class", "'{shelf.1.class}' is of another part."),
        ("ends.own", "'{ends.own}' is derived, which nothing is brought to."),
    ],
)
def test_a_template_that_names_what_may_not_be_there_is_shown(word: str, what: str) -> None:
    fault = rack_fault("routing.yaml", '{label: "{steel.own}"', f'{{label: "{{{word}}}"')
    assert (fault.file, fault.line) == ("routing.yaml", 25)
    assert fault.what.startswith(what)
    if "is not there" in what:
        count = "shelves = 1" if "shelf.2" in word else "shelf.1.boxes = 0"
        assert count in fault.what


def test_a_template_may_name_an_option_of_a_slot_that_is_always_there() -> None:
    report = check_files(edited(RACK, "routing.yaml", '{label: "{steel.own}"', '{label: "{shelf.1.load} {shelf.1.load.own}"'))
    assert report.faults == ()
    assert report.pack is not None
    blueprint = compile_pack(report.pack)
    [*_, last] = explode(blueprint, "C", complete(blueprint, {"shelf.1.load": "100"})).operations
    assert last.parameters["label"] == "100 "


def test_what_was_brought_to_the_holder_of_a_part_is_named_in_the_part() -> None:
    files = edited(RACK, "options.yaml", '{id: 100, price: "6.00"}', '{id: 100, price: "6.00", own: {kind: text, most: 9}}')
    report = check_files(
        edited(files, "routing.yaml", "    energy: 0.01 kWh\n", '    energy: 0.01 kWh\n    parameters: {label: "{load.own}"}\n')
    )
    assert report.pack is not None, report.faults
    blueprint = compile_pack(report.pack)
    whole = complete(blueprint, {"shelves": "1", "shelf.1.load": "100", "shelf.1.boxes": "1"})
    [fold] = [each for each in explode(blueprint, "C", whole, {"shelf.1.load": "tea"}).operations if each.op == "20.1.1"]
    assert fold.parameters["label"] == "tea"


def test_a_price_below_zero_is_shown_where_the_most_is_taken_off() -> None:
    fault = only("rules.yaml", 'price: "-0.50"', 'price: "-26.51"')
    assert (fault.file, fault.line) == ("rules.yaml", 9)
    assert fault.what == "The price is -0.01 EUR for foot = clamp, height_cm = 60, light = led."
    assert check_files(edited(SMALL, "rules.yaml", 'price: "-0.50"', 'price: "-26.50"')).faults == ()


def test_a_discount_that_no_configuration_can_have_with_others_takes_no_price_below_zero() -> None:
    """Each of the two takes off almost the whole price; no lamp is both round and clamped."""
    more = '  - {id: round-too, when: foot = round, price: "-20.00"}\n'
    files = edited(SMALL, "rules.yaml", "prices:\n", "prices:\n" + more)
    assert check_files(edited(files, "rules.yaml", 'price: "-0.50"', 'price: "-26.00"')).faults == ()


def test_a_price_below_zero_in_one_list_on_some_days_names_both() -> None:
    summer = '{id: summer, when: steel = painted, price: "-2.00"'
    fault = rack_fault("rules.yaml", summer, summer.replace("-2.00", "-66.00"))
    assert fault.file == "rules.yaml"
    assert fault.what.startswith("The price is -6.00 EUR in the list dealers for height = 100, steel = painted, shelves = 1")
    assert fault.what.endswith("(from 2026-06-01 on).")


SEEDS = range(60)
KINDS = ("No operation is left", "which is not there", "Nothing of 80 is there", "The price is")
DEAD = ("No configuration keeps these rules", "It is a default of")
STATION = """\
  - op: "80"
    name: {en: n, zh: n}
    class: fitting
    after: []
    cycle: {base: 9 s}
    program: p
    energy: 0.01 kWh
    when: WHEN
"""
CHECKS = """\
checks:
  - id: it
    op: "90"
    name: {en: n, zh: n}
    measure: m
    unit: mm
    reaction: rework
    redo: ["80"]
    physics: {mean: 1, sd: 0.1}
"""


def made_up_to_be_made(chance: random.Random) -> tuple[dict[str, str], str]:
    """A pack whose operations have conditions, one of them a word that may be missing (returned, too), and large discounts."""
    files = made_up(chance)
    whens = [chance.choice(["true", condition(chance, ["o0", "o1"])]) for _ in range(2)]
    word = chance.choice(["n", "box.1.p", "box.2.r"])
    last = '  - op: "90"'
    routing = files["routing.yaml"].replace(last, STATION.replace("WHEN", whens[0]) + last).replace('["10"]', '["10", "80"]')
    routing = routing.replace('{what: "{q}"}', f'{{what: "{{{word}}}"}}\n    when: {whens[1]}')
    rules = files["rules.yaml"].replace('.50"', f'{chance.choice(["", "", "0", "5"])}.50"')
    return {**files, "routing.yaml": routing, "bom.yaml": "bom: []\n", "checks.yaml": CHECKS, "rules.yaml": rules}, word


def wrong(pack: Pack, day: date, word: str) -> set[str]:
    """What is wrong on a day, by trying everything."""
    brute = Brute(pack, day)
    if not brute.valid:
        return {DEAD[0]}
    priced = cast(Blueprint, SimpleNamespace(prices=None))
    found = set()
    for c in brute.valid:
        ops = {each.op for each in pack.routing if holds(brute.words.conditions[each.slot, each.when], c)}
        found |= {KINDS[0]} if not ops else set()
        found |= {KINDS[1]} if "90" in ops and word not in c else set()
        found |= {KINDS[2]} if "90" in ops and "80" not in ops else set()
        found |= {KINDS[3]} if brute.price(c, priced) < 0 else set()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_proved_of_a_made_up_pack_is_what_trying_everything_finds(seed: int) -> None:
    files, word = made_up_to_be_made(random.Random(seed))
    report = check_files(files)
    told = {kind for fault in report.faults for kind in (*KINDS, *DEAD) if kind in fault.what}
    assert all(any(kind in fault.what for kind in (*KINDS, *DEAD)) for fault in report.faults), report.faults
    pack = laid_out(files)
    first = next((found for day in (date.min, *boundaries(pack)) if (found := wrong(pack, day, word))), set())
    assert told - {DEAD[1]} == first
    if DEAD[1] in told:
        assert first == set(), "defaults are looked at last"


def laid_out(files: dict[str, str]) -> Pack:
    """The pack with its faults, as the checker proves it."""
    seen: list[Pack] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "prove", lambda _reading, pack, *_: seen.append(pack))
        check_files(files)
    return seen[0]


def test_made_up_packs_have_every_fault_and_some_have_none() -> None:
    """Else the test above would test nothing."""
    told = Counter(
        kind
        for seed in SEEDS
        for fault in check_files(made_up_to_be_made(random.Random(seed))[0]).faults or [None]
        for kind in (*KINDS, "none")
        if kind in (fault.what if fault else "none")
    )
    assert min(told[kind] for kind in (*KINDS, "none")) > 2, told
