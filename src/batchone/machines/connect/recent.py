"""What a machine's lists cannot know yet: jobs that we started or cleared a moment ago.

Some protocols let a machine write its list of running jobs twice a second at most. Until it has, the list lacks a job
that the machine has accepted, and still shows one that it has cleared; a reader would think that a job was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from batchone.machines.connect.driver import JobResponse

_LAG_S = 3.0
Job = tuple[str, str]
"""Equipment and job id."""


@dataclass
class Recent:
    """Started and cleared jobs of the last few real seconds; `now_s` is a clock that only runs on."""

    now_s: Callable[[], float]
    _started: dict[Job, tuple[float, JobResponse]] = field(default_factory=dict)
    _cleared: dict[Job, float] = field(default_factory=dict)

    def started(self, equipment: str, response: JobResponse) -> None:
        """A machine accepted this job."""
        self._forget()
        if response.state == "running":
            self._started[equipment, response.job] = (self.now_s(), response)

    def cleared(self, equipment: str, job: str) -> None:
        """A machine cleared this job, which never runs again."""
        self._forget()
        self._started.pop((equipment, job), None)
        self._cleared[equipment, job] = self.now_s()

    def amend(self, equipment: str, responses: tuple[JobResponse, ...]) -> tuple[JobResponse, ...]:
        """The responses as the machine would give them if its lists were up to date."""
        self._forget()
        listed = {response.job for response in responses}
        missing = tuple(
            response for (machine, job), (_, response) in self._started.items() if machine == equipment and job not in listed
        )
        return (*(each for each in responses if (equipment, each.job) not in self._cleared), *missing)

    def _forget(self) -> None:
        oldest = self.now_s() - _LAG_S
        self._started = {job: kept for job, kept in self._started.items() if kept[0] > oldest}
        self._cleared = {job: at_s for job, at_s in self._cleared.items() if at_s > oldest}
