"""Our OPC UA client against a server of node-opcua that signs, encrypts, wants a user and limits what it watches."""

import asyncio
from pathlib import Path

import pytest
from tests.support_opcua import CHEN, TENANT, trust_of, write_secret

from batchone.contracts.sources import Point
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused
from batchone.machines.connect.certificates.service import CertificateService
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.opcua.driver import OpcuaDriver
from batchone.machines.connect.opcua.probe import probe
from batchone.machines.connect.wiring import Wiring

pytestmark = pytest.mark.peer
COUNT = 1200
POINTS = tuple(Point(f"mixer-9/v{number}", f"ns=1;s=Mixer.V{number}") for number in range(COUNT))
USER = {"user": "line", "password_file": "peer.txt"}


@pytest.fixture
async def trust(database: Database, tmp_path: Path) -> CertificateService:
    return (await trust_of(database, tmp_path))[0]


@pytest.fixture
def url(start_peer, tmp_path: Path) -> str:
    port = free_port()
    start_peer("opcua_server.mjs", port, tmp_path / "peer-pki", "secure").until("ready")
    return f"opc.tcp://127.0.0.1:{port}/"


def driver_to(url: str, trust: CertificateService) -> OpcuaDriver:
    wiring = Wiring("mixing", "opcua", url=url, settings=USER, points=POINTS)
    return OpcuaDriver(wiring, Reach(answer_s=10.0, silence_s=10.0, trust=trust), SystemClock())


async def refusal(driver: OpcuaDriver) -> str:
    with pytest.raises(Refused) as refused:
        await driver.open()
    await driver.close()
    return refused.value.code


async def test_a_strange_server_is_approved_probed_and_read_within_its_limits(url: str, trust, tmp_path: Path) -> None:
    write_secret(tmp_path, "peer.txt", "wrong")
    assert await refusal(driver_to(url, trust)) == "certificate.untrusted"
    (seen,) = await trust.seen(TENANT)
    await trust.approve(TENANT, seen.server, seen.fingerprint, CHEN)
    assert await refusal(driver_to(url, trust)) == "opcua.login"
    write_secret(tmp_path, "peer.txt", "s3cret")

    for floor, offer in (("encrypt", "encrypt with Aes256_Sha256_RsaPss"), ("sign", "encrypt with Aes256_Sha256_RsaPss")):
        probed = await probe(url, {"security": floor, **USER}, ThingModel(), Reach(trust=trust))
        assert probed.security.startswith(f"{offer}; the server offers: sign with ")
        assert "NodeOPCUA" in probed.who

    driver = driver_to(url, trust)
    await driver.open()
    found: set[str] = set()
    async with asyncio.timeout(60):
        while len(found) < COUNT:
            reading = await driver.read()
            assert reading.faults == ()
            found |= set(reading.samples.column("path").to_pylist())
    assert (driver._chunk, driver._room) == (100, 500)
    await driver.close()
