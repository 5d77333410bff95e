import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchone.contracts.machines import JobOrder
from batchone.kernel.errors import Refused
from batchone.machines.connect import jobs
from batchone.machines.connect.driver import Garbled, JobResponse
from batchone.machines.connect.jobs import Sent

ORDER = JobOrder(
    job="J-1", order="O-1", item="I-1", op="40", program="shell-1", seconds=12.5, setup="a", setup_seconds=3.0,
    parameters={"length_mm": 1400.0, "film": "glass"}, facts={"layout": "cross"},
)  # fmt: skip
RUNNING = {
    "job": "J-1", "state": "running", "position": 2, "progress": 0.45, "started": "2026-01-01T08:00:00.000Z",
    "program": "shell-1", "parameters": {"film": "glass", "length_mm": 1400.0},
}  # fmt: skip
FINISHED = RUNNING | {
    "state": "finished", "progress": 1.0, "ended": "2026-01-01T08:10:00.000Z", "energy_kwh": 0.41, "results": {"mass": 5.5},
}  # fmt: skip


def test_an_order_travels_as_ascii_json_with_every_field() -> None:
    text = jobs.order_to_json(replace(ORDER, facts={"colour": "白"}))
    assert text.isascii()
    assert json.loads(text) == {
        "job": "J-1", "order": "O-1", "item": "I-1", "op": "40", "program": "shell-1", "seconds": 12.5, "setup": "a",
        "setup_seconds": 3.0, "parameters": {"length_mm": 1400.0, "film": "glass"}, "facts": {"colour": "白"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job", ""),
        ("job", "two words"),
        ("job", "J" * 33),
        ("job", "J-é"),
        ("program", ""),
        ("program", "p" * 33),
        ("op", ""),
        ("seconds", -1.0),
        ("seconds", float("nan")),
        ("setup_seconds", float("inf")),
        ("parameters", {"length_mm": float("nan")}),
    ],
)
def test_an_order_that_no_machine_could_take_is_refused(field: str, value: object) -> None:
    with pytest.raises(Refused, match=field):
        jobs.check_order(replace(ORDER, **{field: value}))


def test_a_sound_order_passes() -> None:
    jobs.check_order(ORDER)


def test_a_running_job_is_read() -> None:
    response = jobs.response_from_json(json.dumps(RUNNING))
    assert (response.state, response.position, response.progress) == ("running", 2, 0.45)
    assert response.started == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert response.parameters == {"film": "glass", "length_mm": 1400.0}


def test_a_finished_job_is_read_whole() -> None:
    response = jobs.response_from_json(json.dumps(FINISHED))
    assert response.ended == datetime(2026, 1, 1, 8, 10, tzinfo=UTC)
    assert (response.results, response.energy_kwh) == ({"mass": 5.5}, 0.41)


def test_a_refused_order_has_a_reason_only() -> None:
    response = jobs.response_from_json('{"job": "J-1", "state": "refused", "reason": "busy", "more": 1}')
    assert (response.state, response.reason, response.parameters) == ("refused", "busy", None)


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "null", '{"job": "J-1"}', '{"job": "J-1", "state": "dancing"}',
        json.dumps(RUNNING | {"progress": 7}), json.dumps(RUNNING | {"progress": "much"}), json.dumps(RUNNING | {"job": "J 1"}),
        json.dumps(RUNNING | {"started": None}), json.dumps(RUNNING | {"started": "2026-01-01T08:00:00"}),
        json.dumps(RUNNING | {"position": 0}), json.dumps(FINISHED | {"ended": None}),
        json.dumps(FINISHED | {"energy_kwh": float("inf")}), 12, None,
    ],
)  # fmt: skip
def test_what_is_no_job_response_is_garbled(text: object) -> None:
    with pytest.raises(Garbled):
        jobs.response_from_json(text)


def test_a_list_of_responses_is_sound_or_garbled_as_a_whole() -> None:
    assert [each.job for each in jobs.responses_from_json(json.dumps([RUNNING, RUNNING | {"job": "J-2"}]))] == ["J-1", "J-2"]
    with pytest.raises(Garbled):
        jobs.responses_from_json(json.dumps([RUNNING, {"job": "J-2"}]))


def test_the_read_back_agrees_only_with_what_was_sent() -> None:
    sent = jobs.sent_of(ORDER)
    response = jobs.response_from_json(json.dumps(RUNNING))
    assert jobs.agrees(response, sent)
    assert not jobs.agrees(replace(response, program="shell-2"), sent)
    assert not jobs.agrees(replace(response, parameters={"film": "glass", "length_mm": 1401.0}), sent)
    assert not jobs.agrees(replace(response, parameters={"film": "glass"}), sent)
    assert not jobs.agrees(response, None)


def test_a_checksum_stands_for_parameters_that_a_protocol_has_no_room_for() -> None:
    sent = jobs.sent_of(ORDER)
    canonical = b'{"film":"glass","length_mm":1400.0}'
    response = JobResponse("J-1", "running", program="shell-1", checksum=zlib.crc32(canonical))
    assert jobs.agrees(response, sent)
    assert not jobs.agrees(replace(response, checksum=1), sent)
    assert jobs.agrees(response, Sent("shell-1", canonical.decode()))


def test_a_report_leaves_out_measurements_that_are_no_numbers() -> None:
    response = jobs.response_from_json(json.dumps(FINISHED | {"results": {"mass": float("nan"), "length": 2.0}}))
    report = jobs.to_report("m1", response, jobs.sent_of(ORDER))
    assert report.results == {"length": 2.0}
    assert (report.equipment, report.parameters_match) == ("m1", True)


def test_a_job_in_both_lists_has_ended() -> None:
    running = jobs.response_from_json(json.dumps(RUNNING))
    ended = jobs.response_from_json(json.dumps(FINISHED))
    other = replace(running, job="J-2")
    assert jobs.merged((running, other), (ended,)) == (ended, other)


def test_only_reports_that_differ_are_news() -> None:
    report = jobs.to_report("m1", jobs.response_from_json(json.dumps(RUNNING)), None)
    later = replace(report, progress=0.5)
    assert jobs.changed({}, (report,)) == (report,)
    assert jobs.changed({"J-1": report}, (report,)) == ()
    assert jobs.changed({"J-1": report}, (later,)) == (later,)
