"""A machine in memory that keeps its promise: it runs a job id once and keeps the report until it is cleared. What is
between it and the platform may fail: answers may be lost, it may be away, it may be busy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from batchone.contracts.machines import JobOrder, JobReport
from batchone.kernel.errors import NotFound, TryLater


@dataclass
class Machine:
    """Implements the job side of `contracts.machines.Connect` for any equipment."""

    now: datetime
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    away: bool = False
    unknown: bool = False
    lose_answers: bool = False
    positions: int = 1
    ran: list[tuple[str, str]] = field(default_factory=list)
    _jobs: dict[tuple[str, str], tuple[JobOrder, JobReport]] = field(default_factory=dict)
    _cleared: set[str] = field(default_factory=set)

    async def start_job(self, tenant: str, equipment: str, order: JobOrder) -> JobReport:
        self._there()
        key = (equipment, order.job)
        assert order.job not in self._cleared, "a cleared job was given again"
        if key not in self._jobs:
            running = sum(1 for (e, _), (_, r) in self._jobs.items() if e == equipment and r.state == "running")
            if running >= self.positions:
                return replace(self._report(equipment, order), state="refused", reason="busy")
            self.ran.append((order.item, order.op))
            self._jobs[key] = (order, self._report(equipment, order))
        if self.lose_answers:
            raise TryLater("machine.lost", "the answer was lost")
        return self._jobs[key][1]

    async def job_reports(self, tenant: str, equipment: str) -> tuple[JobReport, ...]:
        self._there()
        return tuple(report for (e, _), (_, report) in self._jobs.items() if e == equipment)

    async def clear_job(self, tenant: str, equipment: str, job: str) -> None:
        self._there()
        self._jobs.pop((equipment, job), None)
        self._cleared.add(job)

    async def abort_job(self, tenant: str, equipment: str, job: str) -> None:
        self.end(state="failed", reason="aborted", only=job)

    def end(self, *, state: str = "finished", reason: str = "", only: str = "") -> None:
        """Every running job (or one) ends now."""
        for key, (order, report) in list(self._jobs.items()):
            if report.state == "running" and only in ("", order.job):
                ended = replace(
                    report, state=state, progress=1.0, ended=self.now, reason=reason, energy_kwh=0.5,
                    results=self.results.get(order.op, {}),
                )  # fmt: skip
                self._jobs[key] = (order, ended)

    def _report(self, equipment: str, order: JobOrder) -> JobReport:
        self.now += timedelta(seconds=1)
        return JobReport(order.job, equipment, "running", 1, 0.0, self.now, None, order.program, True, {}, 0.0, "")

    def _there(self) -> None:
        if self.away:
            raise TryLater("machine.away", "the machine is away")
        if self.unknown:
            raise NotFound("machine.unknown", "there is no such machine", "")
