"""Mosquitto in front, as the example has it: what a machine publishes with MQTT 5 arrives as samples."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client, ProtocolVersion
from cryptography.hazmat.primitives import serialization
from tests.support_opcua import CHEN, TENANT, an_identity, trust_of, write_secret

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database
from batchone.kernel.engines.child import answers, die_with_parent, free_port
from batchone.kernel.engines.nats import Nats
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Reach, Trust
from batchone.machines.connect.mqtt.driver import MqttDriver, probe
from batchone.machines.connect.wiring import wire_source

pytestmark = [pytest.mark.peer, pytest.mark.engine]

EXAMPLES = Path(__file__).parents[2] / "deploy" / "brokers"
PASSWORDS = {"batchone": "s3cret-host", "oven-7": "s3cret-oven"}
POINTS = (Point("oven-7/temp", "plant/oven-7/temp"), Point("oven-7/zone", "plant/oven-7/zone two/temp"))


@dataclass(frozen=True)
class Front:
    """Mosquitto after the example: where it listens in the clear, and where over TLS with a certificate of its own."""

    plain: int
    tls: int


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        why = "there is no mosquitto here: apt-get install mosquitto"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """The platform's own broker."""
    server = Nats(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def front(nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The example on other ports, bridged to the platform's broker."""
    program, folder = _program("mosquitto"), tmp_path_factory.mktemp("mosquitto")
    plain, tls = free_port(), free_port()
    own = an_identity(folder / "identity", name="broker")
    (folder / "broker.pem").write_bytes(own.certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        own.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    told = (EXAMPLES / "mosquitto.conf").read_text()
    other = {
        "listener 1884": f"listener {plain}", "address 127.0.0.1:1883": f"address 127.0.0.1:{nats.mqtt_port}",
        "#   listener 8883": f"listener {tls} 127.0.0.1", "#   certfile": "certfile", "#   keyfile": "keyfile",
    }  # fmt: skip
    for ours, theirs in other.items():
        assert ours in told
        told = told.replace(ours, theirs)
    if os.geteuid() == 0:
        told += "user root\n"  # it would give the folder away otherwise
    (folder / "mosquitto.conf").write_text(told)
    shutil.copy(EXAMPLES / "mosquitto.acl", folder)
    (folder / "mosquitto-data").mkdir()
    for user, password in PASSWORDS.items():
        made = ["-c"] if user == "batchone" else []
        subprocess.run([_program("mosquitto_passwd"), "-b", *made, "passwords", user, password], cwd=folder, check=True)
    with (folder / "log").open("w") as log:
        command = [program, "-c", "mosquitto.conf", "-v"]
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, preexec_fn=die_with_parent)  # noqa: PLW1509
    until = time.monotonic() + 20
    while not (answers(plain) and answers(tls)):
        assert time.monotonic() < until, (folder / "log").read_text()[-2000:]
        time.sleep(0.05)
    yield Front(plain, tls)
    server.terminate()
    server.wait()


def gateway(port: int, **more: Any) -> Client:
    """A machine that speaks MQTT 5."""
    return Client(
        "127.0.0.1", port, username="oven-7", password=PASSWORDS["oven-7"], protocol=ProtocolVersion.V5, timeout=5, **more
    )


def driver_of(url: str, trust: Trust | None, points: tuple[Point, ...] = POINTS, **settings: str) -> MqttDriver:
    wiring = wire_source(Source("cell", url, settings, points), "mqtt", {point.path for point in points}, (), {})
    return MqttDriver(wiring, Reach(answer_s=5.0, trust=trust), SystemClock())


@asynccontextmanager
async def opened(driver: MqttDriver) -> AsyncIterator[MqttDriver]:
    try:
        await driver.open()
        yield driver
    finally:
        await driver.close()


async def heard(driver: MqttDriver, count: int) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    async with asyncio.timeout(20):
        while len(rows) < count:
            batch = (await driver.read()).samples
            rows += zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True)
    return rows


USER = {"user": "batchone", "password_file": "mqtt.txt", "qos": "1"}


@pytest.fixture
async def trust(database: Database, tmp_path: Path) -> Any:
    """The platform's certificates and secrets."""
    made, _ = await trust_of(database, tmp_path)
    write_secret(tmp_path, "mqtt.txt", PASSWORDS["batchone"])
    return made


async def test_what_mqtt_5_publishes_arrives_as_samples(front: Front, trust: Any) -> None:
    async with opened(driver_of(f"mqtt://127.0.0.1:{front.plain}", trust, **USER)) as driver, gateway(front.plain) as machine:
        await machine.publish("plant/oven-7/temp", "21.5", qos=1)
        await machine.publish("plant/oven-7/zone two/temp", "22.5", qos=1)  # a space, which NATS does not take
        assert await heard(driver, 2) == [("oven-7/temp", 21.5), ("oven-7/zone", 22.5)]


async def test_the_bridge_hands_it_on_to_the_platforms_own_broker(front: Front, nats: Nats) -> None:
    async with (
        opened(driver_of(nats.mqtt_url, None, (Point("oven-7/temp", "bridged/oven-7/temp"),))) as driver,
        gateway(front.plain) as machine,
    ):
        await machine.publish("bridged/oven-7/temp", "23.5", qos=1)
        assert (await heard(driver, 1))[-1] == ("oven-7/temp", 23.5)


async def test_a_machine_cannot_speak_as_another(front: Front, trust: Any) -> None:
    async with opened(driver_of(f"mqtt://127.0.0.1:{front.plain}", trust, listen="plant/#", **USER)) as driver:
        async with gateway(front.plain) as machine:
            await machine.publish("plant/oven-8/temp", "66", qos=0)
            await machine.publish("plant/oven-7/temp", "24.5", qos=1)
        assert await heard(driver, 1) == [("oven-7/temp", 24.5)]


async def test_over_tls_its_certificate_is_approved_before_any_password_goes_out(front: Front, trust: Any) -> None:
    url = f"mqtts://127.0.0.1:{front.tls}"
    first = driver_of(url, trust, **USER)
    with pytest.raises(Refused, match="approve"):
        await first.open()
    await first.close()
    (shown,) = await trust.seen(TENANT)
    assert shown.server == f"127.0.0.1:{front.tls}"
    await trust.approve(TENANT, shown.server, shown.fingerprint, CHEN)
    async with opened(driver_of(url, trust, **USER)) as driver:
        async with gateway(front.plain) as machine:
            await machine.publish("plant/oven-7/temp", "25.5", qos=1)
        assert await heard(driver, 1) == [("oven-7/temp", 25.5)]
    seen = await probe(url, {**USER, "listen": "plant/#", "probe_for": "100 ms"}, ThingModel(), Reach(trust=trust))
    assert seen.security == "encrypted with TLS, as batchone"


async def test_who_is_not_known_is_refused_and_his_password_not_shown(front: Front, trust: Any, tmp_path: Path) -> None:
    write_secret(tmp_path, "mqtt.txt", "gu3ssed")
    driver = driver_of(f"mqtt://127.0.0.1:{front.plain}", trust, **USER)
    with pytest.raises(Refused, match="password_file") as refused:
        await driver.open()
    await driver.close()
    assert "gu3ssed" not in f"{refused.value} {refused.value.where} {vars(driver)}"
    nobody = driver_of(f"mqtt://127.0.0.1:{front.plain}", trust)
    with pytest.raises(Refused):
        await nobody.open()
    await nobody.close()
