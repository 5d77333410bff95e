"""What changed, as a broadcast for live pages; it may be lost, and nothing may depend on it."""

from __future__ import annotations

import orjson

from batchone.machines.twin.model import Change

VALUES_TOPIC = "live.values"
"""Broadcast `live.values.<tenant>.<equipment>`: JSON `{"paths": [...], "values": [...], "times": [...], "quality": [...]}`
of the signals that changed; times are unix seconds of plant time, a value is null before the first."""


def subject(tenant: str, equipment: str) -> str:
    """Where the changes of an equipment are told."""
    return f"{VALUES_TOPIC}.{tenant}.{equipment}"


def to_json(change: Change) -> bytes:
    """The broadcast."""
    body = {"paths": change.paths, "values": change.values, "times": change.times_s, "quality": change.quality}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
