"""What must fit together where operations share tools, people and time: seen without asking the solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchone.chain.design.packs.reading import Reading
from batchone.contracts.pack import Calendar, Operation, Pack, Setup

_DAY_S = 86_400.0
_WEEK_S = 7 * _DAY_S
Spans = list[tuple[float, float]]


def check_sharing(reading: Reading, pack: Pack) -> None:
    """Every fault of needs, crews and waits, and of the aim."""
    _names(reading, pack)
    _waits(reading, pack)
    faulty = {fault.file for fault in reading.faults}
    if "resources.yaml" not in faulty:
        _crews(reading, pack)
        if "routing.yaml" not in faulty:
            _needs(reading, pack)
    if pack.aim is not None and "energy" in pack.aim.measures and not pack.energy.tariff and "energy.yaml" not in faulty:
        what = "The aim names energy, and energy has no price."
        reading.fault(reading.at("pack", "aim"), what, "Add 'tariff:' in energy.yaml, or take energy out of the aim.")


def _names(reading: Reading, pack: Pack) -> None:
    """Equipment, its classes, tools, people, and what these serve: what is needed and where work is done never share a name."""
    taken = {each.id: "a class of equipment" for each in pack.classes} | {each.id: "equipment" for each in pack.equipment}
    serving = dict.fromkeys((name for each in pack.auxiliaries for name in each.serves), "what tools or people serve")
    numbers = {"tool": 0, "person": 0}
    for each in pack.auxiliaries:
        index, numbers[each.kind] = numbers[each.kind], numbers[each.kind] + 1
        _free(reading, each.id, taken | serving, (each.kind, index, "id"))
        for name in each.serves:
            _free(reading, name, taken, (each.kind, index, "classes" if each.kind == "tool" else "skills"))
        taken[each.id] = "a tool" if each.kind == "tool" else "people"


def _free(reading: Reading, name: str, taken: Mapping[str, str], at: tuple[str | int, ...]) -> None:
    if name in taken:
        reading.fault(reading.at(*at), f"'{name}' is the name of {taken[name]} already.", "Give it another one.")


def _waits(reading: Reading, pack: Pack) -> None:
    setups = {each.id: each.setup for each in pack.classes}
    for index, operation in enumerate(pack.routing):
        seen: set[str] = set()
        for number, wait in enumerate(operation.waits):
            at = reading.at("operation", index, "waits", number, "after")
            if wait.after and wait.after not in operation.after:
                what = f"Operation {operation.op} waits after {wait.after}, which is not in its 'after'."
                reading.fault(at, what, f"Use one of {', '.join(operation.after) or 'none: it comes after nothing'}.")
            elif wait.after in seen:
                reading.fault(at, f"Operation {operation.op} waits after {wait.after} twice.", "Keep one of the two.")
            seen.add(wait.after)
            if wait.most_s is None:
                continue
            most = reading.at("operation", index, "waits", number, "most")
            if wait.most_s < wait.least_s:
                reading.fault(most, f"At most {wait.most_s:g} s is less than at least {wait.least_s:g} s.", "Exchange the two.")
            elif operation.setup and wait.most_s < wait.least_s + _longest_s(setups.get(operation.equipment_class)):
                what = f"A setup of {operation.equipment_class} takes longer than the wait leaves room for."
                reading.fault(most, what, "Allow the setup on top of the least wait: it begins when the item is ready.")


def _longest_s(setup: Setup | None) -> float:
    return max((setup.change_s, *(pair.time_s for pair in setup.pairs))) if setup is not None else 0.0


def _crews(reading: Reading, pack: Pack) -> None:
    for index, each in enumerate(pack.classes):
        if each.setup is not None and each.setup.crew is not None:
            why = _never(pack, each.setup.crew, each.calendar, _longest_s(each.setup), attended=True)
            if why:
                what = f"No {each.setup.crew} {why} to set {each.id} up."
                reading.fault(reading.at("class", index, "setup", "crew"), what, "Let their calendars meet.")


def _needs(reading: Reading, pack: Pack) -> None:
    classes = {each.id: each for each in pack.classes}
    for index, operation in enumerate(pack.routing):
        kind = classes.get(operation.equipment_class)
        if kind is None:
            continue
        for need in operation.needs:
            why = _never(pack, need, kind.calendar, _least_s(operation), attended=kind.attended)
            if why:
                what = f"No {need} {why} for operation {operation.op} on {operation.equipment_class}."
                reading.fault(reading.at("operation", index, "needs"), what, "Let their calendars meet, or be the same.")


def _least_s(operation: Operation) -> float:
    """The least that an operation takes, as far as that is seen without a configuration."""
    return max(0.0, float(operation.cycle_s.base) + sum(min(0.0, float(each.by)) for each in operation.cycle_s.add))


def _never(pack: Pack, need: str, hours: str, seconds: float, *, attended: bool) -> str:
    """Why nobody who serves a need can ever help for so long on a class with these hours; empty if somebody can.

    Whoever keeps the hours of the machine pauses with it; anybody else must be at work all the while.
    """
    longest = -1.0
    machine = _spans(pack.calendar(hours))
    for each in pack.serving(need):
        if each.calendar == hours:
            return ""
        for a, b in _spans(pack.calendar(each.calendar)):
            inside = [(max(a, x), min(b, y)) for x, y in machine if x < b and a < y]
            if inside:
                worked = sum(y - x for x, y in inside) if attended else b - inside[0][0]
                longest = max(longest, worked)
    if longest < 0:
        return "ever works when the machine does"
    return "works long enough in one go" if longest < seconds else ""


def _spans(calendar: Calendar) -> Spans:
    """The working time of two weeks in order, without what adjoins being apart; all of it where there is no week."""
    if not calendar.week:
        return [(0.0, 2 * _WEEK_S)]
    cut = sorted(_dated(calendar, "breaks"))
    found: Spans = []
    for start, end in sorted(_dated(calendar, "week")):
        at = start
        for a, b in [*cut, (end, end)]:
            if a >= end or b > at:
                if at < min(a, end):
                    _join(found, at, min(a, end))
                at = max(at, b)
    return found


def _join(found: Spans, start: float, end: float) -> None:
    if found and found[-1][1] >= start:
        found[-1] = (found[-1][0], max(found[-1][1], end))
    else:
        found.append((start, end))


def _dated(calendar: Calendar, which: str) -> Iterator[tuple[float, float]]:
    for time in calendar.week if which == "week" else calendar.breaks:
        for day in time.days:
            for week in (0.0, _WEEK_S):
                yield week + day * _DAY_S + time.from_s, week + day * _DAY_S + time.to_s
