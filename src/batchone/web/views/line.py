"""The line board: operations in the order of the routing, stations with their state and what is at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchone.contracts.alarms import Alarm
from batchone.contracts.machines import EquipmentNow, MachineState
from batchone.contracts.pack import Equipment, Operation, Text
from batchone.contracts.production import StationNow
from batchone.web.books import Book
from batchone.web.briefs import Brief
from batchone.web.views.wrong import Wrong, wrongs

_TAKT_ITEMS = 20


@dataclass(frozen=True)
class AtStation:
    """An item at a station: its order in words, since when, at which position."""

    item: str
    order: Brief
    place: str
    op: str
    since: datetime


@dataclass(frozen=True)
class Station:
    """An equipment with its state and the item that came last; `occupied` of `positions` places are in use."""

    id: str
    name: Text
    state: MachineState
    since: datetime | None
    urgent: bool
    warned: bool
    occupied: int
    positions: int
    item: AtStation | None


@dataclass(frozen=True)
class Step:
    """An operation as a visitor sees it (a group of the routing) and its stations."""

    op: str
    name: Text
    stations: tuple[Station, ...]


@dataclass(frozen=True)
class Board:
    """The whole board at one moment."""

    place: tuple[str, ...]
    steps: tuple[Step, ...]
    wrong: tuple[Wrong, ...]
    running: int
    total: int
    in_work: int
    takt_s: float | None
    finished_last_hour: int


def takt_s(finished: Sequence[datetime]) -> float | None:
    """Mean seconds between the newest twenty finished items; None before there are two."""
    newest = sorted(finished)[-_TAKT_ITEMS:]
    if len(newest) < 2:
        return None
    return (newest[-1] - newest[0]).total_seconds() / (len(newest) - 1)


def board(
    book: Book,
    machines: Sequence[EquipmentNow],
    at_stations: Sequence[StationNow],
    alarms: Sequence[Alarm],
    finished: Sequence[datetime],
    briefs: Mapping[str, Brief],
) -> Board:
    """The board from how everything stands."""
    by_machine = {machine.equipment: machine for machine in machines}
    ours = [machine for machine in machines if book.equipment(machine.equipment) is not None]
    alarms = [alarm for alarm in alarms if book.equipment(alarm.equipment) is not None]
    at: dict[str, list[StationNow]] = {}
    for each in at_stations:
        at.setdefault(each.equipment, []).append(each)

    def station(equipment: Equipment) -> Station:
        return _station(book, equipment, by_machine.get(equipment.id), at.get(equipment.id, []), alarms, briefs)

    place = book.pack.place
    return Board(
        place=(place.enterprise, place.site, place.area, place.line),
        steps=tuple(
            Step(group, name, tuple(station(equipment) for equipment in equipment_of))
            for group, name, equipment_of in _groups(book)
        ),
        wrong=wrongs(book.equipment_name, alarms, ours),
        running=sum(machine.state == "running" for machine in ours),
        total=len(book.pack.equipment),
        in_work=sum(book.equipment(each.equipment) is not None for each in at_stations),
        takt_s=takt_s(finished),
        finished_last_hour=len(finished),
    )


def _groups(book: Book) -> list[tuple[str, Text, list[Equipment]]]:
    """The routing's groups in order, each with the equipment that no earlier group showed."""
    groups: dict[str, list[Operation]] = {}
    for operation in book.pack.routing:
        groups.setdefault(operation.group, []).append(operation)
    shown: set[str] = set()
    found = []
    for group, operations in groups.items():
        able = {each.id: each for operation in operations for each in book.pack.equipment_of(operation.equipment_class)}
        found.append(
            (group, _joined([each.name for each in operations]), [each for key, each in able.items() if key not in shown])
        )
        shown.update(able)
    return found


def _joined(names: Sequence[Text]) -> Text:
    between = {"zh": "、"}
    return {language: between.get(language, ", ").join(name.get(language, "") for name in names) for language in names[0]}


def _station(
    book: Book,
    equipment: Equipment,
    now: EquipmentNow | None,
    at: Sequence[StationNow],
    alarms: Sequence[Alarm],
    briefs: Mapping[str, Brief],
) -> Station:
    lasting = [alarm for alarm in alarms if alarm.equipment == equipment.id and alarm.state != "returned"]
    newest = max(at, key=lambda each: each.since, default=None)
    item = None
    if newest is not None:
        brief = briefs.get(newest.order, Brief(newest.order, "", ""))
        operation = book.operation(newest.op)
        item = AtStation(newest.item, brief, brief.place(newest.item), operation.op if operation else newest.op, newest.since)
    return Station(
        id=equipment.id,
        name=equipment.name,
        state=now.state if now else "offline",
        since=now.since if now else None,
        urgent=any(alarm.priority == "alarm" for alarm in lasting) or (now is not None and now.state == "alarm"),
        warned=bool(lasting),
        occupied=len(at),
        positions=equipment.positions,
        item=item,
    )
