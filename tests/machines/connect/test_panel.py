import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import JobOrder, JobReport
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Conflict, NotFound, TryLater
from batchone.machines.connect.module import MODULE
from batchone.machines.connect.panel import KeyedPanel
from batchone.machines.connect.store import Store

ANNA = Actor("tinworks", "anna", "Anna", "engineer")
BEN = Actor("tinworks", "ben", "Ben", "planner")
ORDER = JobOrder("J-1", "O-1", "I-1", "10", "make-10", 5.0, "", 0.0, {"force": 1.0}, {})
REPORT = JobReport("J-1", "m1", "running", 1, 0.0, None, None, "make-10", True, {}, 0.0, "")


class Machines:
    """Counts what reaches the machines; raises what it is told to."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.error: Exception | None = None

    async def start_job(self, tenant: str, equipment: str, order: JobOrder) -> JobReport:
        self._do("start", equipment, order.job)
        return REPORT

    async def abort_job(self, tenant: str, equipment: str, job: str) -> None:
        self._do("abort", equipment, job)

    async def clear_job(self, tenant: str, equipment: str, job: str) -> None:
        self._do("clear", equipment, job)

    def _do(self, *what: str) -> None:
        self.done.append(what)
        if self.error:
            raise self.error


class Records:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str, str]] = []
        self.away = False

    async def record(self, actor, action, subject, key, outcome, details) -> None:
        if self.away:
            raise TryLater("audit.away", "The record is away.")
        self.lines.append((actor.person, action, subject, key, outcome))


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
async def panel(database: Database, machines: Machines, records: Records, clock) -> KeyedPanel:
    await migrate(database, "connect", MODULE.migrations)
    return KeyedPanel(machines, Store(database, "tinworks"), clock, lambda: records)  # type: ignore[arg-type]


async def test_a_command_reaches_the_machine_once_however_often_it_is_sent(panel, machines, records) -> None:
    first = await panel.start("m1", ORDER, ANNA, "k1")
    assert first == REPORT
    assert await panel.start("m1", ORDER, ANNA, "k1") == REPORT
    assert machines.done == [("start", "m1", "J-1")]
    assert records.lines == [("anna", "machine.start", "m1/J-1", "k1", "done")]


async def test_a_new_key_is_a_new_command(panel, machines) -> None:
    await panel.abort("m1", "J-1", ANNA, "k1")
    await panel.abort("m1", "J-1", ANNA, "k2")
    await panel.clear("m1", "J-1", BEN, "k1")
    assert machines.done == [("abort", "m1", "J-1"), ("abort", "m1", "J-1"), ("clear", "m1", "J-1")]


async def test_a_key_cannot_be_used_for_another_command(panel, machines) -> None:
    await panel.abort("m1", "J-1", ANNA, "k1")
    with pytest.raises(Conflict, match="another command"):
        await panel.abort("m1", "J-2", ANNA, "k1")
    assert len(machines.done) == 1


async def test_a_refusal_is_kept_and_recorded(panel, machines, records) -> None:
    machines.error = NotFound("machine.unknown", "There is no equipment m1.", "Look at the pack.")
    for _ in range(2):
        with pytest.raises(NotFound, match="no equipment m1"):
            await panel.abort("m1", "J-1", ANNA, "k1")
    assert len(machines.done) == 1
    assert records.lines == [("anna", "machine.abort", "m1/J-1", "k1", "refused")]


async def test_a_machine_that_did_not_answer_is_asked_again_under_the_same_key(panel, machines, records) -> None:
    machines.error = TryLater("machine.away", "It does not answer.")
    with pytest.raises(TryLater):
        await panel.start("m1", ORDER, ANNA, "k1")
    machines.error = None
    assert await panel.start("m1", ORDER, ANNA, "k1") == REPORT
    assert [line[-1] for line in records.lines] == ["unanswered", "done"]


async def test_what_could_not_be_recorded_is_recorded_when_the_command_comes_again(panel, machines, records) -> None:
    records.away = True
    with pytest.raises(TryLater, match="record"):
        await panel.start("m1", ORDER, ANNA, "k1")
    records.away = False
    assert await panel.start("m1", ORDER, ANNA, "k1") == REPORT
    assert len(machines.done) == 1
    assert [line[-1] for line in records.lines] == ["done"]
