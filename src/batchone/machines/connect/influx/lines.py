"""InfluxDB line protocol as columns; pure (InfluxData, «Line protocol reference»).

`weather,station=7 temperature=21.5,wet=f 1700000000000000000`: a measurement with tags, fields, and a time. A signal's address
is `<measurement>[,<tag>=<value>...] <field>` with the tags in the order of their names, as in `weather,station=7 wet`.

Bodies that machines write by the thousand lines have no escapes and no texts; these are taken apart column by column. All
others go through the reader of single lines, which knows every rule and names every fault; tests hold both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
from numpy.typing import NDArray

PRECISIONS: Mapping[str, float] = {
    "ns": 1e-3,
    "n": 1e-3,
    "us": 1.0,
    "u": 1.0,
    "µ": 1.0,
    "ms": 1e3,
    "s": 1e6,
    "m": 6e7,
    "h": 3.6e9,
}
"""What a client may count time in, in microseconds."""
_TRUE, _FALSE = frozenset({"t", "T", "true", "True", "TRUE"}), frozenset({"f", "F", "false", "False", "FALSE"})
_ESCAPED = re.compile(r"\\([,= \\\"])")
_FAULTS_MAX = 20
_TIME = re.compile(r"-?[0-9]{1,19}\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")


@dataclass
class Told:
    """Samples of a body: `names` are addresses, `name_of` the place of each sample's address among them; times in microseconds
    since 1970, -1 where the line has none. `texts` counts fields that are texts, which are no samples; `faults` say which
    lines could not be read, and `refused` counts them."""

    names: list[str] = field(default_factory=list)
    name_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    time_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    value: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    texts: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def read(body: str, precision: str) -> Told:
    """All samples of a body. `precision` is one of `PRECISIONS`."""
    if '"' not in body and "\\" not in body and "#" not in body:
        quick = _columns(body, PRECISIONS[precision])
        if quick is not None:
            return quick
    return by_line(body, precision)


def _columns(body: str, unit_us: float) -> Told | None:
    """The body column by column; none where it is not as regular as that takes."""
    try:
        table = pv.read_csv(
            pa.BufferReader(body.encode()),
            read_options=pv.ReadOptions(column_names=["series", "fields", "time"]),
            parse_options=pv.ParseOptions(delimiter=" ", quote_char=False, newlines_in_values=False),
            convert_options=pv.ConvertOptions(
                column_types={"series": pa.string(), "fields": pa.string(), "time": pa.int64()}, strings_can_be_null=False,
                null_values=[], check_utf8=False,
            ),
        ).combine_chunks()  # fmt: skip
        lists = pc.split_pattern(table["fields"].combine_chunks(), ",")
        line_of = np.asarray(pc.list_parent_indices(lists))
        pairs = pc.split_pattern(lists.flatten(), "=")
        if not pc.all(pc.equal(pc.list_value_length(pairs), 2)).as_py():
            return None
        both = pairs.flatten()
        keys, raw = both.take(pa.array(np.arange(0, len(both), 2))), both.take(pa.array(np.arange(1, len(both), 2)))
        value = np.asarray(pc.cast(pc.replace_substring_regex(raw, "[iu]$", ""), pa.float64()))
    except pa.ArrowInvalid:
        return None
    series = table["series"].combine_chunks().dictionary_encode()
    heads = [_canonical(head) for head in series.dictionary.to_pylist()]
    fields = keys.dictionary_encode()
    if any(head is None for head in heads) or not all(fields.dictionary.to_pylist()):
        return None
    # Whether the cast took a text for a number that the format does not have (`inf`, hexadecimal) is seen in the rare ones.
    if not np.isfinite(value).all() or pc.any(pc.match_substring_regex(raw, "[^0-9eE+.iu-]")).as_py():
        return None
    both_of = np.asarray(series.indices)[line_of].astype(np.int64) * len(fields.dictionary) + np.asarray(fields.indices)
    used, name_of = np.unique(both_of, return_inverse=True)
    keys_told = fields.dictionary.to_pylist()
    names = [f"{heads[code // len(keys_told)]} {keys_told[code % len(keys_told)]}" for code in used.tolist()]
    time_us = _scaled(np.asarray(table["time"].combine_chunks()), unit_us)[line_of]
    return Told(names, name_of.astype(np.int32), time_us, value)


def _canonical(series: str) -> str | None:
    """The series with its tags in order; none where it is none."""
    measurement, *tags = series.split(",")
    if not measurement or any(tag.count("=") != 1 or tag.startswith("=") or tag.endswith("=") for tag in tags):
        return None
    return ",".join([measurement, *sorted(tags)])


def _scaled(time: NDArray[np.int64], unit_us: float) -> NDArray[np.int64]:
    if unit_us < 1:
        return time // round(1 / unit_us)
    # A time that no calendar has stays one; it must not wrap around into one that looks sound.
    limit = np.iinfo(np.int64).max // round(unit_us)
    return np.clip(time, -limit, limit) * round(unit_us)


def by_line(body: str, precision: str) -> Told:
    """All samples of a body, line by line; lines that cannot be read are told, and cost the others nothing."""
    told, unit_us = Told(), PRECISIONS[precision]
    places: dict[str, int] = {}
    name_of: list[int] = []
    times: list[int] = []
    values: list[float] = []
    for number, line in enumerate(body.split("\n"), 1):
        line = line.rstrip("\r")  # noqa: PLW2901 - both endings are known
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            series, fields, time = _line(line)
            time_us = int(_scaled(np.array([time], np.int64), unit_us)[0]) if time is not None else -1
        except ValueError as error:
            told.refused += 1
            if len(told.faults) < _FAULTS_MAX:
                told.faults.append(f"line {number}: {error}")
            continue
        for key, value in fields:
            if value is None:
                told.texts += 1
                continue
            name_of.append(places.setdefault(f"{series} {key}", len(places)))
            times.append(time_us)
            values.append(value)
    told.names = list(places)
    told.name_of, told.time_us, told.value = np.array(name_of, np.int32), np.array(times, np.int64), np.array(values)
    return told


def _line(line: str) -> tuple[str, list[tuple[str, float | None]], int | None]:
    """Series, fields and time of a line; `ValueError` says what is wrong with it."""
    parts = [part for part in _split(line, " ") if part]
    if len(parts) not in (2, 3):
        raise ValueError(f"it has {len(parts)} parts, not a series, fields and perhaps a time")
    measurement, *tags = _split(parts[0], ",")
    if not measurement:
        raise ValueError("it has no measurement")
    pairs = [_pair(tag, "tag") for tag in tags]
    if any(not value for _, value in pairs):
        raise ValueError("a tag has no value")
    series = ",".join([_plain(measurement), *sorted(f"{_plain(key)}={_plain(value)}" for key, value in pairs)])
    fields = [(_plain(key), _value(value)) for key, value in (_pair(each, "field") for each in _split(parts[1], ","))]
    time = None
    if len(parts) == 3:
        if not _TIME.match(parts[2]) or abs(int(parts[2])) > np.iinfo(np.int64).max:
            raise ValueError(f"{parts[2][:40]!r} is no time")
        time = int(parts[2])
    return series, fields, time


def _split(text: str, at: str) -> Iterator[str]:
    """The text cut at a character, but for where it is escaped or within a text."""
    start, place, quoted = 0, 0, False
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        if text[place] == '"' and (quoted or text[place - 1 : place] == "="):
            quoted = not quoted
        elif text[place] == at and not quoted:
            yield text[start:place]
            start = place + 1
        place += 1
    if quoted:
        raise ValueError("a text does not end")
    yield text[start:]


def _pair(text: str, what: str) -> tuple[str, str]:
    key, *rest = _split(text, "=")
    if not key or not rest:
        raise ValueError(f"{text[:40]!r} is no {what}")
    return key, text[len(key) + 1 :]


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _value(text: str) -> float | None:
    """A number, 1 or 0 for a truth, none for a text."""
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return None
    if text in _TRUE or text in _FALSE:
        return float(text in _TRUE)
    number = text[:-1] if text.endswith(("i", "u")) else text
    if not _NUMBER.match(number):
        raise ValueError(f"{text[:40]!r} is no value")
    value = float(number)
    if not np.isfinite(value):
        raise ValueError(f"{text[:40]!r} is beyond what a number holds")
    return value
