"""Reads reported spans from a CSV file; every row that cannot be used, or only with doubt, is named."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from batchone.kernel.errors import Refused

TIME_FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
LONG_S = 16 * 3600
"""A single report longer than this is doubtful: few people work so long without a break."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns in the file."""

    order: str = "case_id"
    activity: str = "activity"
    worker: str = "resource"
    begin: str = "start_timestamp"
    end: str = "timestamp"

    def names(self) -> tuple[str, ...]:
        """All of them, in the order of a span's fields."""
        return self.order, self.activity, self.worker, self.begin, self.end


AS_MINED = Columns()
"""The names that process-mining exports use."""


@dataclass(frozen=True, slots=True)
class Span:
    """One usable row: a worker reported an activity on an order from `begin` to `end`. `line` is its line in the file."""

    line: int
    order: str
    activity: str
    worker: str
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length."""
        return round((self.end - self.begin).total_seconds())


@dataclass(frozen=True, slots=True)
class RowIssue:
    """A row that was left out (or kept with doubt), where it is, and why; `text` is the row as it stands."""

    line: int
    left_out: bool
    kind: str
    reason: str
    text: str


def read_spans(path: Path, *, columns: Columns = AS_MINED, zone: tzinfo = UTC) -> tuple[tuple[Span, ...], tuple[RowIssue, ...]]:
    """The usable rows in the order of the file, and the others.

    Times without a zone are taken in `zone`. `Refused` if the file is not there, is not UTF-8 text, or lacks a column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise Refused("eventlog.missing", f"There is no file {path}.", "Name the CSV file of the log.", file=path) from error
    except UnicodeDecodeError as error:
        raise Refused("eventlog.encoding", f"{path} is not UTF-8 text.", "Save it as CSV in UTF-8.", file=path) from error
    reader = csv.DictReader(text.splitlines())
    absent = [name for name in columns.names() if name not in (reader.fieldnames or ())]
    if absent:
        raise Refused(
            "eventlog.columns",
            f"{path.name} has no column {', '.join(absent)}.",
            f"Name the columns of the file; it has {', '.join(reader.fieldnames or ('none',))}.",
            file=path,
        )
    spans: list[Span] = []
    issues: list[RowIssue] = []
    seen: dict[tuple[str, ...], int] = {}
    for row in reader:
        span = _span(reader.line_num, row, columns, zone, seen)
        if isinstance(span, RowIssue):
            issues.append(span)
        else:
            spans.append(span)
            issues += _doubts(span, _text(row, columns))
    return tuple(spans), (*issues, *_double_reports(spans))


def _text(row: Mapping[str, str | None], columns: Columns) -> str:
    return ",".join(row.get(name) or "" for name in columns.names())


def _span(
    line: int, row: Mapping[str, str | None], columns: Columns, zone: tzinfo, seen: dict[tuple[str, ...], int]
) -> Span | RowIssue:
    values = tuple((row.get(name) or "").strip() for name in columns.names())

    def left_out(kind: str, reason: str) -> RowIssue:
        return RowIssue(line, True, kind, reason, _text(row, columns))

    empty = [name for name, value in zip(columns.names(), values, strict=True) if not value]
    if empty:
        return left_out("incomplete", f"has no {', '.join(empty)}")
    begin, end = _time(values[3], zone), _time(values[4], zone)
    if begin is None or end is None:
        return left_out("time", f"has a time that cannot be read: {values[3] if begin is None else values[4]!r}")
    if end < begin:
        return left_out("negative", "ends before it begins")
    if end == begin:
        return left_out("zero", "begins and ends at the same moment, so there is no work in it")
    first = seen.setdefault(values, line)
    if first != line:
        return left_out("repeat", f"repeats line {first} in every field; a worker's time counts once")
    return Span(line, values[0], values[1], values[2], begin, end)


def _time(text: str, zone: tzinfo) -> datetime | None:
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def _doubts(span: Span, text: str) -> Iterator[RowIssue]:
    if span.seconds > LONG_S:
        yield RowIssue(span.line, False, "long", f"is one report of {span.seconds / 3600:.1f} hours by one worker", text)


def _double_reports(spans: Sequence[Span]) -> Iterator[RowIssue]:
    """Reports of one worker on one order and activity that overlap: the same work told twice, or two parts at once."""
    by: dict[tuple[str, str, str], list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.begin, span.end, span.line)):
        by.setdefault((span.worker, span.order, span.activity), []).append(span)
    for group in by.values():
        last = group[0]
        for span in group[1:]:
            if span.begin < last.end:
                text = f"{span.order},{span.activity},{span.worker},{span.begin:%Y-%m-%d %H:%M},{span.end:%Y-%m-%d %H:%M}"
                reason = f"overlaps line {last.line} of the same worker, order and activity; the time of both counts once"
                yield RowIssue(span.line, False, "double", reason, text)
            if span.end > last.end:
                last = span
