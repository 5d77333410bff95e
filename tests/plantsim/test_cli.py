import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from plantsim.cli import run

COMMAND = [sys.executable, "-m", "plantsim"]


def start(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_lines(stream: IO[str] | None, count: int) -> list[str]:
    assert stream is not None
    return [stream.readline().strip() for _ in range(count)]


def end(process: "subprocess.Popen[str]", number: int) -> tuple[int, float]:
    began = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=20)
    return process.returncode, time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_answers_and_stops_cleanly(mugs_folder: Path, any_port: Callable[[], int], number: int) -> None:
    offset = any_port() - 5020
    process = start("--pack", mugs_folder, "--connection", "decor", "--port-offset", offset, "--control-port", 0)
    lines = first_lines(process.stdout, 2)
    assert lines[0].startswith("control http://127.0.0.1:")
    assert lines[1] == f"decor modbus://127.0.0.1:{5020 + offset} 2 equipment"
    code, took_s = end(process, number)
    assert code == 0
    assert took_s < 2


def test_a_killed_plant_fails_what_ran_and_never_runs_it_again(
    mugs_folder: Path, tmp_path: Path, any_port: Callable[[], int], order: Callable[..., str]
) -> None:
    from pymodbus.client import ModbusTcpClient

    port = any_port()
    options = ("--pack", mugs_folder, "--connection", "decor", "--port-offset", port - 5020, "--state", tmp_path)

    def command(text: str) -> int:
        raw = text.encode() + b"\0" * (len(text) % 2)
        job = json.loads(text)
        words = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        holding = [1, *text_words(job["job"]), *text_words(job["program"]), 0, 0, 0, 0, len(text), *words]
        with ModbusTcpClient("127.0.0.1", port=port) as client:
            for at in range(0, len(holding), 100):
                client.write_registers(1 + at, holding[at : at + 100], device_id=3)
            number = client.read_input_registers(4, count=1, device_id=3).registers[0] + 1
            client.write_register(0, number, device_id=3)
            state = client.read_input_registers(232, count=1, device_id=3).registers[0]
            reason = client.read_input_registers(275, count=1, device_id=3).registers[0]
            assert client.read_input_registers(5, count=1, device_id=3).registers[0] == 1
        return int(state * 10 + reason)

    first = start(*options)
    first_lines(first.stdout, 1)
    assert command(order("J-1", "30", seconds=10000)) == 0
    end(first, signal.SIGKILL)
    second = start(*options)
    first_lines(second.stdout, 1)
    assert command(order("J-1", "30", seconds=10000)) == 32  # failed, power lost
    end(second, signal.SIGTERM)


def text_words(text: str) -> list[int]:
    raw = text.encode().ljust(32, b"\0")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, 32, 2)]


def test_it_follows_the_clock_file(mugs_folder: Path, tmp_path: Path, any_port: Callable[[], int]) -> None:
    clock = tmp_path / "clock.json"
    clock.write_text(json.dumps({"speed": 100, "real_epoch": time.time(), "plant_epoch": 1767254400}))
    process = start(
        "--pack",
        mugs_folder,
        "--connection",
        "decor",
        "--port-offset",
        any_port() - 5020,
        "--clock",
        clock,
        "--control-port",
        0,
    )
    url = first_lines(process.stdout, 2)[0].split()[1]
    with urllib.request.urlopen(f"{url}/state", timeout=10) as answer:
        view = json.load(answer)
    assert view["speed"] == 100
    assert view["time"].startswith("2026-01-01T08:")
    end(process, signal.SIGTERM)


def test_it_dies_with_its_parent(mugs_folder: Path, any_port: Callable[[], int]) -> None:
    options = [
        "--pack",
        str(mugs_folder),
        "--connection",
        "decor",
        "--port-offset",
        str(any_port() - 5020),
        "--die-with-parent",
    ]
    script = (
        "import subprocess, sys; child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True);"
        "child.stdout.readline(); print(child.pid, flush=True); sys.stdin.readline()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, *COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = int(first_lines(parent.stdout, 1)[0])
    end(parent, signal.SIGKILL)
    until = time.monotonic() + 5
    while alive(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(process: int) -> bool:
    """Tell whether a process runs; one that has ended and only waits to be fetched does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
        os.kill(process, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--connection", "nowhere"], "no connection nowhere"),
        (["--clock", "/nonexistent/clock.json"], "clock.json"),
        (["--speed", "1000"], "not between 1 and 500"),
    ],
)
def test_a_fault_in_the_options_is_told_in_one_line(
    mugs_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["--pack", str(mugs_folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("plantsim: ")
    assert says in told


def test_a_folder_that_is_no_pack_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--pack", str(tmp_path)]) == 2
    assert "pack.yaml is missing" in capsys.readouterr().err


def test_a_taken_port_is_told(mugs_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        offset = taken.getsockname()[1] - 5020
        assert run(["--pack", str(mugs_folder), "--connection", "decor", "--port-offset", str(offset)]) == 2
    assert "cannot be listened at" in capsys.readouterr().err
