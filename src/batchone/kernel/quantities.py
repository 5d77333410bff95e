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


_POWERS = r"(?:[^\W\d_]+|[°%][A-Za-z]?)(?:(?:\^|\*\*)-?[0-9])?"
_UNIT_WRITTEN = re.compile(rf"\s*(?:1\s*/\s*)?{_POWERS}(?:(?:\s*[*/]\s*|\s+){_POWERS}){{0,5}}\s*")
_MORE_UNITS = frozenset({"dB(A)"})


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


def is_unit(text: str) -> bool:
    """Whether this is a unit of measurement: one of pint's, or the A-weighted decibel."""
    if text in _MORE_UNITS:
        return True
    if not _UNIT_WRITTEN.fullmatch(text):
        return False
    import pint  # noqa: PLC0415 - a moment's import, needed by those who read packs and things only

    try:
        registry().parse_units(text)
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError):
        return False
    return bool(text.strip())


def conversion(from_unit: str, to_unit: str) -> tuple[float, float]:
    """Factor and offset that turn numbers in one unit into another: `to = from * factor + offset`.

    Found once for a signal, so that no sample meets a unit. `Refused` when the dimensions differ, or the scale is not linear.
    """
    if from_unit == to_unit or not from_unit or not to_unit:
        return 1.0, 0.0
    import pint  # noqa: PLC0415

    refused = Refused(
        "quantity.conversion", f"'{from_unit}' cannot be turned into '{to_unit}'.", "Name units of one dimension."
    )
    # What a machine calls a unit may be anything, and pint would work it out.
    if not _UNIT_WRITTEN.fullmatch(from_unit) or not _UNIT_WRITTEN.fullmatch(to_unit):
        raise refused
    try:
        at = [float(registry().Quantity(number, from_unit).to(to_unit).magnitude) for number in (0.0, 1.0, 2.0)]
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise refused from error
    factor = at[1] - at[0]
    if not math.isclose(at[2] - at[1], factor, rel_tol=1e-9):
        raise Refused(
            "quantity.conversion", f"'{from_unit}' is no linear scale of '{to_unit}'.", "Let the machine tell it linearly."
        )
    return factor, at[0]


def seconds(text: str) -> float:
    """A duration in seconds."""
    return parse(text, "s")
