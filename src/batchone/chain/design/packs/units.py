"""What is said of a unit that is none."""

from __future__ import annotations

from batchone.kernel.quantities import is_unit

__all__ = ["is_unit", "unit_fault"]


def unit_fault(text: str) -> tuple[str, str]:
    """What is wrong with a unit, and the cure."""
    return f"'{text}' is no unit.", "Use a unit such as degC, kg/m^3, Pa or ohm."
