"""A session with an OPC UA server that keeps to the floor of its connection; for the driver and the probe."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature

from batchone.kernel.certificates import fingerprint
from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Reach, Trust, away
from batchone.machines.connect.opcua.security import Offer, Security, choose, offered, token_of
from batchone.machines.connect.wiring import server_of

AWAY = (OSError, TimeoutError, UaError, InvalidSignature)
"""What is raised when the far side does not answer, or answers what cannot be."""
_NO_ENTRY = {
    StatusCodes.BadIdentityTokenInvalid, StatusCodes.BadIdentityTokenRejected, StatusCodes.BadUserAccessDenied,
    StatusCodes.BadUserSignatureInvalid,
}  # fmt: skip
_NOT_TRUSTED = {
    StatusCodes.BadSecurityChecksFailed, StatusCodes.BadCertificateUntrusted, StatusCodes.BadCertificateInvalid,
    StatusCodes.BadCertificateTimeInvalid, StatusCodes.BadCertificateUriInvalid, StatusCodes.BadCertificateUseNotAllowed,
    StatusCodes.BadCertificateRevoked, StatusCodes.BadCertificateChainIncomplete,
}  # fmt: skip

# What goes wrong on the wire is told once, by our own errors; the library would log each failure of its background tasks.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class SecureClient(Client):
    """A client that connects as `security` says. Without any it speaks to the machines of a pack, which offer none."""

    def __init__(self, url: str, security: Security | None, reach: Reach) -> None:
        super().__init__(url, timeout=reach.answer_s, watchdog_intervall=reach.answer_s)
        self.name = self.description = reach.client
        self.offers: tuple[str, ...] = ()
        self.taken: Offer | None = None
        self._url = url
        self._security = security
        self._reach = reach
        self._certificate = b""

    async def enter(self) -> None:
        """Connect; `Refused` where the server offers too little, shows a certificate that nobody approved, or refuses us."""
        with self.translated():
            if self._security is not None:
                await self._secure(self._security)
            await self.connect()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the library's errors as ours."""
        try:
            yield
        except AWAY as error:
            raise self._meaning(error) from error

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """How we say who we are: as `token_of` has it, where the library would send a password in the clear."""
        if self.taken is None:
            return super().server_policy(token_type)
        if self._certificate != (self.security_policy.peer_certificate or b"") and self._certificate:
            what = f"{self._url} showed one certificate and came with another."
            raise Refused("certificate.other", what, "See who answers there.")
        return token_of(self._url, self._policy_ids, self.taken, token_type)

    async def _secure(self, security: Security) -> None:
        endpoints = await self.connect_and_get_server_endpoints()
        self.offers = offered(endpoints)
        self.taken = choose(self._url, endpoints, security.floor)
        if self.taken.policy is None and not security.user:
            return
        trust = self._trust()
        # A password is encrypted for the holder of the certificate, so that one is approved even where nothing is signed.
        self._certificate = self.taken.certificate
        await trust.check(server_of(self._url), self._certificate)
        if security.user:
            self.set_user(security.user)
            self.set_password(trust.secret(security.password_file))
        if self.taken.policy is not None:
            own = trust.identity()
            self.application_uri = own.application
            mode = self.taken.endpoint.SecurityMode
            policy = self.taken.policy(self._certificate, own.certificate, own.key, mode)
            self.security_policy = policy  # type: ignore[assignment] # the library types it by its default
            self.uaclient.set_security(policy)

    def _trust(self) -> Trust:
        if self._reach.trust is None:
            raise Refused("certificate.nobody", "There are no certificates here.", "Connect through the platform.")
        return self._reach.trust

    def _meaning(self, error: Exception) -> Exception:
        code = error.code if isinstance(error, UaStatusCodeError) else None
        if self._security is not None and code in _NO_ENTRY:
            who = f"the user {self._security.user}" if self._security.user else "a session without a user"
            cure = "Correct user and password_file, or let the server take this one."
            return Refused("opcua.login", f"{self._url} refuses {who}: {ua.StatusCode(code).name}.", cure)
        if self.taken is not None and self.taken.policy is not None and code in _NOT_TRUSTED:
            own = fingerprint(self._trust().identity().certificate)
            what = f"{self._url} does not trust the certificate of this platform ({ua.StatusCode(code).name})."
            cure = f"Let the server trust it: SHA-256 {own}, at GET /api/connections/certificates/own."
            return Refused("certificate.ours", what, cure)
        return away(self._url, error)
