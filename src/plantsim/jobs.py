"""The job ledger of one equipment: what runs where, what waits to be cleared, and what must never run again.

Pure: times are handed in as plant seconds, and whatever must outlive the process is handed to `record` before it counts.
The one promise that all else serves: a job id runs at most once, whatever is repeated, aborted, cleared or killed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plantsim.clock import iso
from plantsim.orders import (
    ABORTED,
    BUSY,
    CLEARED,
    POWER_LOST,
    Ended,
    JobOrder,
    Response,
    dumps,
    refused,
)
from plantsim.physics import Work

Record = Callable[[Mapping[str, Any]], None]
_PROGRESS_STEPS = 20


@dataclass
class Running:
    """A job at work. Standing still (a breakdown) moves its end by `stood_s`."""

    order: JobOrder
    position: int
    started_s: float
    setup_s: float
    work: Work
    stood_s: float = 0.0
    _step: int = -1
    _text: str = ""

    @property
    def works_from_s(self) -> float:
        """When setup is over."""
        return self.started_s + self.setup_s + self.stood_s

    @property
    def ends_s(self) -> float:
        """When the job will be finished."""
        return self.works_from_s + self.work.run_s

    def elapsed_s(self, now_s: float) -> float | None:
        """Return the seconds at work so far, or None during setup."""
        elapsed = now_s - self.works_from_s
        return min(elapsed, self.work.run_s) if elapsed >= 0 else None

    def share(self, now_s: float) -> float:
        """Return the part of the work that is done, 0 to 1."""
        return (self.elapsed_s(now_s) or 0.0) / self.work.run_s

    def step(self, now_s: float) -> int:
        """Return the progress in whole steps, which is how finely it is reported."""
        return math.floor(self.share(now_s) * _PROGRESS_STEPS)

    def progress(self, now_s: float) -> float:
        """Return the progress as reported."""
        return self.step(now_s) / _PROGRESS_STEPS

    def response(self, now_s: float) -> Response:
        """Return the job response."""
        return {
            "job": self.order.job,
            "state": "running",
            "position": self.position,
            "progress": self.progress(now_s),
            "started": iso(self.started_s),
            "program": self.order.program,
            "parameters": dict(self.order.parameters),
        }

    def text(self, now_s: float) -> str:
        """Return the response as JSON, written again only when the progress has moved."""
        step = self.step(now_s)
        if step != self._step:
            self._step, self._text = step, dumps(self.response(now_s))
        return self._text


class Ledger:
    """All jobs that one equipment knows of: running ones by id (in the order of their starts) and by position, completed
    ones by id (oldest first), and the ids of cleared ones."""

    def __init__(self, positions: int, record: Record) -> None:
        self._positions = positions
        self._record = record
        self._stands_since_s: float | None = None
        self.running: dict[str, Running] = {}
        self.places: dict[int, Running] = {}
        self.completed: dict[str, Ended] = {}
        self.cleared: set[str] = set()
        self.finished_count = 0
        self.next_end_s = math.inf

    @property
    def blocked(self) -> bool:
        """True while so many results wait to be cleared that no further job is taken."""
        return len(self.completed) >= max(8, 2 * self._positions)

    @property
    def stands(self) -> bool:
        """True while the work stands still."""
        return self._stands_since_s is not None

    def now(self, now_s: float) -> float:
        """Return the time that counts for the work: it stops while the equipment stands."""
        return now_s if self._stands_since_s is None else min(now_s, self._stands_since_s)

    def known(self, job: str, now_s: float) -> Response | None:
        """Return the present state of a job seen before, or None."""
        if job in self.running:
            return self.running[job].response(self.now(now_s))
        if job in self.completed:
            return self.completed[job].response()
        return refused(job, CLEARED) if job in self.cleared else None

    def start(self, order: JobOrder, now_s: float, setup_s: float, work: Work) -> Response:
        """Start a job on the lowest free position, or answer why not; a known job's present state is the answer."""
        known = self.known(order.job, now_s)
        if known is not None:
            return known
        if self.blocked or len(self.running) >= self._positions:
            return refused(order.job, BUSY)
        position = next(place for place in range(1, self._positions + 1) if place not in self.places)
        self._record(
            {
                "did": "start",
                "job": order.job,
                "op": order.op,
                "program": order.program,
                "parameters": order.parameters,
                "setup": order.setup,
                "position": position,
                "started_s": now_s,
            }
        )
        running = Running(order, position, now_s, setup_s, work)
        self.running[order.job] = self.places[position] = running
        self.next_end_s = min(self.next_end_s, running.ends_s)
        return running.response(now_s)

    def abort(self, job: str, now_s: float) -> Ended | None:
        """Stop a running job, which ends as failed; None when it does not run."""
        return self._fail(self.running[job], now_s, ABORTED) if job in self.running else None

    def was_aborted(self, job: str) -> bool:
        """Tell whether the job waits to be cleared after an abort."""
        return job in self.completed and self.completed[job].reason == ABORTED

    def fail_all(self, now_s: float) -> list[Ended]:
        """End every running job as failed because the power is lost."""
        return [self._fail(running, now_s, POWER_LOST) for running in list(self.running.values())]

    def clear(self, job: str) -> bool:
        """Forget a completed job, but never its id; True when it is cleared now or was before."""
        if job in self.completed:
            self._record({"did": "clear", "job": job})
            del self.completed[job]
            self.cleared.add(job)
        return job in self.cleared

    def due(self, now_s: float) -> list[Running]:
        """Return the jobs whose work is done, earliest end first."""
        if self._stands_since_s is not None or now_s < self.next_end_s:
            return []
        return sorted((one for one in self.running.values() if one.ends_s <= now_s), key=lambda one: one.ends_s)

    def finish(self, running: Running, results: Mapping[str, float]) -> Ended:
        """End a job whose work is done, at the moment it was done."""
        kwh = round(running.work.energy_kwh, 6)
        return self._end(running, running.ends_s, 1.0, results=results, energy_kwh=kwh, reason="")

    def stand(self, now_s: float) -> None:
        """Let all work stand still from now on."""
        if self._stands_since_s is None:
            self._stands_since_s = now_s

    def go_on(self, now_s: float) -> None:
        """Let the work go on; every job ends so much later as it stood."""
        if self._stands_since_s is not None:
            stood_s = max(0.0, now_s - self._stands_since_s)
            self._stands_since_s = None
            for running in self.running.values():
                running.stood_s += stood_s
            self._find_next_end()

    def restore(self, records: Iterable[Mapping[str, Any]], now_s: float) -> str:
        """Take over what was recorded before a restart; jobs that ran then have failed. Returns the last setup key."""
        running: dict[str, Running] = {}
        setup = ""
        for told in records:
            job = str(told["job"])
            if told["did"] == "start":
                order = JobOrder(job, told["op"], told["program"], parameters=told["parameters"])
                running[job] = Running(order, told["position"], told["started_s"], math.inf, Work(1.0, 0.0))
                setup = told["setup"]
            elif told["did"] == "end":
                running.pop(job, None)
                ended = Ended(**told["ended"])
                self.completed[job] = ended
            else:
                running.pop(job, None)
                self.completed.pop(job, None)
                self.cleared.add(job)
        self.running = running
        self.fail_all(now_s)
        return setup

    def _fail(self, running: Running, now_s: float, reason: str) -> Ended:
        at_s = self.now(now_s)
        kwh = round(running.work.energy_kwh * running.share(at_s), 6)
        return self._end(running, now_s, running.progress(at_s), results={}, energy_kwh=kwh, reason=reason)

    def _end(
        self,
        running: Running,
        ended_s: float,
        progress: float,
        *,
        results: Mapping[str, float],
        energy_kwh: float,
        reason: str,
    ) -> Ended:
        order = running.order
        ended = Ended(
            job=order.job,
            op=order.op,
            program=order.program,
            parameters=order.parameters,
            position=running.position,
            started_s=running.started_s,
            ended_s=max(ended_s, running.started_s),
            progress=progress,
            state="failed" if reason else "finished",
            results=results,
            energy_kwh=energy_kwh,
            reason=reason,
        )
        self._record({"did": "end", "job": order.job, "ended": ended.record()})
        del self.running[order.job]
        self.places.pop(running.position, None)
        self.completed[order.job] = ended
        self.finished_count += not reason
        self._find_next_end()
        return ended

    def _find_next_end(self) -> None:
        self.next_end_s = min((one.ends_s for one in self.running.values()), default=math.inf)
