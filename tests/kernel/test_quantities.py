"""Quantities are read as people write them, and nothing else is."""

import pytest

from batchone.kernel.errors import Refused
from batchone.kernel.quantities import conversion, is_unit, parse, seconds


@pytest.mark.parametrize(
    ("text", "unit", "magnitude"),
    [
        ("30 s", "s", 30), ("30s", "s", 30), (" 4 h ", "s", 14400), ("1.5 min", "s", 90), ("14 d", "s", 14 * 86400),
        ("-5 s", "s", -5), ("+.5 s", "s", 0.5), ("1e3 ms", "s", 1), ("0.4 kWh", "kWh", 0.4), ("0.4 kWh", "J", 1_440_000),
        ("64 MB", "byte", 64e6), ("3 kW * h", "kWh", 3), ("7 kg/m^3", "g/m^3", 7000), ("9.81 m/s^2", "m/s^2", 9.81),
        ("42 degC", "degC", 42), ("0 °C", "K", 273.15), ("5 %", "percent", 5), ("5 µm", "m", 5e-6), ("10 Ω", "ohm", 10),
        ("0.5", "", 0.5),
    ],
)  # fmt: skip
def test_a_number_and_a_unit_are_a_quantity(text: str, unit: str, magnitude: float) -> None:
    assert parse(text, unit) == pytest.approx(magnitude, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "s", "30", "ten s", "10 kg", "3,5 s", "1 000 s", "1_000 s", "4 h 30 min", "2*3 s", "2 + 3 s", "nan s", "inf s",
        "1e400 s", "1/0 s", "(3 s", "3 s)", "[1] s", "5 ± 2 s", "9**9**9 s", "3 s**9**9**9", "3 s^99999999",
        "__import__('os') s",
        "3 s; 4 s", "９ s", "3 parsecs_per_lightning", "\0", "3 s\0", "x" * 10_000, "3 " + "s*" * 5000 + "s",
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_whatever_else_is_written_is_refused_at_once(text: str) -> None:
    with pytest.raises(Refused, match="is not a quantity in s"):
        parse(text, "s")


def test_seconds_are_the_usual_duration() -> None:
    assert seconds("2 h") == 7200


@pytest.mark.parametrize(
    "text", ["9**9**9**9", "9^9^9^9^9", "{", "(", "m/s/", "m^99999999", "1e999 bar", "__import__('os')", "\0", "m" * 10_000]
)
@pytest.mark.timeout(20)
def test_whatever_a_machine_calls_a_unit_is_one_or_refused_at_once(text: str) -> None:
    assert not is_unit(text)
    for units in ((text, "bar"), ("bar", text)):
        with pytest.raises(Refused):
            conversion(*units)
