"""The supervisor: the one place of a process that catches everything, logs it, and starts the work again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from batchone.kernel.errors import BatchoneError, Broken, TryLater

T = TypeVar("T")
_log = structlog.get_logger(__name__)
_FIRST_S, _LONGEST_S = 0.2, 10.0
_SAY_AGAIN_S = 0.5

Work = Callable[[], Coroutine[Any, Any, None]]


async def contained(name: str, work: Awaitable[T]) -> T:
    """The result of `work`, for those who serve many callers: what fails in it unexpectedly is logged here and raised as
    `Broken`, so that it reaches the one who asked and spares the others."""
    try:
        return await work
    except BatchoneError:
        raise
    except Exception as error:  # the supervisor's file is where every failure ends
        _log.exception("work.failed", work=name)
        raise Broken("work.failed", f"{name} failed: {error!r}.", "Read the log of the process that ran it.") from error


@dataclass
class Health:
    """How a piece of work does: how often it was started again, and why the last time."""

    name: str
    restarts: int = 0
    last_error: str = ""
    running: bool = False


class Supervisor:
    """Runs named pieces of work until told to stop; one that fails is started again after a growing pause."""

    def __init__(self) -> None:
        self.health: dict[str, Health] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self, name: str, work: Work) -> None:
        """Run `work` from now on."""
        self.health[name] = Health(name)
        self._tasks.append(asyncio.create_task(self._keep(name, work), name=name))

    async def _keep(self, name: str, work: Work) -> None:
        health, pause_s = self.health[name], _FIRST_S
        while True:
            started = asyncio.get_running_loop().time()
            health.running = True
            try:
                await work()
                return
            except TryLater as error:
                _log.warning("work.waiting", work=name, what=error.what)
                health.last_error = error.what
            except Exception as error:  # noqa: BLE001 - the supervisor is where every failure ends, logged and restarted
                _log.exception("work.failed", work=name)
                health.last_error = repr(error)
            finally:
                health.running = False
            if self._stopping:
                return  # a task group that fails while it is being cancelled raises its failures, not the cancellation
            health.restarts += 1
            if asyncio.get_running_loop().time() - started > 30:
                pause_s = _FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_S)

    async def stop(self) -> None:
        """Cancel all work and wait for it."""
        self._stopping = True
        pending = set(self._tasks)
        while pending:
            # A cancellation can be lost in a race with what the work waits for, so it is said again.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=_SAY_AGAIN_S)
        self._tasks.clear()
        self._stopping = False
