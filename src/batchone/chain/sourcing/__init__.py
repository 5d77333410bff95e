"""Sourcing: what orders need, what is in store, and what suppliers owe.

It explodes every placed order, sets stock aside for its items first come first served by promised date, calls the rest
off from suppliers, and takes their deliveries in as lots. Hears `product.released` (catalogue and opening stock),
`order.placed` and `job.finished` (what was set aside is consumed); says `bom.exploded`, `material.allocated`,
`material.expected`, `calloff.sent`, `calloff.confirmed` and `calloff.received`. Of every lot, what was received is free,
allocated or consumed: the tables refuse anything else. It never plans, and never takes back what it has set aside.
"""

from batchone.chain.sourcing.module import MODULE

__all__ = ["MODULE"]
