"""One emulated machine: its ledger of jobs, its physics and its faults, brought forward in plant time by `advance`.

It knows no protocol. Endpoints give it commands, and take from it what has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from random import Random
from typing import Any

from plantsim.faults import Breakdowns, Drift, Faults
from plantsim.jobs import Ledger, Running
from plantsim.orders import BROKEN, Ended, OrderFault, Response, parse_order, refused
from plantsim.pack import EquipmentSpec, Pack, Signal, written
from plantsim.physics import draw_results, job_random, signal_value, work_of
from plantsim.sampling import Sampler, Samples

_JOBS_EVERY_REAL_S = 0.5


class State(IntEnum):
    """The equipment states of the job protocol."""

    IDLE = 0
    RUNNING = 1
    SETUP = 2
    BLOCKED = 3
    ALARM = 4
    OFFLINE = 5


@dataclass
class Changes:
    """What is new since the last look; `samples` maps a point's number to value and plant time."""

    state: bool = False
    jobs: bool = False
    completed: bool = False
    samples: Samples = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.state or self.jobs or self.completed or bool(self.samples)


class Equipment:
    """A machine with `spec.positions` places to work at. Times given to it never go backwards."""

    def __init__(
        self,
        spec: EquipmentSpec,
        pack: Pack,
        *,
        seed: int,
        now_s: float,
        record: Callable[[Mapping[str, Any]], None],
        breakdowns: bool = False,
    ) -> None:
        self.spec = spec
        self.faults = Faults()
        self.ledger = Ledger(spec.positions, record)
        self.sampler = Sampler(spec, pack, Random(f"{seed}:{spec.id}:spread"), now_s)
        self.state = State.IDLE
        self._pack = pack
        self._seed = seed
        self._random = Random(f"{seed}:{spec.id}:signals")
        self._setup_key = ""
        self._kwh = 0.0
        self._kwh_at_s = now_s
        self._changes = Changes(state=True, jobs=True, completed=True)
        self._jobs_written: tuple[tuple[str, int], ...] = ()
        self._jobs_at_real_s = -math.inf
        self._breakdowns: Breakdowns | None = None
        if breakdowns and spec.mtbf_s and spec.mttr_s:
            self._breakdowns = Breakdowns(spec.mtbf_s, spec.mttr_s, Random(f"{seed}:{spec.id}:breakdowns"), now_s)

    def restore(self, records: Iterable[Mapping[str, Any]], kwh: float, now_s: float) -> None:
        """Take over what was kept before a restart."""
        self._setup_key = self.ledger.restore(records, now_s)
        self._kwh = kwh
        self._find_state(now_s)

    # Commands

    def store_and_start(self, text: str, now_s: float) -> Response:
        """Take a job order (JSON) and start it; the same order again is answered with its present state."""
        self.advance(now_s)
        try:
            order = parse_order(text)
        except OrderFault as fault:
            return refused(fault.job, f"not understood: {fault}")
        known = self.ledger.known(order.job, now_s)
        if known is not None:
            return known
        if self.state in (State.ALARM, State.OFFLINE):
            return refused(order.job, BROKEN)
        facts = self._pack.complete(order.facts, order.op) if order.facts else {}
        operation = self._pack.operations.get(written(order.op))
        work = work_of(operation, facts, order.seconds, self._share_kw, job_random(self._seed, order.job, "work"))
        response = self.ledger.start(order, now_s, self._setup_s(order.setup, order.setup_seconds), work)
        if response["state"] == "running":
            self._setup_key = order.setup or self._setup_key
            self._changes.jobs = True
            self._find_state(now_s)
        return response

    def clear(self, job: str, now_s: float) -> bool:
        """Forget a finished job; True when it is cleared now or was before."""
        self.advance(now_s)
        done = self.ledger.clear(job)
        self._changes.completed = self._changes.completed or done
        self._find_state(now_s)
        return done

    def abort(self, job: str, now_s: float) -> bool:
        """Stop a running job; True when it ends now, or was aborted and is not cleared yet."""
        self.advance(now_s)
        self._count_energy(now_s)
        ended = self.ledger.abort(job, now_s)
        if ended is not None:
            self._note_end(ended, now_s)
        return ended is not None or self.ledger.was_aborted(job)

    def break_down(self, seconds: float, now_s: float) -> None:
        """Stand in alarm for so long."""
        self.advance(now_s)
        self.faults.broken_until_s = now_s + seconds
        self.ledger.stand(now_s)
        self._find_state(now_s)

    def switch_off(self, seconds: float, now_s: float) -> None:
        """Go dark for so long; what ran has failed."""
        self.advance(now_s)
        self._count_energy(now_s)
        self.faults.off_until_s = now_s + seconds
        for ended in self.ledger.fail_all(now_s):
            self._note_end(ended, now_s)
        self._find_state(now_s)

    def drift(self, name: str, by: float, seconds: float, now_s: float) -> None:
        """Let a signal or measurement move away."""
        self.faults.drift(name, Drift(by, now_s, seconds))

    # Time

    def advance(self, now_s: float) -> None:
        """Bring everything to `now_s`: repairs, ends of jobs, chance breakdowns."""
        if self.ledger.stands and now_s >= self.faults.broken_until_s:
            self._count_energy(self.faults.broken_until_s)
            self.ledger.go_on(self.faults.broken_until_s)
        for running in self.ledger.due(now_s):
            self._count_energy(running.ends_s)
            self._note_end(self._finish(running), now_s)
        repair_s = self._breakdowns.repair_s(now_s) if self._breakdowns is not None else None
        if repair_s is not None:
            self.break_down(repair_s, now_s)
        self._find_state(now_s)

    def sample(self, now_s: float, speed: float) -> None:
        """Read the signals that are due."""
        if self.state == State.OFFLINE:
            return

        def read(signal: Signal, position: int) -> float | None:
            return self._reading(signal, position, now_s)

        self.sampler.sample(now_s, speed, bool(self.ledger.running), read)

    def take_changes(self, now_s: float, real_s: float) -> Changes:
        """Return what is new and forget that it is; lists of running jobs are given at most twice a real second."""
        changes, self._changes = self._changes, Changes()
        changes.samples = self.sampler.take()
        if 0 <= real_s - self._jobs_at_real_s < _JOBS_EVERY_REAL_S:
            self._changes.jobs, changes.jobs = changes.jobs, False
            return changes
        at_s = self.ledger.now(now_s)
        steps = tuple((job, running.step(at_s)) for job, running in self.ledger.running.items())
        if changes.jobs or steps != self._jobs_written:
            changes.jobs = True
            self._jobs_at_real_s, self._jobs_written = real_s, steps
        return changes

    def all_changes(self) -> Changes:
        """Return everything as if it were new: for a birth, or after a fault on the wire."""
        return Changes(state=True, jobs=True, completed=True, samples=self.sampler.everything())

    # What it shows

    def jobs_texts(self, now_s: float) -> list[str]:
        """Return the responses of running jobs as JSON, in the order of their positions."""
        at_s = self.ledger.now(now_s)
        return [running.text(at_s) for _, running in sorted(self.ledger.places.items())]

    def completed_texts(self) -> list[str]:
        """Return the responses of jobs that wait to be cleared as JSON, oldest first."""
        return [ended.text for ended in self.ledger.completed.values()]

    def oldest_running(self) -> Running | None:
        """Return the running job that started first."""
        return next(iter(self.ledger.running.values()), None)

    def power_kw(self, now_s: float) -> float:
        """Return the power drawn: idle power, and of each working position its job's energy over its time."""
        if self.state == State.OFFLINE:
            return 0.0
        if self.state == State.ALARM:
            return self.spec.idle_kw
        working = (one.work for one in self.ledger.running.values() if one.elapsed_s(now_s) is not None)
        return self.spec.idle_kw + sum(work.energy_kwh * 3600 / work.run_s for work in working)

    def energy_kwh(self, now_s: float) -> float:
        """Return the energy drawn since the first start: the integral of the power."""
        self._count_energy(now_s)
        return self._kwh

    # Inside

    @property
    def _share_kw(self) -> float:
        return max(0.0, self.spec.run_kw - self.spec.idle_kw) / self.spec.positions

    def _setup_s(self, key: str, told_s: float) -> float:
        """Return the setup by the machine's own law; before its first job it knows no key and believes the order."""
        law = self._pack.setups.get(self.spec.class_id)
        if not key or not self._setup_key or law is None:
            return told_s
        return law.seconds(self._setup_key, key)

    def _finish(self, running: Running) -> Ended:
        checks = self._pack.checks.get(written(running.order.op), ())
        shifts = self.faults.shifts(running.ends_s)
        results = draw_results(checks, shifts, job_random(self._seed, running.order.job, "results"))
        return self.ledger.finish(running, self.faults.reported(results))

    def _note_end(self, ended: Ended, now_s: float) -> None:
        self._changes.jobs = self._changes.completed = True
        self.sampler.rest(ended.position, now_s, lambda signal, position: self._reading(signal, position, now_s))
        self._find_state(now_s)

    def _find_state(self, now_s: float) -> None:
        state = self._present_state(now_s)
        if state == self.state:
            return
        self._count_energy(now_s)
        self.state = state
        self._changes.state = True
        if state == State.RUNNING:
            self.sampler.wake()

    def _present_state(self, now_s: float) -> State:
        if now_s < self.faults.off_until_s:
            return State.OFFLINE
        if now_s < self.faults.broken_until_s:
            return State.ALARM
        if self.ledger.running:
            works = any(one.elapsed_s(now_s) is not None for one in self.ledger.running.values())
            return State.RUNNING if works else State.SETUP
        return State.BLOCKED if self.ledger.blocked else State.IDLE

    def _count_energy(self, now_s: float) -> None:
        """Add the energy since the last count, which comes before every change of what runs or stands."""
        since_s = self._kwh_at_s
        if now_s <= since_s:
            return
        self._kwh_at_s = now_s
        if self.state == State.OFFLINE:
            return
        self._kwh += self.spec.idle_kw * (now_s - since_s) / 3600
        if self.state == State.ALARM:
            return
        for running in self.ledger.running.values():
            before, after = running.elapsed_s(since_s) or 0.0, running.elapsed_s(now_s) or 0.0
            self._kwh += running.work.energy_kwh * (after - before) / running.work.run_s

    def _reading(self, signal: Signal, position: int, now_s: float) -> float | None:
        """Return what a sensor shows; None at a position that has no work and whose law has no idle value."""
        kind = signal.law.kind
        if kind == "power":
            return round(self.power_kw(now_s), 3)
        if kind == "count":
            return float(self.ledger.finished_count)
        if kind == "energy":
            return round(self.energy_kwh(now_s), 3)
        running = self.ledger.places.get(position) if position else self.oldest_running()
        if running is None and position and signal.law.idle is None:
            return None
        elapsed_s = running.elapsed_s(self.ledger.now(now_s)) if running else None
        value = signal_value(signal.law, elapsed_s, running.work.run_s if running else 1.0, self._random)
        shift = self.faults.shift(signal.id, now_s)
        return round(value + shift, 9) if shift else value
