"""Which units a pack may use: those of pint, and the A-weighted decibel."""

from __future__ import annotations

import re

from batchone.kernel.quantities import registry

_WRITTEN = re.compile(r"[A-Za-z0-9µΩ°%*/^. -]+\Z")
_MORE = frozenset({"dB(A)"})


def is_unit(text: str) -> bool:
    """Whether this is a unit of measurement."""
    if text in _MORE:
        return True
    if not _WRITTEN.match(text):
        return False
    import pint  # noqa: PLC0415 - a moment's import, needed by those who read packs only

    try:
        registry().parse_units(text)
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError):
        return False
    return bool(text.strip())


def unit_fault(text: str) -> tuple[str, str]:
    """What is wrong with a unit, and the cure."""
    return f"'{text}' is no unit.", "Use a unit such as degC, kg/m^3, Pa or ohm."
