"""The space of a feature model's configurations, answered exactly: states, reasons, changes, counts.

`OptionSpace` is one model for all who ask, `Session` one person's choices in it. What each file does it says at its head.
"""

from batchone.chain.design.space.changes import smallest_change
from batchone.chain.design.space.comparing import difference
from batchone.chain.design.space.counting import Count, count
from batchone.chain.design.space.reasons import Reason, Reasons, Said
from batchone.chain.design.space.sessions import Session
from batchone.chain.design.space.states import OptionSpace, State, States

__all__ = [
    "Count", "OptionSpace", "Reason", "Reasons", "Said", "Session", "State", "States", "count", "difference", "smallest_change",
]  # fmt: skip
