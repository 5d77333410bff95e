"""A shop's own log as a planning problem: reported spans in, learnt routings and calendars, and planned against actual out.

Generic over the log: rows of order, activity, worker, begin, end. Rows that make no sense are named with their line and
reason. The comparison says what it shows and what it does not.
"""

from batchone.chain.planning.eventlog.compare import OrderComparison, View, problem_of
from batchone.chain.planning.eventlog.learn import Learnt, Order, Piece, Sharing, Worker, learn
from batchone.chain.planning.eventlog.read import Columns, RowIssue, Span, read_spans
from batchone.chain.planning.eventlog.report import LogReport, import_log

__all__ = [
    "Columns",
    "Learnt",
    "LogReport",
    "Order",
    "OrderComparison",
    "Piece",
    "RowIssue",
    "Sharing",
    "Span",
    "View",
    "Worker",
    "import_log",
    "learn",
    "problem_of",
    "read_spans",
]
