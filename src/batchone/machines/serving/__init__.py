"""Serving: the whole namespace as an OPC UA server, for programs of others to read.

Hears: `things.declared`, `product.released`, and the broadcasts `live.values.>` of what changed; what was broadcast and
lost is read again from the twin. Says: nothing. Every thing is a folder at its ISA-95 path, every signal a variable with
its unit; value, quality and source time are those of its last sample. It is read-only, signs and encrypts, lets in only
clients whose certificates lie in its folder, and listens nowhere until a port is set. It keeps no past, takes no commands,
and is never on the way of a sample to where it is stored.
"""

from batchone.machines.serving.module import MODULE
from batchone.machines.serving.service import ServingService

__all__ = ["MODULE", "ServingService"]
