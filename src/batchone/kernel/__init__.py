"""What every domain stands on, and which knows nothing of plants.

Clock, ids, money, quantities, errors, settings, the bus, the database with its outbox, remote reads, modules and
their supervision, and the embedded engines. The kernel imports no other room of the house.
"""
