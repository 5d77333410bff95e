"""`batchone history objects`, and a terminal's way to what has moved to the object store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from batchone.cli import output
from batchone.cli.app import run
from batchone.cli.history import history
from batchone.cli.platform import deployed, platform
from batchone.kernel.errors import Refused
from batchone.kernel.home import home_folder

if TYPE_CHECKING:
    from batchone.kernel.database import Database
    from batchone.kernel.deploy import Deploy
    from batchone.machines.history.caching import Cache


def cache_of(deploy: Deploy, database: Database) -> Cache | None:
    """The cache in the historian's folder, where there is an object store; a terminal without keys does without, and says
    so."""
    from batchone.kernel.settings import read
    from batchone.machines.history.caching import Cache
    from batchone.machines.history.module import HistorySettings
    from batchone.machines.history.places import READERS_WAIT_S, segments_in, store_of
    from batchone.machines.history.store_objects import MovedSegments

    settings = read(HistorySettings, deploy.settings_of("history"), "history")
    try:
        store = store_of(settings.objects, home_folder(), silent_s=READERS_WAIT_S)
    except Refused as error:
        output.warn(f"{error.what} {error.cure}")
        return None
    if store is None:
        return None
    return Cache(
        MovedSegments(database), home_folder() / "history", segments_in(store), bytes_max=settings.objects.cache,
        grace_s=settings.grace, real_s=time.time,
    )  # fmt: skip


@history.command
def objects(
    *,
    remove_strays: Annotated[bool, Parameter(help="remove the objects that no segment names", negative="")] = False,
    json: bool = False,
) -> int:
    """Compare the object store with the catalogue: what has moved, strays, what is missing. Exit code 1 if anything is."""

    async def work() -> int:
        from batchone.kernel.database import Database
        from batchone.kernel.ids import TimeIds
        from batchone.kernel.settings import read
        from batchone.machines.history import offload
        from batchone.machines.history.module import HistorySettings
        from batchone.machines.history.places import segments_in, store_of
        from batchone.machines.history.store_objects import MovedSegments

        settings = read(HistorySettings, deployed().settings_of("history"), "history")
        store = store_of(settings.objects, home_folder())
        if store is None:
            raise Refused("history.no_objects", "There is no object store.", "Set [modules.history.objects].")
        async with platform() as running:
            database = await Database.connect(running.note.postgres, running.clock, TimeIds(running.clock), size=1)
            try:
                moved, segments = MovedSegments(database), segments_in(store)
                removed = await offload.remove_strays(moved, segments) if remove_strays else ()
                found = await offload.audit(moved, segments)
            finally:
                await database.close()
        if json:
            output.result_json({"at": segments.where, **vars(found), "removed": removed})
        else:
            output.result(f"{found.objects} objects with {found.bytes / 1e6:.1f} MB are in {segments.where}.")
            for what, keys in (("removed", removed), ("stray", found.strays), ("missing", found.missing)):
                for key in keys:
                    output.result(f"{what:<8}{key}")
        return 1 if found.missing else 0

    return run(work())
