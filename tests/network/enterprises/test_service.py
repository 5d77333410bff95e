"""Signing in, staying signed in, and being kept out."""

import asyncio
from dataclasses import replace

import pytest

from batchone.contracts.enterprises import Actor, Person, system
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.errors import Forbidden, NotFound, Refused, Unauthenticated
from batchone.network.enterprises.credentials import Passwords
from batchone.network.enterprises.model import EnterprisesSettings
from batchone.network.enterprises.service import EnterprisesService

pytestmark = pytest.mark.engine

GOOD = "correct horse"
ADMIN = Actor("t", "boss", "Boss", "admin")


@pytest.fixture
async def ana(service: EnterprisesService) -> Person:
    return await service.ensure_person("t", "ana", "Ana", "planner", GOOD, "")


async def test_the_right_password_opens_a_session_of_that_person(service: EnterprisesService, ana: Person) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    assert session.actor == Actor("t", "ana", "Ana", "planner", "", "session")
    assert await service.session(session.secret) == session
    assert len(session.secret) == len(session.csrf) == 43
    assert session.secret != session.csrf


async def test_a_name_may_be_typed_with_capitals_and_spaces_around_it(service: EnterprisesService, ana: Person) -> None:
    assert (await service.sign_in("t", "  ANA ", GOOD)).actor.person == "ana"


async def test_a_password_typed_as_other_code_points_is_the_same_password(service: EnterprisesService) -> None:
    await service.ensure_person("t", "joe", "Joe", "operator", "Zür\u0069\u0308ch 12", "")
    assert await service.sign_in("t", "joe", "Zür\u00efch 12")


@pytest.mark.parametrize(
    ("tenant", "person", "password"),
    [
        ("t", "ana", "wrong"), ("t", "ana", ""), ("t", "nobody", GOOD), ("other", "ana", GOOD), ("t", "linked", ""),
        ("t", "linked", GOOD), ("t", "an\0a", GOOD), ("t", "", GOOD), ("t", "ana", "x" * 100_000), ("t", "ana", "\ud800" * 9),
    ],
)  # fmt: skip
async def test_whatever_is_wrong_the_answer_is_the_same(
    service: EnterprisesService, ana: Person, tenant: str, person: str, password: str
) -> None:
    await service.ensure_person("t", "linked", "Linked", "customer", "", "")
    with pytest.raises(Unauthenticated) as refused:
        await service.sign_in(tenant, person, password)
    assert refused.value.code == "access.refused"
    assert refused.value.where == {}


async def test_a_name_that_nobody_has_costs_one_password_check_like_any_other(service: EnterprisesService, ana: Person) -> None:
    checked: list[str | None] = []
    right = service._passwords._hasher.verify

    class Watched:
        def verify(self, stored: str, password: bytes) -> bool:
            checked.append(stored)
            return right(stored, password)

    service._passwords._hasher = Watched()  # type: ignore[assignment]  # it only counts
    for person in ("ana", "nobody"):
        with pytest.raises(Unauthenticated):
            await service.sign_in("t", person, "wrong password")
    assert len(checked) == 2
    assert str(checked[0]).split("$")[:4] == str(checked[1]).split("$")[:4], "both at the same cost"


async def test_neither_secrets_nor_passwords_are_in_the_database(
    service: EnterprisesService, ana: Person, migrated: Database
) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    token = await service.issue_token("t", "ana", "script", session.actor)
    link = await service.issue_link("t", "ana")
    async with migrated.transaction() as tx:
        tables = [row["name"] for row in await tx.all(
            "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables "
            "WHERE table_schema IN ('enterprises', 'kernel')"
        )]  # fmt: skip
        everything = "".join([str(await tx.all(f"SELECT * FROM {table}")) for table in tables])
    assert "argon2id" in everything
    for secret in (session.secret, token, token.removeprefix("bo_"), link, GOOD):
        assert secret not in everything


async def test_a_session_ends_when_it_is_not_used(service: EnterprisesService, ana: Person, people_clock: ManualClock) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    await people_clock.advance(12 * 3600 + 1)
    with pytest.raises(Unauthenticated):
        await service.session(session.secret)


async def test_a_session_that_is_used_lives_on_but_not_for_ever(
    service: EnterprisesService, ana: Person, people_clock: ManualClock
) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    for _ in range(65):
        await people_clock.advance(11 * 3600)
        await service.session(session.secret)
    await people_clock.advance(11 * 3600)  # 30 days after it was opened
    with pytest.raises(Unauthenticated):
        await service.session(session.secret)


async def test_plant_time_does_not_end_sessions(service: EnterprisesService, ana: Person, clock: ManualClock) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    await clock.advance(500 * 24 * 3600)
    assert await service.session(session.secret)


async def test_a_session_that_is_used_often_is_written_seldom(
    service: EnterprisesService, ana: Person, people_clock: ManualClock, migrated: Database
) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    await people_clock.advance(60)
    again = await service.session(session.secret)
    assert again.expires == session.expires
    await people_clock.advance(3600)
    assert (await service.session(session.secret)).expires > session.expires


async def test_signing_out_ends_the_session_at_once_and_twice_is_no_error(service: EnterprisesService, ana: Person) -> None:
    session = await service.sign_in("t", "ana", GOOD)
    await service.session(session.secret)
    await service.sign_out(session.secret)
    await service.sign_out(session.secret)
    await service.sign_out("never seen")
    with pytest.raises(Unauthenticated):
        await service.session(session.secret)


async def test_signing_out_in_another_process_is_seen_within_seconds(
    service: EnterprisesService, ana: Person, people_clock: ManualClock, migrated: Database, clock: ManualClock
) -> None:
    other = EnterprisesService(
        migrated, clock, people_clock, service._secrets, service._passwords, EnterprisesSettings()
    )  # fmt: skip
    session = await service.sign_in("t", "ana", GOOD)
    await service.session(session.secret)
    await other.sign_out(session.secret)
    await people_clock.advance(3)
    with pytest.raises(Unauthenticated):
        await service.session(session.secret)


async def test_too_many_failures_bar_even_the_right_password_for_a_growing_while(
    service: EnterprisesService, ana: Person, people_clock: ManualClock
) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="not right"):
            await service.sign_in("t", "ana", "wrong")
    with pytest.raises(Unauthenticated, match="Wait 15 s"):
        await service.sign_in("t", "ana", GOOD)
    await people_clock.advance(15)
    with pytest.raises(Unauthenticated, match="not right"):
        await service.sign_in("t", "ana", "wrong")
    with pytest.raises(Unauthenticated, match="Wait 30 s"):
        await service.sign_in("t", "ana", GOOD)
    await people_clock.advance(30)
    assert await service.sign_in("t", "ana", GOOD)
    with pytest.raises(Unauthenticated, match="not right"):
        await service.sign_in("t", "ana", "wrong")
    assert await service.sign_in("t", "ana", GOOD), "success forgets the failures"


async def test_a_name_that_nobody_has_is_barred_just_the_same(service: EnterprisesService, ana: Person) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="not right"):
            await service.sign_in("t", "nobody", "wrong")
    with pytest.raises(Unauthenticated, match="Wait 15 s"):
        await service.sign_in("t", "nobody", "wrong")


async def test_one_persons_failures_do_not_bar_another(service: EnterprisesService, ana: Person) -> None:
    for _ in range(6):
        with pytest.raises(Unauthenticated):
            await service.sign_in("t", "eve", "wrong")
    assert await service.sign_in("t", "ana", GOOD)


async def test_guesses_sent_side_by_side_are_counted_one_by_one(service: EnterprisesService, ana: Person) -> None:
    answers = await asyncio.gather(*(service.sign_in("t", "ana", f"guess {n}") for n in range(20)), return_exceptions=True)
    codes = [answer.code for answer in answers if isinstance(answer, Unauthenticated)]
    assert sorted(codes) == ["access.refused"] * 5 + ["access.too_many_attempts"] * 15


async def test_failures_are_counted_over_processes_and_forgotten_in_time(
    service: EnterprisesService, ana: Person, people_clock: ManualClock, clock: ManualClock, migrated: Database
) -> None:
    for _ in range(5):
        other = EnterprisesService(migrated, clock, people_clock, service._secrets, service._passwords, EnterprisesSettings())
        with pytest.raises(Unauthenticated, match="not right"):
            await other.sign_in("t", "ana", "wrong")
    with pytest.raises(Unauthenticated, match="Wait"):
        await service.sign_in("t", "ana", GOOD)
    await people_clock.advance(2 * 900 + 1)
    for _ in range(4):
        with pytest.raises(Unauthenticated, match="not right"):
            await service.sign_in("t", "ana", "wrong")
    assert await service.sign_in("t", "ana", GOOD)


async def test_guessing_is_recorded_and_a_slip_is_not(service: EnterprisesService, ana: Person) -> None:
    for n in range(5):
        with pytest.raises(Unauthenticated):
            await service.sign_in("t", "ana", "wrong")
        refusals = [e for e in await service.audit("t", 100) if e.action == "session.refused"]
        assert len(refusals) == (1 if n == 4 else 0)
    assert refusals[0].subject == "ana"
    assert refusals[0].details == {"attempts": "5"}


async def test_a_link_signs_in_again_and_again_until_it_expires(service: EnterprisesService, people_clock: ManualClock) -> None:
    await service.ensure_person("t", "cui", "Cui", "customer", "", "c-1")
    link = await service.issue_link("t", "cui")
    first, second = await service.sign_in_by_link(link), await service.sign_in_by_link(link)
    assert first.actor == second.actor == Actor("t", "cui", "Cui", "customer", "c-1", "session")
    assert first.secret != second.secret
    await people_clock.advance(30 * 86400)
    with pytest.raises(Unauthenticated, match="expired"):
        await service.sign_in_by_link(link)
    with pytest.raises(Unauthenticated, match="not known"):
        await service.sign_in_by_link("never issued")


async def test_a_link_is_no_session_and_a_session_no_link(service: EnterprisesService, ana: Person) -> None:
    link, session = await service.issue_link("t", "ana"), await service.sign_in("t", "ana", GOOD)
    with pytest.raises(Unauthenticated):
        await service.session(link)
    with pytest.raises(Unauthenticated):
        await service.sign_in_by_link(session.secret)
    with pytest.raises(Unauthenticated):
        await service.actor_of_token(session.secret)


async def test_a_token_acts_for_its_person_until_it_is_revoked(
    service: EnterprisesService, ana: Person, people_clock: ManualClock
) -> None:
    me = (await service.sign_in("t", "ana", GOOD)).actor
    token = await service.issue_token("t", "ana", " line script ", me)
    assert token.startswith("bo_")
    assert await service.actor_of_token(token) == replace(me, via="token")
    assert await service.revoke_tokens("t", "ana", "line script", me) == 1
    with pytest.raises(Unauthenticated):
        await service.actor_of_token(token)


async def test_tokens_are_issued_by_oneself_or_an_admin_of_the_same_enterprise(
    service: EnterprisesService, ana: Person
) -> None:
    assert await service.issue_token("t", "ana", "x", ADMIN)
    assert await service.issue_token("t", "ana", "x", system("t", "cli"))
    for stranger in (replace(ADMIN, tenant="u"), replace(ADMIN, role="planner"), Actor("u", "ana", "Ana", "planner")):
        with pytest.raises(Forbidden):
            await service.issue_token("t", "ana", "x", stranger)


async def test_a_token_issues_no_tokens(service: EnterprisesService, ana: Person) -> None:
    with pytest.raises(Forbidden):
        await service.issue_token("t", "ana", "x", Actor("t", "ana", "Ana", "planner", via="token"))


@pytest.mark.parametrize("label", ["", "  ", "x" * 201, "a\nb", "a\0b"])
async def test_a_token_needs_a_label_that_says_something(service: EnterprisesService, ana: Person, label: str) -> None:
    with pytest.raises(Refused, match="label"):
        await service.issue_token("t", "ana", label, ADMIN)


async def test_credentials_are_not_issued_for_nobody(service: EnterprisesService, ana: Person) -> None:
    with pytest.raises(NotFound):
        await service.issue_link("t", "nobody")
    with pytest.raises(NotFound):
        await service.issue_token("t", "nobody", "x", ADMIN)


async def test_who_is_kept_out_is_out_with_every_credential(service: EnterprisesService, ana: Person) -> None:
    session, link = await service.sign_in("t", "ana", GOOD), await service.issue_link("t", "ana")
    token = await service.issue_token("t", "ana", "x", session.actor)
    await service.session(session.secret)
    await service.actor_of_token(token)
    with pytest.raises(Forbidden):
        await service.set_active("t", "ana", session.actor, active=False)
    await service.set_active("t", "ana", ADMIN, active=False)
    for attempt in (
        service.session(session.secret), service.sign_in_by_link(link), service.actor_of_token(token),
        service.sign_in("t", "ana", GOOD),
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            await attempt
    with pytest.raises(NotFound):
        await service.issue_link("t", "ana")
    assert [person.active for person in await service.people("t")] == [False]
    await service.set_active("t", "ana", ADMIN, active=True)
    assert await service.sign_in("t", "ana", GOOD)


async def test_a_new_password_ends_sessions_and_links(service: EnterprisesService, ana: Person) -> None:
    session, link = await service.sign_in("t", "ana", GOOD), await service.issue_link("t", "ana")
    await service.session(session.secret)
    with pytest.raises(Refused, match="too short"):
        await service.set_password("t", "ana", "short", session.actor)
    await service.set_password("t", "ana", "another good one", session.actor)
    for attempt in (service.session(session.secret), service.sign_in_by_link(link), service.sign_in("t", "ana", GOOD)):
        with pytest.raises(Unauthenticated):
            await attempt
    assert await service.sign_in("t", "ana", "another good one")


async def test_a_password_changed_while_the_old_one_is_being_checked_lets_nobody_in(
    service: EnterprisesService, ana: Person
) -> None:
    check = service._passwords.matches

    async def slow(stored: str | None, password: str) -> bool:
        found = await check(stored, password)
        await service.set_password("t", "ana", "another good one", ADMIN)
        return found

    service._passwords.matches = slow  # type: ignore[method-assign]  # the change falls between check and session
    with pytest.raises(Unauthenticated):
        await service.sign_in("t", "ana", GOOD)


async def test_a_password_hashed_at_an_older_cost_is_hashed_anew(
    service: EnterprisesService, ana: Person, migrated: Database
) -> None:
    from argon2 import PasswordHasher

    service._passwords = Passwords(service._secrets, PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    assert await service.sign_in("t", "ana", GOOD)
    async with migrated.transaction() as tx:
        row = await tx.one("SELECT password FROM enterprises.people WHERE id = 'ana'")
    assert row is not None
    assert "t=2" in row["password"]
    assert await service.sign_in("t", "ana", GOOD)


async def test_ensuring_a_person_twice_changes_nothing(service: EnterprisesService, ana: Person) -> None:
    again = await service.ensure_person("t", "ana", "Somebody else", "admin", "other password", "")
    assert again == ana
    assert await service.sign_in("t", "ana", GOOD)
    assert [e.action for e in await service.audit("t", 10)].count("person.added") == 1


async def test_ensuring_a_person_from_many_places_at_once_makes_one(service: EnterprisesService) -> None:
    made = await asyncio.gather(*(service.ensure_person("t", "bob", "Bob", "operator", "", "") for _ in range(5)))
    assert set(made) == {Person("bob", "t", "Bob", "operator", "", active=True)}
    assert await service.people("t") == (made[0],)


async def test_people_of_one_enterprise_are_not_those_of_another(service: EnterprisesService, ana: Person) -> None:
    await service.ensure_person("u", "ana", "Another Ana", "admin", "her own password", "")
    assert [p.name for p in await service.people("t")] == ["Ana"]
    assert (await service.sign_in("u", "ana", "her own password")).actor.role == "admin"
    with pytest.raises(Unauthenticated):
        await service.sign_in("t", "ana", "her own password")


@pytest.mark.parametrize(
    ("tenant", "person", "name", "role", "password", "party"),
    [
        ("T", "ana", "Ana", "planner", "", ""), ("a.b", "ana", "Ana", "planner", "", ""), ("", "ana", "Ana", "planner", "", ""),
        ("t", "Ana", "Ana", "planner", "", ""), ("t", "", "Ana", "planner", "", ""), ("t", "a" * 101, "Ana", "planner", "", ""),
        ("t", "ana", " ", "planner", "", ""), ("t", "ana", "A\0na", "planner", "", ""), ("t", "ana", "Ana", "king", "", ""),
        ("t", "ana", "Ana", "planner", "seven77", ""), ("t", "ana", "Ana", "planner", "x" * 257, ""),
        ("t", "ana", "Ana", "supplier", "", ""),
    ],
)  # fmt: skip
async def test_a_person_who_makes_no_sense_is_refused_whole(
    service: EnterprisesService, tenant: str, person: str, name: str, role: str, password: str, party: str
) -> None:
    with pytest.raises(Refused):
        await service.ensure_person(tenant, person, name, role, password, party)  # type: ignore[arg-type]  # on purpose
    assert await service.people("t") == ()
    assert await service.audit("t", 10) == ()
