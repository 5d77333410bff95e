"""How commands speak: results to stdout as text or JSON, progress and errors to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """A line of progress."""
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", file=sys.stderr, flush=True)  # noqa: T201


def warn(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def result(text: str) -> None:
    """A line of the result."""
    print(text, flush=True)  # noqa: T201


def result_json(data: Any) -> None:
    """The result for another program."""
    result(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_plain).decode())


def _plain(value: object) -> object:
    if hasattr(value, "__dict__"):
        return vars(value)
    return str(value)


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as aligned columns."""
    texts = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max([len(column), *(len(text[index]) for text in texts)]) for index, column in enumerate(columns)]
    for text in [list(columns), *texts]:
        result("  ".join(cell.ljust(width) for cell, width in zip(text, widths, strict=True)).rstrip())
