"""The namespace as others read it: one OPC UA server of every thing and signal. Owned by `machines.serving`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stranger:
    """A client that wanted in and is not among those that may; `pem` is its certificate as it came."""

    fingerprint: str
    subject: str
    pem: str


@dataclass(frozen=True)
class Served:
    """How the namespace is served. `address` is empty while it is not; `pem` is the server's own certificate, for clients to
    trust; `clients` is the folder of certificates of those that may read."""

    address: str
    security: str
    variables: int
    fingerprint: str
    pem: str
    clients: str
    strangers: tuple[Stranger, ...]


class Serving(Protocol):
    """The server of the namespace."""

    async def served(self, tenant: str) -> Served:
        """How it stands."""
        ...
