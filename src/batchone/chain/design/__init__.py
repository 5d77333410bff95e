"""Design: what a product can be, and what follows from choosing.

It installs sector packs, tells after each choice where every option and value stands and why, completes and freezes
configurations, and explodes them into bill of materials and routing by the same rules. `packs` reads and checks pack
folders. Design hears nothing; it says `product.released` and `configuration.completed`. It never dates, orders or
reserves anything, and a pack once installed under a version never changes.
"""

from batchone.chain.design.module import MODULE

__all__ = ["MODULE"]
