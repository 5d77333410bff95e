"""Searching for plans in a process of its own: the planner's worker, and one that works for others over the bus.

What travels over the bus is text: problem, plan in force and pins as the files of plans have them, compressed. So a worker on
another machine need not trust what it is sent more than any file. How a search stands comes back over a pipe while it runs.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import signal
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import ParamSpec, TypeVar

import orjson

from batchone.chain.planning.branches.draft import Draft, HandMove, draft, searched_plan
from batchone.chain.planning.files import native
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.pins import Pin
from batchone.chain.planning.solve import Progress
from batchone.contracts.planning import Searching, SearchNow
from batchone.kernel.bus import Bus
from batchone.kernel.errors import Refused, TryLater
from batchone.kernel.remote import serve

P = ParamSpec("P")
R = TypeVar("R")
_LOOK_S = 0.2
"""How often a worker looks whether it should end, real."""
_LARGEST = 256 * 1024 * 1024
"""A task that unpacks to more is refused."""
_TELL_S = 0.2
"""A search tells of better plans no more often, real; its end is told by its answer."""


class _Mouth:
    """In the searching process: the pipe to the one who asked."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told = -_TELL_S

    def of(self, budget_s: float) -> Callable[[Progress], None]:
        """Tells of a search that may take so long."""

        def tell(now: Progress) -> None:
            if time.monotonic() - self._told < _TELL_S:
                return
            self._told = time.monotonic()
            worth, bound = now.objective, now.bound.weighted_tardiness_s
            self._pipe.send(
                SearchNow(
                    round(now.elapsed_s, 2), budget_s, worth.weighted_tardiness_s, worth.setup_s, worth.makespan_s, bound,
                    now.method,
                )
            )  # fmt: skip

        return tell


_mouth: _Mouth | None = None


def _begin(stop: Event, pipe: Connection) -> None:
    global _mouth  # noqa: PLW0603 - an initializer has nowhere else to leave something for the tasks after it
    _mouth = _Mouth(pipe)
    _end_in_time(stop)


def _telling(budget_s: float) -> Callable[[Progress], None] | None:
    return _mouth.of(budget_s) if _mouth is not None else None


def _end_in_time(stop: Event) -> None:
    """A worker waits on a queue whose other end it holds itself, so it would outlive a killed parent for ever; and one that is
    told to stop in the middle of a search, or while it compiles one, should not be waited for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        while parent.is_alive() and not stop.wait(_LOOK_S):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class SearchProcess:
    """A process for searches, which ends at once when it is stopped, and with the one that started it.

    `heard` is called in the running event loop with how a search stands, now and then while one gets better.
    """

    def __init__(self, heard: Callable[[SearchNow], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._ear, mouth = context.Pipe(duplex=False)
        self._loop, self._heard = asyncio.get_running_loop(), heard
        self._loop.add_reader(self._ear.fileno(), self._listen)
        self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(self._stop, mouth))

    def submit(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Runs a function there, after those before it."""
        return self._pool.submit(task, *args, **kwargs)

    def _listen(self) -> None:
        while self._ear.poll():
            self._heard(self._ear.recv())

    def stop(self) -> None:
        """Ends it, whatever it is doing."""
        self._loop.remove_reader(self._ear.fileno())
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


def search_task(problem: Problem, in_force: Plan, pins: Sequence[Pin], budget_s: float, seed: int, frozen_s: int) -> Plan:
    """`searched_plan`, told of while it runs. Runs in a searching process."""
    return searched_plan(problem, in_force, pins, budget_s, seed, frozen_s, _telling(budget_s))


def draft_task(
    problem: Problem, start: Plan, moves: Sequence[HandMove], pins: Sequence[Pin], frozen_s: int, budget_s: float, seed: int
) -> Draft:
    """`draft` with a search, told of while it runs. Runs in a searching process."""
    return draft(problem, start, moves, pins, frozen_s, budget_s, seed, _telling(budget_s))


def compile_searches() -> None:
    """The first time on a machine this takes half a minute; after that, a moment."""
    from batchone.chain.planning.solvers.warm import ready  # noqa: PLC0415 - the planner's own process never compiles

    ready("plant")


def pack_task(problem: Problem, in_force: Plan, pins: Sequence[Pin]) -> str:
    """What a search needs, as text."""
    parts = {
        "problem": native.write_problem(problem).decode(),
        "in_force": native.write_plan(in_force).decode(),
        "pins": [[pin.operation, pin.resource, pin.track, pin.start_s] for pin in pins],
    }
    return _packed(orjson.dumps(parts))


def unpack_task(packed: str) -> tuple[Problem, Plan, tuple[Pin, ...]]:
    """The task again. `Refused` if it is none."""
    try:
        parts = orjson.loads(_unpacked(packed))
        pins = tuple(Pin(str(op), str(resource), int(track), int(start)) for op, resource, track, start in parts["pins"])
        return native.read_problem(parts["problem"]), native.read_plan(parts["in_force"]), pins
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("planning.task", f"This is no task of a search: {error}.", "Run one version everywhere.") from error


def unpack_plan(packed: str) -> Plan:
    """The plan that a search answered with."""
    return native.read_plan(_unpacked(packed))


def search_packed(packed: str, budget_s: float, seed: int, frozen_s: int) -> str:
    """Searches, from text to text."""
    return _packed(native.write_plan(search_task(*unpack_task(packed), budget_s, seed, frozen_s)))


def _packed(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data, 1)).decode()


def _unpacked(text: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b85decode(text), _LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if stream.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {_LARGEST} bytes")
    return data


class Teller:
    """Broadcasts how the searches of one process stand: the newest of what is to be told, as fast as the bus takes it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._newest: SearchNow | None = None
        self._news = asyncio.Event()
        self._running = 0

    def hear(self, now: SearchNow) -> None:
        """A search got better."""
        self._newest = now
        self._news.set()

    async def during(self, searching: Awaitable[R], subject: str) -> R:
        """Waits for a search, and tells of it meanwhile. The last of several to end tells that none goes on."""
        self._running += 1
        telling = asyncio.create_task(self._tell(subject))
        try:
            return await searching
        finally:
            telling.cancel()
            self._running -= 1
            if not self._running:
                await self._bus.broadcast(subject, b"")

    async def _tell(self, subject: str) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._newest is not None:
                await self._bus.broadcast(subject, orjson.dumps(self._newest))


class Worker:
    """`Searching`, one search at a time, in a process of its own."""

    def __init__(self, bus: Bus) -> None:
        self._teller = Teller(bus)
        self._process = SearchProcess(self._teller.hear)
        self._one = asyncio.Lock()

    async def ready(self) -> None:
        """Compiles the searches."""
        await asyncio.wrap_future(self._process.submit(compile_searches))

    async def search(self, packed: str, budget_s: float, seed: int, frozen_s: int, tell_on: str) -> str:
        """A better plan for a packed task, packed. `TryLater` if the process died over it, and after a new one is there."""
        async with self._one:
            try:
                searching = asyncio.wrap_future(self._process.submit(search_packed, packed, budget_s, seed, frozen_s))
                return await self._teller.during(searching, tell_on)
            except BrokenProcessPool as error:
                self._process.stop()
                self._process = SearchProcess(self._teller.hear)
                raise TryLater("planning.worker", "The searching process died.", "It is started again.") from error

    def stop(self) -> None:
        """Ends the process."""
        self._process.stop()


async def work_for(bus: Bus) -> None:
    """Takes searches from the bus until cancelled; several processes that do so share them."""
    worker = Worker(bus)
    try:
        await worker.ready()
        await serve(bus, Searching, worker)
    finally:
        worker.stop()
