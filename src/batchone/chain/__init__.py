"""The value chain of one item, from a wish to the customer's door.

Its rooms are named after ISO/PAS 24644-1 and ISA-95: design, sales, sourcing, planning, production, logistics. They know
one another only through `batchone.contracts`.
"""
