"""The certificates that servers showed, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from batchone.contracts.certificates import CertificateJudged, ServerCertificate
from batchone.kernel.certificates import application_of, der_of, fingerprint
from batchone.kernel.database import Database, Transaction, load_queries

_QUERIES = load_queries(Path(__file__).parent.parent / "queries.sql")
_WAITING_KEPT = 10
"""So many unjudged certificates of a server are kept: one that shows a new one each time shall not fill the table."""


@dataclass(frozen=True)
class Sight:
    """A server and a certificate that it showed."""

    server: str
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate."""
        return fingerprint(self.certificate)


class CertificateStore:
    """Each method is a transaction of its own; `TryLater` while PostgreSQL is away."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def see(self, sight: Sight, at: datetime) -> tuple[ServerCertificate, ...]:
        """Note that a server showed a certificate; all of this server."""
        names = {"tenant": self._tenant, "server": sight.server}
        async with self._database.transaction() as tx:
            await tx.run(
                _QUERIES["see_certificate"], **names, fingerprint=sight.fingerprint, der=der_of(sight.certificate), at=at
            )
            await tx.run(_QUERIES["forget_certificates"], **names, fingerprint=sight.fingerprint, keep=_WAITING_KEPT)
            return _told(await tx.all(_QUERIES["certificates_of"], **names))

    async def all(self) -> tuple[ServerCertificate, ...]:
        """Every certificate of every server."""
        async with self._database.transaction() as tx:
            return _told(await tx.all(_QUERIES["certificates"], tenant=self._tenant))

    async def judge(self, judged: CertificateJudged, at: datetime) -> ServerCertificate | None:
        """Store a judgement and say so; nothing if the server never showed it. The same judgement again says nothing."""
        names = {"tenant": self._tenant, "server": judged.server}
        async with self._database.transaction() as tx:
            before = await self._one(tx, judged)
            if before is None or before.state == judged.state:
                return before
            if judged.state == "approved":
                await tx.run(_QUERIES["replace_certificate"], **names, by=judged.by, at=at)
            await tx.run(
                _QUERIES["judge_certificate"], **names, fingerprint=judged.fingerprint, state=judged.state, by=judged.by, at=at
            )
            await tx.say(self._tenant, judged, actor=judged.by)
            return await self._one(tx, judged)

    async def _one(self, tx: Transaction, judged: CertificateJudged) -> ServerCertificate | None:
        told = _told(await tx.all(_QUERIES["certificates_of"], tenant=self._tenant, server=judged.server))
        return next((each for each in told if each.fingerprint == judged.fingerprint), None)


def _told(rows: Sequence[Mapping[str, Any]]) -> tuple[ServerCertificate, ...]:
    """The certificates of rows, each compared with the approved one of its server."""
    known = {row["fingerprint"]: x509.load_der_x509_certificate(row["der"]) for row in rows}
    approved = {row["server"]: known[row["fingerprint"]].public_key() for row in rows if row["state"] == "approved"}
    told = []
    for row in rows:
        certificate, state = known[row["fingerprint"]], row["state"]
        told.append(
            ServerCertificate(
                row["server"], row["fingerprint"], certificate.subject.rfc4514_string(), application_of(certificate),
                certificate.not_valid_before_utc, certificate.not_valid_after_utc, state, row["first_seen"], row["last_seen"],
                state != "approved" and approved.get(row["server"]) == certificate.public_key(), row["by"], row["at"],
            )
        )  # fmt: skip
    return tuple(told)
