"""A server process that lives and dies with us."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from batchone.kernel.errors import Broken

_PR_SET_PDEATHSIG = 1


def die_with_parent(sign: int = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `sign` to the child when we are gone, even if we are killed. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sign)

    return ask


def free_port() -> int:
    """A TCP port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Child:
    """A started program whose output goes to a log file; `stop` asks politely first."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path, polite: int) -> None:
        self.process = process
        self.name = name
        self.log = log
        self._polite = polite

    @staticmethod
    def start(
        name: str, command: Sequence[str | Path], log: Path, *, polite: int = signal.SIGTERM, user: int | None = None,
        group: int | None = None, environment: Mapping[str, str] | None = None, cwd: Path | None = None,
    ) -> Child:  # fmt: skip
        """Start a program in its own process group, so that Ctrl-C reaches us alone and we stop things in order."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent(polite), process_group=0, user=user, group=group,  # noqa: PLW1509
                extra_groups=[] if user is not None else None, env=dict(environment or os.environ), cwd=cwd,
            )  # fmt: skip
        return Child(process, name, log, polite)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Wait until `ready`; `Broken` with its last words when it dies or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.alive:
                raise Broken("engine.died", f"{self.name} ended at once:\n{self.last_words()}", f"Read {self.log}.")
            if time.monotonic() > deadline:
                raise Broken("engine.slow", f"{self.name} was not ready within {timeout_s:.0f} s.", f"Read {self.log}.")
            time.sleep(0.03)

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """End it: the polite signal, then kill."""
        if self.alive:
            self.process.send_signal(self._polite)
            deadline = time.monotonic() + timeout_s
            while self.alive and time.monotonic() < deadline:
                time.sleep(0.02)
        if self.alive:
            self.process.kill()
        self.process.wait()


def answers(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
