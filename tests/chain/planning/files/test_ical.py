from datetime import UTC, datetime

import pytest
from tests.chain.planning.judge.rich import summed
from tests.chain.planning.problems import op, problem

from batchone.chain.planning import Assignment, Job, Resource
from batchone.chain.planning.files import ical
from batchone.kernel.errors import NotFound

LONG = "prüfen; messen, wiegen \\ 门 " * 6
OF = problem(
    [Resource("r"), Resource("tool"), Resource("idle")], [Job("j")], [op("j.0", "r", needs=("tool",)), op(f"j.{LONG}", "r")]
)
PLAN = summed(OF, [Assignment("j.0", "j", "r", 0, 0, 5, 15, (("tool", 0),)), Assignment(f"j.{LONG}", "j", "r", 0, 15, 15, 15)])


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def test_a_resource_has_an_event_for_each_of_its_operations() -> None:
    lines = unfolded(ical.write(PLAN, "r"))
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2
    assert "DTSTART:20260105T000000Z" in lines
    assert "DTEND:20260105T000015Z" in lines
    assert "SUMMARY:j.0 (j)" in lines


def test_an_event_without_length_has_no_end() -> None:
    assert sum(line.startswith("DTEND") for line in unfolded(ical.write(PLAN, "r"))) == 1


def test_a_tool_has_the_operations_that_need_it() -> None:
    lines = unfolded(ical.write(PLAN, "tool"))
    assert "SUMMARY:j.0 (j) on r" in lines
    assert lines.count("BEGIN:VEVENT") == 1


def test_lines_are_folded_at_75_octets_and_text_is_escaped() -> None:
    text = ical.write(PLAN, "r")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    escaped = LONG.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert f"SUMMARY:j.{escaped} (j)" in unfolded(text)
    assert text.endswith("END:VCALENDAR\r\n")


def test_names_cannot_smuggle_lines_in() -> None:
    bad = "x\r\nBEGIN:VEVENT\x07"
    of = problem([Resource("r")], [Job("j")], [op(f"j.{bad}", "r")])
    lines = unfolded(ical.write(summed(of, [Assignment(f"j.{bad}", "j", "r", 0, 0, 0, 10)]), "r"))
    assert lines.count("BEGIN:VEVENT") == 1
    assert "SUMMARY:j.x\\nBEGIN:VEVENT (j)" in lines


def test_a_resource_without_work_has_an_empty_calendar_and_an_unknown_one_none() -> None:
    assert "VEVENT" not in ical.write(PLAN, "idle", ("idle",))
    with pytest.raises(NotFound, match="ghost"):
        ical.write(PLAN, "ghost", ("idle",))


def test_the_same_plan_makes_the_same_file() -> None:
    assert ical.write(PLAN, "r") == ical.write(PLAN, "r")
    assert f"DTSTAMP:{datetime(2026, 1, 5, tzinfo=UTC):%Y%m%dT%H%M%SZ}" in ical.write(PLAN, "r")


def test_another_program_reads_it() -> None:
    icalendar = pytest.importorskip(
        "icalendar", reason="icalendar, a peer that is not among the locked packages, is not installed"
    )
    events = icalendar.Calendar.from_ical(ical.write(PLAN, "r")).walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in events] == ["j.0 (j)", f"j.{LONG} (j)"]
    assert events[0]["DTSTART"].dt == PLAN.at(0)
