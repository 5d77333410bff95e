"""What is wrong, as every page of the hall names it at its top."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchone.contracts.alarms import Alarm
from batchone.contracts.machines import EquipmentNow
from batchone.contracts.pack import Text

SHOWN = 4


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong at one equipment; `alarm` is None where only the machine's state says so."""

    equipment: str
    equipment_name: Text
    kind: Literal["low", "high", "offline", "broken", "lost"]
    urgent: bool
    signal_name: Text | None
    value: float | None
    bound: float | None
    unit: str
    since: datetime
    alarm: str | None
    acknowledged: bool
    over: bool


_KINDS: dict[str, Literal["low", "high", "offline", "broken", "lost"]] = {
    "low": "low",
    "low_low": "low",
    "high": "high",
    "high_high": "high",
    "offline": "offline",
    "broken": "broken",
    "lost": "lost",
}


def wrongs(name_of: Callable[[str], Text], alarms: Iterable[Alarm], machines: Iterable[EquipmentNow]) -> tuple[Wrong, ...]:
    """Alarms, and machines that are broken or lost without one; urgent and unacknowledged ones first."""
    found = [_of_alarm(name_of, alarm) for alarm in alarms]
    told = {(wrong.equipment, wrong.kind) for wrong in found}
    for machine in machines:
        kind: Literal["broken", "offline"] = "broken" if machine.state == "alarm" else "offline"
        if machine.state in {"alarm", "offline"} and (machine.equipment, kind) not in told:
            found.append(_of_machine(name_of, machine, kind))
    return tuple(sorted(found, key=lambda each: (each.over, each.acknowledged, not each.urgent, each.since)))


def _of_alarm(name_of: Callable[[str], Text], alarm: Alarm) -> Wrong:
    return Wrong(
        equipment=alarm.equipment,
        equipment_name=name_of(alarm.equipment),
        kind=_KINDS[alarm.limit],
        urgent=alarm.priority == "alarm",
        signal_name=alarm.name,
        value=alarm.value,
        bound=alarm.bound,
        unit=alarm.unit,
        since=alarm.raised,
        alarm=alarm.id,
        acknowledged=alarm.state == "acknowledged",
        over=alarm.state == "returned",
    )


def _of_machine(name_of: Callable[[str], Text], machine: EquipmentNow, kind: Literal["broken", "offline"]) -> Wrong:
    return Wrong(
        equipment=machine.equipment,
        equipment_name=name_of(machine.equipment),
        kind=kind,
        urgent=kind == "broken",
        signal_name=None,
        value=None,
        bound=None,
        unit="",
        since=machine.since,
        alarm=None,
        acknowledged=False,
        over=False,
    )


def urgent_count(found: Sequence[Wrong]) -> int:
    """How many of them are urgent and still last."""
    return sum(each.urgent and not each.over for each in found)
