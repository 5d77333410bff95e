import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from plantsim.control import ControlPort
from plantsim.equipment import State
from plantsim.pack import Pack
from plantsim.plant import Plant, PlantSettings


@pytest.fixture
def plant(mugs_on_free_ports: Pack, clock: Any) -> Plant:
    return Plant(mugs_on_free_ports, clock, PlantSettings())


@pytest.fixture
async def control(plant: Plant, any_port: Callable[[], int]) -> AsyncIterator[ControlPort]:
    control = ControlPort(plant, "127.0.0.1", any_port())
    await control.start()
    yield control
    await control.stop()


async def post(control: ControlPort, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    return await control.answer("POST", path, json.dumps(body).encode())


async def test_the_state_shows_clock_connections_and_equipment(control: ControlPort) -> None:
    status, view = await control.answer("GET", "/state", b"")
    assert (status, view["pack"], view["time"], view["speed"]) == (200, "mugs", "2026-01-01T08:00:00.000Z", 10)
    assert set(view["connections"]) == {"shaping", "decor", "glaze-cell"}
    assert view["equipment"]["kiln-1"]["positions"] == 4


async def test_breaking_and_switching_off(control: ControlPort, plant: Plant) -> None:
    assert await post(control, "/break", equipment="press-1", seconds=600) == (200, {"ok": True})
    assert plant.equipment["press-1"].state == State.ALARM
    assert await post(control, "/switch-off", equipment="kiln-1", seconds=600) == (200, {"ok": True})
    assert plant.equipment["kiln-1"].state == State.OFFLINE
    view = (await control.answer("GET", "/state", b""))[1]
    assert view["equipment"]["press-1"]["faults"] == ["broken"]


async def test_drifting_and_lying_name_what_there_is(control: ControlPort) -> None:
    assert (await post(control, "/drift", equipment="press-1", signal="force", by=-3, seconds=60))[0] == 200
    assert (await post(control, "/drift", equipment="press-1", signal="wall_thickness", by=1))[0] == 200
    assert (await post(control, "/drift", equipment="press-1", signal="gas", by=1))[0] == 404
    assert (await post(control, "/lie", equipment="press-1", measure="wall_thickness", value=9))[0] == 200
    assert (await post(control, "/lie", equipment="press-1", measure="warp", value=9))[0] == 404


async def test_muting_garbling_and_unplugging_last_in_real_time(control: ControlPort, plant: Plant, clock: Any) -> None:
    assert (await post(control, "/mute", equipment="press-1", seconds=3))[0] == 200
    assert (await post(control, "/garble", equipment="press-1", seconds=3))[0] == 200
    assert (await post(control, "/unplug", connection="decor", seconds=3))[0] == 200
    faults = plant.equipment["press-1"].faults
    assert faults.muted(clock.real() + 2.9)
    assert not faults.garbled(clock.real() + 3)
    assert not plant.view()["connections"]["decor"]["plugged"]


async def test_the_speed_changes_without_a_jump(control: ControlPort, plant: Plant, clock: Any) -> None:
    before = clock.now()
    assert (await post(control, "/speed", speed=500))[0] == 200
    assert (clock.speed, clock.now()) == (500, before)
    assert (await post(control, "/speed", speed=1000))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("GET", "/break", b"", 405),
        ("POST", "/state", b"{}", 405),
        ("POST", "/break", b"{", 400),
        ("POST", "/break", b"[]", 400),
        ("POST", "/break", b'{"seconds": 5}', 400),
        ("POST", "/break", b'{"equipment": "ghost", "seconds": 5}', 404),
        ("POST", "/break", b'{"equipment": "press-1", "seconds": "5"}', 400),
        ("POST", "/break", b'{"equipment": "press-1", "seconds": -5}', 400),
        ("POST", "/unplug", b'{"connection": "ghost", "seconds": 5}', 404),
    ],
)
async def test_a_faulty_request_changes_nothing(
    control: ControlPort, plant: Plant, method: str, path: str, body: bytes, status: int
) -> None:
    got, answer = await control.answer(method, path, body)
    assert got == status
    assert answer["error"]
    assert plant.equipment["press-1"].state == State.IDLE


async def ask(control: ControlPort, raw: bytes) -> bytes:
    host, port = control.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_it_speaks_http(control: ControlPort) -> None:
    answer = await ask(control, b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["pack"] == "mugs"
    body = b'{"equipment": "press-1", "seconds": 5}'
    answer = await ask(control, b"POST /break HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    assert answer.endswith(b'{"ok": true}')


@pytest.mark.parametrize("raw", [b"hello\r\n\r\n", b"POST /break HTTP/1.1\r\nContent-Length: many\r\n\r\n"])
async def test_what_is_not_http_is_a_bad_request(control: ControlPort, raw: bytes) -> None:
    assert (await ask(control, raw)).startswith(b"HTTP/1.1 400")
