"""Which script, style and font files the pages use, where they lie, and how they are served.

Two families, both under versioned addresses that never change their content: `/static/vendor/<hash of the lock>/...`, made at
set-up by `python -m batchone.web.assets`, and `/static/own/<hash of the content>/...`, our own few files as committed.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from batchone.kernel.errors import Broken

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
OWN_SUFFIXES = (".css", ".js", ".svg")
_FOREVER = "public, max-age=31536000, immutable"


def vendored(root: Path = VENDOR) -> Path:
    """The folder of the vendored files in use: the newest one that was finished; `Broken` when there is none."""
    manifests = sorted(root.glob("*/VENDORED.json"), key=lambda path: path.stat().st_mtime)
    if not manifests:
        raise Broken(
            "web.assets-missing",
            "The pages' scripts and styles are not built.",
            "Run python -m batchone.web.assets.",
            folder=root,
        )
    return manifests[-1].parent


def own_files(root: Path = STATIC) -> list[Path]:
    """Our own static files, in a fixed order."""
    return sorted(path for path in root.iterdir() if path.suffix in OWN_SUFFIXES)


class Assets:
    """Addresses of static files for the templates."""

    def __init__(self, static: Path = STATIC) -> None:
        self._static = static

    @cached_property
    def vendor_dir(self) -> Path:
        """The folder behind `vendor`."""
        return vendored(self._static / "vendor")

    @cached_property
    def own_version(self) -> str:
        """A hash of the content of our own files."""
        digest = hashlib.sha256()
        for path in own_files(self._static):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:12]

    def vendor(self, name: str) -> str:
        """The address of a vendored file."""
        return f"/static/vendor/{self.vendor_dir.name}/{name}"

    def own(self, name: str) -> str:
        """The address of one of our own files."""
        return f"/static/own/{self.own_version}/{name}"


class VersionedFiles(StaticFiles):
    """Files whose address carries their version: served with a year's cache, compressed copy first where there is one."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, its `.gz` sibling when the browser takes gzip, with a cache that never asks again."""
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
        if "gzip" in accepted and self.lookup_path(f"{path}.gz")[1] is not None:
            response = await super().get_response(f"{path}.gz", scope)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Type"] = _content_type(path)
            response.headers["Vary"] = "Accept-Encoding"
        else:
            response = await super().get_response(path, scope)
        if response.status_code in {200, 206, 304}:
            response.headers["Cache-Control"] = _FOREVER
        return response


class OwnFiles(VersionedFiles):
    """Our own files: the first part of the path is the version and is not looked up."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file under any version: an old page must not break because a new version is out."""
        _, _, name = path.partition("/")
        return await super().get_response(name, scope)

    def lookup_path(self, path: str) -> tuple[str, Any]:
        """Only the files that lie directly in the folder."""
        if "/" in path or not path.removesuffix(".gz").endswith(OWN_SUFFIXES):
            return "", None
        return super().lookup_path(path)


def _content_type(path: str) -> str:
    return {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".woff2": "font/woff2",
    }.get(Path(path).suffix, "application/octet-stream")
