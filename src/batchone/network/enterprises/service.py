"""Signing in and staying signed in, credentials, people, and the record of it all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from batchone.contracts.enterprises import Actor, AuditEntry, Person, Role, Session, system
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database, Transaction
from batchone.kernel.errors import Forbidden, NotFound, Refused, Unauthenticated
from batchone.network.enterprises import audit, model, store
from batchone.network.enterprises.audit import AuditCheck, append
from batchone.network.enterprises.credentials import Passwords, Secrets, new_secret
from batchone.network.enterprises.model import EnterprisesSettings, digest_of
from batchone.network.enterprises.recent import Recent

AUDIT_LIMIT_MAX = 1000
_LINKS_KEPT = timedelta(days=30)


class EnterprisesService:
    """Implements `contracts.enterprises.Enterprises`.

    `plant_clock` dates the audit record, as it dates everything that is done in the plant; `people_clock` is real time, in
    which credentials end and attempts are barred, however fast an emulated plant may run.
    """

    def __init__(
        self, database: Database, plant_clock: Clock, people_clock: Clock, secrets: Secrets, passwords: Passwords,
        settings: EnterprisesSettings,
    ) -> None:  # fmt: skip
        self._database = database
        self._plant = plant_clock
        self._people = people_clock
        self._secrets = secrets
        self._passwords = passwords
        self._settings = settings
        self._sessions: Recent[Session] = Recent(people_clock, settings.remembered_s)
        self._tokens: Recent[Actor] = Recent(people_clock, settings.remembered_s)

    async def sign_in(self, tenant: str, person: str, password: str) -> Session:
        """A new session for a name and password.

        An attempt is counted before it is judged, so that guesses sent side by side are counted like guesses one by one.
        """
        name = model.person_id(person)
        if name is None or len(password) > model.PASSWORD_LONGEST:
            raise model.not_signed_in()
        attempts, known = await self._attempt(tenant, name)
        stored = known.password if known and known.person.active else None
        if not await self._passwords.matches(stored, password) or known is None or stored is None:
            await self._failed(tenant, name, attempts)
            raise model.not_signed_in()
        fresh = await self._passwords.hash(password) if self._passwords.outdated(stored) else None
        async with self._database.transaction() as tx:
            if await store.known_person(tx, tenant, name, hold=True) != known:
                raise model.not_signed_in()  # changed while the password was being checked
            await store.forget_attempts(tx, tenant, name)
            if fresh:
                await store.set_password(tx, tenant, name, fresh)
            return await self._open(tx, _actor_of(known.person), by="password")

    async def _attempt(self, tenant: str, person: str) -> tuple[int, store.KnownPerson | None]:
        now = self._people.now()
        async with self._database.transaction() as tx:
            window = timedelta(seconds=2 * self._settings.attempts_window_s)
            await store.forget_what_is_over(tx, now, now - window, now - _LINKS_KEPT)
            attempts, barred_until = await store.attempts(tx, tenant, person, now)
            if barred_until > now:
                raise model.barred((barred_until - now).total_seconds())
            attempts += 1
            until = now + timedelta(seconds=model.pause_s(attempts, self._settings))
            await store.count_attempt(tx, tenant, person, attempts, now, until)
            return attempts, await store.known_person(tx, tenant, person)

    async def _failed(self, tenant: str, person: str, attempts: int) -> None:
        # Only what begins to look like guessing is recorded: otherwise anybody could fill the record by mistyping.
        if attempts < self._settings.attempts_free:
            return
        async with self._database.transaction() as tx:
            if await store.has_tenant(tx, tenant):
                await self._note(tx, system(tenant, "enterprises"), "session.refused", person, attempts=str(attempts))

    async def sign_in_by_link(self, secret: str) -> Session:
        """A new session for a sign-in link; it may be used again until it expires."""
        now = self._people.now()
        async with self._database.transaction() as tx:
            found = await store.link(tx, digest_of(secret))
            if found is None:
                raise Unauthenticated("access.link", "This sign-in link is not known.", "Ask for a new one.")
            actor, expires = found
            if expires <= now:
                raise Unauthenticated("access.link_expired", "This sign-in link has expired.", "Ask for a new one.")
            return await self._open(tx, actor, by="link")

    async def _open(self, tx: Transaction, actor: Actor, *, by: str) -> Session:
        now, secret = self._people.now(), new_secret(self._secrets)
        opened = store.OpenSession(new_secret(self._secrets), now, model.expiry(now, now, self._settings), actor)
        await store.open_session(tx, digest_of(secret), opened)
        await self._note(tx, actor, "session.opened", actor.person, by=by)
        return Session(secret, opened.csrf, actor, opened.expires)

    async def session(self, secret: str) -> Session:
        """The live session of a cookie's secret; using it lets it live on."""
        digest, now = digest_of(secret), self._people.now()
        recent = self._sessions.get(digest)
        if recent is not None and recent.expires > now:
            return recent
        async with self._database.transaction() as tx:
            found = await store.session(tx, digest, now)
            if found is None:
                raise Unauthenticated("access.session", "This session is over.", "Sign in again.")
            expires = model.expiry(found.opened, now, self._settings)
            if model.worth_prolonging(found.expires, expires, self._settings):
                await store.prolong_session(tx, digest, expires)
            else:
                expires = found.expires
        session = Session(secret, found.csrf, found.actor, expires)
        self._sessions.put(digest, session)
        return session

    async def sign_out(self, secret: str) -> None:
        """End a session; unknown ones are no error."""
        digest = digest_of(secret)
        async with self._database.transaction() as tx:
            actor = await store.end_session(tx, digest)
            if actor is not None:
                await self._note(tx, actor, "session.ended", actor.person)
        self._sessions.forget(digest)

    async def actor_of_token(self, secret: str) -> Actor:
        """Who an API token acts for."""
        digest = digest_of(secret)
        recent = self._tokens.get(digest)
        if recent is not None:
            return recent
        actor = None
        if secret.startswith(model.TOKEN_PREFIX):
            async with self._database.transaction() as tx:
                actor = await store.token(tx, digest)
        if actor is None:
            raise Unauthenticated("access.token", "This API token is not valid.", "Issue a new one.")
        self._tokens.put(digest, actor)
        return actor

    async def issue_token(self, tenant: str, person: str, label: str, actor: Actor) -> str:
        """A new API token's secret, shown once.

        One issues it for oneself, an admin for anybody; a token issues none, or it could outlive its own revocation.
        """
        _may_manage(actor, tenant, person)
        label, secret = model.check_label(label), model.TOKEN_PREFIX + new_secret(self._secrets)
        async with self._database.transaction() as tx:
            await self._active_person(tx, tenant, person)
            await store.add_token(tx, digest_of(secret), tenant, person, label, actor.person, self._people.now())
            await self._note(tx, actor, "token.issued", person, label=label)
        return secret

    async def revoke_tokens(self, tenant: str, person: str, label: str, actor: Actor) -> int:
        """Revoke a person's tokens of that label; how many there were. Other processes follow within seconds."""
        _may_manage(actor, tenant, person)
        async with self._database.transaction() as tx:
            count = await store.revoke_tokens(tx, tenant, person, label, self._people.now())
            if count:
                await self._note(tx, actor, "token.revoked", person, label=label, count=str(count))
        self._tokens.forget_all()
        return count

    async def issue_link(self, tenant: str, person: str) -> str:
        """A new sign-in link's secret, good until it expires."""
        now, secret = self._people.now(), new_secret(self._secrets)
        async with self._database.transaction() as tx:
            await self._active_person(tx, tenant, person)
            await store.add_link(tx, digest_of(secret), tenant, person, now, now + timedelta(seconds=self._settings.link_s))
            await self._note(tx, system(tenant, "enterprises"), "link.issued", person)
        return secret

    async def people(self, tenant: str) -> tuple[Person, ...]:
        """Everybody of a tenant."""
        async with self._database.transaction() as tx:
            return await store.people(tx, tenant)

    async def ensure_person(self, tenant: str, person: str, name: str, role: Role, password: str, party: str) -> Person:
        """Make a person, and the tenant, if there is none of that id; who is there stays as they are."""
        model.check_tenant(tenant)
        model.check_person(person, name, role, party)
        async with self._database.transaction() as tx:
            known = await store.known_person(tx, tenant, person)
        if known:
            return known.person
        hashed = await self._new_hash(password) if password else None
        made, now = Person(person, tenant, name, role, party, active=True), self._people.now()
        async with self._database.transaction() as tx:
            await store.add_tenant(tx, tenant, tenant, now)
            if await store.add_person(tx, made, hashed, now):
                await self._note(tx, system(tenant, "enterprises"), "person.added", person, role=role, party=party)
                return made
            known = await store.known_person(tx, tenant, person)
        assert known is not None
        return known.person

    async def set_password(self, tenant: str, person: str, password: str, actor: Actor) -> None:
        """Give a person a new password; their sessions and links end, their tokens stay."""
        _may_manage(actor, tenant, person)
        hashed = await self._new_hash(password)
        async with self._database.transaction() as tx:
            await self._active_person(tx, tenant, person)
            await store.set_password(tx, tenant, person, hashed)
            await store.forget_attempts(tx, tenant, person)
            await store.end_access_by_password(tx, tenant, person)
            await self._note(tx, actor, "password.changed", person)
        self._sessions.forget_all()

    async def set_active(self, tenant: str, person: str, actor: Actor, *, active: bool) -> None:
        """Let a person in, or keep them out with all their credentials; only an admin may."""
        _may_administer(actor, tenant)
        async with self._database.transaction() as tx:
            if not await store.set_active(tx, tenant, person, active=active):
                raise _nobody(tenant, person)
            if not active:
                await store.end_access_by_password(tx, tenant, person)
            await self._note(tx, actor, "person.let_in" if active else "person.kept_out", person)
        self._sessions.forget_all()
        self._tokens.forget_all()

    async def record(self, actor: Actor, action: str, subject: str, key: str, outcome: str, details: Mapping[str, str]) -> None:
        """Append a line to the audit record."""
        async with self._database.transaction() as tx:
            await append(tx, actor, action, subject, time=self._plant.now(), key=key, outcome=outcome, details=details)

    async def audit(self, tenant: str, limit: int) -> tuple[AuditEntry, ...]:
        """The newest lines of the record, newest first."""
        if not 1 <= limit <= AUDIT_LIMIT_MAX:
            raise Refused("enterprises.limit", f"{limit} lines cannot be shown at once.", f"Ask for 1 to {AUDIT_LIMIT_MAX}.")
        async with self._database.transaction() as tx:
            return tuple(audit.entry_of(row) for row in await tx.all(audit.SQL["newest_audit"], tenant=tenant, limit=limit))

    async def verify_audit(self, tenant: str) -> AuditCheck:
        """Whether a tenant's record holds together."""
        return await audit.verify_audit(self._database, tenant)

    async def _new_hash(self, password: str) -> str:
        model.check_password(password)
        return await self._passwords.hash(password)

    async def _active_person(self, tx: Transaction, tenant: str, person: str) -> None:
        known = await store.known_person(tx, tenant, person)
        if known is None or not known.person.active:
            raise _nobody(tenant, person)

    async def _note(self, tx: Transaction, actor: Actor, action: str, subject: str, **details: str) -> None:
        await append(tx, actor, action, subject, time=self._plant.now(), details=details)


def _actor_of(person: Person) -> Actor:
    return Actor(person.tenant, person.id, person.name, person.role, person.party)


def _nobody(tenant: str, person: str) -> NotFound:
    return NotFound(
        "enterprises.nobody", f"Nobody who may sign in is called '{person}'.", "Check the id.", tenant=tenant, person=person
    )


def _may_manage(actor: Actor, tenant: str, person: str) -> None:
    if actor.via == "token":
        raise Forbidden("access.by_token", "An API token may not change credentials.", "Sign in and do it there.")
    if actor.person != person or actor.tenant != tenant:
        _may_administer(actor, tenant)


def _may_administer(actor: Actor, tenant: str) -> None:
    if actor.tenant != tenant or actor.role != "admin":
        raise Forbidden("access.role", "Only an admin of the enterprise may do this.", "Ask one.", role=actor.role)
