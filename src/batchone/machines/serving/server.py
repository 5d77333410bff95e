"""The OPC UA server itself, with asyncua: folders, variables, who may come in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from asyncua import ua
from asyncua.crypto.security_policies import SecurityPolicyFactory, SecurityPolicyNone
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import BadCertificateUntrusted
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from batchone.contracts.serving import Stranger
from batchone.kernel.certificates import Identity, der_of, fingerprint, pem_of
from batchone.machines.serving.model import Value, Variable

Floor = Literal["none", "sign", "encrypt"]
_Kind = ua.SecurityPolicyType
_ENCRYPT = [
    _Kind.Basic256Sha256_SignAndEncrypt,
    _Kind.Aes128Sha256RsaOaep_SignAndEncrypt,
    _Kind.Aes256Sha256RsaPss_SignAndEncrypt,
]
_SIGN = [_Kind.Basic256Sha256_Sign, _Kind.Aes128Sha256RsaOaep_Sign, _Kind.Aes256Sha256RsaPss_Sign]
_OFFERED: Mapping[Floor, list[ua.SecurityPolicyType]] = {
    "encrypt": _ENCRYPT, "sign": _SIGN + _ENCRYPT, "none": [_Kind.NoSecurity, *_SIGN, *_ENCRYPT],
}  # fmt: skip
_STRANGERS_KEPT = 10
_AT_ONCE = 200
_UNITS = "urn:batchone:units"

logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Guests:
    """The clients that may come in: those whose certificates (PEM) lie in `folder`, read anew for each that comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.strangers: dict[str, Stranger] = {}

    def admit(self, der: bytes) -> None:
        """Let a client in, or remember it as a stranger and raise the library's error for that."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            now, own = datetime.now(UTC), fingerprint(certificate)
            stranger = Stranger(own, certificate.subject.rfc4514_string(), pem_of(certificate))
        except ValueError as error:
            raise BadCertificateUntrusted from error
        known = {fingerprint(each) for file in sorted(self.folder.glob("*.pem")) for each in _certificates(file)}
        if own in known and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            self.strangers.pop(own, None)
            return
        self.strangers[own] = stranger
        while len(self.strangers) > _STRANGERS_KEPT:
            del self.strangers[next(iter(self.strangers))]
        raise BadCertificateUntrusted


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return []


class _Guarded(SecurityPolicyFactory):
    """A policy that opens a channel for guests alone.

    The library's own hook looks at the certificate which a session names, and not at the one that the channel proved.
    """

    guests: Guests

    def create(self, peer_certificate: bytes) -> Any:
        self.guests.admit(peer_certificate)
        return super().create(peer_certificate)  # type: ignore[no-untyped-call]


class _GuardedServer(Server):
    def __init__(self, guests: Guests) -> None:
        super().__init__()
        self._guests = guests

    async def _setup_server_nodes(self) -> None:
        await super()._setup_server_nodes()
        for policy in self._policies:
            if policy.cls is not SecurityPolicyNone:
                policy.__class__ = _Guarded
                policy.guests = self._guests  # type: ignore[attr-defined]


class NamespaceServer:
    """Serves variables from `open` to `close`."""

    def __init__(self, url: str, name: str, floor: Floor, identity: Identity, guests: Guests) -> None:
        self._url, self._name, self._floor, self._identity, self._guests = url, name, floor, identity, guests
        self._server: Server | None = None
        self._nodes: dict[str, ua.NodeId] = {}

    async def open(self, variables: Sequence[Variable]) -> None:
        """Make the address space and listen; `OSError` where the port is taken."""
        server = _GuardedServer(self._guests)
        await server.init()
        server.set_endpoint(self._url)
        server.set_server_name(self._name)
        server.set_security_policy(_OFFERED[self._floor])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        server.allow_remote_admin(False)
        await server.set_application_uri(self._identity.application)
        key = self._identity.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # fmt: skip
        await server.load_certificate(der_of(self._identity.certificate), "der")
        await server.load_private_key(key, format="pem")
        await self._fill(server, variables)
        await server.start()
        self._server = server

    async def close(self) -> None:
        """Close every session and the port."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def write(self, values: Mapping[str, Value]) -> None:
        """Tell clients what changed; paths that are not served are left out."""
        if self._server is None:
            return
        now = datetime.now(UTC)
        for path, value in values.items():
            node = self._nodes.get(path)
            if node is not None:
                status = ua.StatusCode(value.status)  # type: ignore[arg-type] # plain int
                told = ua.DataValue(
                    ua.Variant(value.value, ua.VariantType.Double), status,
                    SourceTimestamp=datetime.fromtimestamp(value.time_s, UTC), ServerTimestamp=now,  # type: ignore[arg-type]
                )  # fmt: skip
                await self._server.write_attribute_value(node, told)

    async def _fill(self, server: Server, variables: Sequence[Variable]) -> None:
        space = await server.register_namespace(self._name)
        folders: dict[tuple[str, ...], Any] = {(): server.nodes.objects}
        for count, each in enumerate(variables):
            for depth in range(1, len(each.folders) + 1):
                steps = each.folders[:depth]
                if steps not in folders:
                    node = ua.NodeId("/".join(steps), space)  # type: ignore[arg-type] # plain int
                    folders[steps] = await folders[steps[:-1]].add_folder(node, ua.QualifiedName(steps[-1], space))
            node = self._nodes[each.path] = ua.NodeId(each.node, space)  # type: ignore[arg-type] # plain int
            made = await folders[each.folders].add_variable(node, ua.QualifiedName(each.name, space), 0.0)
            waiting = ua.DataValue(
                ua.Variant(0.0, ua.VariantType.Double),
                ua.StatusCode(StatusCodes.BadWaitingForInitialData),  # type: ignore[arg-type]
            )
            await server.write_attribute_value(node, waiting)
            label = ua.LocalizedText(each.display)
            await made.write_attribute(AttributeIds.DisplayName, ua.DataValue(ua.Variant(label)))
            if each.unit:
                unit = ua.EUInformation(_UNITS, -1, ua.LocalizedText(each.unit), ua.LocalizedText(each.unit))
                name = ua.QualifiedName("EngineeringUnits", 0)
                await made.add_property(ua.NodeId(f"{each.node}#unit", space), name, unit)  # type: ignore[arg-type]
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
