"""OPC UA servers with certificates, made with asyncua, and the trust of a platform that meets them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import PermissiveUserManager, UserManager
from cryptography.hazmat.primitives import serialization

from batchone.contracts.enterprises import Actor
from batchone.kernel.certificates import Identity, OwnCertificate, der_of
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.child import free_port
from batchone.machines.connect.certificates.service import CertificateService
from batchone.machines.connect.certificates.store import CertificateStore
from batchone.machines.connect.module import MODULE
from plantsim.uaspace import QuickServer

TENANT = "tinworks"
CHEN = Actor(TENANT, "chen", "Chen", "engineer")
Kind = ua.SecurityPolicyType
ALL = (Kind.NoSecurity, Kind.Basic256Sha256_Sign, Kind.Basic256Sha256_SignAndEncrypt, Kind.Aes256Sha256RsaPss_SignAndEncrypt)


class Audit:
    """The record of what was done."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []

    async def record(self, actor: Actor, action: str, subject: str, key: str, outcome: str, details: object) -> None:
        self.lines.append((actor.person, action, subject, outcome))


def an_identity(folder: Path, at: datetime | None = None, name: str = "plc") -> Identity:
    """A server's certificate, made at a time."""
    when = at or datetime.now(UTC)
    return OwnCertificate(folder, name, "hall-3").now(when)


async def trust_of(database: Database, home: Path, clock: Any = None) -> tuple[CertificateService, Audit]:
    """A platform's certificates in a database of their own."""
    assert MODULE.migrations is not None
    await migrate(database, "connect", MODULE.migrations)
    audit = Audit()
    own = OwnCertificate(home / "certificates", f"batchone:{TENANT}", "office")
    store = CertificateStore(database, TENANT)
    return CertificateService(TENANT, store, own, home / "secrets", clock or SystemClock(), lambda: audit), audit  # type: ignore[arg-type, return-value]


def write_secret(home: Path, name: str, secret: str, mode: int = 0o600) -> None:
    """A secret's file."""
    (home / "secrets").mkdir(parents=True, exist_ok=True)
    file = home / "secrets" / name
    file.write_text(secret + "\n")
    file.chmod(mode)


class Door(UserManager):
    """Lets one user in by password, and whoever comes without a user if it is open."""

    def __init__(self, user: str, password: str) -> None:
        self._known = (user, password)
        self.heard: list[tuple[str | None, str | None]] = []

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> Any:
        self.heard.append((username, password))
        return User(role=UserRole.User) if (username, password) == self._known else None


@asynccontextmanager
async def a_server(
    identity: Identity | None, kinds: Sequence[ua.SecurityPolicyType] = ALL, *, port: int = 0, door: Door | None = None,
    values: int = 1, writable: bool = False, limits: Mapping[int, int] | None = None,
) -> AsyncIterator[str]:  # fmt: skip
    """A server with some variables `Air.V<number>` in namespace 2, which clients may write if `writable`; its url."""
    iserver = QuickServer()
    iserver.set_user_manager(door or PermissiveUserManager())
    server = Server(iserver=iserver)
    await server.init()
    url = f"opc.tcp://127.0.0.1:{port or free_port()}/"
    server.set_endpoint(url)
    server.set_security_policy(list(kinds))
    server.set_identity_tokens([ua.UserNameIdentityToken] if door else [ua.AnonymousIdentityToken])
    if identity is not None:
        await server.set_application_uri(identity.application)
        await server.load_certificate(der_of(identity.certificate), "der")
        key = identity.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # fmt: skip
        await server.load_private_key(key, format="pem")
    space = await server.register_namespace("urn:hall-3")
    air = await server.nodes.objects.add_object(ua.NodeId("Air", space), "Air")
    for number in range(values):
        made = await air.add_variable(ua.NodeId(f"Air.V{number}", space), f"V{number}", float(number))
        if writable:
            await made.set_writable()
    await server.start()
    for limit, value in (limits or {}).items():
        await server.get_node(ua.NodeId(limit)).write_value(value, ua.VariantType.UInt32)
    try:
        yield url
    finally:
        clock, server.iserver.time_task = server.iserver.time_task, None
        if clock is not None:  # left to itself it would let the stop wait for its next second
            clock.cancel()
        await server.stop()
