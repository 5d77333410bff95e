"""Alarms: what is wrong at the machines, since when, and who has seen it.

Hears: batches of samples on `samples.>`, `equipment.changed`, `product.released`. Says: `alarm.raised`, `alarm.returned`.
The limits that packs declare for signals are judged for every sample of good quality, with deadband and on-delay; a
machine that is lost or broken is an alarm of its own. An alarm has the life cycle of ISA-18.2: unacknowledged,
acknowledged, returned. The same batch twice changes nothing, and a restart goes on where it stopped. It never commands a
machine, and never hides an alarm that nobody has seen.
"""

from batchone.machines.alarms.module import MODULE
from batchone.machines.alarms.service import AlarmsService

__all__ = ["MODULE", "AlarmsService"]
