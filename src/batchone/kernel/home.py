"""The one folder that holds a deployment's data, and the note in it that says where the running one answers."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from batchone.kernel.errors import TryLater


def home_folder() -> Path:
    """`BATCHONE_HOME`, or `.batchone` in the user's home."""
    return Path(os.environ.get("BATCHONE_HOME") or Path.home() / ".batchone").expanduser().resolve()


@dataclass(frozen=True)
class Running:
    """Where a running deployment answers: its engines, its web address, its deploy file, its clock file if it has one."""

    deploy: str
    postgres: str
    nats: str
    mqtt: str
    web: str
    clock: str
    supervisor: int

    def write(self, home: Path) -> None:
        """Leave the note in the home folder; it is replaced at once, never seen half-written."""
        part = home / "running.part"
        part.write_text(json.dumps(asdict(self), indent=1))
        part.chmod(0o600)
        part.replace(home / "running.json")


def running_in(home: Path) -> Running:
    """The note of the deployment that runs over this home; `TryLater` if none does."""
    path = home / "running.json"
    if path.exists():
        found = Running(**json.loads(path.read_text()))
        if Path(f"/proc/{found.supervisor}").exists():
            return found
    raise TryLater(
        "home.not_running", f"Nothing runs over {home}.", "Start it: `batchone up deploy/laptop.toml` or `make demo`."
    )
