"""What the plant asks of a connection, whatever it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from plantsim.equipment import Changes, Equipment


class Endpoint(Protocol):
    """One server or edge node, with the equipment that answers there."""

    @property
    def id(self) -> str:
        """The connection's id in the pack."""

    @property
    def url(self) -> str:
        """Where it answers."""

    @property
    def equipment(self) -> Mapping[str, Equipment]:
        """Its equipment by id."""

    async def start(self) -> None:
        """Begin to answer; a server answers when this returns, an edge node keeps trying behind it.

        Raises:
            OSError: the address cannot be listened at.
        """

    async def answering(self) -> None:
        """Wait until it answers for the first time."""

    async def stop(self) -> None:
        """Say goodbye as the protocol wants it and let go of everything."""

    async def publish(self, equipment: Equipment, changes: Changes, *, garbled: bool) -> None:
        """Show what has changed; as garbage if so told."""

    async def unplug(self) -> None:
        """Be gone from the network without a word."""

    async def plug(self) -> None:
        """Be back."""
