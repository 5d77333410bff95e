"""What the emulated machines do between two commands: pure functions of time, law and a seeded generator.

The laws are first-order ones on purpose: a heated mould, a vacuum pump or a room behaves so to within what its sensors show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from plantsim.pack import Check, Law, Operation
from plantsim.rules import Facts

_CYCLE_SPREAD = 0.02
_ENERGY_SPREAD = 0.02


@dataclass(frozen=True)
class Work:
    """What a job will take: seconds at work and kWh above the idle draw."""

    run_s: float
    energy_kwh: float


def signal_value(law: Law, elapsed_s: float | None, run_s: float, random: Random) -> float:
    """Return a reading `elapsed_s` seconds into work that takes `run_s`; None means that nothing is at work.

    `hold` stays at `at`; `approach` and `decay` go exponentially from `from` to `to` with time constant `tau`; `ramp` goes in
    a straight line over the work. Without work the reading is `idle`, else the start of the law.
    """
    if elapsed_s is None:
        if law.idle is not None:
            return law.idle
        if law.kind != "hold":
            return rounded(law.start, law.noise)
        elapsed_s = 0.0
    return rounded(_mean(law, elapsed_s, run_s) + law.noise * random.gauss(0, 1), law.noise)


def _mean(law: Law, elapsed_s: float, run_s: float) -> float:
    if law.kind == "hold":
        return law.at
    if law.kind == "ramp":
        return law.start + (law.to - law.start) * min(1.0, elapsed_s / run_s if run_s > 0 else 1.0)
    return law.to + (law.start - law.to) * math.exp(-elapsed_s / law.tau_s)


def rounded(value: float, noise: float) -> float:
    """Round as a sensor would: to the decade below its noise, or to four digits where it has none."""
    if noise > 0:
        return round(value, -math.floor(math.log10(noise)))
    return float(f"{value:.4g}")


def work_of(operation: Operation | None, facts: Facts, seconds: float, run_kw: float, random: Random) -> Work:
    """Return what a job takes: the pack's cycle and energy where it knows the operation, else what the order says.

    `run_kw` is one position's share of the power above idle, from which energy follows where the pack names none.
    """
    nominal_s = seconds
    if operation is not None and operation.cycle_s is not None and facts:
        nominal_s = operation.cycle_s.of(facts)
    stretch = min(1.08, max(0.94, random.gauss(1, _CYCLE_SPREAD)))
    run_s = max(nominal_s * stretch, 0.001)
    nominal_kwh = run_kw * nominal_s / 3600
    if operation is not None and operation.energy_kwh is not None:
        nominal_kwh = operation.energy_kwh
    return Work(run_s, nominal_kwh * stretch * max(0.9, random.gauss(1, _ENERGY_SPREAD)))


def draw_results(checks: Sequence[Check], shifts: Mapping[str, float], random: Random) -> dict[str, float]:
    """Return one reading a check, by measure; `shifts` move the mean of drifting ones.

    A quantity whose mean is positive is taken to have no negative values (a length, a resistance).
    """
    results = {}
    for check in checks:
        faulty = random.random() < check.fault_rate
        mean = check.fault_mean if faulty else check.mean
        reading = random.gauss(mean + shifts.get(check.measure, 0.0), check.sd)
        results[check.measure] = rounded(max(reading, 0.0) if check.mean > 0 else reading, check.sd / 10)
    return results


def job_random(seed: int, job: str, purpose: str) -> Random:
    """Return the generator of one job for one purpose: the same seed and job id give the same work and results."""
    return Random(f"{seed}:{job}:{purpose}")
