"""The example of permissions for edge nodes, in a real server: each speaks for itself alone."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client, MqttError, Will
from cryptography.hazmat.primitives import serialization
from tests.support_opcua import an_identity
from tests.support_plant import eventually

from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import answers, die_with_parent, free_port
from batchone.kernel.engines.nats import binary
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Access, Reach
from batchone.machines.connect.sparkplug.driver import SparkplugDriver
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload
from batchone.machines.connect.wiring import Wiring

pytestmark = pytest.mark.engine

EXAMPLE = Path(__file__).parents[4] / "deploy" / "brokers" / "sparkplug.conf"
PASSWORDS = {"batchone": "change-me-host", "G1-E1": "change-me-e1", "G1-E2": "change-me-e2"}
ROOT = "spBv1.0/G1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The server of the example on other ports, with its TLS; where MQTT is spoken."""
    folder, port, mqtt = tmp_path_factory.mktemp("sparkplug"), free_port(), free_port()
    told = EXAMPLE.read_text()
    own = an_identity(folder / "identity", name="broker")
    kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "broker.pem").write_bytes(own.certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(own.key.private_bytes(*kind))
    other = {
        "port: 4223": f"port: {port}", "port: 8883": f"port: {mqtt}", "./sparkplug-store": f"{folder}/s", "# tls {": "tls {",
        "./broker": f"{folder}/broker",
    }  # fmt: skip
    for ours, theirs in other.items():
        assert ours in told
        told = told.replace(ours, theirs)
    (folder / "nats.conf").write_text(told)
    with (folder / "log").open("w") as log:
        command = [str(binary()), "-c", str(folder / "nats.conf")]
        server = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)  # noqa: PLW1509
    for _ in range(200):
        if answers(mqtt):
            break
        asyncio.run(asyncio.sleep(0.1))
    yield mqtt
    server.terminate()
    server.wait()


def client(broker: int, user: str, **more: Any) -> Client:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Client(
        "127.0.0.1", broker, username=user, password=PASSWORDS[user], identifier=user, timeout=5, tls_context=context, **more
    )


class Secrets:
    """What only the platform knows; it approves every certificate, and remembers who showed one."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.shown: list[str] = []

    async def check(self, server: str, der: bytes) -> None:
        assert der
        self.shown.append(server)

    def secret(self, name: str) -> str:
        assert name == "mqtt.txt"
        return self.password


def host(broker: int, password: str = PASSWORDS["batchone"]) -> SparkplugDriver:
    access = Access(tls=True, user="batchone", password_file="mqtt.txt")
    reach = Reach(mqtt_port=broker, mqtt_access=access, answer_s=5.0, trust=Secrets(password))  # type: ignore[arg-type]
    return SparkplugDriver(Wiring("E1", "sparkplug", group="G1"), reach, SystemClock())


def said(seq: int, value: float) -> bytes:
    bd_seq = [Payload.Metric(name="bdSeq", datatype=8, long_value=1)] if seq == 0 else []
    load = Payload.Metric(name="load", datatype=10, double_value=value)
    return Payload(timestamp=1_700_000_000_000, seq=seq, metrics=[*bd_seq, load]).SerializeToString()


@pytest.fixture
async def e1(broker: int) -> AsyncIterator[Client]:
    """Edge node E1, which is born whenever it is asked."""
    async with client(broker, "G1-E1") as node:
        await node.subscribe(f"{ROOT}/NCMD/E1")

        async def obey() -> None:
            async for _ in node.messages:
                await node.publish(f"{ROOT}/NBIRTH/E1", said(0, 1.0))

        task = asyncio.create_task(obey())
        yield node
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_host_hears_a_node_and_commands_it(broker: int, e1: Client) -> None:
    driver = host(broker)
    await driver.open()
    await e1.publish(f"{ROOT}/NDATA/E1", said(1, 2.0))
    values: list[float] = []
    async with asyncio.timeout(20):
        while 2.0 not in values:
            values += columns.values_of((await driver.read()).samples).tolist()
    assert values == [1.0, 2.0]
    await driver.close()


async def test_a_foreign_node_cannot_speak_for_another_in_data_birth_or_will(broker: int, e1: Client) -> None:
    driver = host(broker)
    await driver.open()
    will = Will(f"{ROOT}/NDEATH/E1", said(0, 0.0), qos=1)
    with suppress(MqttError):
        async with client(broker, "G1-E2", will=will) as foreign:
            for topic in ("NDATA/E1", "NBIRTH/E1", "NDEATH/E1", "DDATA/E1/press", "NCMD/E1"):
                await foreign.publish(f"{ROOT}/{topic}", said(1, 66.0), qos=1)
            await foreign.publish("spBv1.0/STATE/batchone-E1", b"{}", qos=1, retain=True)
            foreign._client._sock_close()  # without a word, so that the will is told
            await asyncio.sleep(0.3)
    await e1.publish(f"{ROOT}/NDATA/E1", said(1, 2.0))
    values: list[float] = []
    async with asyncio.timeout(20):
        while 2.0 not in values:
            reading = await driver.read()
            assert reading.faults == ()
            values += columns.values_of(reading.samples).tolist()
    assert values == [1.0, 2.0]
    await driver.close()


async def test_a_node_hears_its_own_commands_and_nothing_else(broker: int) -> None:
    async with client(broker, "G1-E2") as node, client(broker, "batchone") as platform:
        granted = {}
        for topic in (
            "NCMD/E2", "NCMD/E1", "NCMD/+", "NDATA/E1", "NDATA/+", "DDATA/E1/+", "DCMD/E2/+", "#",
        ):  # fmt: skip
            (code,) = await node.subscribe(f"{ROOT}/{topic}" if topic != "#" else "#")
            granted[topic] = not code.is_failure  # type: ignore[union-attr]
        assert [topic for topic, allowed in granted.items() if allowed] == ["NCMD/E2"]
        await platform.publish(f"{ROOT}/NCMD/E1", b"not his")
        await platform.publish(f"{ROOT}/NCMD/E2", b"his")
        await eventually(lambda: len(node.messages) > 0, "the command")
        heard = await anext(aiter(node.messages))
        assert (str(heard.topic), heard.payload) == (f"{ROOT}/NCMD/E2", b"his")


async def test_a_wrong_password_is_refused_and_not_shown(broker: int) -> None:
    driver = host(broker, "guessed-it")
    with pytest.raises(Refused, match="password_file") as refused:
        await driver.open()
    await driver.close()
    assert "guessed-it" not in f"{refused.value} {refused.value.where} {driver.__dict__!r}"
