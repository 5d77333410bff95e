"""Sales: promises, orders, and how orders stand.

A promise is a price and two dates taken from the live plan: the bill of materials is exploded, material dates are asked of
sourcing, the items are inserted into the plan in force, and the configuration's lead (before a carrier may take them) and the
carriers' transit are added. An order is what was promised, accepted once; dates that move later stand beside the promised
ones, in notices. Sales hears `plan.accepted`, `promise.moved`, `job.started`, `item.held`, `item.released`, `item.finished`,
`custody.transferred` and `order.delivered`, from which it keeps each order's status; it says `promise.given`,
`promise.replaced`, `order.placed`, `notice.read`, `notice.sent`, `notice.failed` and `contact.changed`. It never plans, never
reserves material, and never changes a placed order.
"""

from batchone.chain.sales.module import MODULE

__all__ = ["MODULE"]
