"""What stands at the other end of each connector: one for every folder, told by a test what a thousand signals are."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from aiomqtt import Client, MqttError
from asyncua import Client as OpcuaClient
from asyncua import ua
from snap7.server import Server
from snap7.type import SrvArea
from tests.machines.connect.modbus.test_polling import Machine
from tests.machines.connect.mtconnect.test_asking import Agent
from tests.support_opcua import a_server

from batchone.contracts.sources import Point, Source
from batchone.kernel.engines.child import free_port
from batchone.kernel.engines.nats import Nats
from batchone.machines.connect.drivers import SCHEMES
from batchone.machines.connect.link import Link
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload
from batchone.machines.connect.wiring import Wired, Wiring, wire_source

MANY = 1_000
PATHS = tuple(f"m-1/s{at}" for at in range(MANY))


class FarSide:
    """A far side with a thousand signals. `nonsense` are settings, or the beginning of an address, that its connector refuses;
    `pushes` is set where it comes to us and so is never lost."""

    scheme: ClassVar[str]
    nonsense: ClassVar[tuple[Mapping[str, str], ...]] = ({"colour": "blue"},)
    pushes: ClassVar[bool] = False
    settings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def address(self, at: int) -> str:
        """The address of a signal."""
        raise NotImplementedError

    def wiring(self, settings: Mapping[str, str] | None = None) -> Wiring:
        """A connection to it, with other settings if they are given."""
        points = tuple(Point(path, self.address(at)) for at, path in enumerate(PATHS))
        source = Source("cell", self.url, self.settings if settings is None else settings, points)
        return wire_source(source, SCHEMES[self.scheme], set(PATHS), (), {})

    async def start(self) -> None:
        """It is there."""

    async def stop(self) -> None:
        """It is gone."""

    async def tell(self, values: Sequence[float], link: Link) -> None:
        """The first signals have these values now."""
        raise NotImplementedError


class Opcua(FarSide):
    scheme = "opc.tcp"
    settings: ClassVar[Mapping[str, str]] = {"security": "none"}
    nonsense = ({"security": "some"}, {"security": "none", "colour": "blue"}, {"user": "line"})

    def address(self, at: int) -> str:
        return f"ns=2;s=Air.V{at}"

    async def start(self) -> None:
        self._stack = AsyncExitStack()
        kinds = (ua.SecurityPolicyType.NoSecurity,)
        await self._stack.enter_async_context(a_server(None, kinds, port=self.port, values=MANY, writable=True))

    async def stop(self) -> None:
        await self._stack.aclose()

    async def tell(self, values: Sequence[float], link: Link) -> None:
        async with OpcuaClient(self.url) as client:
            nodes = [client.get_node(self.address(at)) for at in range(len(values))]
            await client.write_values(nodes, [ua.DataValue(ua.Variant(value, ua.VariantType.Double)) for value in values])


class Modbus(FarSide):
    scheme = "modbus"
    settings: ClassVar[Mapping[str, str]] = {"every": "20 ms"}
    nonsense = ({"colour": "blue"}, {"unit": "x"}, {"every": "soon"}, {"report": "sometimes"})

    def address(self, at: int) -> str:
        return f"holding:{at}"

    async def start(self) -> None:
        self._machine = Machine(self.port, MANY)
        await self._machine.start()

    async def stop(self) -> None:
        await self._machine.stop()

    async def tell(self, values: Sequence[float], link: Link) -> None:
        self._machine.holding[: len(values)] = [int(value) for value in values]


class S7(FarSide):
    scheme = "s7"
    settings: ClassVar[Mapping[str, str]] = {"every": "20 ms"}
    nonsense = ({"colour": "blue"}, {"slot": "99"}, {"every": "soon"}, {"report": "sometimes"})

    def address(self, at: int) -> str:
        return f"DB1.DBD{4 * at}:real"

    async def start(self) -> None:
        self._block = bytearray(4 * MANY)
        self._server = Server(log=False)
        self._server.register_area(SrvArea.DB, 1, self._block)
        self._server.start(self.port)

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def tell(self, values: Sequence[float], link: Link) -> None:
        self._block[: 4 * len(values)] = struct.pack(f">{len(values)}f", *values)


class Mqtt(FarSide):
    scheme = "mqtt"
    nonsense = ({"colour": "blue"}, {"qos": "3"}, {"user": "line"})

    def address(self, at: int) -> str:
        return f"cell/s{at}"

    async def start(self) -> None:
        self._broker = Nats(self.folder / "broker", mqtt_port=self.port)
        await asyncio.to_thread(self._broker.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._broker.stop)

    async def tell(self, values: Sequence[float], link: Link) -> None:
        async with Client("127.0.0.1", self.port) as client:
            for at, value in enumerate(values):
                await client.publish(self.address(at), str(value), qos=1)


class Sparkplug(FarSide):
    """An edge node at a broker that stays; gone means that the node died."""

    scheme = "sparkplug"
    nonsense = ()

    def wiring(self, settings: Mapping[str, str] | None = None) -> Wiring:
        names = tuple(path.partition("/")[2] for path in PATHS)
        return Wiring("cell", "sparkplug", group="plant", equipment=(Wired("m-1", names),))

    def at_broker(self, url: str) -> None:
        self.port = urlsplit(url).port or 0

    async def start(self) -> None:
        self._seq = 0
        self._there = asyncio.Event()
        self._serving = asyncio.create_task(self._serve())
        await self._there.wait()

    async def stop(self) -> None:
        self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving

    async def _serve(self) -> None:
        async with Client("127.0.0.1", self.port) as self._client:
            try:
                await self._client.subscribe("spBv1.0/plant/NCMD/cell")
                self._there.set()
                async for _ in self._client.messages:
                    self._seq = 0
                    await self._say("NBIRTH/cell", [Payload.Metric(name="bdSeq", datatype=8, long_value=1)])
                    metrics = [Payload.Metric(name=f"s{at}", alias=at, datatype=10, is_null=True) for at in range(MANY)]
                    await self._say("DBIRTH/cell/m-1", metrics)
            except asyncio.CancelledError:
                self._seq = 0
                with suppress(MqttError):
                    await self._say("NDEATH/cell", [Payload.Metric(name="bdSeq", datatype=8, long_value=1)])
                raise

    async def _say(self, topic: str, metrics: Sequence[Payload.Metric]) -> None:
        payload = Payload(timestamp=1_700_000_000_000, seq=self._seq % 256, metrics=metrics)
        self._seq += 1
        await self._client.publish(f"spBv1.0/plant/{topic}", payload.SerializeToString())

    async def tell(self, values: Sequence[float], link: Link) -> None:
        for at, value in enumerate(values):  # a message each, so that a thousand of these are on their way
            await self._say("DDATA/cell/m-1", [Payload.Metric(alias=at, double_value=value)])


class Mtconnect(FarSide):
    scheme = "mtconnect"
    settings: ClassVar[Mapping[str, str]] = {"every": "20 ms", "count": "300"}
    nonsense = ({"colour": "blue"}, {"count": "none"}, {"every": "soon"})

    def address(self, at: int) -> str:
        return f"s{at}"

    async def start(self) -> None:
        self._agent = Agent(2 * MANY)
        self._agent.port = self.port
        await self._agent.start()

    async def stop(self) -> None:
        await self._agent.stop()

    async def tell(self, values: Sequence[float], link: Link) -> None:
        for at, value in enumerate(values):
            self._agent.says("Load", self.address(at), str(value))


class Files(FarSide):
    scheme = "file"
    settings: ClassVar[Mapping[str, str]] = {"every": "10 ms", "name": "name"}
    nonsense = ({"colour": "blue"}, {"format": "early"}, {"zone": "Mars"})

    @property
    def url(self) -> str:
        return (self.folder / "drop").as_uri()

    def address(self, at: int) -> str:
        return f"s{at}"

    async def start(self) -> None:
        away, here = self.folder / "away", self.folder / "drop"
        if away.exists():
            away.rename(here)
        for name in ("done", "refused"):
            (here / name).mkdir(parents=True, exist_ok=True)
        self._dropped = 0

    async def stop(self) -> None:
        (self.folder / "drop").rename(self.folder / "away")

    async def tell(self, values: Sequence[float], link: Link) -> None:
        self._dropped += 1
        rows = [f"2024-03-01T08:00:00Z,s{at},{value}" for at, value in enumerate(values)]
        made = self.folder / f"drop-{self._dropped}-{len(values)}"
        made.write_text("\n".join(["time,name,value", *rows]) + "\n")
        made.rename(self.folder / "drop" / f"{made.name}.csv")


class Influx(FarSide):
    scheme = "influx"
    pushes = True

    @property
    def url(self) -> str:
        return "influx://agents"

    def address(self, at: int) -> str:
        return f"cell s{at}"

    async def tell(self, values: Sequence[float], link: Link) -> None:
        body = "\n".join(f"cell s{at}={value} 1700000000000000000" for at, value in enumerate(values))
        async with asyncio.timeout(10):
            while not link.now().up:
                await asyncio.sleep(0.01)
        await link.push(body, {})


FAR_SIDES: Mapping[str, type[FarSide]] = {
    "files": Files, "influx": Influx, "modbus": Modbus, "mqtt": Mqtt, "mtconnect": Mtconnect, "opcua": Opcua, "s7": S7,
    "sparkplug": Sparkplug,
}  # fmt: skip
"""By the connector's folder."""
