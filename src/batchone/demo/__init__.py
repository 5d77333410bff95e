"""Emulated partners: customers who order, suppliers who deliver, carriers who bring it home.

They act as their real counterparts would: through the public REST API, each with an API token, in plant time. What they
do is decided by pure, seeded policies (`policies`); `rest` does the talking. A partner remembers nothing: what is to be
done follows from what the API lists, so it can be stopped and started at any time, and behaves the same.
"""

from batchone.demo.carriers import carry, carry_once
from batchone.demo.feeder import feed, order_once
from batchone.demo.suppliers import supply, supply_once

__all__ = ["carry", "carry_once", "feed", "order_once", "supply", "supply_once"]
