import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import JobOrder, JobReport
from batchone.contracts.sources import Evidence, Failure, Found, Look, Point, Probed, Source, Sources
from batchone.contracts.things import SignalType, Thing
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.errors import Conflict, Refused
from batchone.kernel.remote import remote, serve
from batchone.kernel.settings import read
from batchone.machines.connect.module import ConnectSettings
from batchone.machines.connect.panel import Panel

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANNA = Actor("tinworks", "anna", "Anna", "engineer")
ORDER = JobOrder("J-1", "O-1", "I-1", "10", "make-10", 5.0, "", 0.0, {"force": 1.0, "film": "x"}, {})


def test_settings_take_quantities_and_say_where_a_connection_is() -> None:
    settings = read(
        ConnectSettings,
        {
            "mqtt": "mqtt://broker:1884", "poll": "250 ms", "backlog": "10 MB", "port_offset": 1000,
            "nodes": {"mixing": {"mixer-9/speed": "ns=1;s=Mixer.Speed"}},
        },
        "connect",
    )  # fmt: skip
    reach = settings.reach("mixing", "tinworks")
    assert (reach.mqtt_host, reach.mqtt_port, reach.poll_s, reach.port_offset) == ("broker", 1884, 0.25, 1000)
    assert (reach.client, reach.nodes) == ("batchone-tinworks", {"mixer-9/speed": "ns=1;s=Mixer.Speed"})
    assert settings.reach("line", "tinworks").nodes == {}
    assert settings.backlog == 10e6


@pytest.mark.parametrize(
    "given",
    [
        {"mqtt": "http://broker"}, {"mqtt": "broker:1883"}, {"poll": "2 kg"}, {"answer": 0}, {"retry_first": "0 s"},
        {"backlog": "1 kB"}, {"speed": 9},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(Refused):
        read(ConnectSettings, given, "connect")


class Desk:
    async def start(self, equipment: str, order: JobOrder, actor: Actor, key: str) -> JobReport:
        assert (order, actor, key) == (ORDER, ANNA, "k1")
        return JobReport(order.job, equipment, "running", 1, 0.5, NOON, None, order.program, True, {"mass": 1.5}, 0.25, "")

    async def abort(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        raise Conflict("job.not_running", "It does not run.", "Look again.")

    async def clear(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        return None


async def test_the_panel_may_run_in_another_process() -> None:
    bus = MemoryBus()
    serving = asyncio.create_task(serve(bus, Panel, Desk()))
    await asyncio.sleep(0)
    far = remote(Panel, bus)
    await asyncio.sleep(0)
    report = await far.start("m1", ORDER, ANNA, "k1")
    assert (report.equipment, report.started, dict(report.results)) == ("m1", NOON, {"mass": 1.5})
    assert await far.clear("m1", "J-1", ANNA, "k1") is None
    with pytest.raises(Conflict, match="does not run"):
        await far.abort("m1", "J-1", ANNA, "k1")
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


class Texts:
    """Sources as far as the pages that connect a machine ask it, in a process of its own."""

    def __init__(self) -> None:
        self.connected: list[object] = []

    async def look(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> str:
        assert (url, dict(settings), actor) == ("opc.tcp://10.0.0.5/", {"security": "sign"}, ANNA)
        return "L-1"

    async def looked(self, tenant: str, look: str) -> Look:
        found = Found("ns=2;s=P", "P", "Float", "kPa", "7", "c/p", "alike", (Evidence("names", 0.9),))
        probed = Probed("opc.tcp://10.0.0.5/", "opcua", "a server", "none", (found,))
        failure = Failure("certificate.untrusted", "Unknown.", "Compare.", 422, {"fingerprint": "AB"})
        return Look(look, probed.url, {}, 1.5, 7, *((probed, None) if look == "L-1" else (None, failure)))

    async def connect(self, tenant: str, source: Source, things: Sequence[Thing], note: str, actor: Actor) -> int:
        self.connected.append((source, tuple(things)))
        return 3


async def test_a_machine_may_be_connected_from_another_process() -> None:
    bus, texts = MemoryBus(), Texts()
    for missing in ("connectors", "declared", "shown", "text", "editions", "declare", "probe", "disconnect", "push"):
        setattr(texts, missing, None)
    serving = asyncio.create_task(serve(bus, Sources, texts))
    await asyncio.sleep(0)
    far = remote(Sources, bus)
    await asyncio.sleep(0)
    assert await far.look("tinworks", "opc.tcp://10.0.0.5/", {"security": "sign"}, ANNA) == "L-1"
    for look in ("L-1", "L-2"):
        assert await far.looked("tinworks", look) == await texts.looked("tinworks", look)
    source = Source("air", "opc.tcp://10.0.0.5/", {}, (Point("c/p", "ns=2;s=P", "kPa"),))
    thing = Thing("c", "", {"en": "C"}, "e/s", signals=(SignalType("p", {"en": "P"}, "bar"),))
    assert await far.connect("tinworks", source, (thing,), "", ANNA) == 3
    assert texts.connected == [(source, (thing,))]
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
