"""What outlives the plant's own process: a journal of job records per connection, and last energy readings.

A record is one line, handed to the operating system before the command is answered; a process killed at any moment loses no
answered command. (A power cut of the whole computer may; this is an emulator.) A half-written last line was never answered,
so it is dropped. On opening, the journal is written anew with only what still counts.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

logger = logging.getLogger(__name__)


class Journal(Protocol):
    """Where an equipment's job records go."""

    def record(self, equipment: str, told: Mapping[str, Any]) -> None:
        """Keep one record before it counts."""

    def records(self, equipment: str) -> Iterable[Mapping[str, Any]]:
        """Return what was kept before this process began, in order."""

    def close(self) -> None:
        """Let go of the file."""


class NoJournal:
    """Keeps nothing: a plant without `--state`."""

    def record(self, equipment: str, told: Mapping[str, Any]) -> None:
        """Forget it."""

    def records(self, equipment: str) -> Iterable[Mapping[str, Any]]:  # noqa: ARG002 a port's signature
        """Nothing was kept."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


class FileJournal:
    """Records of one connection's equipment, one JSON line each."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._old = compact(_read(file)) if file.exists() else []
        scratch = file.with_suffix(".new")
        scratch.write_text("".join(_line(told) for told in self._old))
        scratch.replace(file)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)

    def record(self, equipment: str, told: Mapping[str, Any]) -> None:
        """Append one line with a single write."""
        os.write(self._descriptor, _line({"equipment": equipment, **told}).encode())

    def records(self, equipment: str) -> Iterable[Mapping[str, Any]]:
        """Return the old records of one equipment."""
        return [told for told in self._old if told["equipment"] == equipment]

    def close(self) -> None:
        """Close the file; nothing can be recorded after it."""
        os.close(self._descriptor)


def _line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":")) + "\n"


def _read(file: Path) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            logger.warning("%s: line %d is incomplete and dropped", file, number)
    return records


def compact(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the last record of each job, which says all that still counts, and the last start for its setup key."""
    last = {(told["equipment"], told["job"]): number for number, told in enumerate(records)}
    starts = {told["equipment"]: number for number, told in enumerate(records) if told["did"] == "start"}
    keep = sorted({*last.values(), *starts.values()})
    return [records[number] for number in keep]


class Readings:
    """Power and energy of each connection's equipment, shared between the plant's processes through small files.

    A meter may read equipment that another process emulates; and a meter must not start from zero again after a restart.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[int, dict[str, tuple[float, float]]]] = {}

    def write(self, connection: str, readings: Mapping[str, tuple[float, float]]) -> None:
        """Publish kW and kWh of a connection's equipment."""
        if self._folder is not None:
            file = self._folder / f"{connection}.power.json"
            scratch = file.with_suffix(".new")
            scratch.write_text(json.dumps(readings))
            scratch.replace(file)

    def read(self, connection: str) -> Mapping[str, tuple[float, float]]:
        """Return the latest kW and kWh of another process's connection; empty when there are none."""
        if self._folder is None:
            return {}
        file = self._folder / f"{connection}.power.json"
        try:
            stamp = file.stat().st_mtime_ns
            if file not in self._seen or self._seen[file][0] != stamp:
                told = {equipment: (float(kw), float(kwh)) for equipment, (kw, kwh) in json.loads(file.read_text()).items()}
                self._seen[file] = (stamp, told)
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return self._seen[file][1]
