"""Quantities with units, written as people write them (`30 s`, `0.4 kWh`), read once at the border."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from batchone.kernel.errors import Refused

if TYPE_CHECKING:
    import pint


@cache
def registry() -> pint.UnitRegistry[float]:
    """The one registry of units; importing it takes a moment, so it is made when first needed."""
    import pint  # noqa: PLC0415

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


def parse(text: str, unit: str) -> float:
    """The magnitude of `text` in `unit`; refused when it is no quantity or of another dimension."""
    import pint  # noqa: PLC0415

    try:
        quantity: Any = registry().Quantity(text)
        return float(quantity.to(unit).magnitude)
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise Refused(
            "quantity.unreadable",
            f"'{text}' is not a quantity in {unit}.",
            f"Write a number and a unit, such as '10 {unit}'.",
        ) from error


def seconds(text: str) -> float:
    """A duration in seconds."""
    return parse(text, "s")
