"""Problems and plans as JSON, complete: what is written is read back equal.

An object says `"format": "batchone-problem"` or `"batchone-plan"` and `"version": 1`; then come the fields of `Problem` or
`Plan` under their own names, times as seconds from `origin`, which is an ISO 8601 time with its offset. A field that has its
default may be missing, and is not written. Any other key is refused, with its path.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from batchone.chain.planning.files.text import malformed, refuse_too_many
from batchone.chain.planning.model import Plan, Problem
from batchone.kernel.errors import Refused

PROBLEM, PLAN = "batchone-problem", "batchone-plan"
VERSION = 1

_T = TypeVar("_T")
_Decoder = Callable[[Any, str], Any]


def read_problem(text: str | bytes, name: str = "the file") -> Problem:
    """A problem. `Refused` with the path of what is not as it must be."""
    return _read(text, name, PROBLEM, Problem)


def read_plan(text: str | bytes, name: str = "the file") -> Plan:
    """A plan. `Refused` with the path of what is not as it must be."""
    return _read(text, name, PLAN, Plan)


def write_problem(problem: Problem) -> bytes:
    """A problem as JSON."""
    return _write(PROBLEM, problem)


def write_plan(plan: Plan) -> bytes:
    """A plan as JSON."""
    return _write(PLAN, plan)


def _write(kind: str, value: Any) -> bytes:
    return orjson.dumps({"format": kind, "version": VERSION, **_encoded(value)}, option=orjson.OPT_INDENT_2) + b"\n"


def _encoded(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kept = [(field, getattr(value, field.name)) for field in _fields(type(value))]
        return {field.name: _encoded(x) for field, x in kept if field.default is MISSING or x != field.default}
    if isinstance(value, tuple):
        return [_encoded(x) for x in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        raise Refused("planning.file", f"{value} cannot be written as JSON.", "Correct the number.")
    return str(value) if isinstance(value, StrEnum) else value


def _read(text: str | bytes, name: str, kind: str, cls: type[_T]) -> _T:
    try:
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise malformed(name, f"line {error.lineno}, column {error.colno}", error.msg, "JSON") from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise malformed(name, "somewhere", str(error), "JSON in UTF-8") from None
    if not isinstance(data, dict) or data.get("format") != kind:
        raise malformed(
            name, "format", f"{_shown(data.get('format') if isinstance(data, dict) else data)} stands there", repr(kind)
        )
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise malformed(
            name, "version", f"{_shown(data.get('version'))} stands there", f"{VERSION}, the version this program reads"
        )
    rest = {key: value for key, value in data.items() if key not in ("format", "version")}
    operations = rest.get("operations", rest.get("assignments"))
    refuse_too_many(name, len(operations) if isinstance(operations, list) else 0)
    try:
        decode: _Decoder = _decoder(cls)  # type: ignore[arg-type]
        made: _T = decode(rest, "")
    except _WrongError as error:
        raise malformed(name, error.path or "the whole", error.what, error.expected) from None
    return made


class _WrongError(Exception):
    def __init__(self, path: str, what: str, expected: str) -> None:
        super().__init__(path)
        self.path, self.what, self.expected = path, what, expected


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"an object has the key {twice!r} twice")
    return out


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else text[:40] + "..."


def _fields(cls: type) -> list[Field[Any]]:
    return [field for field in fields(cls) if field.init]


@cache
def _decoder(tp: Any) -> _Decoder:
    """What turns a JSON value into a type of the model."""
    if isinstance(tp, type) and is_dataclass(tp):
        return _dataclass(tp)
    if get_origin(tp) is tuple:
        return _tuple(get_args(tp))
    if get_origin(tp) in (Union, types.UnionType):
        (inner,) = [x for x in get_args(tp) if x is not type(None)]
        decode = _decoder(inner)
        return lambda value, path: None if value is None else decode(value, path)
    if isinstance(tp, type) and issubclass(tp, StrEnum):
        return _enum(tp)
    return {int: _int, float: _float, str: _str, bool: _bool, datetime: _datetime}[tp]


def _dataclass(cls: type) -> _Decoder:
    hints = get_type_hints(cls)
    known = {field.name: _decoder(hints[field.name]) for field in _fields(cls)}
    needed = [field.name for field in _fields(cls) if field.default is MISSING and field.default_factory is MISSING]

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _WrongError(path, f"{_shown(value)} stands there", f"an object, {cls.__name__}")
        dot = f"{path}." if path else ""
        for key in value:
            if key not in known:
                raise _WrongError(f"{dot}{key}", f"{cls.__name__} has no such key", f"one of {', '.join(known)}")
        for key in needed:
            if key not in value:
                raise _WrongError(f"{dot}{key}", "it is missing", f"it in every {cls.__name__}")
        made = {key: known[key](x, f"{dot}{key}") for key, x in value.items()}
        try:
            return cls(**made)
        except ValueError as error:
            raise _WrongError(path, str(error), f"a {cls.__name__} that makes sense") from None

    return decode


def _tuple(args: tuple[Any, ...]) -> _Decoder:
    if len(args) == 2 and args[1] is Ellipsis:
        each = _decoder(args[0])

        def decode(value: Any, path: str) -> Any:
            if not isinstance(value, list):
                raise _WrongError(path, f"{_shown(value)} stands there", "a list")
            return tuple(each(x, f"{path}[{i}]") for i, x in enumerate(value))

        return decode
    parts = [_decoder(arg) for arg in args]

    def decode_fixed(value: Any, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(parts):
            raise _WrongError(path, f"{_shown(value)} stands there", f"a list of {len(parts)}")
        return tuple(part(x, f"{path}[{i}]") for i, (part, x) in enumerate(zip(parts, value, strict=True)))

    return decode_fixed


def _enum(cls: type[StrEnum]) -> _Decoder:
    known = {str(member): member for member in cls}

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, str) or value not in known:
            raise _WrongError(path, f"{_shown(value)} stands there", f"one of {', '.join(known)}")
        return known[value]

    return decode


def _int(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongError(path, f"{_shown(value)} stands there", "a whole number")
    return value


def _float(value: Any, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise _WrongError(path, f"{_shown(value)} stands there", "a number")
    return float(value)


def _bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(path, f"{_shown(value)} stands there", "true or false")
    return value


def _str(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _WrongError(path, f"{_shown(value)} stands there", "a text")
    return value


def _datetime(value: Any, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _WrongError(path, f"{_shown(value)} stands there", "an ISO 8601 time with its offset")
    return moment
