"""Which topic, and what in its payload, is which signal; pure.

An address is `<topic>[#<key>.<key>...]`: `plant/oven/temp` for a payload that is a number, `plant/oven#zones.0.temp` for one
within JSON. A level of the topic may be `+`, any one. Numbers may stand in quotes; `true`, `on` and their opposites are 1 and
0; `null` is a bad sample.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused
from batchone.machines import columns

SCALES: Mapping[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0}
"""What a payload may count its time in, in microseconds; beside `iso`."""
_WORDS: Mapping[str, float] = {"true": 1, "on": 1, "false": 0, "off": 0}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_YEAR_9999_US = 253_370_764_800_000_000
_TOPIC_BYTES = 65_535
_KNOWN_MAX = 10_000
_LEAVES_MAX, _DEPTH_MAX = 200, 8

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A topic and the keys within its payload, none for the whole of it."""

    topic: str
    keys: Keys = ()


def place_of(address: str) -> Place:
    """The place that an address names; `Refused` when it is none."""
    topic, hash_sign, inner = address.partition("#")
    keys = tuple(inner.split(".")) if hash_sign else ()
    if not _is_filter(topic) or not all(keys) or "#" in inner:
        cure = "Write it as plant/oven/temp or plant/oven#zones.0.temp."
        raise Refused("mqtt.address", f"'{address[:200]}' is no MQTT address.", cure, address=address)
    return Place(topic, keys)


def check_listen(told: str) -> str:
    """A filter to listen to; `Refused` when it is none."""
    if told == "#" or _is_filter(told.removesuffix("/#")):
        return told
    raise Refused("mqtt.listen", f"'{told[:200]}' is no filter of topics.", "Write it as plant/# or plant/+/temp.")


def _is_filter(topic: str) -> bool:
    levels = topic.split("/")
    sound = topic.isprintable() and 0 < len(topic.encode("utf-8", "replace")) <= _TOPIC_BYTES
    return sound and all(level == "+" or not set(level) & {"+", "#"} for level in levels)


class Topics:
    """The declared places, found by the topic of a message."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._exact: dict[str, list[tuple[Keys, str]]] = {}
        self._wild: dict[str, list[tuple[Keys, str]]] = {}
        for point in points:
            place = place_of(point.address)
            into = self._wild if "+" in place.topic.split("/") else self._exact
            into.setdefault(place.topic, []).append((place.keys, point.path))
        self._known: dict[str, Sequence[tuple[Keys, str]]] = {}

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to, each once."""
        return (*self._exact, *self._wild)

    def of(self, topic: str) -> Sequence[tuple[Keys, str]]:
        """Keys and signals of a topic; none for one that nobody declared."""
        found = self._known.get(topic)
        if found is None:
            levels = topic.split("/")
            wild = [own for told, own in self._wild.items() if _matches(told.split("/"), levels)]
            found = [*self._exact.get(topic, ()), *(each for own in wild for each in own)]
            if len(self._known) < _KNOWN_MAX:
                self._known[topic] = found
        return found


def _matches(told: Sequence[str], levels: Sequence[str]) -> bool:
    # A wildcard does not match what a broker says of itself (MQTT 3.1.1, 4.7.2).
    return len(told) == len(levels) and not levels[0].startswith("$") and all(
        own in ("+", level) for own, level in zip(told, levels, strict=True)
    )  # fmt: skip


def read(payload: bytes) -> object:
    """A payload as JSON, or as the text it is; `ValueError` when it is neither."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode().strip()


def at(told: object, keys: Keys) -> object:
    """What stands at the keys; `KeyError` when nothing does."""
    for key in keys:
        if isinstance(told, dict):
            told = told[key]
        elif isinstance(told, list) and key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(told):
            told = told[int(key)]
        else:
            raise KeyError(key)
    return told


def number(told: object) -> float | None:
    """A value as a number, none for null; `ValueError` says what it is otherwise."""
    if told is None:
        return None
    if isinstance(told, str):
        word = _WORDS.get(told.lower())
        if word is not None:
            return word
        if not _NUMBER.match(told):
            raise ValueError(f"{told[:40]!r} is no number")
    elif not isinstance(told, bool | int | float):
        raise ValueError("it holds more than a number; name a key within it")
    value = float(told)
    if not math.isfinite(value):
        raise ValueError(f"{str(told)[:40]} is no measurement")
    return value


def time_us(told: object, unit: str) -> int:
    """A time in microseconds since 1970; `unit` is one of `SCALES` or `iso`. `ValueError` when it is none."""
    if unit == "iso":
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
        found = columns.to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if moment else -1
    else:
        value = number(told)
        # A time that is a whole number of nanoseconds has no place in a float; one of microseconds has.
        found = round(value * SCALES[unit]) if value is not None and abs(value) < 2.0**62 else -1
    if not 0 <= found < _YEAR_9999_US:
        raise ValueError(f"{str(told)[:40]} is no time in {unit} of the years 1970 to 9998")
    return found


def leaves(told: object) -> Iterator[tuple[Keys, float]]:
    """Every number in a payload with its keys, as far as a person can look through them."""
    waiting: list[tuple[Keys, object]] = [((), told)]
    seen = 0
    while waiting and seen < _LEAVES_MAX:
        keys, each = waiting.pop(0)
        if isinstance(each, dict | list) and len(keys) < _DEPTH_MAX:
            inner = each.items() if isinstance(each, dict) else enumerate(each)
            waiting += [((*keys, str(key)), value) for key, value in list(inner)[:_LEAVES_MAX]]
            continue
        try:
            value = number(each)
        except ValueError:
            continue
        if value is not None:
            seen += 1
            yield keys, value


def address_of(topic: str, keys: Keys) -> str:
    """The address of a place."""
    return f"{topic}#{'.'.join(keys)}" if keys else topic
