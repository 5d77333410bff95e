"""Who may do what: tenants, people, roles, sessions, tokens, and the audit record. Owned by `network.enterprises`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Role = Literal["customer", "planner", "operator", "engineer", "supplier", "admin"]
ROLES: tuple[Role, ...] = ("customer", "planner", "operator", "engineer", "supplier", "admin")


@dataclass(frozen=True)
class Actor:
    """Somebody who does something: a person of a tenant in a role, signed in by `via` (session, token or system).

    `party` ties a supplier's or a customer's person to the supplier or customer they act for; empty for staff.
    """

    tenant: str
    person: str
    name: str
    role: Role
    party: str = ""
    via: Literal["session", "token", "system"] = "session"


def system(tenant: str, name: str) -> Actor:
    """The platform itself acting, for facts that no person caused."""
    return Actor(tenant=tenant, person=name, name=name, role="admin", via="system")


@dataclass(frozen=True)
class Session:
    """A signed-in session: the secret goes into the cookie once and is stored hashed; `csrf` goes into every form."""

    secret: str
    csrf: str
    actor: Actor
    expires: datetime


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in."""

    id: str
    tenant: str
    name: str
    role: Role
    party: str
    active: bool


@dataclass(frozen=True)
class AuditEntry:
    """One line of the append-only record: who did what to what, when, with which idempotency key, and what came of it."""

    seq: int
    time: datetime
    tenant: str
    actor: str
    role: str
    action: str
    subject: str
    key: str
    outcome: str
    details: Mapping[str, str]


class Enterprises(Protocol):
    """Signing in, and the record of what was done. Unknown credentials are `Unauthenticated`."""

    async def sign_in(self, tenant: str, person: str, password: str) -> Session:
        """A new session for a name and password; refused after too many failures, without saying which was wrong."""
        ...

    async def sign_in_by_link(self, secret: str) -> Session:
        """A new session for a sign-in link, as the demo prints one per role."""
        ...

    async def session(self, secret: str) -> Session:
        """The live session of a cookie's secret."""
        ...

    async def sign_out(self, secret: str) -> None:
        """End a session; unknown ones are no error."""
        ...

    async def actor_of_token(self, secret: str) -> Actor:
        """Who an API token (`Authorization: Bearer ...`) acts for."""
        ...

    async def issue_token(self, tenant: str, person: str, label: str, actor: Actor) -> str:
        """A new API token's secret, shown once, stored hashed."""
        ...

    async def issue_link(self, tenant: str, person: str) -> str:
        """A new sign-in link's secret, good until it expires."""
        ...

    async def people(self, tenant: str) -> tuple[Person, ...]:
        """Everybody of a tenant."""
        ...

    async def ensure_person(self, tenant: str, person: str, name: str, role: Role, password: str, party: str) -> Person:
        """Make a person if there is none of that id (an empty password allows links and tokens only)."""
        ...

    async def record(self, actor: Actor, action: str, subject: str, key: str, outcome: str, details: Mapping[str, str]) -> None:
        """Append a line to the audit record."""
        ...

    async def audit(self, tenant: str, limit: int) -> tuple[AuditEntry, ...]:
        """The newest lines of the record."""
        ...
