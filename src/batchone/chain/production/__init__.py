"""Production: jobs on machines, and the record of every item.

It releases operations to equipment in the order of the plan, as soon as predecessors are done for as long as they must be,
material is set aside, and a position and the tools and people it needs are free; commands the machine through
`machines.connect` and believes only what is read back; judges measurements against limits; holds items and has operations
done again. Hears `order.placed` and `material.allocated`; says `job.released`, `job.started`, `job.finished`, `check.passed`,
`check.failed`, `item.held`, `item.released`, `item.finished`.
It never plans, never speaks a protocol, and never changes an item except by what a machine reported or a person decided.
"""

from batchone.chain.production.module import MODULE

__all__ = ["MODULE"]
