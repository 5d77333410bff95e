"""Quantities as packs write them (`12 s`, `4 h`, `0.9 kWh`), read into plain numbers of one unit."""

from __future__ import annotations

from collections.abc import Mapping

DURATION: Mapping[str, float] = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
POWER: Mapping[str, float] = {"W": 0.001, "kW": 1, "MW": 1000}
ENERGY: Mapping[str, float] = {"Wh": 0.001, "kWh": 1, "MWh": 1000, "kJ": 1 / 3600, "MJ": 1 / 3.6}


def quantity(text: object, units: Mapping[str, float]) -> float:
    """Return the number that `text` states, in the unit whose factor is 1.

    Raises:
        ValueError: `text` is not a number and one of `units`.
    """
    number, _, unit = str(text).strip().partition(" ")
    if unit.strip() not in units:
        raise ValueError(f"{text!r} is not a number followed by one of: {', '.join(units)}")
    return float(number) * units[unit.strip()]
