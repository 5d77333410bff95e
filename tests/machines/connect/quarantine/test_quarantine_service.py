"""Quarantine in a real database: kept over restarts, bounded, judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.quarantine import OTHERS
from batchone.contracts.sources import Source
from batchone.contracts.things import SignalType, Thing
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Forbidden, NotFound, Refused, TryLater
from batchone.machines.connect.driver import Fault
from batchone.machines.connect.module import MODULE
from batchone.machines.connect.quarantine.counting import Quarantine
from batchone.machines.connect.quarantine.service import QuarantineService
from batchone.machines.connect.quarantine.store import QuarantineStore

pytestmark = pytest.mark.engine
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHEN = Actor("t", "chen", "Chen", "engineer")
HUM = Thing("fan-1", "", {}, "", signals=(SignalType("hum", {"en": "Hum"}, "dB(A)"),))


class Others:
    """Sources, things and the audit record, as far as quarantine uses them."""

    def __init__(self) -> None:
        self.sources: tuple[Source, ...] = (Source("mq", "mqtt://127.0.0.1:1883"),)
        self.connected: list[tuple[Source, tuple[Thing, ...]]] = []
        self.extended: list[tuple[Thing, ...]] = []
        self.lines: list[tuple[str, str]] = []
        self.refuses = False

    async def declared(self, tenant: str) -> tuple[Source, ...]:
        return self.sources

    async def connect(self, tenant: str, source: Source, things: tuple[Thing, ...], note: str, actor: Actor) -> int:
        if self.refuses:
            raise Refused("connections.faults", "It cannot be.", "Correct it.")
        self.connected.append((source, things))
        return 1

    async def extend(self, tenant: str, things: tuple[Thing, ...], note: str, actor: Actor) -> None:
        self.extended.append(things)

    async def record(self, actor: Actor, action: str, subject: str, key: str, outcome: str, details: object) -> None:
        self.lines.append((subject, outcome))


@pytest.fixture
async def tables(database: Database) -> Database:
    await migrate(database, "connect", MODULE.migrations)
    return database


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
def counting() -> dict[str, Quarantine]:
    return {name: Quarantine(name) for name in ("mq", "line")}


@pytest.fixture
def desk(tables: Database, clock, others: Others, counting: dict[str, Quarantine]) -> QuarantineService:
    return desk_over(QuarantineStore(tables, "t"), clock, others, counting)


def desk_over(store, clock, others: Others, counting: dict[str, Quarantine]) -> QuarantineService:
    return QuarantineService("t", store, clock, lambda: counting, others, lambda: others, lambda: others)  # type: ignore[arg-type, return-value]


async def test_it_is_kept_over_a_restart_and_counted_on(desk, tables, clock, others, counting) -> None:
    counting["line"].undeclared("m1/hum", 3, 1.5, NOON)
    counting["mq"].unreadable(Fault("plant/x", 1, "no number"), NOON)
    assert len(await desk.listed("t")) == 2
    fresh = {"line": Quarantine("line")}
    after = desk_over(QuarantineStore(tables, "t"), clock, others, fresh)
    fresh["line"].undeclared("m1/hum", 2, 2.5, NOON + timedelta(hours=1))
    line, mq = await after.listed("t")
    assert (line.connection, line.path, line.reason, line.count, line.value) == ("line", "m1/hum", "undeclared", 5, 2.5)
    assert (line.first, line.last) == (NOON, NOON + timedelta(hours=1))
    assert (mq.path, mq.reason, mq.what, mq.value) == ("plant/x", "unreadable", "no number", None)


async def test_a_million_undeclared_signals_fill_neither_memory_nor_database(tables, clock, others, counting) -> None:
    desk = desk_over(QuarantineStore(tables, "t", most=12, most_of_one=8), clock, others, counting)
    for start in range(0, 60, 20):
        for name, quarantine in counting.items():
            for number in range(start, start + 20):
                quarantine.undeclared(f"{name}/{number}", 2, float(number), NOON)
        await desk.store()
    listed = await desk.listed("t")
    assert len([each for each in listed if each.path != OTHERS]) == 12
    assert {each.connection for each in listed if each.path == OTHERS} == {"mq", "line"}
    assert sum(each.count for each in listed) == 240, "every sample is counted somewhere"
    assert sum(each.connection == "mq" for each in listed) == 9


async def test_what_cannot_be_stored_while_the_database_is_away_is_stored_later(desk, counting, monkeypatch) -> None:
    counting["line"].undeclared("m1/hum", 3, 1.5, NOON)

    async def away(_: object) -> None:
        raise TryLater("database.away", "It is away.")

    with monkeypatch.context() as patched:
        patched.setattr(desk._store, "add", away)
        with pytest.raises(TryLater):
            await desk.store()
    assert [each.count for each in await desk.listed("t")] == [3]


async def test_at_a_declared_connection_a_path_becomes_the_address_of_a_signal(desk, others, counting) -> None:
    counting["mq"].undeclared("mq/plant/fan#hum", 3, 41.0, NOON)
    await desk.adopt("t", "mq", "mq/plant/fan#hum", HUM, CHEN)
    ((source, things),) = others.connected
    assert [(point.path, point.address) for point in source.points] == [("fan-1/hum", "plant/fan#hum")]
    assert things == (HUM,)
    counting["mq"].undeclared("mq/plant/fan#hum", 1, 41.0, NOON)
    assert await desk.listed("t") == (), "nor does it come back before its connection has heard of it"


async def test_a_machine_of_a_pack_tells_its_signals_by_name(desk, others, counting) -> None:
    counting["line"].undeclared("fan-1/hum", 3, 41.0, NOON)
    counting["line"].undeclared("fan-1/noise", 3, 41.0, NOON)
    with pytest.raises(Refused, match="cannot be read as fan-1/hum"):
        await desk.adopt("t", "line", "fan-1/noise", HUM, CHEN)
    await desk.adopt("t", "line", "fan-1/hum", HUM, CHEN)
    assert others.extended == [(HUM,)]
    assert [each.path for each in await desk.listed("t")] == ["fan-1/noise"]


async def test_a_signal_of_one_position_is_adopted_for_all_of_them(desk, others, counting) -> None:
    counting["line"].undeclared("fan-1/P02/hum", 3, 41.0, NOON)
    with pytest.raises(Refused):
        await desk.adopt("t", "line", "fan-1/P02/hum", HUM, CHEN)
    each = replace(HUM, signals=(replace(HUM.signals[0], scope="position"),))
    await desk.adopt("t", "line", "fan-1/P02/hum", each, CHEN)
    assert others.extended == [(each,)]


async def test_what_was_refused_stays_in_quarantine(desk, others, counting) -> None:
    counting["mq"].undeclared("mq/plant/fan#hum", 3, 41.0, NOON)
    others.refuses = True
    with pytest.raises(Refused):
        await desk.adopt("t", "mq", "mq/plant/fan#hum", HUM, CHEN)
    assert [each.path for each in await desk.listed("t")] == ["mq/plant/fan#hum"]


async def test_what_is_dismissed_is_counted_on_stands_last_and_comes_back_when_asked(desk, others, counting) -> None:
    counting["mq"].undeclared("a", 9, 1.0, NOON)
    counting["mq"].undeclared("b", 1, 1.0, NOON)
    await desk.listed("t")
    await desk.dismiss("t", "mq", "a", CHEN)
    counting["mq"].undeclared("a", 1, 2.0, NOON)
    listed = await desk.listed("t")
    assert [(each.path, each.count, each.dismissed_by) for each in listed] == [("b", 1, ""), ("a", 10, "chen")]
    await desk.restore("t", "mq", "a", CHEN)
    assert [each.path for each in await desk.listed("t")] == ["a", "b"]
    assert others.lines == [("mq/a", "dismissed"), ("mq/a", "restored")]


async def test_only_engineers_of_the_enterprise_judge_and_only_what_is_there(desk) -> None:
    for actor in (Actor("t", "li", "Li", "operator"), Actor("u", "wu", "Wu", "engineer")):
        with pytest.raises(Forbidden):
            await desk.dismiss("t", "mq", "a", actor)
    with pytest.raises(NotFound):
        await desk.dismiss("t", "mq", "a", CHEN)
    with pytest.raises(NotFound):
        await desk.adopt("t", "mq", "a", HUM, CHEN)
    with pytest.raises(NotFound):
        await desk.listed("u")
