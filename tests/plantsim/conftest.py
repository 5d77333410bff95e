"""A mug works in miniature, with a clock that tests move by hand."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plantsim.clock import ClockLaw, PlantClock
from plantsim.pack import Pack
from plantsim.packfile import read_pack

MUGS = Path(__file__).parent / "fixtures" / "mugs"
EIGHT_OCLOCK = 1767254400.0  # 2026-01-01T08:00:00Z


class HandClock(PlantClock):
    """A plant clock at speed 10 whose real time stands still until it is moved."""

    def __init__(self, speed: float = 10.0) -> None:
        self.real_s = 5000.0
        super().__init__(lambda: self.real_s, ClockLaw(speed, self.real_s, EIGHT_OCLOCK))

    def pass_plant_s(self, seconds: float) -> None:
        self.real_s += seconds / self.speed


@pytest.fixture
def mugs_folder() -> Path:
    return MUGS


@pytest.fixture
def mugs() -> Pack:
    return read_pack(MUGS)


@pytest.fixture
def mugs_on_free_ports(mugs: Pack) -> Pack:
    connections = {id_: replace(one, port=free_port()) for id_, one in mugs.connections.items()}
    return replace(mugs, connections=connections)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def order() -> Callable[..., str]:
    """Make a job order: `order("J-1", "10", setup="300")`."""

    def make(job: str, op: str = "10", **more: object) -> str:
        told = {"job": job, "op": op, "program": f"program-{op}", "seconds": 20, "parameters": {"b": 1.5, "a": "x"}}
        return json.dumps({**told, **more})

    return make


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def any_port() -> Callable[[], int]:
    return free_port


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A real NATS server with its MQTT listener: host and port of the latter."""
    folder, port = tmp_path_factory.mktemp("nats"), free_port()
    config = folder / "nats.conf"
    config.write_text(
        f"host: 127.0.0.1\nport: {free_port()}\nserver_name: mugs\n"
        f"mqtt {{ host: 127.0.0.1, port: {port} }}\njetstream {{ store_dir: {json.dumps(str(folder))} }}\n"
    )
    server = subprocess.Popen([Path(sys.executable).with_name("nats-server"), "-c", config], stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield "127.0.0.1", port
    finally:
        server.terminate()
        server.wait(10)


def wait_for_port(port: int, within_s: float = 15) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, f"nothing answers on port {port}"
            time.sleep(0.05)
        else:
            return
