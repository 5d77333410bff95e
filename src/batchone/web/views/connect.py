"""Connections as their pages show them, and what the pages' forms say of new ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import urlencode, urlsplit

from batchone.contracts.machines import ConnectionNow, LastValue
from batchone.contracts.sources import Found, Point, Source
from batchone.contracts.things import Kind, SignalType, Thing, ThingModel
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import is_unit
from batchone.web.menu import N_

KINDS: tuple[Kind, ...] = get_args(Kind)
ROWS_SHOWN = 300
SECURITIES = ("encrypt", "sign", "none")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_WORDLESS = re.compile(r"[^A-Za-z0-9]+")
_POSITION = re.compile(r"P[0-9]{2,}/")
_OF_PROBES = "probe_"
"""How settings begin that say where a probe looks, and that a connection does not know."""
_TEXTS = frozenset({"String", "LocalizedText", "DateTime", "ByteString", "XmlElement", "QualifiedName", "Guid", "unknown"})
"""Types of OPC UA whose values are no numbers."""


@dataclass(frozen=True)
class Protocol:
    """A protocol as the wizard offers it: the beginning of its urls, an example, its port, whether its machines say what
    they offer, and an example of an address within one."""

    scheme: str
    name: str
    example: str
    port: int
    probed: bool
    address: str
    hint: str


PROTOCOLS = (
    Protocol("opc.tcp", "OPC UA", "10.0.0.5:4840", 4840, True, "ns=2;s=Air.P", N_("controllers and machines of many makers")),
    Protocol("modbus", "Modbus TCP", "10.0.0.5:502", 502, True, "holding:100:float32", N_("meters, drives, controllers")),
    Protocol("s7", "Siemens S7", "10.0.0.5", 102, True, "DB1.DBD4:real", N_("S7-300 to S7-1500, by data blocks")),
    Protocol("mqtt", "MQTT", "10.0.0.5:1883", 1883, True, "plant/oven/temp", N_("what is published at a broker")),
    Protocol("mtconnect", "MTConnect", "10.0.0.5:5000", 5000, True, "Xpos", N_("machine tools with an agent")),
    Protocol("file", "CSV, Parquet", "/data/oven", 0, True, "temperature", N_("files that are dropped into a folder")),
    Protocol("influx", "Telegraf", "agents", 0, False, "air,tag=x pressure", N_("agents that push line protocol here")),
)  # fmt: skip


def protocol_of(url: str) -> Protocol:
    """The protocol of a url; `Refused` for one that nobody speaks."""
    found = next((each for each in PROTOCOLS if url.startswith(f"{each.scheme}://")), None)
    if found is None:
        cure = f"Begin it with one of {', '.join(f'{each.scheme}://' for each in PROTOCOLS)}."
        raise Refused("web.connect.url", f"Nobody speaks {url[:200] or 'an address that is empty'}.", cure)
    return found


@dataclass(frozen=True)
class Asked:
    """What the wizard's first form says: where the machine answers, and with which settings of its protocol."""

    url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def scheme(self) -> str:
        """The beginning of the url; that of the first protocol for one that is empty."""
        return self.url.partition("://")[0] if "://" in self.url else PROTOCOLS[0].scheme

    @property
    def place(self) -> str:
        """The url without its beginning."""
        return self.url.partition("://")[2] if "://" in self.url else self.url

    @property
    def others(self) -> str:
        """The settings that have no field of their own, one a line."""
        own = {"security", "user", "password_file"}
        return "\n".join(f"{key}={value}" for key, value in sorted(self.settings.items()) if key not in own)

    def address(self, page: str, **more: str) -> str:
        """A page that is asked for this."""
        return f"{page}?{urlencode({'url': self.url, **{f's.{key}': value for key, value in self.settings.items()}, **more})}"

    def weaker(self, security: str) -> Asked:
        """The same with less security."""
        return replace(self, settings={**self.settings, "security": security})


def asked(given: Mapping[str, str]) -> Asked:
    """What a form or an address says. A host alone is one of the chosen protocol, at the port that it usually has."""
    place = given.get("url", "").strip()
    scheme = given.get("scheme", "")
    if place and "://" not in place:
        known = next((each for each in PROTOCOLS if each.scheme == scheme), PROTOCOLS[0])
        host = place.rstrip("/")
        bare = ":" not in host and "/" not in host and known.port
        place = f"{known.scheme}://{host}{f':{known.port}' if bare else ''}" + ("/" if known.scheme == "opc.tcp" else "")
    settings = {key.removeprefix("s."): value.strip() for key, value in given.items() if key.startswith("s.") and value.strip()}
    if not place.startswith("opc.tcp://"):
        settings = {key: value for key, value in settings.items() if key not in {"security", "user", "password_file"}}
    for line in given.get("others", "").splitlines():
        key, equals, value = line.partition("=")
        if line.strip() and not (key.strip() and equals):
            raise Refused(
                "web.connect.settings", f"'{line.strip()[:100]}' is no setting.", "Write each as key=value, one a line."
            )
        if line.strip():
            settings[key.strip()] = value.strip()
    return Asked(place, settings)


@dataclass(frozen=True)
class FoundRow:
    """Something that a machine offers, as a row to tick: with the signal that it may become. `place` is its place in the
    probe; `told` the unit that the machine tells, `odd_unit` what it tells that is none."""

    place: int
    found: Found
    equipment: str
    signal: str
    name: str
    kind: Kind
    told: str
    unit: str
    odd_unit: str
    number: bool


def rows_of(found: Sequence[Found], model: ThingModel) -> tuple[FoundRow, ...]:
    """Everything that a probe found, what has a proposal first. None is taken by that."""
    taken: set[str] = set()
    rows = [_row(place, each, model, taken) for place, each in enumerate(found)]
    return tuple(sorted(rows, key=lambda row: (not row.found.proposed, not row.number)))


def _row(place: int, found: Found, model: ThingModel, taken: set[str]) -> FoundRow:
    declared = model.signals.get(found.proposed)
    told = found.unit if found.unit and is_unit(found.unit) else ""
    number = found.type not in _TEXTS
    if declared is not None:
        signal, unit, kind = declared.path.partition("/")[2], declared.signal.unit, declared.signal.kind
        equipment, name = declared.thing, declared.signal.name.get("en", "")
    else:
        equipment, unit, kind = "", told, _kind(found.type)
        name = found.name.split()[-1] if found.name.split() else found.address
        signal = _unused(signal_id(name), taken)
    odd = found.unit if found.unit and not told else ""
    return FoundRow(place, found, equipment, signal, name, kind, told, unit, odd, number)


def _kind(type_: str) -> Kind:
    if type_ in {"Boolean", "bit"}:
        return "boolean"
    return "integer" if "int" in type_.lower() or type_ in {"Byte", "SByte"} else "float"


def signal_id(text: str) -> str:
    """A text as the id of a signal: `Oil Temp. 2` is `oil_temp2`."""
    last = re.split(r"[/#.;]", text.rstrip("/#.;"))[-1]
    words = _WORD.findall(last) or _WORD.findall(text)
    return re.sub(r"_(?=[0-9])", "", "_".join(word.lower() for word in words))[:60] or "signal"


def _unused(wished: str, taken: set[str]) -> str:
    name, number = wished, 2
    while name in taken:
        name, number = f"{wished}_{number}", number + 1
    taken.add(name)
    return name


def server_of(url: str) -> str:
    """The `host:port` by which the certificates of an OPC UA server are known."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or PROTOCOLS[0].port}"


def connection_id(url: str, taken: Collection[str]) -> str:
    """A name for a new connection that none has."""
    parts = urlsplit(url)
    wished = _WORDLESS.sub("-", f"{protocol_of(url).name.split(',')[0].lower()}-{parts.netloc or parts.path}").strip("-")[:56]
    return _unused(wished, set(taken))


@dataclass(frozen=True)
class Wanted:
    """What a person wants declared: the connection, and the equipment and signals that are new by it."""

    source: Source
    things: tuple[Thing, ...]


def wanted(given: Mapping[str, str], taken: Sequence[str], asked: Asked, found: Sequence[Found], language: str) -> Wanted:
    """What the mapping form says: of the finds those that were ticked (`taken`), and every line written by hand."""
    addresses = {
        f"n{number}": found[int(number)].address for number in taken if number.isdecimal() and int(number) < len(found)
    }
    for key, value in given.items():
        row, _, what = key.partition(".")
        if what == "address" and value.strip():
            addresses[row] = value.strip()
    if not addresses:
        raise Refused("web.connect.none", "No signal is ticked.", "Tick at least one, or write one by hand.")
    points: list[Point] = []
    signals: dict[str, list[SignalType]] = {}
    for row, address in addresses.items():
        told = {
            what: given.get(f"{row}.{what}", "").strip() for what in ("equipment", "signal", "name", "kind", "told", "unit")
        }
        equipment, signal = told["equipment"] or given.get("equipment", "").strip(), told["signal"]
        if not equipment or not signal:
            raise Refused(
                "web.connect.path", f"{address} has no {'signal' if equipment else 'equipment'}.",
                "Say which equipment it belongs to and how the signal is called.", row=row,
            )  # fmt: skip
        points.append(Point(f"{equipment}/{signal}", address, told["told"]))
        if not _POSITION.match(signal):
            signals.setdefault(equipment, []).append(signal_of(signal, told, language))
    settings = {key: value for key, value in asked.settings.items() if not key.startswith(_OF_PROBES)}
    place, name = given.get("place", "").strip(), given.get("equipment_name", "").strip()
    things = tuple(
        Thing(equipment, "", {language: name} if name else {"en": equipment}, place, signals=tuple(each))
        for equipment, each in signals.items()
    )
    return Wanted(Source(given.get("connection", "").strip(), asked.url, settings, tuple(points)), things)


def signal_of(signal: str, told: Mapping[str, str], language: str) -> SignalType:
    """A signal as a form says it; `P01/torque` is one that each position has."""
    kind = told.get("kind", "")
    if kind not in KINDS:
        raise Refused("web.connect.kind", f"There is no kind of signal called '{kind[:60]}'.", "Choose one of the list.")
    place = _POSITION.match(signal)
    own = signal[place.end() :] if place else signal
    name = {language: told["name"]} if told.get("name") else {"en": own}
    return SignalType(own, name, told.get("unit", ""), kind, "position" if place else "equipment")


@dataclass(frozen=True)
class ConnectionRow:
    """A connection: `declared` beside the packs or a pack's; `age_s` since its newest samples came, in plant time. One that was
    declared a moment ago and is not opened yet has no `since`."""

    id: str
    protocol: str
    address: str
    declared: bool
    up: bool
    since: datetime | None
    heard: datetime | None
    age_s: float | None
    error: str
    samples: int
    quarantined: int
    waiting: int
    dropped: int


def connections_of(now: datetime, connections: Iterable[ConnectionNow]) -> tuple[ConnectionRow, ...]:
    """All connections: declared ones first, and where there are many, those that are down before all."""
    rows = sorted((_connection(now, each) for each in connections), key=lambda row: (not row.declared, row.id))
    return tuple(rows if len(rows) <= ROWS_SHOWN else sorted(rows, key=lambda row: row.up))


def _connection(now: datetime, standing: ConnectionNow) -> ConnectionRow:
    heard = standing.last_heard
    return ConnectionRow(
        standing.connection, protocol_name(standing.address, standing.protocol), standing.address, standing.declared,
        standing.up, standing.since, heard, max(0.0, (now - heard).total_seconds()) if heard else None, standing.error,
        standing.samples, standing.quarantined, standing.waiting, standing.dropped,
    )  # fmt: skip


def being_opened(source: Source) -> ConnectionRow:
    """A connection that was declared a moment ago."""
    return ConnectionRow(
        source.id, protocol_name(source.url, ""), source.url, True, False, None, None, None, "", 0, 0, 0, 0
    )  # fmt: skip


def protocol_name(url: str, otherwise: str) -> str:
    """How people call the protocol of a url."""
    return next((each.name for each in PROTOCOLS if url.startswith(f"{each.scheme}://")), otherwise)


@dataclass(frozen=True)
class ValueRow:
    """A signal of a connection with its last value; `state` is `none` before the first one."""

    path: str
    name: Mapping[str, str]
    unit: str
    address: str
    value: float | None
    at: datetime | None
    age_s: float | None
    state: Literal["good", "uncertain", "bad", "none"]


def values_of(
    now: datetime, paths: Sequence[tuple[str, str]], model: ThingModel, last: Iterable[LastValue]
) -> tuple[ValueRow, ...]:  # fmt: skip
    """The signals of a connection (path and address) with their last values."""
    known = {each.path: each for each in last}
    rows = []
    for path, address in paths:
        declared, value = model.signals.get(path), known.get(path)
        name = declared.signal.name if declared else {"en": path}
        unit = declared.signal.unit if declared else ""
        if value is None:
            rows.append(ValueRow(path, name, unit, address, None, None, None, "none"))
            continue
        state: Literal["good", "uncertain", "bad"] = ("good", "uncertain", "bad")[min(value.quality, 2)]
        age_s = max(0.0, (now - value.source_time).total_seconds())
        rows.append(ValueRow(path, name, unit, address, value.value, value.source_time, age_s, state))
    return tuple(rows)
