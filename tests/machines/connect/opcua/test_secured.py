"""Our OPC UA driver and probe against servers that sign, encrypt, and want to know who comes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua.ua.object_ids import ObjectIds
from tests.support_opcua import ALL, CHEN, TENANT, Door, Kind, a_server, an_identity, trust_of, write_secret

from batchone.contracts.sources import Point
from batchone.contracts.things import ThingModel
from batchone.kernel.certificates import fingerprint
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.certificates.service import CertificateService
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.opcua.driver import OpcuaDriver
from batchone.machines.connect.opcua.probe import probe
from batchone.machines.connect.wiring import Wiring, server_of


@pytest.fixture
async def trust(database: Database, home: Path) -> CertificateService:
    return (await trust_of(database, home))[0]


@pytest.fixture
def reach(trust: CertificateService) -> Reach:
    return Reach(answer_s=3.0, silence_s=5.0, trust=trust)


def driver_to(url: str, reach: Reach, values: int = 1, **settings: str) -> OpcuaDriver:
    points = tuple(Point(f"air/v{number}", f"ns=2;s=Air.V{number}") for number in range(values))
    return OpcuaDriver(Wiring("air", "opcua", url=url, settings=settings, points=points), reach, SystemClock())


async def refusal(driver: OpcuaDriver) -> Refused:
    with pytest.raises(Refused) as refused:
        await driver.open()
    await driver.close()
    return refused.value


async def approve_what_was_shown(trust: CertificateService, url: str) -> None:
    newest = next(each for each in await trust.seen(TENANT) if each.server == server_of(url) and each.state != "approved")
    await trust.approve(TENANT, newest.server, newest.fingerprint, CHEN)


async def all_values(driver: OpcuaDriver, count: int = 1) -> set[float]:
    found: dict[str, float] = {}
    async with asyncio.timeout(20):
        while len(found) < count:
            batch = (await driver.read()).samples
            found |= dict(zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True))
    return set(found.values())


async def test_a_server_is_trusted_once_an_engineer_approved_what_it_shows(trust, reach: Reach, home: Path) -> None:
    identity = an_identity(home / "plc")
    async with a_server(identity) as url:
        told = await refusal(driver_to(url, reach))
        assert told.code == "certificate.untrusted"
        assert fingerprint(identity.certificate) in told.what
        assert "CN=plc@hall-3" in told.what
        await approve_what_was_shown(trust, url)
        driver = driver_to(url, reach)
        await driver.open()
        assert await all_values(driver) == {0.0}
        await driver.close()


@pytest.mark.parametrize(
    ("kinds", "taken"),
    [
        (ALL, "encrypt with Aes256_Sha256_RsaPss"),
        ((Kind.Basic256Sha256_SignAndEncrypt, Kind.Aes128Sha256RsaOaep_SignAndEncrypt), "encrypt with Basic256Sha256"),
        ((Kind.Aes128Sha256RsaOaep_SignAndEncrypt,), "encrypt with Aes128_Sha256_RsaOaep"),
        ((Kind.Basic256Sha256_Sign, Kind.NoSecurity), "sign with Basic256Sha256"),
    ],
)
async def test_the_best_that_a_server_offers_is_taken(trust, reach: Reach, home: Path, kinds, taken: str) -> None:
    settings = {"security": "sign"}
    async with a_server(an_identity(home / "plc"), kinds) as url:
        with pytest.raises(Refused):
            await probe(url, settings, ThingModel(), reach)
        await approve_what_was_shown(trust, url)
        probed = await probe(url, settings, ThingModel(), reach)
    assert probed.security.startswith(f"{taken}; the server offers: ")
    assert [each.address for each in probed.found] == ["ns=2;s=Air.V0"]


@pytest.mark.parametrize(
    ("kinds", "floor", "offers", "lower"),
    [
        ((Kind.NoSecurity,), "sign", "none", "security: none"),
        ((Kind.NoSecurity,), "encrypt", "none", "security: none"),
        ((Kind.Basic256Sha256_Sign,), "encrypt", "sign with Basic256Sha256", "security: sign"),
        ((Kind.Basic256_SignAndEncrypt,), "sign", "encrypt with Basic256 (not spoken: it is broken)", ""),
        ((Kind.Basic128Rsa15_SignAndEncrypt,), "none", "encrypt with Basic128Rsa15 (not spoken: it is broken)", ""),
    ],
)
async def test_a_server_that_offers_less_than_the_floor_is_refused(
    reach: Reach, home: Path, kinds, floor: str, offers: str, lower: str
) -> None:
    async with a_server(an_identity(home / "plc"), kinds) as url:
        told = await refusal(driver_to(url, reach, security=floor))
    assert told.code == "opcua.insecure"
    assert f"offers {offers}; security: {floor}" in told.what
    assert (lower in told.cure) if lower else ("set security" not in told.cure)


async def test_without_a_word_on_security_a_connection_is_encrypted(reach: Reach) -> None:
    async with a_server(None, (Kind.NoSecurity,)) as url:
        assert "security: encrypt is asked for" in (await refusal(driver_to(url, reach))).what


async def test_none_needs_no_certificate_where_the_server_takes_that(trust, reach: Reach, home: Path) -> None:
    async with a_server(an_identity(home / "plc")) as url:
        driver = driver_to(url, reach, security="none")
        await driver.open()
        assert await all_values(driver) == {0.0}
        await driver.close()
    assert await trust.seen(TENANT) == ()


async def test_a_changed_certificate_is_refused_and_shown_beside_the_old_one(trust, reach: Reach, home: Path) -> None:
    port = free_port()
    async with a_server(an_identity(home / "plc"), port=port) as url:
        await refusal(driver_to(url, reach))
        await approve_what_was_shown(trust, url)
        await driver_works(driver_to(url, reach))
    other = an_identity(home / "other")
    async with a_server(other, port=port) as url:
        told = await refusal(driver_to(url, reach))
        assert "with ANOTHER key, instead of the approved CN=plc@hall-3" in told.what
        await approve_what_was_shown(trust, url)
        await driver_works(driver_to(url, reach))
    assert [each.state for each in await trust.seen(TENANT)] == ["approved", "replaced"]
    async with a_server(an_identity(home / "plc"), port=port) as url:
        assert (await refusal(driver_to(url, reach))).code == "certificate.untrusted"


async def driver_works(driver: OpcuaDriver) -> None:
    await driver.open()
    assert await all_values(driver) == {0.0}
    await driver.close()


async def test_an_ended_certificate_is_refused_though_it_was_approved(trust, reach: Reach, home: Path) -> None:
    ended = an_identity(home / "plc", datetime.now(UTC) - timedelta(days=6 * 365))
    async with a_server(ended) as url:
        assert (await refusal(driver_to(url, reach))).code == "certificate.time"
        await approve_what_was_shown(trust, url)
        told = await refusal(driver_to(url, reach))
    assert told.code == "certificate.time"
    assert f"to {ended.certificate.not_valid_after_utc:%Y-%m-%d}" in told.what


async def test_a_revoked_certificate_is_refused(trust, reach: Reach, home: Path) -> None:
    async with a_server(an_identity(home / "plc")) as url:
        await refusal(driver_to(url, reach))
        await approve_what_was_shown(trust, url)
        (known,) = await trust.seen(TENANT)
        await trust.revoke(TENANT, known.server, known.fingerprint, CHEN)
        assert "that chen revoked" in (await refusal(driver_to(url, reach))).what


@pytest.fixture
def door() -> Door:
    return Door("line", "s3cret-ü")


@pytest.mark.parametrize("floor", ["encrypt", "sign", "none"])
async def test_a_user_comes_in_with_the_password_of_a_file(trust, reach: Reach, home: Path, door: Door, floor: str) -> None:
    write_secret(home, "air.txt", "s3cret-ü")
    settings = {"security": floor, "user": "line", "password_file": "air.txt"}
    async with a_server(an_identity(home / "plc"), door=door) as url:
        await refusal(driver_to(url, reach, 1, **settings))
        assert door.heard == [], "no password goes to a server that nobody approved"
        await approve_what_was_shown(trust, url)
        await driver_works(driver_to(url, reach, 1, **settings))
    assert door.heard == [("line", "s3cret-ü")]


async def test_a_wrong_password_is_refused_once(trust, reach: Reach, home: Path, door: Door) -> None:
    write_secret(home, "air.txt", "wrong")
    settings = {"user": "line", "password_file": "air.txt"}
    async with a_server(an_identity(home / "plc"), door=door) as url:
        await refusal(driver_to(url, reach, 1, **settings))
        await approve_what_was_shown(trust, url)
        told = await refusal(driver_to(url, reach, 1, **settings))
    assert told.code == "opcua.login"
    assert "refuses the user line" in told.what
    assert "wrong" not in str(told)
    assert door.heard == [("line", "wrong")]


async def test_a_password_never_goes_out_in_the_clear(trust, reach: Reach, home: Path, door: Door) -> None:
    write_secret(home, "air.txt", "s3cret-ü")
    async with a_server(an_identity(home / "plc"), (Kind.NoSecurity,), door=door) as url:
        settings = {"security": "none", "user": "line", "password_file": "air.txt"}
        await refusal(driver_to(url, reach, 1, **settings))
        await approve_what_was_shown(trust, url)
        told = await refusal(driver_to(url, reach, 1, **settings))
    assert told.code == "opcua.password"
    assert door.heard == []


async def test_a_server_that_wants_a_user_says_so(trust, reach: Reach, home: Path, door: Door) -> None:
    async with a_server(an_identity(home / "plc"), door=door) as url:
        await refusal(driver_to(url, reach))
        await approve_what_was_shown(trust, url)
        assert (await refusal(driver_to(url, reach))).code == "opcua.token"


async def test_what_a_server_limits_is_kept_to(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {
        ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall: 10,
        ObjectIds.Server_ServerCapabilities_MaxMonitoredItemsPerSubscription: 32,
    }
    asked: list[tuple[int, int]] = []
    async with a_server(None, (Kind.NoSecurity,), values=70, limits=limits) as url:
        driver = driver_to(url, reach, 70, security="none")
        session = driver._client.uaclient.session
        create = session.create_monitored_items

        async def watched(parameters):
            asked.append((int(parameters.SubscriptionId), len(parameters.ItemsToCreate)))
            return await create(parameters)

        monkeypatch.setattr(session, "create_monitored_items", watched)
        await driver.open()
        assert await all_values(driver, 70) == {float(number) for number in range(70)}
        await driver.close()
    assert max(count for _, count in asked) == 10
    rooms = [sum(count for of, count in asked if of == each) for each in dict(asked)]
    assert rooms == [32, 32, 6]


@pytest.mark.parametrize(
    ("url", "settings", "code"),
    [
        ("opc.tcp://x:4840/", {"security": "best"}, "opcua.security"),
        ("opc.tcp://x:4840/", {"user": "line"}, "opcua.user"),
        ("opc.tcp://x:4840/", {"password_file": "air.txt"}, "opcua.user"),
        ("opc.tcp://x:4840/", {"password": "s3cret"}, "opcua.settings"),
        ("opc.tcp://line:s3cret@x:4840/", {}, "opcua.url"),
        ("opc.tcp://x:port/", {}, "connections.url"),
    ],
)
def test_settings_that_cannot_be_are_refused_when_declared(reach: Reach, url: str, settings: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        OpcuaDriver(Wiring("air", "opcua", url=url, settings=settings), reach, SystemClock())
    assert refused.value.code == code
    assert "s3cret" not in str(refused.value)
