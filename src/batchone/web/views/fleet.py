"""Every machine of a tenant in one list: how it stands, how fresh and good its data is, its connections, its alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args
from urllib.parse import urlencode

from batchone.contracts.alarms import Alarm
from batchone.contracts.machines import ConnectionNow, DataNow, EquipmentNow
from batchone.contracts.pack import Pack, Text
from batchone.contracts.sources import Source
from batchone.contracts.things import Thing, ThingModel
from batchone.kernel.errors import Refused

ROWS = 50
LAGS_S = 60.0
"""Real time that samples may wait at a connection before it counts as something to look at."""
Worry = Literal["alarm", "offline", "lost", "silent", "bad", "warning", "waiting", "uncertain", "unknown", "fine"]
_WORRIES: tuple[Worry, ...] = get_args(Worry)
Show = Literal["all", "wrong", "alarms", "offline", "silent", "quality", "waiting", "unknown"]
SHOWS: tuple[Show, ...] = get_args(Show)
Part = Literal["machines", "connections", "data", "alarms"]


@dataclass(frozen=True)
class Told:
    """What the domains say of all machines; None where one does not answer at the moment."""

    machines: Sequence[EquipmentNow] | None
    connections: Sequence[ConnectionNow] | None
    data: Sequence[DataNow] | None
    alarms: Sequence[Alarm] | None

    @property
    def silent(self) -> tuple[Part, ...]:
        """Who does not answer."""
        told = {"machines": self.machines, "connections": self.connections, "data": self.data, "alarms": self.alarms}
        return tuple(part for part, found in told.items() if found is None)  # type: ignore[misc]  # the names are Parts


@dataclass(frozen=True)
class Row:
    """A machine.

    `now` is None for one that tells no state and `data` for one that declares no signals or, unless `answered`, where nobody
    can say it. `links` names the connections
    that declare it, with how each stands if that is known. `alarms` are open; `lasting` counts those whose condition is not
    over, and `urgent` those of them that are no mere warnings. `loses` says that a connection of it lost samples.
    """

    thing: Thing
    type_name: Text
    now: EquipmentNow | None
    answered: bool
    data: DataNow | None
    links: Mapping[str, ConnectionNow | None]
    alarms: int | None
    lasting: int
    urgent: int
    loses: bool

    @cached_property
    def known(self) -> bool:
        """Whether any sample of it is known."""
        return self.data is not None and self.data.newest is not None

    @property
    def unknown(self) -> bool:
        """Whether nobody can say how it stands or what it measures."""
        if self.data is None:
            return self.now is None or not self.answered
        return not (self.known and self.answered)

    @cached_property
    def worry(self) -> Worry:
        """The worst that is known of it."""
        data, links = self.data, [each for each in self.links.values() if each is not None]
        verdicts: tuple[tuple[Worry, bool], ...] = (
            ("alarm", bool(self.urgent) or (self.now is not None and self.now.state == "alarm")),
            ("offline", (self.now is not None and self.now.state == "offline") or any(not each.up for each in links)),
            ("lost", self.loses),
            ("silent", data is not None and data.silent > 0),
            ("bad", data is not None and data.bad > 0),
            ("warning", bool(self.lasting)),
            ("waiting", any(max(each.waiting_s, each.behind_s) > LAGS_S for each in links)),
            ("uncertain", self.known and data is not None and data.uncertain + data.never > 0),
            ("unknown", self.unknown),
        )
        return next((worry for worry, holds in verdicts if holds), "fine")

    @cached_property
    def lists(self) -> frozenset[Show]:
        """The lists to which it belongs."""
        data, links = self.data, [each for each in self.links.values() if each is not None]
        verdicts: dict[Show, bool] = {
            "all": True,
            "wrong": self.worry not in {"fine", "unknown"},
            "alarms": bool(self.alarms),
            "offline": (self.now is not None and self.now.state == "offline") or any(not each.up for each in links),
            "silent": data is not None and data.silent > 0,
            "quality": data is not None and data.bad + data.uncertain > 0,
            "waiting": any(each.waiting or each.behind for each in links),
            "unknown": self.unknown,
        }
        return frozenset(show for show, holds in verdicts.items() if holds)


@dataclass(frozen=True)
class Wish:
    """What of the fleet is asked for. `area` is the beginning of an ISA-95 path, `connection` the id of one."""

    q: str = ""
    area: str = ""
    show: Show = "all"
    connection: str = ""
    page: int = 1

    def address(self, path: str = "/machines", **changes: str | int) -> str:
        """The address of a list; everything but another page begins at the first."""
        other = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]  # the fields' own types
        told = {
            "q": other.q, "area": other.area, "show": "" if other.show == "all" else other.show,
            "connection": other.connection, "page": "" if other.page == 1 else other.page,
        }  # fmt: skip
        query = urlencode({key: value for key, value in told.items() if value})
        return f"{path}?{query}" if query else path


def wish(q: str = "", area: str = "", show: str = "all", connection: str = "", page: int = 1) -> Wish:
    """What a query asks for; `Refused` for a list that there is not."""
    if show not in SHOWS:
        raise Refused("web.machines", f"There is no list of machines called '{show}'.", "Choose one on the page.")
    return Wish(q.strip()[:100], area[:400], show, connection[:200], min(max(page, 1), 1_000_000))


@dataclass(frozen=True)
class Fleet:
    """One page of a list, and the figures of all machines that fit words and place, whatever the list shows of them.

    `first` is the place of the page's first row, from 1; `connection` is the one that the list is narrowed to.
    """

    rows: tuple[Row, ...]
    total: int
    first: int
    pages: int
    counts: Mapping[Show, int]
    signals: int
    signals_silent: int
    waiting: int
    lost: int
    connection: ConnectionNow | None
    silent: tuple[Part, ...]


def links_of(packs: Iterable[Pack], sources: Iterable[Source]) -> dict[str, tuple[str, ...]]:
    """The connections that declare each equipment."""
    found: dict[str, dict[str, None]] = {}
    for pack in packs:
        answering = [(each.id, each.connection) for each in pack.equipment] + [
            (each.id, each.connection) for each in pack.meters
        ]
        for thing, connection in answering:
            found.setdefault(thing, {})[connection] = None
    for source in sources:
        for point in source.points:
            found.setdefault(point.path.partition("/")[0], {})[source.id] = None
    return {thing: tuple(connections) for thing, connections in found.items()}


def areas(model: ThingModel) -> tuple[str, ...]:
    """The areas of a tenant and the lines within them, as ISA-95 paths."""
    parts = {tuple(thing.place.split("/")) for thing in model.things}
    return tuple(sorted({"/".join(each[:depth]) for each in parts for depth in (3, 4) if len(each) >= depth}))


def fleet(model: ThingModel, links: Mapping[str, Sequence[str]], told: Told, wished: Wish) -> Fleet:
    """The machines that fit, the worst first."""
    fitting = [row for row in _rows(model, links, told) if _fits(row, wished)]
    counted = Counter(show for row in fitting for show in row.lists)
    counts = {show: counted[show] for show in SHOWS}
    shown = sorted((row for row in fitting if wished.show in row.lists), key=_rank)
    pages = max(1, -(-len(shown) // ROWS))
    first = (min(wished.page, pages) - 1) * ROWS
    reached = {each for row in fitting for each in row.links}
    connections = [each for each in told.connections or () if each.connection in reached]
    return Fleet(
        rows=tuple(shown[first : first + ROWS]), total=len(shown), first=first + 1, pages=pages, counts=counts,
        signals=sum(row.data.signals for row in fitting if row.data),
        signals_silent=sum(row.data.silent for row in fitting if row.data),
        waiting=sum(each.waiting for each in connections), lost=sum(each.dropped for each in connections),
        connection=next((each for each in told.connections or () if each.connection == wished.connection), None),
        silent=told.silent,
    )  # fmt: skip


def _rows(model: ThingModel, links: Mapping[str, Sequence[str]], told: Told) -> Iterable[Row]:
    names = {each.id: each.name for each in model.types}
    now = {each.equipment: each for each in told.machines or ()}
    data = {each.equipment: each for each in told.data or ()}
    stands = {each.connection: each for each in told.connections or ()}
    alarms: dict[str, list[Alarm]] = {}
    for alarm in told.alarms or ():
        alarms.setdefault(alarm.equipment, []).append(alarm)
    for thing in model.things:
        own = alarms.get(thing.id, [])
        lasting = [each for each in own if each.state != "returned"]
        at = {connection: stands.get(connection) for connection in links.get(thing.id, ())}
        yield Row(
            thing, names.get(thing.type, {"en": thing.type}), now.get(thing.id),
            told.machines is not None and told.data is not None, data.get(thing.id), at,
            None if told.alarms is None else len(own), len(lasting), sum(each.priority == "alarm" for each in lasting),
            any(each.limit == "lost" and each.state != "returned" for link in at for each in alarms.get(link, ())),
        )  # fmt: skip


def _rank(row: Row) -> tuple[int, int, str]:
    """Worst first; of equally bad ones those with more alarms and more silent signals."""
    return _WORRIES.index(row.worry), -(row.alarms or 0) - (row.data.silent if row.data else 0), row.thing.id


def _fits(row: Row, wished: Wish) -> bool:
    if wished.connection and wished.connection not in row.links:
        return False
    if wished.area and not f"{row.thing.place}/".startswith(f"{wished.area}/"):
        return False
    if not wished.q:
        return True
    text = " ".join((row.thing.id, *row.thing.name.values(), *row.type_name.values(), row.thing.place, *row.links)).casefold()
    return all(word in text for word in wished.q.casefold().split())
