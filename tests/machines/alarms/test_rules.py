from __future__ import annotations

from batchone.contracts.pack import Limits
from batchone.machines.alarms.rules import _band, rules_of


def test_every_limit_of_every_place_is_a_rule(rig) -> None:
    rules = rules_of(rig.things.the_model, deadband=0.1, delay_s=5)
    assert [(about.path, about.limit, about.bound) for about in rules.abouts] == [
        ("m1/temperature", "low_low", 10),
        ("m1/temperature", "low", 20),
        ("m1/temperature", "high", 30),
        ("m1/temperature", "high_high", 40),
        ("m1/P01/pressure", "high", 5),
        ("m1/P02/pressure", "high", 5),
    ]
    assert rules.upper.tolist() == [False, False, True, True, True, True]
    assert rules.deadband.tolist() == [3.0, 3.0, 3.0, 3.0, 0.5, 0.5]
    assert [about.priority for about in rules.abouts[:4]] == ["alarm", "warning", "warning", "alarm"]


def test_the_band_of_a_signal_bounded_on_one_side_is_its_innermost_bound() -> None:
    assert _band(Limits(high=20, high_high=21)) == 20
    assert _band(Limits(low=-5, low_low=-9)) == 5
    assert _band(Limits(low=2, high_high=8)) == 6
