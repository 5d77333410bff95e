"""Sourcing and planning, the planning half: one finite schedule over all orders, and promises from it.

The engine is pure and stands on its own: `Problem` in, `Plan` out (`solve`), a job put into the plan in force without
moving anything (`Timeline`, `insert`), the plan made to hold again after a breakdown (`repair`), judged by arithmetic of
its own (`validate`) and explained (`explain`). All times are whole seconds from the problem's origin. It reads no clock but
for its budget, no database and no bus; everything in and out can be pickled, so that `solve` can run in another process.
"""

from batchone.chain.planning.bottleneck import Bottlenecks, Load, bottleneck
from batchone.chain.planning.diff import Difference, Gain, JobChange, Shifted, diff
from batchone.chain.planning.explain import Explanation, Share, Step, explain
from batchone.chain.planning.hand import Effect, Hand, Illegal, Moved, Place, Why, move
from batchone.chain.planning.insertion import JobInsertion, insert
from batchone.chain.planning.limits import Cause, Limit
from batchone.chain.planning.model import (
    ALWAYS,
    DAY_S,
    NEVER,
    WEEK_S,
    Alternative,
    Assignment,
    Before,
    Bound,
    Calendar,
    Fixed,
    Job,
    JobOutcome,
    Measure,
    Objective,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Shift,
    Tariff,
    Wait,
    weekly,
)
from batchone.chain.planning.repair import moved, repair
from batchone.chain.planning.solve import Progress, solve
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.validator import Rule, Violation, validate

__all__ = [
    "ALWAYS",
    "DAY_S",
    "NEVER",
    "WEEK_S",
    "Alternative",
    "Assignment",
    "Before",
    "Bottlenecks",
    "Bound",
    "Calendar",
    "Cause",
    "Difference",
    "Effect",
    "Explanation",
    "Fixed",
    "Gain",
    "Hand",
    "Illegal",
    "Job",
    "JobChange",
    "JobInsertion",
    "JobOutcome",
    "Limit",
    "Load",
    "Measure",
    "Moved",
    "Objective",
    "Operation",
    "Place",
    "Plan",
    "Problem",
    "Progress",
    "Resource",
    "Rule",
    "SetupMatrix",
    "Share",
    "Shift",
    "Shifted",
    "Step",
    "Tariff",
    "Timeline",
    "Violation",
    "Wait",
    "Why",
    "bottleneck",
    "diff",
    "explain",
    "insert",
    "move",
    "moved",
    "repair",
    "solve",
    "validate",
    "weekly",
]
