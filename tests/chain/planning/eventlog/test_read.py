from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchone.chain.planning.eventlog import Columns, read_spans
from batchone.kernel.errors import Refused

HEAD = "case_id,activity,resource,start_timestamp,timestamp\n"
GOOD = "O1,Turning,W1,2012/01/02 07:00:00,2012/01/02 09:00:00\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_row_becomes_a_span_with_its_line(tmp_path: Path) -> None:
    spans, issues = read_spans(written(tmp_path, HEAD + GOOD))
    assert issues == ()
    (span,) = spans
    assert (span.line, span.order, span.activity, span.worker, span.seconds) == (2, "O1", "Turning", "W1", 7200)
    assert span.begin == datetime(2012, 1, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        ("O1,,W1,2012/01/02 07:00:00,2012/01/02 09:00:00\n", "incomplete", "has no activity"),
        ("O1,Turning\n", "incomplete", "resource, start_timestamp, timestamp"),
        ("O1,Turning,W1,noon,2012/01/02 09:00:00\n", "time", "'noon'"),
        ("O1,Turning,W1,2012/01/02 07:00:00,2012/02/30 09:00:00\n", "time", "2012/02/30"),
        ("O1,Turning,W1,2012/01/02 07:00:00,2012/01/02 06:00:00\n", "negative", "ends before it begins"),
        ("O1,Turning,W1,2012/01/02 07:00:00,2012/01/02 07:00:00\n", "zero", "same moment"),
        (GOOD, "repeat", "repeats line 2"),
    ],
)
def test_a_row_that_makes_no_sense_is_left_out_by_name(tmp_path: Path, row: str, kind: str, said: str) -> None:
    spans, issues = read_spans(written(tmp_path, HEAD + GOOD + row))
    assert len(spans) == 1
    (issue,) = issues
    assert (issue.line, issue.left_out, issue.kind) == (3, True, kind)
    assert said in issue.reason


def test_every_row_is_either_a_span_or_named(tmp_path: Path) -> None:
    text = HEAD + GOOD + GOOD + "O1,,,,\n" + "O2,Turning,W1,2012/01/02 09:00:00,2012/01/02 09:05:00\n"
    spans, issues = read_spans(written(tmp_path, text))
    assert sorted([span.line for span in spans] + [issue.line for issue in issues if issue.left_out]) == [2, 3, 4, 5]


def test_a_very_long_report_is_kept_with_doubt(tmp_path: Path) -> None:
    spans, issues = read_spans(written(tmp_path, HEAD + "O1,Turning,W1,2012/01/02 07:00:00,2012/01/03 00:30:00\n"))
    assert len(spans) == 1
    assert [(issue.kind, issue.left_out) for issue in issues] == [("long", False)]


def test_overlapping_reports_of_the_same_work_are_kept_with_doubt(tmp_path: Path) -> None:
    spans, issues = read_spans(written(tmp_path, HEAD + GOOD + "O1,Turning,W1,2012/01/02 08:00:00,2012/01/02 10:00:00\n"))
    assert len(spans) == 2
    assert [(issue.line, issue.kind, issue.left_out) for issue in issues] == [(3, "double", False)]


def test_columns_may_have_other_names_and_times_other_forms(tmp_path: Path) -> None:
    path = written(tmp_path, "order,step,who,from,to\nO1,Turning,W1,2012-01-02T07:00:00,2012-01-02 08:00:00\n")
    spans, _ = read_spans(path, columns=Columns("order", "step", "who", "from", "to"))
    assert spans[0].seconds == 3600


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"a,b\n1,2\n", "eventlog.columns"), (b"", "eventlog.columns"), (b"case_id,\xff\xfe\n", "eventlog.encoding")],
)
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(Refused) as refusal:
        read_spans(path)
    assert refusal.value.code == code


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no file .*none\.csv"):
        read_spans(tmp_path / "none.csv")
