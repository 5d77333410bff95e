"""The life of an alarm (ANSI/ISA-18.2), pure: which state an occurrence is in, and what a flood of transitions makes.

        normal -- raised --> unacknowledged -- acknowledged --> acknowledged
          ^                        |                                 |
          |                     returned                          returned
          +---- acknowledged --- returned                            |
          +----------------------------------------------------------+

Suppression (shelved, by design, out of service) lies over that: beneath it the alarm goes on living, and what it is then
shows when the suppression ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from batchone.contracts.alarms import AlarmState, Suppression
from batchone.machines.alarms.model import About, Key


def state_of(*, returned: bool, acknowledged: bool, ended: bool, suppressed: Suppression | None) -> AlarmState:
    """The state of an occurrence; one that has ended is history, which no suppression touches. One that ended because the
    condition came again stays `returned`: nobody acknowledged it."""
    if suppressed is not None and not ended:
        return cast(AlarmState, suppressed)
    if returned:
        return "normal" if acknowledged else "returned"
    return "acknowledged" if acknowledged else "unacknowledged"


@dataclass(frozen=True)
class Transition:
    """An alarm was raised, with the value that began the condition, or returned."""

    about: About
    raised: bool
    at: datetime
    value: float | None = None

    @property
    def key(self) -> Key:
        """Path and limit."""
        return self.about.path, self.about.limit


@dataclass(frozen=True)
class Occurrence:
    """One raising of an alarm: `ended` when the condition came again before anybody acknowledged it."""

    about: About
    raised: datetime
    value: float | None
    returned: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """What transitions make: standing alarms that return, when, and new occurrences in the order of their raising."""

    returned: dict[Key, datetime]
    fresh: tuple[Occurrence, ...]


def outcome(transitions: Iterable[Transition], standing: Collection[Key]) -> Outcome:
    """What transitions, in the order of their time, make of the alarms that stand. One that stands is not raised again, and
    one that does not stand does not return; so what is told twice changes nothing."""
    open_, returned = set(standing), dict[Key, datetime]()
    fresh: list[Occurrence] = []
    newest: dict[Key, int] = {}
    for each in transitions:
        last = newest.get(each.key)
        if each.raised and each.key not in open_:
            if last is not None:
                fresh[last] = replace(fresh[last], ended=each.at)
            newest[each.key] = len(fresh)
            fresh.append(Occurrence(each.about, each.at, each.value))
            open_.add(each.key)
        elif not each.raised and each.key in open_:
            if last is None:
                returned[each.key] = each.at
            else:
                fresh[last] = replace(fresh[last], returned=each.at)
            open_.remove(each.key)
    return Outcome(returned, tuple(fresh))
