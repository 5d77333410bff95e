"""Alarms: what is wrong at the machines, since when, who has seen it, and how much of it people are told (ANSI/ISA-18.2).

Hears: batches of samples on `samples.>`, `equipment.changed`, `samples.lost`, `product.released`, `things.declared`. Says:
`alarm.raised`, `.returned`, `.suppressed`, `.restored`, `.limit_changed`. The limits of signals, as declared or as changed
since, are judged for every sample of good quality, with deadband, on-delay and off-delay; a machine that is lost or broken
and a connection that loses samples are alarms of their own. Alarms are shelved for a while, suppressed by design or taken
out of service; they are judged all the same, and counted. The same batch twice changes nothing, and a restart goes on where
it stopped. It never commands a machine, and never hides an alarm without saying who hid it and why.
"""

from batchone.machines.alarms.module import MODULE
from batchone.machines.alarms.service import AlarmsService

__all__ = ["MODULE", "AlarmsService"]
