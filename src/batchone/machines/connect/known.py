"""What connect last knew, in a file of its own: an edge reads its machines before its hub and the database answer.

It is what was true when it was written and no more: as soon as the packs, the declared connections and the database can be
read, their word holds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pydantic import ValidationError

from batchone.contracts.machines import MachineState
from batchone.kernel.facts import adapter
from batchone.machines.connect.jobs import Sent
from batchone.machines.connect.wiring import Wiring

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Known:
    """The wirings of all connections, what is wrong between packs, states as last said, jobs (equipment, job) as sent."""

    wirings: tuple[Wiring, ...] = ()
    conflicts: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, MachineState] = field(default_factory=dict)
    sent: tuple[tuple[str, str, Sent], ...] = ()


_KNOWN = adapter(Known)


class Memory:
    """The file. Calls block on the disk and must not overlap."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = b""

    def read(self) -> Known | None:
        """What was known; none where nothing was, or another version wrote it otherwise."""
        try:
            known: Known = _KNOWN.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _log.warning("connect.forgotten", file=str(self._path), error=repr(error))
            return None
        return known

    def write(self, known: Known) -> None:
        """Keep this instead, synced; it is replaced whole. `OSError` when the disk does not take it."""
        data = _KNOWN.dump_json(known)
        if data == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._written = data
