"""What the planner has done in its worker, so that promises are answered meanwhile. Pure; all of it can be pickled."""

from __future__ import annotations

from collections.abc import Sequence

from batchone.chain.planning.branches.draft import settled
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.pins import Pin

LARGE = 20_000
"""Operations from which on a plan is repaired there: sending it takes a second."""


def repaired(problem: Problem, in_force: Plan, pins: Sequence[Pin]) -> Plan:
    """The plan in force made to hold for a problem and its pins."""
    return settled(problem, in_force, pins)[1]
