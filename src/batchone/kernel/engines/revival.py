"""Starting again what died."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from batchone.kernel.errors import Broken

_log = structlog.get_logger(__name__)
_FIRST_S, _LONGEST_S = 0.2, 5.0
_WELL_S = 30.0


class Revival:
    """Starts again what died, after a pause that grows while it dies again and again; each time is logged."""

    def __init__(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep, self._now_s = sleep, now_s
        self._died: dict[str, tuple[int, float]] = {}

    async def again(self, name: str, start: Callable[[], None]) -> None:
        """`start` what is called `name`; one that is `Broken` is logged, so that whoever watches it tries again."""
        times, last_s = self._died.get(name, (0, 0.0))
        now_s = self._now_s()
        times = times + 1 if now_s - last_s < _WELL_S else 1
        self._died[name] = (times, now_s)
        _log.warning("engine.restarting", what=name, times=times)
        await self._sleep(min(_FIRST_S * 2 ** (times - 1), _LONGEST_S))
        try:
            start()
        except Broken as error:  # watching goes on: the others still need it, and this one may start the next time
            _log.error("engine.not_restarted", what=name, error=error.what, cure=error.cure)
