"""Connections as text: where a machine answers, and which of its addresses is which signal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel import yamltext
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import conversion, is_unit


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PointText(_Strict):
    """A signal and its address at the machine."""

    path: str = Field(min_length=3, max_length=200)
    address: str = Field(min_length=1, max_length=1000)
    unit: str = ""
    factor: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)


class SourceText(_Strict):
    """A connection."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    url: str = Field(min_length=3, max_length=1000)
    settings: dict[str, str] = Field(default_factory=dict)
    signals: tuple[PointText, ...] = Field(default=(), max_length=1_000_000)

    def made(self) -> Source:
        """The connection it declares."""
        points = tuple(Point(each.path, each.address, each.unit, each.factor, each.offset) for each in self.signals)
        return Source(self.id, self.url, self.settings, points)


class SourcesText(_Strict):
    """All that is declared beside the packs."""

    connections: tuple[SourceText, ...] = Field(default=(), max_length=10_000)

    def canonical(self) -> SourcesText:
        """Connections by id, signals by path, settings by name."""
        return SourcesText(
            connections=tuple(
                each.model_copy(
                    update={
                        "signals": tuple(sorted(each.signals, key=lambda point: point.path)),
                        "settings": dict(sorted(each.settings.items())),
                    }
                )
                for each in sorted(self.connections, key=lambda each: each.id)
            )
        )


def read(text: str, model: ThingModel, schemes: Collection[str], taken: Collection[str]) -> SourcesText:
    """A declaration, checked by itself, against the thing model, and against the connections that packs have (`taken`);
    `Refused` with every fault."""
    told = yamltext.read(text, SourcesText, "connections")
    counted = Counter(each.id for each in told.connections)
    faults = [f"The connection {each} is declared twice." for each, count in counted.items() if count > 1]
    faults += [f"The connection {each} is a pack's." for each in counted if each in taken]
    paths = Counter(point.path for each in told.connections for point in each.signals)
    faults += [f"The signal {path} has two addresses." for path, count in paths.items() if count > 1]
    for each in told.connections:
        if scheme_of(each.url) not in schemes:
            faults.append(f"{each.id}: nobody speaks {each.url}; a url begins with one of {', '.join(sorted(schemes))}.")
        faults += [fault for point in each.signals for fault in _point(point, model)]
    if faults:
        raise Refused("connections.faults", " ".join(faults), "Correct these; nothing was changed.", faults="\n".join(faults))
    return told.canonical()


def scheme_of(url: str) -> str:
    """How a url begins; nothing for what is none, such as one whose port is no port."""
    try:
        parts = urlsplit(url)
        return parts.scheme if parts.port is None or parts.port else ""
    except ValueError:
        return ""


def kept(text: str) -> SourcesText:
    """A text that was taken before, as it stands."""
    return yamltext.read(text, SourcesText, "connections") if text else SourcesText()


def write(told: SourcesText) -> str:
    """The canonical text."""
    return yamltext.write(told.canonical()) if told.connections else "connections: []\n"


def write_sources(sources: Iterable[Source]) -> str:
    """The canonical text of connections."""
    told = (
        SourceText.model_construct(
            id=each.id, url=each.url, settings=dict(each.settings),
            signals=tuple(PointText.model_construct(**vars(point)) for point in each.points),
        )
        for each in sources
    )  # fmt: skip
    return write(SourcesText(connections=tuple(told)))


def scales(source: Source, model: ThingModel) -> Mapping[str, tuple[float, float]]:
    """Factor and offset of each signal whose numbers are not told as they are kept; each found once, not for each sample."""
    found: dict[str, tuple[float, float]] = {}
    for point in source.points:
        declared = model.signals.get(point.path)
        if declared is None:
            continue
        factor, offset = conversion(point.unit, declared.signal.unit)
        both = point.factor * factor, point.offset * factor + offset
        if both != (1.0, 0.0):
            found[point.path] = both
    return found


def _point(point: PointText, model: ThingModel) -> list[str]:
    declared = model.signals.get(point.path)
    if declared is None:
        return [f"{point.path} is no declared signal; declare it first."]
    if point.unit and not is_unit(point.unit):
        return [f"{point.path}: '{point.unit}' is no unit."]
    try:
        conversion(point.unit, declared.signal.unit)
    except Refused as error:
        return [f"{point.path}: {error.what}"]
    return []
