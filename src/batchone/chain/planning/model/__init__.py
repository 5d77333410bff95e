"""The frozen types of planning: the problem, the calendars it works by, and the plan."""

from batchone.chain.planning.model.calendars import ALWAYS, DAY_S, NEVER, WEEK_S, Calendar, Shift, weekly
from batchone.chain.planning.model.plan import Assignment, Bound, JobOutcome, Objective, Plan
from batchone.chain.planning.model.problem import (
    Alternative,
    Before,
    Fixed,
    Job,
    Measure,
    Operation,
    Problem,
    Resource,
    SetupMatrix,
    Tariff,
    Wait,
)

__all__ = [
    "ALWAYS",
    "DAY_S",
    "NEVER",
    "WEEK_S",
    "Alternative",
    "Assignment",
    "Before",
    "Bound",
    "Calendar",
    "Fixed",
    "Job",
    "JobOutcome",
    "Measure",
    "Objective",
    "Operation",
    "Plan",
    "Problem",
    "Resource",
    "SetupMatrix",
    "Shift",
    "Tariff",
    "Wait",
    "weekly",
]
