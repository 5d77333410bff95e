"""What a pack says about connections, without how any protocol carries it; pure.

A wiring is all that a driver needs to know of the plant: which equipment answers on a connection, the names of its
signals in the order that numbers them, and the measurements of each operation in the order that numbers them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlsplit

from batchone.contracts.pack import Connection, Equipment, Pack
from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel, position_name
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import seconds

METER_SIGNALS = ("energy", "power")
"""What an energy meter tells, in kWh and kW, as `<meter>/energy` and `<meter>/power`."""
_PORTS = {"modbus": 502, "mqtt": 1883, "mqtts": 8883, "opc.tcp": 4840}


@dataclass(frozen=True)
class Wired:
    """An equipment on a connection. `names` are its signals: `speed`, or `P01/torque` for one of a position."""

    id: str
    names: tuple[str, ...]
    unit: int | None = None


@dataclass(frozen=True)
class WiredMeter:
    """An energy meter on a Modbus connection."""

    id: str
    unit: int


@dataclass(frozen=True)
class Wiring:
    """A connection and all that answers on it.

    A declared one has a `url`, `settings` of its protocol, and `points`: which address is which signal. `scales` are factor
    and offset of those signals whose numbers are kept otherwise than they are told.
    """

    connection: str
    protocol: str
    port: int | None = None
    group: str | None = None
    equipment: tuple[Wired, ...] = ()
    meters: tuple[WiredMeter, ...] = ()
    measures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Operation to the names of its measurements, by number."""
    url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    more: frozenset[str] = frozenset()
    """Paths of signals that are declared beside the pack, for machines that tell their signals by name."""

    @property
    def host(self) -> str:
        """The host of a declared connection."""
        return urlsplit(self.url).hostname or ""

    @cached_property
    def server(self) -> str:
        """Where a declared connection goes, as `host:port`; empty for one of a pack."""
        return server_of(self.url) if self.url else ""

    @cached_property
    def ids(self) -> frozenset[str]:
        """All equipment and meters that answer on it."""
        return frozenset({each.id for each in self.equipment} | {each.id for each in self.meters})

    @cached_property
    def paths(self) -> frozenset[str]:
        """The path of every declared signal."""
        if self.url:
            return frozenset(point.path for point in self.points)
        signals = {f"{wired.id}/{name}" for wired in self.equipment for name in wired.names}
        meters = {f"{meter.id}/{name}" for meter in self.meters for name in METER_SIGNALS}
        return frozenset(signals | meters | self.more)


def server_of(url: str) -> str:
    """The `host:port` of a url, by which a server is known; `Refused` where it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Refused("connections.url", f"{url[:200]} is no url: {error}.", "Say protocol://host:port.") from error
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def rounds_of(wiring: Wiring) -> tuple[float, bool]:
    """Of a polled connection: seconds from round to round (`every`, 1 s), and whether each round tells all values (`report`:
    `all`) or those that changed (`changes`). `Refused` where a setting says neither."""
    every_s, report = seconds(wiring.settings.get("every", "1 s")), wiring.settings.get("report", "changes")
    if every_s <= 0 or report not in ("changes", "all"):
        what = f"{wiring.connection}: every is longer than nothing, and report is one of changes and all."
        raise Refused("connections.setting", what, "Write them as every: 1 s and report: changes.")
    return every_s, report == "all"


def number_of(wiring: Wiring, name: str, otherwise: int, most: int) -> int:
    """A setting that is a whole number from 0 on; `Refused` where it is none."""
    text = wiring.settings.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        what = f"{wiring.connection}: '{text[:40]}' is no {name}."
        raise Refused("connections.setting", what, f"It is a number from 0 to {most}.")
    return int(text)


def signal_names(pack: Pack, equipment: Equipment) -> tuple[str, ...]:
    """The signals of an equipment in the order of the pack, one of scope position once for each position."""
    names: list[str] = []
    for signal in pack.signals_of(equipment.equipment_class):
        if signal.scope == "equipment":
            names.append(signal.id)
        else:
            names.extend(f"{position_name(place)}/{signal.id}" for place in range(1, equipment.positions + 1))
    return tuple(names)


def wire(pack: Pack) -> tuple[Wiring, ...]:
    """The wiring of every connection of a pack."""
    measures = {operation.op: tuple(check.measure for check in pack.checks_of(operation.op)) for operation in pack.routing}
    return tuple(_wire_one(pack, connection, measures) for connection in pack.connections)


def _wire_one(pack: Pack, connection: Connection, measures: Mapping[str, tuple[str, ...]]) -> Wiring:
    equipment = [each for each in pack.equipment if each.connection == connection.id]
    return Wiring(
        connection.id,
        connection.protocol,
        connection.port,
        connection.group,
        tuple(Wired(each.id, signal_names(pack, each), each.unit) for each in equipment),
        tuple(WiredMeter(meter.id, meter.unit) for meter in pack.meters if meter.connection == connection.id),
        measures if connection.protocol == "modbus" else {},
    )


def wire_all(packs: Sequence[Pack]) -> tuple[dict[str, Wiring], dict[str, str]]:
    """The wirings of several packs by connection, and what is wrong between them: connection to sentence.

    Packs that share a connection must say the same of it, apart from operations that only one of them has; where they
    differ, the first one's word holds.
    """
    wirings: dict[str, Wiring] = {}
    conflicts: dict[str, str] = {}
    for pack in packs:
        for wiring in wire(pack):
            known = wirings.setdefault(wiring.connection, wiring)
            both = {**wiring.measures, **known.measures}
            if replace(known, measures=both) != replace(wiring, measures=both) or {**both, **wiring.measures} != both:
                conflicts[wiring.connection] = f"The pack {pack.id} {pack.version} says other things of {wiring.connection}."
            else:
                wirings[wiring.connection] = replace(known, measures=both)
    return wirings, conflicts


def with_more(
    wirings: Mapping[str, Wiring], sources: Sequence[Source], model: ThingModel
) -> dict[str, Wiring]:  # fmt: skip
    """The wirings of packs with the signals that are declared beside them: those of equipment on a connection there, those of
    equipment that no pack wires on any. A signal that has an address at a declared connection is read there alone."""
    addressed = {point.path for source in sources for point in source.points}
    wired = {equipment for wiring in wirings.values() for equipment in wiring.ids}
    known = {path for wiring in wirings.values() for path in wiring.paths}
    spare = [each for each in model.signals.values() if each.path not in addressed and each.path not in known]
    found = {}
    for name, wiring in wirings.items():
        more = frozenset(each.path for each in spare if each.thing in wiring.ids or each.thing not in wired)
        found[name] = replace(wiring, more=more)
    return found


def wire_source(
    source: Source,
    protocol: str,
    declared: Collection[str],
    of_packs: Collection[str],
    scales: Mapping[str, tuple[float, float]],
) -> Wiring:  # fmt: skip
    """The wiring of a declared connection.

    Of its points those count whose path is `declared`. Equipment that a pack's connection reaches (`of_packs`) keeps its state
    from there; this one only adds signals to it.
    """
    points = tuple(point for point in source.points if point.path in declared)
    names: dict[str, list[str]] = {}
    for point in points:
        equipment, _, name = point.path.partition("/")
        if equipment not in of_packs:
            names.setdefault(equipment, []).append(name)
    wired = tuple(Wired(equipment, tuple(each)) for equipment, each in names.items())
    return Wiring(
        source.id, protocol, urlsplit(source.url).port, equipment=wired, url=source.url, settings=source.settings,
        points=points, scales=scales,
    )  # fmt: skip
