"""What the namespace looks like to a client, and what a broadcast changes in it; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from batchone.contracts.things import ThingModel

GOOD, UNCERTAIN, BAD = 0x0000_0000, 0x4000_0000, 0x8000_0000
_STATUS = (GOOD, UNCERTAIN, BAD)


@dataclass(frozen=True)
class Variable:
    """A signal as it is served: `folders` are the steps of its thing's ISA-95 path, `path` is that of the signal."""

    path: str
    folders: tuple[str, ...]
    name: str
    display: str
    unit: str

    @property
    def node(self) -> str:
        """Its node id's text: the thing's path, a colon, and the signal below it; a folder's has no colon."""
        return f"{'/'.join(self.folders)}:{self.name}"


@dataclass(frozen=True)
class Value:
    """What is known of a signal: `status` is an OPC UA status code, `time_s` unix seconds of plant time."""

    value: float
    status: int
    time_s: float


def space(model: ThingModel) -> tuple[Variable, ...]:
    """Every signal of the thing model at its place."""
    folders = {thing.id: tuple(step for step in thing.path.split("/") if step) for thing in model.things}
    return tuple(
        Variable(
            each.path, folders[each.thing], each.path.partition("/")[2], each.signal.name.get("en", each.signal.id),
            each.signal.unit,
        )
        for each in model.signals.values()
    )  # fmt: skip


def value_of(value: float | None, quality: int, time_s: float) -> Value:
    """A value with its quality (0 good, 1 uncertain, 2 bad); one that is no number is bad."""
    if value is None or not math.isfinite(value):
        return Value(0.0, BAD, time_s)
    return Value(value, _STATUS[quality] if 0 <= quality < len(_STATUS) else BAD, time_s)


def changes(body: bytes) -> dict[str, Value]:
    """What a broadcast of `live.values` tells, by path; nothing where it is none."""
    try:
        told = orjson.loads(body)
        columns: Sequence[Sequence[object]] = [told[name] for name in ("paths", "values", "quality", "times")]
        rows = zip(*columns, strict=True)
        return {str(path): value_of(value, int(quality), float(time_s)) for path, value, quality, time_s in rows}
    except (ValueError, KeyError, TypeError):
        return {}
