"""Logistics: from the finished items of an order to the customer's door.

When the last item of an order is finished and the lead of its options has passed, a shipment stands ready for a carrier of
the product's pack; the carrier takes it and hands it over. Hears `product.released` (the carriers), `order.placed` and
`item.finished`; says `custody.transferred` and `order.delivered`. It never plans routes, and never ships part of an order.
"""

from batchone.chain.logistics.module import MODULE

__all__ = ["MODULE"]
