import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import DAY_SHIFT, ORIGIN, UNHURRIED, op, problem

from batchone.chain.planning import Job, Problem, Resource, solve, validate
from batchone.chain.planning.checks import faults_of
from batchone.chain.planning.files import b2mml
from batchone.kernel.errors import Refused

XSD = os.environ.get("BATCHONE_B2MML_XSD", "")
OF = problem(
    [Resource("r", ("a",), calendar="day"), Resource("s")],
    [Job("j", 90_000, 3), Job("k")],
    [op("j.0", "a", 60), op("j.1", "s", 5, ("j.0",)), op("k.0", "s", 9, ("j.0",))],
    calendars=(DAY_SHIFT,),
)
PLAN = solve(OF, 0, 1)
TEXT = b2mml.write(OF, PLAN).decode()


@settings(UNHURRIED, max_examples=20)
@given(rich_problems())
@pytest.mark.skipif(
    not XSD, reason="BATCHONE_B2MML_XSD does not name the folder of MESA's B2MML schemas, which are not ours to keep"
)
def test_what_is_written_keeps_the_published_schema(of: Problem) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml, which is not among the locked packages, is not installed")
    schema = etree.XMLSchema(etree.parse(str(Path(XSD) / "B2MML-OperationsSchedule.xsd")))
    for text in (TEXT.encode(), b2mml.write(of, one_by_one(of))):
        assert schema.validate(etree.fromstring(text).getroottree()), schema.error_log


def test_a_plan_is_a_schedule_of_requests_and_segments() -> None:
    assert f'<OperationsSchedule xmlns="{b2mml.NAMESPACE}">' in TEXT
    assert TEXT.count("<OperationsRequest>") == 2
    assert TEXT.count("<SegmentRequirement>") == 3
    assert "<EarliestStartTime>2026-01-05T06:00:00+00:00</EarliestStartTime>" in TEXT
    assert "<Duration>PT60S</Duration>" in TEXT


def test_a_written_plan_is_read_as_the_work_it_asks_for() -> None:
    again = b2mml.read(TEXT)
    first = PLAN.assignments[0]
    assert again.origin == PLAN.at(first.setup_start_s)
    assert not list(faults_of(again))
    assert {o.id: o.predecessors for o in again.operations} == {o.id: o.predecessors for o in OF.operations}
    assert [(job.id, job.weight) for job in again.jobs] == [("j", 3), ("k", 1)]
    ends = {j.job: PLAN.at(j.end_s) for j in PLAN.jobs}
    assert {job.id: again.at(job.due_s or 0) for job in again.jobs} == ends
    plan = solve(again, 0, 1)
    assert validate(again, plan) == []
    assert plan.objective.weighted_tardiness_s == 0
    assert [again.at(a.start_s) for a in plan.assignments] == [PLAN.at(a.start_s) for a in PLAN.assignments]


def segment(inside: str, name: str = "10") -> str:
    ids = "<OperationsDefinitionID>d</OperationsDefinitionID><OperationsSegmentID>s</OperationsSegmentID>"
    return f"<SegmentRequirement><ID>{name}</ID>{inside}<ProcessSegmentID>p</ProcessSegmentID>{ids}</SegmentRequirement>"


def schedule(*requests: str, begins: str = "2026-01-05T06:00:00Z") -> str:
    head = f'<?xml version="1.0"?><OperationsSchedule xmlns="{b2mml.NAMESPACE}"><ID>s</ID>'
    start = f"<StartTime>{begins}</StartTime>" if begins else ""
    parts = [f"<OperationsRequest><ID>o{n}</ID>{request}</OperationsRequest>" for n, request in enumerate(requests)]
    return head + start + "".join(parts) + "</OperationsSchedule>"


def asks(kind: str, name: str, count: str = "") -> str:
    quantity = f"<Quantity><QuantityString>{count}</QuantityString></Quantity>" if count else ""
    who = "Personnel" if kind.startswith("Person") else "Equipment"
    return f"<{who}Requirement><ID>x</ID><{kind}>{name}</{kind}>{quantity}</{who}Requirement>"


HOUR = "<Duration>PT1H</Duration>"
DONE = HOUR + asks("EquipmentID", "m1")


def test_the_first_equipment_does_it_and_the_rest_is_needed() -> None:
    inside = HOUR + asks("EquipmentClassID", "mill") + asks("EquipmentID", "jig") + asks("PersonnelClassID", "fitter", "2")
    of = b2mml.read(schedule(segment(inside)))
    (operation,) = of.operations
    assert (operation.alternatives[0].on, operation.alternatives[0].duration_s) == ("mill", 3600)
    assert operation.needs == ("jig", "fitter", "fitter")
    assert {r.id for r in of.resources} == {"mill", "jig", "fitter"}


def test_segments_follow_each_other_and_like_ids_are_told_apart_by_their_request() -> None:
    of = b2mml.read(schedule(segment(DONE) + segment(DONE, "20"), segment(DONE)))
    assert {o.id: o.predecessors for o in of.operations} == {"o0/10": (), "20": ("o0/10",), "o1/10": ()}


def test_the_plant_may_be_given() -> None:
    plant = (Resource("m1", calendar="always", positions=3),)
    assert b2mml.read(schedule(segment(DONE)), resources=plant).resources == plant
    with pytest.raises(Refused, match="'m1' is asked for"):
        b2mml.read(schedule(segment(DONE)), resources=(Resource("m2"),))


def test_a_time_without_an_offset_is_in_the_zone_that_is_said() -> None:
    of = b2mml.read(schedule("<StartTime>2026-01-05T06:01:00</StartTime>" + segment(DONE)))
    assert of.jobs[0].release_s == 60
    assert of.origin == replace(OF, origin=ORIGIN).at(6 * 3600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<a>", "line 1, column 4"),
        ("<a/>", "the root element: 'a' stands there; expected an OperationsSchedule"),
        ('<!DOCTYPE x [<!ENTITY e "x">]><a>&e;</a>', "XML without entities"),
        (schedule(), "OperationsSchedule: it has no OperationsRequest"),
        (schedule(""), "OperationsSchedule/OperationsRequest[1]: it has no SegmentRequirement"),
        (schedule(segment(asks("EquipmentID", "m"))), "OperationsRequest[1]/SegmentRequirement[1]/Duration: it is missing"),
        (
            schedule(segment("<Duration>P1M</Duration>")),
            "SegmentRequirement[1]/Duration: 'P1M' stands there; expected a duration",
        ),
        (schedule(segment("<Duration>P</Duration>")), "'P' stands there"),
        (schedule(segment(HOUR)), "nothing says where it is done"),
        (schedule(segment(HOUR + asks("EquipmentUse", "x"))), "it names nothing"),
        (schedule(segment(HOUR + asks("EquipmentID", "m", "0"))), "Quantity: '0' stands there"),
        (schedule(segment("<EarliestStartTime>soon</EarliestStartTime>" + DONE)), "EarliestStartTime: 'soon' stands there"),
        (schedule("<Priority>high</Priority>" + segment(DONE)), "OperationsRequest[1]/Priority: 'high' stands there"),
        (schedule(segment(DONE), begins=""), "no time says when it begins"),
        (schedule(segment("<SegmentRequirementChild/>" + DONE)), "a segment within a segment"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_with_its_path(text: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        b2mml.read(text, "s.xml")
    assert said in refusal.value.what
    assert refusal.value.what.startswith("s.xml, ")


def test_an_empty_plan_or_an_unspeakable_name_is_no_schedule() -> None:
    empty = problem([], [], [])
    with pytest.raises(Refused, match="empty plan"):
        b2mml.write(empty, solve(empty, 0, 1))
    odd = problem([Resource("r")], [Job("j")], [op("j.\x07", "r")])
    with pytest.raises(Refused, match="XML cannot hold"):
        b2mml.write(odd, solve(odd, 0, 1))
