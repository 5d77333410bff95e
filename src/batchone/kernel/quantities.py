"""Quantities with units, written as people write them (`30 s`, `0.4 kWh`), read once at the border."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING

from batchone.kernel.errors import Refused

if TYPE_CHECKING:
    import pint

_UNIT = r"(?:[^\W\d_]+|[°%][A-Za-z]?)(?:\^-?[0-9])?"
# pint would also work out whatever else is written, so that `3,5 s` were 35 s, and `9**9**9 s` the end of all work.
_QUANTITY = re.compile(
    rf"\s*(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>{_UNIT}(?:\s*[*/]\s*{_UNIT}){{0,5}})?\s*"
)


@cache
def registry() -> pint.UnitRegistry[float]:
    """The one registry of units; importing it takes a moment, so it is made when first needed."""
    import pint  # noqa: PLC0415

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


def parse(text: str, unit: str) -> float:
    """The magnitude of `text` in `unit`; refused when it is no quantity or of another dimension."""
    import pint  # noqa: PLC0415

    refused = Refused(
        "quantity.unreadable", f"'{text}' is not a quantity in {unit}.", f"Write a number and a unit, such as '10 {unit}'."
    )
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise refused
    try:
        quantity = registry().Quantity(float(found["number"]), found["unit"] or "")
        magnitude = float(quantity.to(unit).magnitude)
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise refused from error
    if not math.isfinite(magnitude):
        raise refused
    return magnitude


def seconds(text: str) -> float:
    """A duration in seconds."""
    return parse(text, "s")
