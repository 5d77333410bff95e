"""Ports claimed among all demos of this computer: two that start in the same moment would both find a port silent."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from batchone.kernel.engines.child import answers


class Claims:
    """Ports that are ours until they are released, or this process ends."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._held: list[IO[str]] = []

    def take(self, ports: Iterable[int]) -> bool:
        """Whether nobody listens on any of these ports and they are all ours from now on; else nothing changes."""
        wanted: list[IO[str]] = []
        for port in ports:
            file = None if answers(port) else self._lock(port)
            if file is None:
                for each in wanted:
                    each.close()
                return False
            wanted.append(file)
        self._held += wanted
        return True

    def release(self) -> None:
        """Let go of all of them."""
        for file in self._held:
            file.close()
        self._held.clear()

    def _lock(self, port: int) -> IO[str] | None:
        try:
            file = (self._folder / f"batchone-port-{port}.lock").open("a")
        except PermissionError:
            return None  # another user's
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file
