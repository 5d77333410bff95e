"""Where the object store of a historian is, as its settings say."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from batchone.kernel.errors import Refused
from batchone.kernel.settings import Bytes, Seconds, Settings
from batchone.machines.history.archive import Archive
from batchone.machines.history.objects import Below, FolderObjects, ObjectStore
from batchone.machines.history.objects_s3 import S3Objects, keys_from

_S3 = "s3://"


class ObjectSettings(Settings):
    """An object store for the files of old days. Its keys stand in the environment or in a file, never here."""

    at: str = Field(
        default="", pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?|[^:]*)$",
        description="s3://bucket/prefix, or a folder, such as a mount; unset: every file stays in the historian's folder.",
    )  # fmt: skip
    endpoint: str = Field(
        default="", pattern="^(https?://[^@/]+/?)?$", description="Where it answers (http://host:port); unset: Amazon's own."
    )
    region: str = Field(default="us-east-1", description="The bucket's region, as the store names it.")
    keys: str = Field(default="objects.keys", description="File with the keys, below the data folder or absolute.")
    move_after: Seconds = Field(default=30 * 86_400.0, description="Files whose samples are all older than this are moved.")
    cache: Bytes = Field(default=20e9, ge=1e6, description="So much of what was moved stands in the historian's folder.")


READERS_WAIT_S = 3.0
"""A page waits for a hanging store no longer than it waits for anything: two attempts of so many seconds."""


def store_of(settings: ObjectSettings, home: Path, *, silent_s: float = 30.0) -> ObjectStore | None:
    """The store, if there is one; `Refused` when there are no keys to it. One that is silent for so long is away: who writes
    has more patience than who reads."""
    if not settings.at:
        return None
    if not settings.at.startswith(_S3):
        return FolderObjects(home / settings.at)
    bucket, _, prefix = settings.at.removeprefix(_S3).partition("/")
    keys = keys_from(os.environ, home / settings.keys)
    return S3Objects(
        bucket, prefix, keys, endpoint=settings.endpoint.rstrip("/"), region=settings.region, silent_s=silent_s
    )  # fmt: skip


def segments_in(store: ObjectStore) -> ObjectStore:
    """The part of a store where segments go."""
    return Below(store, "segments/")


def archive_of(setting: str, store: ObjectStore | None, home: Path) -> Archive | None:
    """Where days go before they are dropped: a folder, or `objects:name` for one in the object store."""
    place, _, name = setting.partition(":")
    if place == "objects" and name:
        if store is None:
            raise Refused("history.archive", f"The archive {setting} needs an object store.", "Set [modules.history.objects].")
        return Archive(Below(store, f"{name.strip('/')}/"))
    return Archive(FolderObjects(home / setting, makes=True)) if setting else None
