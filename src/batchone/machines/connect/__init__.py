"""Connect: joins machines to the platform over the protocols that they speak.

Hears: `product.released`, upon which it looks at the packs again. Says: `equipment.changed` when a machine goes into or out
of alarm, blocked or offline; everything lighter is broadcast on `live.equipment.*` and `live.jobs.*`. Samples of declared
signals travel as Arrow batches on `samples.<tenant>.<connection>`, stored on disk before they are acknowledged; those of
undeclared signals are set aside, counted and kept for a person to judge. It provides `contracts.machines.Connect` (jobs at
machines, with read-back, and how everything stands), `contracts.sources.Sources` (declared connections and probes),
`contracts.quarantine.Quarantines`, `contracts.certificates.Certificates` and `Panel` (commands of people, once per key and on
record). It hears of declarations and of judged certificates, too. It never judges a value, never decides what a machine
should do next, and never keeps a sample once the bus has stored it.
"""

from batchone.machines.connect.module import MODULE
from batchone.machines.connect.panel import Panel
from batchone.machines.connect.service import ConnectService

__all__ = ["MODULE", "ConnectService", "Panel"]
