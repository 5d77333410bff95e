"""The equipment on the floor as it stands: pure decisions on what is news, to whom, and the one place that remembers.

A change between idle, running and setup is news for live pages only; one into or out of alarm, blocked or offline is a
fact (`equipment.changed`), since others act on it. A line of twenty machines flips between idle and running thousands of
times a day; told as facts, these would drown the ones that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from batchone.contracts.machines import EquipmentChanged, EquipmentNow, MachineState

_AT_WORK: frozenset[MachineState] = frozenset({"idle", "running", "setup"})


def worth_saying(before: MachineState, after: MachineState) -> bool:
    """Whether a change of state is a fact."""
    return before != after and not (before in _AT_WORK and after in _AT_WORK)


@dataclass
class Floor:
    """Every equipment's state. `on_change` hears of each change: how the equipment stands, and the fact if it is one."""

    on_change: Callable[[EquipmentNow, EquipmentChanged | None], None]
    _now: dict[str, EquipmentNow] = field(default_factory=dict)
    _said: dict[str, MachineState] = field(default_factory=dict)
    _unjudged: set[str] = field(default_factory=set)

    def declare(self, equipment: Iterable[str], said: Mapping[str, MachineState], now: datetime) -> None:
        """Know exactly this equipment; `said` is what was last said of each before this start.

        An equipment that is new here counts as offline, silently, until its connection was tried: a restart of the
        platform is no news of the machine.
        """
        wanted = set(equipment)
        for gone in self._now.keys() - wanted:
            self._now.pop(gone)
            self._unjudged.discard(gone)
        for new in wanted - self._now.keys():
            self._now[new] = EquipmentNow(new, "offline", now, connected=False, last_heard=None)
            self._said[new] = said.get(new, "offline")
            self._unjudged.add(new)

    def see(self, equipment: str, state: MachineState, now: datetime) -> None:
        """A machine told its state."""
        self._set(equipment, state, now, connected=True)

    def lose(self, equipment: str, now: datetime) -> None:
        """A machine cannot be heard any more."""
        self._set(equipment, "offline", now, connected=False)

    def hear(self, equipment: Iterable[str], now: datetime) -> None:
        """Something came from these machines."""
        for one in equipment:
            known = self._now.get(one)
            if known is not None:
                self._now[one] = replace(known, last_heard=now)

    def knows(self, equipment: str) -> bool:
        """Whether the equipment is declared."""
        return equipment in self._now

    def all(self) -> tuple[EquipmentNow, ...]:
        """How each stands, by id."""
        return tuple(self._now[one] for one in sorted(self._now))

    def _set(self, equipment: str, state: MachineState, now: datetime, *, connected: bool) -> None:
        known = self._now.get(equipment)
        if known is None:
            return
        before = self._said[equipment] if equipment in self._unjudged else known.state
        self._unjudged.discard(equipment)
        if (known.state, known.connected) == (state, connected) and before == state:
            return
        since = known.since if known.state == state else now
        standing = self._now[equipment] = replace(known, state=state, connected=connected, since=since)
        fact = EquipmentChanged(equipment, state, before, now) if worth_saying(before, state) else None
        self._said[equipment] = state
        self.on_change(standing, fact)
