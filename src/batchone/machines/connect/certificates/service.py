"""Trust at work: what drivers ask before they believe a server, and what engineers judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from batchone.contracts.certificates import CertificateJudged, CertificateState, PlatformCertificate, ServerCertificate
from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.kernel.certificates import Identity, OwnCertificate, application_of, fingerprint, pem_of
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, Forbidden, NotFound, Refused
from batchone.machines.connect.certificates.store import CertificateStore, Sight

_MAY_JUDGE: tuple[Role, ...] = ("engineer", "admin")
_LEAST_BITS = 2048
_OTHERS = 0o077


class CertificateService:
    """Implements `batchone.contracts.certificates.Certificates` and `batchone.machines.connect.driver.Trust`.

    `clock` tells real time, not plant time, because certificates are made in it. `secrets` is the folder of secret files.
    """

    def __init__(
        self, tenant: str, store: CertificateStore, own: OwnCertificate, secrets: Path, clock: Clock,
        enterprises: Callable[[], Enterprises],
    ) -> None:  # fmt: skip
        self._tenant = tenant
        self._store = store
        self._own = own
        self._secrets = secrets
        self._clock = clock
        self._enterprises = enterprises

    def identity(self) -> Identity:
        """Our certificate and key."""
        return self._own.now(self._clock.now())

    def secret(self, name: str) -> str:
        """The first line of a secret's file; `Refused` where it may be read by others or lies elsewhere."""
        file = self._secrets / name
        if not name or file.parent != self._secrets or name.startswith("."):
            raise Refused(
                "secrets.name", f"'{name}' is no name of a secret.", f"Name a file in {self._secrets}, without a path."
            )
        try:
            if file.stat().st_mode & _OTHERS:
                raise Refused("secrets.open", f"{file} may be read by others.", f"chmod 600 {file}")
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused("secrets.missing", f"{file} cannot be read: {error}.", "Write the secret there.") from error
        return lines[0] if lines else ""

    async def check(self, server: str, der: bytes) -> None:
        """Note the certificate that a server showed, and go on only if it is approved and in its time."""
        certificate = _read(server, der)
        seen = await self._store.see(Sight(server, certificate), self._clock.now())
        shown = next(each for each in seen if each.fingerprint == fingerprint(certificate))
        self._check_itself(shown, certificate)
        if shown.state != "approved":
            raise _untrusted(shown, next((each for each in seen if each.state == "approved"), None))

    def _check_itself(self, shown: ServerCertificate, certificate: x509.Certificate) -> None:
        now, key = self._clock.now(), certificate.public_key()
        if not shown.begins <= now <= shown.ends:
            what = f"The certificate of {shown.server} is not in its time: {_described(shown)}."
            raise Refused("certificate.time", what, "Renew it at the server, or set the clock that is wrong.")
        if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
            what = f"The certificate of {shown.server} has a key that is too weak: {_described(shown)}."
            raise Refused("certificate.weak", what, f"Give the server one with an RSA key of {_LEAST_BITS} bits or more.")

    async def own(self, tenant: str) -> tuple[PlatformCertificate, ...]:
        """The platform's certificates."""
        self._here(tenant)
        now = self._clock.now()
        successor = self._own.successor(now)
        told = (_platform(self._own.now(now).certificate, in_use=True),)
        return (*told, _platform(successor.certificate, in_use=False)) if successor else told

    async def renew(self, tenant: str, actor: Actor) -> PlatformCertificate:
        """Make the next certificate, unless it waits already."""
        self._may(tenant, actor)
        made = _platform(self._own.prepare(self._clock.now()).certificate, in_use=False)
        await self._enterprises().record(actor, "certificates.renew", made.fingerprint, "", "made", {})
        return made

    async def take_over(self, tenant: str, fingerprint: str, actor: Actor) -> PlatformCertificate:
        """Use the next certificate from now on."""
        self._may(tenant, actor)
        waiting = next((each for each in await self.own(tenant) if not each.in_use), None)
        if waiting is None or waiting.fingerprint != _normal(fingerprint):
            what = f"The platform has no certificate {fingerprint[:100]} that waits to be used."
            raise NotFound("certificates.next", what, "Renew first, and let the servers trust the new one.")
        self._own.take_over(self._clock.now())
        await self._enterprises().record(actor, "certificates.renew", waiting.fingerprint, "", "in use", {})
        return replace(waiting, in_use=True)

    async def seen(self, tenant: str) -> tuple[ServerCertificate, ...]:
        """Every certificate that a server showed."""
        self._here(tenant)
        return await self._store.all()

    async def approve(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        """Trust a certificate."""
        return await self._judge(tenant, server, fingerprint, "approved", actor)

    async def revoke(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        """Trust a certificate no more."""
        return await self._judge(tenant, server, fingerprint, "revoked", actor)

    async def _judge(
        self, tenant: str, server: str, told: str, state: CertificateState, actor: Actor
    ) -> ServerCertificate:  # fmt: skip
        self._may(tenant, actor)
        judged = await self._store.judge(CertificateJudged(server, _normal(told), state, actor.person), self._clock.now())
        if judged is None:
            what = f"{server[:200]} never showed the certificate {told[:100]}."
            raise NotFound("certificates.unknown", what, "Probe it, and take the fingerprint from the list.")
        if judged.state != state:
            raise Conflict("certificates.raced", f"Somebody judged {judged.fingerprint} otherwise.", "Look at the list again.")
        details = {"fingerprint": judged.fingerprint, "subject": judged.subject[:200]}
        await self._enterprises().record(actor, "certificates.judge", server, "", state, details)
        return judged

    def _may(self, tenant: str, actor: Actor) -> None:
        self._here(tenant)
        if actor.role not in _MAY_JUDGE or actor.tenant != tenant:
            cure = f"It is for: {', '.join(_MAY_JUDGE)} of this enterprise."
            raise Forbidden("certificates.role", f"{actor.name} may not judge certificates here.", cure, role=actor.role)

    def _here(self, tenant: str) -> None:
        if tenant != self._tenant:
            raise NotFound("certificates.tenant", f"{tenant} has no machines here.", "Ask where its machines are connected.")


def _read(server: str, der: bytes) -> x509.Certificate:
    """A certificate of which all that is ever asked can be read: what is stored shall not fail when it is listed."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.subject.rfc4514_string(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
        _ = certificate.public_key(), application_of(certificate)
    except (ValueError, UnsupportedAlgorithm) as error:
        what = f"{server} shows a certificate that cannot be read: {error}."
        raise Refused("certificate.garbled", what, "Give the server another one.") from error
    return certificate


def _normal(told: str) -> str:
    """A fingerprint as it is stored, however it was copied."""
    digits = "".join(each for each in told.upper() if each not in ": ")
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def _described(each: ServerCertificate) -> str:
    return f"{each.subject}, SHA-256 {each.fingerprint}, valid from {each.begins:%Y-%m-%d} to {each.ends:%Y-%m-%d}"


def _untrusted(shown: ServerCertificate, approved: ServerCertificate | None) -> Refused:
    if shown.state == "revoked":
        what = f"{shown.server} shows a certificate that {shown.by} revoked: {_described(shown)}."
    elif approved is not None:
        key = "the same key" if shown.same_key else "ANOTHER key"
        what = f"{shown.server} shows {_described(shown)}, with {key}, instead of the approved {_described(approved)}."
    else:
        what = f"{shown.server} shows a certificate that nobody has approved: {_described(shown)}."
    cure = (
        "Compare the fingerprint with the one that the server itself shows; if they are the same, approve it under "
        "/connect/certificates, or with POST /api/connections/certificates/approve."
    )
    return Refused(
        "certificate.untrusted", what, cure, server=shown.server, fingerprint=shown.fingerprint, subject=shown.subject,
        begins=shown.begins.isoformat(), ends=shown.ends.isoformat(), state=shown.state,
    )  # fmt: skip


def _platform(certificate: x509.Certificate, *, in_use: bool) -> PlatformCertificate:
    return PlatformCertificate(
        fingerprint(certificate), certificate.subject.rfc4514_string(), application_of(certificate),
        certificate.not_valid_before_utc, certificate.not_valid_after_utc, in_use, pem_of(certificate),
    )  # fmt: skip
