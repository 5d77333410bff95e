"""Connections that an engineer declares beside those of packs: where a machine answers, and which address is which signal.

Nothing is mapped silently: `probe` looks at a machine and proposes, with its evidence; a person takes what is right into
the text, and only what stands there is read as a signal. Everything else that a machine tells goes to quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.contracts.things import Thing
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
class Evidence:
    """Why something may be a signal. `names`: how much of the signal's name is found again (`share`, 0 to 1); `same_unit` and
    `convertible`: of the unit that is told and the signal's (`told`, `own`); `within` and `outside`: where the value (`told`)
    lies to the signal's limits. Only `outside` speaks against it."""

    kind: Literal["names", "same_unit", "convertible", "within", "outside"]
    share: float = 0.0
    told: str = ""
    own: str = ""


@dataclass(frozen=True)
class Found:
    """Something that a machine offers: its address, name and type there, the unit it tells if it does, the value seen.

    `proposed` is the path of a declared signal that it may be, empty if none is alike; `evidence` is what speaks for it (name,
    unit, value within the limits) and against it, and `why` the same in words.
    """

    address: str
    name: str
    type: str
    unit: str = ""
    value: str = ""
    proposed: str = ""
    why: str = ""
    evidence: tuple[Evidence, ...] = ()


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
class Failure:
    """Why a probe came to nothing: as an error says it (`code`, what, cure, named places, HTTP status)."""

    code: str
    what: str
    cure: str
    status: int
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """A probe that somebody began: how long it has been under way (real seconds) and how much it has seen, until it has
    `probed` something or failed."""

    id: str
    url: str
    settings: Mapping[str, str]
    elapsed_s: float
    seen: int = 0
    probed: Probed | None = None
    failure: Failure | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.probed is not None or self.failure is not None


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

    async def shown(self, tenant: str, source: str, most: int) -> tuple[Source, int]:
        """A declared connection with the first `most` of its points by path, and how many it has; `NotFound` for another."""
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

    async def look(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> str:
        """Begin a probe, which may take a minute; the answer is its id. `Refused` at once for a scheme that nobody speaks."""
        ...

    async def looked(self, tenant: str, look: str) -> Look:
        """How a probe stands that was begun; `NotFound` for one that was forgotten, after an hour or a restart."""
        ...

    async def connect(self, tenant: str, source: Source, things: Sequence[Thing], note: str, actor: Actor) -> int:
        """Declare one connection, in the place of one of the same id, as the next version, and before it the equipment and
        signals that are new by it; `Refused` with every fault."""
        ...

    async def disconnect(self, tenant: str, source: str, note: str, actor: Actor) -> int:
        """Declare all connections but one; what its signals told so far stays in the history."""
        ...

    async def push(self, tenant: str, source: str, body: str, settings: Mapping[str, str]) -> Taken:
        """Samples that a machine pushes over HTTP to a declared connection; answered once they are on disk."""
        ...
