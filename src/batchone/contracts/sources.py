"""Connections that an engineer declares beside those of packs: where a machine answers, and which address is which signal.

Nothing is mapped silently: `probe` looks at a machine and proposes, with its evidence; a person takes what is right into
the text, and only what stands there is read as a signal. Everything else that a machine tells goes to quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact


@dataclass(frozen=True)
class Point:
    """One address of a machine that is one signal of the thing model.

    `unit` is what the machine tells, where that is not the signal's own unit; `factor` and `offset` are applied before
    (`value * factor + offset`), for a machine that tells raw counts.
    """

    path: str
    address: str
    unit: str = ""
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Source:
    """A connection. `url` names protocol, host and port, such as `opc.tcp://10.0.0.5:4840/`; `settings` are the protocol's."""

    id: str
    url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class SourcesEdition:
    """A text by which connections were declared: numbered, never changed."""

    version: int
    by: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Found:
    """Something that a machine offers: its address, name and type there, the unit it tells if it does, the value seen.

    `proposed` is the path of a declared signal that it may be, empty if none is alike; `why` says what speaks for it (name,
    unit, value within the limits) and against it.
    """

    address: str
    name: str
    type: str
    unit: str = ""
    value: str = ""
    proposed: str = ""
    why: str = ""


@dataclass(frozen=True)
class Probed:
    """What a probe saw: who answers (product and version as told), how the connection is secured, and what it offers.

    `left_out` counts what was not listed, because there was more than a person can look through.
    """

    url: str
    protocol: str
    who: str
    security: str
    found: tuple[Found, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What became of pushed samples: kept durably, or set aside as undeclared or unreadable (with the first reason)."""

    samples: int
    quarantined: int
    refused: int = 0
    what: str = ""


Tier = Literal["bronze", "silver", "gold", "platinum"]
"""How good a connector is; what each asks for stands in docs/guides/connectors.md."""


@dataclass(frozen=True)
class Connector:
    """A protocol that is spoken: the beginnings of its urls (none for one that only packs connect), the tier that it reached,
    and what is missing to the next ones, by rule."""

    id: str
    schemes: tuple[str, ...]
    tier: Tier | Literal["none"]
    todo: Mapping[str, str]


@fact("sources.declared")
@dataclass(frozen=True)
class SourcesDeclared:
    """An engineer declared connections anew."""

    version: int
    by: str


class Sources(Protocol):
    """Declared connections, probing, and what is pushed to them."""

    async def connectors(self) -> tuple[Connector, ...]:
        """Every protocol that is spoken, and how well."""
        ...

    async def declared(self, tenant: str) -> tuple[Source, ...]:
        """Every declared connection."""
        ...

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version (0: the newest) in its canonical form; `NotFound` if there is none."""
        ...

    async def editions(self, tenant: str) -> tuple[SourcesEdition, ...]:
        """Every version, the newest first."""
        ...

    async def declare(self, tenant: str, text: str, note: str, actor: Actor) -> int:
        """Take a text as the next version, whose number is the answer; `Refused` with every fault by line."""
        ...

    async def probe(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> Probed:
        """Look at what answers at an address; `TryLater` when nothing does, `Refused` for a scheme that nobody speaks."""
        ...

    async def push(self, tenant: str, source: str, body: str, settings: Mapping[str, str]) -> Taken:
        """Samples that a machine pushes over HTTP to a declared connection; answered once they are on disk."""
        ...
