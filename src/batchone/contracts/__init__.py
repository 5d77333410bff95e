"""All that crosses a border between domains: frozen types, facts, and read protocols, one file per owning domain.

Nothing here computes. A protocol's methods may be answered from another process, so their arguments and results are
plain frozen data. Times are aware UTC datetimes of plant time; money is exact; units stand last in names.
"""
