from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel, joined
from batchone.kernel.errors import Refused
from batchone.machines.twin.things.text import LimitsText, SignalText, ThingsText, ThingText, TypeText, kept, read, write

PACKS = ThingModel(
    0, (EquipmentType("press", {"en": "Press"}, (SignalType("force", {"en": "Force"}, "kN"),)),),
    (Thing("press-1", "press", {"en": "Press 1"}, "e/s/a/l/forming", pack="p"),),
)  # fmt: skip
TEXT = """\
types:
  - id: compressor
    name: {en: Compressor, zh: 空压机}
    signals:
      - {id: pressure, unit: bar, every: 1 s, limits: {high: 9, high_high: 10}, retention: long}
      - {id: loaded, kind: boolean}
equipment:
  - {id: comp-1, type: compressor, place: e/s/utilities/air/house}
  - id: press-1
    signals: [{id: oil, unit: degC}]
"""


def test_declared_things_stand_beside_those_of_packs() -> None:
    model = joined(PACKS, *read(TEXT, PACKS).made(), 3)
    assert list(model.signals) == ["press-1/force", "press-1/oil", "comp-1/loaded", "comp-1/pressure"]
    pressure = model.signals["comp-1/pressure"].signal
    assert (pressure.unit, pressure.limits, pressure.every_s, pressure.retention) == (
        "bar",
        Limits(high=9, high_high=10),
        1,
        "long",
    )
    assert model.thing("comp-1").path == "e/s/utilities/air/house/comp-1"
    assert model.thing("press-1").pack == "p"
    assert model.version == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("types: [{id: x, sginals: []}]", "line 1: types.0.sginals"),
        ("types:\n  - id: x\n    signals:\n      - {id: a, unit: blorps}", "line 4"),
        ("types:\n  - id: x\n    signals:\n      - {id: a, limits: {low: 5, high: 4}}", "limits rise"),
        ("equipment: [{id: a}]", "a needs a place"),
        ("equipment: [{id: a, type: ghost, place: e/s}]", "ghost, which nothing declares"),
        ("equipment: [{id: a, place: e/s}, {id: a, place: e/s}]", "equipment a is declared twice"),
        ("equipment: [{id: press-1, positions: 3}]", "is equipment of the pack p"),
        ("equipment: [{id: press-1, signals: [{id: force}]}]", "has the signal force from its type already"),
        ("types: [{id: press}]", "The type press is a pack's"),
        ("types: [{id: x, signals: [{id: a}, {id: a}]}]", "signal of x, a is declared twice"),
        ("a: [", "no YAML"),
        ("- 1", "valid dictionary"),
        ("types: &a\n  - {id: x, name: *a}", "aliases"),
        ("types: [{id: x, signals: [{id: a, every: soon}]}]", "'soon' is not a quantity"),
        ("types: [{id: x, signals: [{id: a, limits: {low: nan}}]}]", "finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_by_its_place(text: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        read(text, PACKS)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refused) as found:
        read("types:\n  - {id: 'a b'}\n  - {id: c, name: 4}\n", PACKS)
    assert [line.partition(":")[0] for line in found.value.where["faults"].splitlines()] == ["line 2", "line 3"]


def test_an_empty_text_declares_nothing() -> None:
    assert read("", PACKS) == kept("") == ThingsText()
    assert kept(write(ThingsText())) == ThingsText()


ids = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
bounds = st.one_of(st.none(), st.floats(-1e6, 1e6))


@st.composite
def signals(draw: st.DrawFn) -> tuple[SignalText, ...]:
    made = []
    for name in draw(st.lists(ids, unique=True, max_size=3)):
        told = sorted(set(draw(st.lists(st.floats(-1e6, 1e6), max_size=4))))
        limits = LimitsText(**dict(zip(("low_low", "low", "high", "high_high"), told, strict=False)))
        made.append(
            SignalText(
                id=name, unit=draw(st.sampled_from(["", "degC", "bar"])), kind=draw(st.sampled_from(["float", "state"])),
                scope=draw(st.sampled_from(["equipment", "position"])), limits=limits,
                every=f"{draw(st.integers(0, 900)) / 10:g} s", retention=draw(st.sampled_from(["short", "long"])),
            )
        )  # fmt: skip
    return tuple(made)


@settings(deadline=None, max_examples=30)
@given(
    types=st.lists(st.builds(TypeText, id=ids, signals=signals()), unique_by=lambda each: each.id, max_size=3),
    things=st.lists(st.builds(ThingText, id=ids, place=st.just("e/s"), signals=signals()), unique_by=lambda each: each.id),
)
def test_what_is_written_is_read_back_and_written_the_same(types: list[TypeText], things: list[ThingText]) -> None:
    told = ThingsText(types=tuple(types), equipment=tuple(things)).canonical()
    text = write(told)
    assert kept(text) == told
    assert write(kept(text)) == text
    assert [SignalText.of(signal.made()).made() for each in told.types for signal in each.signals] == [
        signal.made() for each in told.types for signal in each.signals
    ]


def test_a_change_of_one_limit_is_a_change_of_one_line(tmp_path: Path) -> None:
    before = write(read(TEXT, PACKS)).splitlines()
    after = write(read(TEXT.replace("high: 9,", "high: 8.5,"), PACKS)).splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ("          high: 9.0", "          high: 8.5"),
    ]
