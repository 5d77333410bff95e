"""Whom connections trust: the certificates that machines' servers showed, which of them an engineer approved, and our own.

Nobody is trusted because he came first. What a server shows is noted and refused until a person has compared its fingerprint
with what the machine itself shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact

CertificateState = Literal["waiting", "approved", "replaced", "revoked"]


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate that a server (`host:port`) showed. `fingerprint` is its SHA-256, `application` the URI it is made out to.

    `waiting` until somebody judges it; `replaced` once another one of the same server is approved. `same_key` says of one that
    is not approved that its key is that of the approved one: a renewal by who has held the key all along. `by` and `at` tell of
    the last judgement. Times of certificates are real time.
    """

    server: str
    fingerprint: str
    subject: str
    application: str
    begins: datetime
    ends: datetime
    state: CertificateState
    first_seen: datetime
    last_seen: datetime
    same_key: bool = False
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class PlatformCertificate:
    """A certificate of the platform itself, for servers to trust; `in_use` is false for the one that will follow."""

    fingerprint: str
    subject: str
    application: str
    begins: datetime
    ends: datetime
    in_use: bool
    pem: str


@fact("certificate.judged")
@dataclass(frozen=True)
class CertificateJudged:
    """An engineer approved or revoked a certificate of a server."""

    server: str
    fingerprint: str
    state: CertificateState
    by: str


class Certificates(Protocol):
    """Certificates of servers and of the platform."""

    async def own(self, tenant: str) -> tuple[PlatformCertificate, ...]:
        """The platform's: the one in use, and the one that follows it once that is made."""
        ...

    async def seen(self, tenant: str) -> tuple[ServerCertificate, ...]:
        """Every certificate that a server showed, by server, the approved one first, then the newest."""
        ...

    async def approve(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        """Trust a certificate from now on, and the one approved before it no more; `NotFound` if it was never seen."""
        ...

    async def revoke(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        """Trust a certificate no more; connections that rest on it are closed."""
        ...

    async def renew(self, tenant: str, actor: Actor) -> PlatformCertificate:
        """Make the platform's next certificate now, so that servers can be told of it before it is used; the one that waits
        already, if there is one."""
        ...

    async def take_over(self, tenant: str, fingerprint: str, actor: Actor) -> PlatformCertificate:
        """Use the platform's next certificate from now on, at each new session; `NotFound` unless it is the one that waits."""
        ...
