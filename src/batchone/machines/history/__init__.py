"""History: every sample that a machine ever reported, stored once, readable for good.

Hears: batches of samples on `samples.>`. Says: nothing; it answers reads through `batchone.contracts.machines.History` and
`Retention`.
Samples become Parquet segments sorted by path and source time; a segment counts only when the catalogue in PostgreSQL
names it, and only then are its batches acknowledged, so that a crash at any moment loses nothing and stores nothing
twice. Small segments are merged in the background and packed; days older than their class of retention, where one has a
duration, are archived and dropped. Reads touch exactly the segments that the catalogue names for their
window. It never changes a value, never invents one between two samples, and never judges what a value means.
"""

from batchone.machines.history.module import MODULE
from batchone.machines.history.service import Historian

__all__ = ["MODULE", "Historian"]
