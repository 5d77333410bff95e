"""The driver against python-snap7's own server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from snap7.server import Server
from snap7.type import SrvArea

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.s7.driver import S7Driver
from batchone.machines.connect.s7.probe import probe
from batchone.machines.connect.wiring import wire_source

POINTS = (
    Point("press-1/force", "DB1.DBD4:real"), Point("press-1/closed", "DB1.DBX0.3"), Point("press-1/count", "MW10"),
    Point("press-1/far", "DB9.DBW0"),
)  # fmt: skip


class Controller:
    """A server whose data block 1 (400 bytes) and flags (64 bytes) a test sets."""

    def __init__(self) -> None:
        self.port = free_port()
        self.block, self.flags = bytearray(400), bytearray(64)

    def start(self) -> None:
        self.server = Server(log=False)
        self.server.register_area(SrvArea.DB, 1, self.block)
        self.server.register_area(SrvArea.MK, 0, self.flags)
        self.server.start(self.port)


@pytest.fixture
async def controller() -> AsyncIterator[Controller]:
    made = Controller()
    made.start()
    yield made
    await asyncio.to_thread(made.server.stop)


def driver_of(controller: Controller, *points: Point, **settings: str) -> S7Driver:
    source = Source("press", f"s7://127.0.0.1:{controller.port}", {"every": "20 ms", **settings}, points)
    return S7Driver(wire_source(source, "s7", {point.path for point in points}, (), {}), Reach(), SystemClock())


def told(batch) -> dict[str, tuple[float, int]]:
    rows = zip(batch.column("path").to_pylist(), columns.values_of(batch), columns.qualities_of(batch), strict=True)
    return {path: (float(value), int(quality)) for path, value, quality in rows}


async def until_lost(driver: S7Driver) -> None:
    for _ in range(100):
        await driver.read()


async def test_bytes_and_bits_become_samples_and_then_only_what_changed(controller: Controller) -> None:
    controller.block[4:8], controller.flags[10:12] = struct.pack(">f", 7.5), b"\x01\x02"
    driver = driver_of(controller, *POINTS[:3])
    await driver.open()
    assert told((await driver.read()).samples) == {
        "press-1/force": (7.5, 0), "press-1/closed": (0, 0), "press-1/count": (258, 0),
    }  # fmt: skip
    controller.block[0] = 0b1000
    assert told((await driver.read()).samples) == {"press-1/closed": (1, 0)}
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_all_values_are_told_in_each_round_where_that_is_asked_for(controller: Controller) -> None:
    driver = driver_of(controller, *POINTS[:3], report="all")
    await driver.open()
    for _ in range(2):
        assert len(told((await driver.read()).samples)) == 3
    await driver.close()


async def test_a_block_that_the_controller_does_not_have_costs_the_others_nothing_and_is_bad_once(
    controller: Controller,
) -> None:
    driver = driver_of(controller, *POINTS)
    await driver.open()
    reading = await driver.read()
    assert told(reading.samples)["press-1/force"] == (0.0, columns.GOOD)
    assert str(told(reading.samples)["press-1/far"]) == "(nan, 2)"
    (fault,) = reading.faults
    assert "DB9 bytes 0 to 1: Read operation failed" in fault.what
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_no_number_is_no_sample(controller: Controller) -> None:
    controller.block[4:8] = struct.pack(">f", float("inf"))
    driver = driver_of(controller, POINTS[0])
    await driver.open()
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_a_controller_that_goes_away_is_try_later_and_a_new_driver_reads_it_again(controller: Controller) -> None:
    driver = driver_of(controller, POINTS[0])
    await driver.open()
    await driver.read()
    await asyncio.to_thread(controller.server.stop)
    with pytest.raises(TryLater, match="does not answer"):
        await until_lost(driver)
    await driver.close()
    gone = driver_of(controller, POINTS[0])
    with pytest.raises(TryLater, match="does not answer"):
        await gone.open()
    await gone.close()
    controller.start()
    again = driver_of(controller, POINTS[0])
    await again.open()
    assert told((await again.read()).samples) == {"press-1/force": (0.0, 0)}
    await again.close()


@pytest.mark.parametrize("answer", [b"\x16\x03\x01", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x03\x00\x00\x07\x02\xf0\x80" * 9])
async def test_somebody_else_at_that_port_is_try_later(answer: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    driver = S7Driver(
        wire_source(Source("p", f"s7://127.0.0.1:{server.sockets[0].getsockname()[1]}"), "s7", (), (), {}),
        Reach(),
        SystemClock(),
    )
    with pytest.raises(TryLater, match="does not answer"):
        await driver.open()
    await driver.close()
    server.close()


async def test_a_strange_setting_or_address_is_refused_before_anything_is_opened(controller: Controller) -> None:
    for settings, what in (
        ({"speed": "1"}, "no setting speed"),
        ({"slot": "99"}, "'99' is no slot"),
        ({"rack": "-1"}, "no rack"),
    ):
        with pytest.raises(Refused, match=what):
            driver_of(controller, POINTS[0], **settings)
    with pytest.raises(Refused, match="no S7 address"):
        driver_of(controller, Point("a/b", "40001"))


async def test_a_probe_tells_what_can_be_read_and_guesses_with_its_evidence(controller: Controller) -> None:
    controller.block[4:8], controller.block[20:22] = struct.pack(">f", 7.5), struct.pack(">h", -5)
    seen = await probe(f"s7://127.0.0.1:{controller.port}", {"probe_count": "500"}, ThingModel(), Reach())
    found = {each.address: (each.type, each.value, each.proposed) for each in seen.found}
    assert found == {"DB1.DBD4:real": ("real, a guess", "7.5", ""), "DB1.DBW20:int": ("int, a guess", "-5", "")}
    assert all("a guess" in each.why for each in seen.found)
    block = next(note for note in seen.notes if note.startswith("DB1"))
    assert "0 to 39" in block
    assert "refused" in block
    assert any(note.startswith("I, bytes 0 to 499: refused") for note in seen.notes)
    absent = await probe(f"s7://127.0.0.1:{controller.port}", {"probe_db": "9"}, ThingModel(), Reach())
    assert absent.found == ()
    assert absent.notes[0].startswith("DB9, bytes 0 to 199: refused")


async def test_a_probe_of_nobody_is_try_later() -> None:
    with pytest.raises(TryLater):
        await probe(f"s7://127.0.0.1:{free_port()}", {}, ThingModel(), Reach())
