"""Twin: the last value of every signal, in memory, for whoever wants to know how things stand now, or stood at a time.

Hears: batches of samples on `samples.>`, by a consumer of its own, and changes of state (`equipment.changed`), which it
remembers. Says: nothing durable; it broadcasts what changed on `live.values.<tenant>.<equipment>` for live pages, at most
ten times a second for an equipment. After a restart it is filled from the history, and what it takes from there is of
uncertain quality until the machine speaks again. How an equipment was at a time that is over it asks of the history and
the alarms; it keeps no samples of the past, judges nothing, and a value that it shows was reported by a machine. Its
thing model says which equipment and signals there are: those of packs, and what engineers declare beside them as
numbered text (`things.declared`).
"""

from batchone.machines.twin.live import VALUES_TOPIC
from batchone.machines.twin.module import MODULE
from batchone.machines.twin.service import TwinService

__all__ = ["MODULE", "VALUES_TOPIC", "TwinService"]
