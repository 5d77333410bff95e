"""What servers showed, and what engineers make of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support_opcua import CHEN, TENANT, Audit, an_identity, trust_of, write_secret

from batchone.kernel.certificates import Identity, der_of, fingerprint
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.errors import Forbidden, NotFound, Refused
from batchone.machines.connect.certificates.service import CertificateService

SERVER = "10.0.0.5:4840"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def both(database: Database, home: Path) -> tuple[CertificateService, Audit]:
    return await trust_of(database, home, ManualClock(NOW))


@pytest.fixture
def trust(both: tuple[CertificateService, Audit]) -> CertificateService:
    return both[0]


@pytest.fixture
def plc(tmp_path: Path) -> Identity:
    return an_identity(tmp_path / "plc", NOW)


async def show(trust: CertificateService, identity: Identity, server: str = SERVER) -> str:
    """Why it was refused, empty when it was not."""
    try:
        await trust.check(server, der_of(identity.certificate))
    except Refused as error:
        return error.code
    return ""


async def test_nothing_is_trusted_because_it_came_first(both, plc: Identity, database: Database) -> None:
    trust, audit = both
    own = fingerprint(plc.certificate)
    assert await show(trust, plc) == "certificate.untrusted"
    (seen,) = await trust.seen(TENANT)
    assert (seen.server, seen.fingerprint, seen.state, seen.subject) == (SERVER, own, "waiting", "CN=plc@hall-3")
    approved = await trust.approve(TENANT, SERVER, own.lower().replace(":", " "), CHEN)
    assert (approved.state, approved.by) == ("approved", "chen")
    assert await show(trust, plc) == ""
    assert await show(trust, plc, "10.0.0.6:4840") == "certificate.untrusted", "elsewhere it is nobody's"
    assert audit.lines == [("chen", "certificates.judge", SERVER, "approved")]
    async with database.transaction() as tx:
        facts = await tx.all("SELECT count(*) AS n FROM kernel.outbox WHERE name = 'certificate.judged'")
    assert facts[0]["n"] == 1


async def test_one_certificate_of_a_server_is_approved_at_a_time(trust, plc: Identity, tmp_path: Path) -> None:
    renewed = an_identity(tmp_path / "renewed", NOW)
    for identity in (plc, renewed):
        assert await show(trust, identity) == "certificate.untrusted"
        await trust.approve(TENANT, SERVER, fingerprint(identity.certificate), CHEN)
        assert await show(trust, identity) == ""
    assert await show(trust, plc) == "certificate.untrusted"
    assert [(each.state, each.same_key) for each in await trust.seen(TENANT)] == [("approved", False), ("replaced", False)]


async def test_who_is_revoked_stays_out_until_approved_again(trust, plc: Identity) -> None:
    await show(trust, plc)
    own = fingerprint(plc.certificate)
    await trust.approve(TENANT, SERVER, own, CHEN)
    await trust.revoke(TENANT, SERVER, own, CHEN)
    assert await show(trust, plc) == "certificate.untrusted"
    await trust.approve(TENANT, SERVER, own, CHEN)
    assert await show(trust, plc) == ""


async def test_a_server_that_shows_a_new_one_each_time_fills_nothing(trust, tmp_path: Path, plc: Identity) -> None:
    await show(trust, plc)
    await trust.approve(TENANT, SERVER, fingerprint(plc.certificate), CHEN)
    for number in range(12):
        await show(trust, an_identity(tmp_path / f"other{number}", NOW))
    assert [each.state for each in await trust.seen(TENANT)] == ["approved", *["waiting"] * 10]


async def test_only_engineers_judge_and_only_what_was_shown(trust, plc: Identity) -> None:
    await show(trust, plc)
    own = fingerprint(plc.certificate)
    with pytest.raises(Forbidden):
        await trust.approve(TENANT, SERVER, own, replace(CHEN, role="planner"))
    with pytest.raises(Forbidden):
        await trust.approve(TENANT, SERVER, own, replace(CHEN, tenant="other"))
    with pytest.raises(NotFound):
        await trust.approve(TENANT, SERVER, "AB:CD", CHEN)
    with pytest.raises(NotFound):
        await trust.approve("other", SERVER, own, CHEN)
    assert await show(trust, plc) == "certificate.untrusted"


async def test_what_is_no_certificate_is_refused_and_not_kept(trust) -> None:
    for der in (b"", b"\x30\x82\x00\x01\x00", b"nonsense"):
        with pytest.raises(Refused, match="cannot be read"):
            await trust.check(SERVER, der)
    assert await trust.seen(TENANT) == ()


@pytest.mark.parametrize("made", [NOW - timedelta(days=6 * 365), NOW + timedelta(days=30)])
async def test_out_of_its_time_it_is_refused_whatever_was_judged(trust, tmp_path: Path, made: datetime) -> None:
    identity = an_identity(tmp_path / "late", made)
    assert await show(trust, identity) == "certificate.time"
    await trust.approve(TENANT, SERVER, fingerprint(identity.certificate), CHEN)
    assert await show(trust, identity) == "certificate.time"


async def test_the_platforms_own_is_shown_for_servers_to_trust(trust) -> None:
    (own,) = await trust.own(TENANT)
    assert own.in_use
    assert own.fingerprint == fingerprint(trust.identity().certificate)
    assert "PRIVATE" not in own.pem


async def test_the_platforms_own_is_renewed_in_two_steps_by_an_engineer(both) -> None:
    trust, audit = both
    before = trust.identity()
    made = await trust.renew(TENANT, CHEN)
    assert (await trust.renew(TENANT, CHEN)).fingerprint == made.fingerprint, "one waits at a time"
    assert [(each.fingerprint, each.in_use) for each in await trust.own(TENANT)] == [
        (fingerprint(before.certificate), True), (made.fingerprint, False),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await trust.take_over(TENANT, fingerprint(before.certificate), CHEN)
    with pytest.raises(Forbidden):
        await trust.take_over(TENANT, made.fingerprint, replace(CHEN, role="planner"))
    assert (await trust.take_over(TENANT, made.fingerprint, CHEN)).in_use
    assert fingerprint(trust.identity().certificate) == made.fingerprint
    assert ("chen", "certificates.renew", made.fingerprint, "in use") in audit.lines


def test_a_secret_is_a_file_of_the_platforms_own_folder(both, home: Path) -> None:
    trust, _ = both
    write_secret(home, "air.txt", "s3cret")
    assert trust.secret("air.txt") == "s3cret"
    (home / "outside.txt").write_text("other")
    for name in ("", "../outside.txt", "/etc/hostname", "none.txt", ".", "..", "a/../air.txt"):
        with pytest.raises(Refused):
            trust.secret(name)
    write_secret(home, "open.txt", "s3cret", 0o644)
    with pytest.raises(Refused, match="read by others"):
        trust.secret("open.txt")
