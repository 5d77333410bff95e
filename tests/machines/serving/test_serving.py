"""The served namespace as clients of OPC UA see it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256
from asyncua.ua.uaerrors import UaError
from tests.support_opcua import TENANT, an_identity

from batchone.contracts.machines import LastValue
from batchone.contracts.serving import Serving
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.kernel.bus import Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.certificates import Identity, OwnCertificate, fingerprint, pem_of
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused
from batchone.kernel.settings import read
from batchone.machines.serving.module import MODULE, ServingSettings, build
from batchone.machines.serving.service import ServingService

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FLOW, HEAT = SignalType("flow", {"en": "Flow"}, "L/min"), SignalType("heat", {"en": "Heat"}, "degC")
PLACE = "works/site/hall/line"


def a_model(*signals: SignalType) -> ThingModel:
    return ThingModel(1, (EquipmentType("pump", {"en": "Pump"}, signals),), (Thing("p-1", "pump", {"en": "P"}, PLACE),))


class Floor:
    """Things and twin, as far as serving asks them."""

    def __init__(self) -> None:
        self.now = a_model(FLOW)

    async def model(self, tenant: str) -> ThingModel:
        return self.now

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        return (LastValue("p-1/flow", 4.5, 1, NOON, NOON),)


@pytest.fixture
def floor() -> Floor:
    return Floor()


@pytest.fixture
def guest(tmp_path: Path) -> Identity:
    return an_identity(tmp_path / "guest", name="scada")


@pytest.fixture
async def service(floor: Floor, tmp_path: Path) -> AsyncIterator[ServingService]:
    folder = tmp_path / "serving"
    made = ServingService(
        TENANT, folder, OwnCertificate(folder, "namespace", "office"), SystemClock(), lambda: floor, lambda: floor,
        host="127.0.0.1", port=free_port(), floor="encrypt", per_s=20.0,
    )  # type: ignore[arg-type, return-value] # fmt: skip
    running = asyncio.create_task(made.run())
    await until(lambda: made._up or running.done())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not met():
            await asyncio.sleep(0.02)


async def client_of(service: ServingService, identity: Identity, policy=SecurityPolicyAes256Sha256RsaPss) -> Client:
    address = (await service.served(TENANT)).address
    client = Client(address, timeout=10)
    own = service._own.now(datetime.now(UTC)).certificate
    client.application_uri = identity.application
    client.security_policy = policy(own, identity.certificate, identity.key, ua.MessageSecurityMode.SignAndEncrypt)
    client.uaclient.set_security(client.security_policy)
    return client


def let_in(service: ServingService, guest: Identity) -> None:
    folder = service._guests.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scada.pem").write_text(pem_of(guest.certificate))


async def test_a_guest_reads_place_unit_value_quality_and_time_and_hears_changes(service, guest: Identity) -> None:
    let_in(service, guest)
    client = await client_of(service, guest)
    await client.connect()
    space = await client.get_namespace_index(f"urn:batchone:{TENANT}")
    steps = [f"{space}:{step}" for step in f"{PLACE}/p-1/flow".split("/")]
    flow = await client.nodes.objects.get_child(steps)
    assert flow.nodeid.Identifier == f"{PLACE}/p-1:flow"
    unit = await (await flow.get_child("0:EngineeringUnits")).read_value()
    assert unit.DisplayName.Text == "L/min"

    async def until_value(value: float) -> ua.DataValue:
        async with asyncio.timeout(20):
            while (told := await flow.read_data_value(raise_on_bad_status=False)).Value.Value != value:
                await asyncio.sleep(0.02)
        return told

    told = await until_value(4.5)
    assert (told.StatusCode.value >> 30, told.SourceTimestamp) == (1, NOON)
    body = {"paths": ["p-1/flow", "p-1/unknown"], "values": [7.25, 1.0], "times": [NOON.timestamp() + 1] * 2, "quality": [0, 0]}
    await service.hear(Message(f"live.values.{TENANT}.p-1", orjson.dumps(body)))
    told = await until_value(7.25)
    assert (told.StatusCode.value, told.SourceTimestamp.timestamp()) == (0, NOON.timestamp() + 1)
    with pytest.raises(UaError):
        await flow.write_value(1.0)
    await client.disconnect()


async def test_a_stranger_stays_out_and_is_told_of(service, guest: Identity) -> None:
    with pytest.raises((UaError, OSError, TimeoutError)):
        await (await client_of(service, guest)).connect()
    (stranger,) = (await service.served(TENANT)).strangers
    assert (stranger.fingerprint, stranger.subject) == (fingerprint(guest.certificate), "CN=scada@hall-3")
    let_in(service, guest)
    client = await client_of(service, guest)
    await client.connect()
    await client.disconnect()
    assert (await service.served(TENANT)).strangers == ()


async def test_less_than_the_floor_is_not_spoken(service, guest: Identity) -> None:
    let_in(service, guest)
    address = (await service.served(TENANT)).address
    with pytest.raises((UaError, OSError, TimeoutError)):
        await Client(address, timeout=10).connect()
    with pytest.raises((UaError, OSError, TimeoutError)):
        await (await client_of(service, guest, SecurityPolicyBasic256)).connect()


async def test_a_signal_that_is_declared_appears(service, floor: Floor, guest: Identity) -> None:
    let_in(service, guest)
    floor.now = a_model(FLOW, HEAT)
    service.reload()
    await until(lambda: len(service._variables) == 2 and service._up)
    client = await client_of(service, guest)
    await client.connect()
    space = await client.get_namespace_index(f"urn:batchone:{TENANT}")
    heat = client.get_node(ua.NodeId(f"{PLACE}/p-1:heat", space))
    told = await heat.read_data_value(raise_on_bad_status=False)
    assert told.StatusCode.name == "BadWaitingForInitialData"
    await client.disconnect()


async def test_without_a_port_nothing_is_served(floor: Floor, tmp_path: Path) -> None:
    made = ServingService(
        TENANT, tmp_path, OwnCertificate(tmp_path, "namespace", "office"), SystemClock(), lambda: floor, lambda: floor,
        host="127.0.0.1", port=0, floor="encrypt", per_s=5.0,
    )  # type: ignore[arg-type, return-value] # fmt: skip
    await made.run()
    assert (await made.served(TENANT)).address == ""


async def test_the_module_is_built_as_declared_and_serves_nothing_by_itself(tmp_path: Path) -> None:
    context = SimpleNamespace(tenant=TENANT, home=tmp_path, bus=MemoryBus())
    running = await build(context, read(ServingSettings, {}, "serving"))  # type: ignore[arg-type]
    MODULE.check(running)
    assert (await running.provides[Serving].served(TENANT)).address == ""  # type: ignore[attr-defined]
    with pytest.raises(Refused):
        read(ServingSettings, {"security": "best"}, "serving")
