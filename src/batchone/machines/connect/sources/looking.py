"""Probes under way, and those that ended lately: a probe of a large server takes longer than an answer may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from batchone.contracts.sources import Failure, Look, Probed
from batchone.kernel.errors import BatchoneError, NotFound, Refused, TryLater
from batchone.kernel.ids import Ids
from batchone.kernel.supervise import contained
from batchone.machines.connect.driver import Seen

_KEPT, _KEPT_S, _UNDER_WAY, _LONGEST_S = 32, 3600.0, 8, 300.0


@dataclass
class _Looking:
    url: str
    settings: Mapping[str, str]
    task: asyncio.Task[Probed]
    began: float
    ended: float | None = None
    seen: int = 0


class Looks:
    """The probes of one process; they are forgotten after an hour, the oldest first when there are many."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._looks: dict[str, _Looking] = {}

    def begin(self, url: str, settings: Mapping[str, str], probe: Callable[[Seen], Awaitable[Probed]]) -> str:
        """Begin one; `Refused` while too many are under way."""
        self._forget()
        if sum(not each.task.done() for each in self._looks.values()) >= _UNDER_WAY:
            raise Refused("probe.many", f"{_UNDER_WAY} probes are under way.", "Wait for one of them to end.")
        name = self._ids.new("L")

        def seen(count: int) -> None:
            self._looks[name].seen = count

        async def run() -> Probed:
            try:
                async with asyncio.timeout(_LONGEST_S):
                    return await contained(f"probe of {url}", probe(seen))
            except TimeoutError as error:
                raise TryLater("probe.long", f"{url} was looked at for {_LONGEST_S:g} s without an end.") from error
            finally:
                looking.ended = time.monotonic()

        task = asyncio.create_task(run(), name=f"probe {url}")
        looking = self._looks[name] = _Looking(url, settings, task, time.monotonic())
        # A probe that nobody asks for any more may fail in silence; what is a fault of ours was logged.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return name

    def now(self, look: str) -> Look:
        """How one stands."""
        known = self._looks.get(look)
        if known is None:
            raise NotFound("probe.unknown", "This probe was forgotten.", "Look at the address again.")
        elapsed_s = (known.ended or time.monotonic()) - known.began
        told = Look(look, known.url, known.settings, elapsed_s, known.seen)
        if not known.task.done():
            return told
        error = known.task.exception() if not known.task.cancelled() else None
        if isinstance(error, BatchoneError):
            failure = Failure(error.code, error.what, error.cure, error.status, error.where)
            return Look(look, known.url, known.settings, elapsed_s, known.seen, None, failure)
        return Look(look, known.url, known.settings, elapsed_s, known.seen, known.task.result())

    def _forget(self) -> None:
        now = time.monotonic()
        over = [name for name, each in self._looks.items() if each.task.done()]
        late = [name for name in over if now - (self._looks[name].ended or now) > _KEPT_S]
        for name in {*late, *over[: max(0, len(self._looks) - _KEPT + 1)]}:
            del self._looks[name]
