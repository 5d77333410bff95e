"""Reading resources.yaml: calendars, equipment classes, tools and people, connections, equipment, energy meters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from batchone.chain.design.packs.nodes import Node
from batchone.chain.design.packs.reading import Entry, Reading
from batchone.contracts.pack import (
    Calendar,
    Connection,
    Equipment,
    EquipmentClass,
    Meter,
    Power,
    Protocol,
    Setup,
    SetupPair,
    WeeklyTime,
)
from batchone.contracts.sharing import Auxiliary, AuxiliaryKind

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
NEED = "tool class or skill"
"""What operations need and setups have as crew, as faults call it."""
_EQUIPMENT = "id name class cell positions connection power mtbf mttr"
_LAST_PORT = 65535
_LAST_MODBUS_UNIT = 247


@dataclass(frozen=True)
class Resources:
    """resources.yaml."""

    calendars: tuple[Calendar, ...]
    classes: tuple[EquipmentClass, ...]
    connections: tuple[Connection, ...]
    equipment: tuple[Equipment, ...]
    meters: tuple[Meter, ...]
    auxiliaries: tuple[Auxiliary, ...]


def read_resources(reading: Reading, node: Node) -> Resources:
    """resources.yaml."""
    root = Entry.of(reading, node, "calendars classes connections equipment", "meters tools people")
    calendars = root.several(("calendar",), "calendars", "id", "week breaks", least=1)
    classes = root.several(("class",), "classes", "id name calendar attended", "setup", least=1)
    connections = root.several(("connection",), "connections", "id protocol", "port group", least=1)
    equipment = root.several(("equipment",), "equipment", _EQUIPMENT, "unit", least=1)
    meters = root.several(("meter",), "meters", "id name connection unit of")
    tools = root.several(("tool",), "tools", "id name classes count calendar")
    people = root.several(("person",), "people", "id name skills count calendar")
    return Resources(
        calendars=tuple(
            Calendar(each.declared("calendar"), _stretches(each, "week"), _stretches(each, "breaks")) for each in calendars
        ),
        classes=tuple(_class(index, each) for index, each in enumerate(classes)),
        connections=tuple(_connection(each) for each in connections),
        equipment=tuple(_equipment(each) for each in equipment),
        meters=tuple(_meter(each) for each in meters),
        auxiliaries=(
            *(_auxiliary(each, "tool", "classes") for each in tools),
            *(_auxiliary(each, "person", "skills") for each in people),
        ),
    )


def _calendar(entry: Entry) -> Calendar:
    return Calendar(entry.declared("calendar"), _stretches(entry, "week"), _stretches(entry, "breaks"))


def _stretches(entry: Entry, key: str) -> tuple[WeeklyTime, ...]:
    found = []
    for stretch in (Entry.of(entry.reading, item, "days from to") for item in entry.items(key)):
        days = []
        for name, place in stretch.words("days", least=1):
            if name in _DAYS:
                days.append(_DAYS.index(name))
            else:
                entry.reading.fault(place, f"'{name}' is no day.", f"Use {', '.join(_DAYS)}.")
        start, end = time_of_day(stretch, "from"), time_of_day(stretch, "to")
        if start is not None and end is not None and not start < end:
            entry.reading.fault(stretch.place("to"), "It ends before it begins.", "Split what runs past midnight in two.")
        found.append(WeeklyTime(tuple(days), start or 0.0, end or 0.0))
    return tuple(found)


def time_of_day(entry: Entry, key: str) -> float | None:
    """Seconds from midnight; none where it is faulty."""
    text = entry.word(key)
    match = _TIME.match(text)
    if text == "24:00":
        return 86400.0
    if match is None:
        if entry.has(key):
            entry.reading.fault(entry.place(key), f"'{text}' is no time of day.", 'Write "08:30"; a day ends at "24:00".')
        return None
    return int(match.group(1)) * 3600.0 + int(match.group(2)) * 60.0


def _class(index: int, entry: Entry) -> EquipmentClass:
    setup = None
    if entry.has("setup"):
        change = entry.sub("setup", "change", "pairs crew")
        change.mark("class", str(index), "setup")
        pairs = change.several(("class", str(index), "setup", "pairs"), "pairs", "from to time")
        setup = Setup(
            change_s=change.quantity("change", "s"),
            pairs=tuple(SetupPair(pair.word("from"), pair.word("to"), pair.quantity("time", "s")) for pair in pairs),
            crew=change.reference(NEED, "crew") if change.has("crew") else None,
        )
    return EquipmentClass(
        id=entry.declared("class"),
        name=entry.text("name"),
        setup=setup,
        calendar=entry.reference("calendar", "calendar"),
        attended=entry.boolean("attended"),
    )


def _auxiliary(entry: Entry, kind: AuxiliaryKind, serves: str) -> Auxiliary:
    for name, place in entry.words(serves, least=1):
        entry.reading.declared.setdefault(NEED, {}).setdefault(name, place)
    return Auxiliary(
        id=entry.declared(kind),
        name=entry.text("name"),
        kind=kind,
        serves=tuple(name for name, _ in entry.words(serves)),
        count=entry.integer("count", least=1, most=10_000, default=1),
        calendar=entry.reference("calendar", "calendar"),
    )


def _connection(entry: Entry) -> Connection:
    protocol = entry.one_of("protocol", ("opcua", "modbus", "sparkplug"))
    needed = "group" if protocol == "sparkplug" else "port"
    for key in ("port", "group"):
        if entry.has(key) and key != needed:
            entry.reading.fault(entry.place(key), f"The protocol {protocol} has no {key}.", "Take it out.")
    if protocol and not entry.has(needed):
        entry.reading.fault(entry.place(), f"The protocol {protocol} needs a {needed}.", f"Add '{needed}:'.")
    return Connection(
        id=entry.declared("connection"),
        protocol=cast(Protocol, protocol),
        port=entry.integer("port", least=1024, most=_LAST_PORT) if entry.has("port") else None,
        group=entry.word("group") if entry.has("group") else None,
    )


def _equipment(entry: Entry) -> Equipment:
    cell = entry.id("cell")
    entry.reading.declared.setdefault("cell", {}).setdefault(cell, entry.place("cell"))
    power = entry.sub("power", "idle run")
    idle_kw, run_kw = power.quantity("idle", "kW"), power.quantity("run", "kW", above=True)
    if power.has("idle") and power.has("run") and idle_kw > run_kw:
        entry.reading.fault(power.place("idle"), "It takes more power idle than running.", "Exchange the two.")
    return Equipment(
        id=entry.declared("equipment"),
        name=entry.text("name"),
        equipment_class=entry.reference("class", "class"),
        cell=cell,
        positions=entry.integer("positions", least=1, most=10_000),
        connection=entry.reference("connection", "connection"),
        unit=_modbus_unit(entry),
        power=Power(idle_kw, run_kw),
        mtbf_s=entry.quantity("mtbf", "s", above=True),
        mttr_s=entry.quantity("mttr", "s", above=True),
    )


def _meter(entry: Entry) -> Meter:
    return Meter(
        id=entry.declared("meter"),
        name=entry.text("name"),
        connection=entry.reference("connection", "connection"),
        unit=_modbus_unit(entry) or 0,
        of=entry.references("equipment", "of", least=1),
    )


def _modbus_unit(entry: Entry) -> int | None:
    return entry.integer("unit", least=1, most=_LAST_MODBUS_UNIT) if entry.has("unit") else None
