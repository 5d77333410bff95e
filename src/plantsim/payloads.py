"""Sparkplug B payloads of an edge node and its devices, made and read. Pure: aliases, sequence and times are handed in."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from plantsim.equipment import Changes, Equipment
from plantsim.sparkplug_b_pb2 import Payload

Metric = Payload.Metric

INT32, INT64, DOUBLE, BOOLEAN, STRING = 3, 4, 10, 11, 12
REBIRTH = "Node Control/Rebirth"
REBIRTH_ALIAS = 1
FIRST_DEVICE_ALIAS = 16
START, CLEAR, ABORT = "Command/StoreAndStart", "Command/Clear", "Command/Abort"
_FIXED = ("State", "Jobs", "Completed", "Answer", START, CLEAR, ABORT)
_STATE, _JOBS, _COMPLETED, _ANSWER = range(4)
_FIRST_POINT = len(_FIXED)


class PayloadFault(ValueError):
    """The bytes are no Sparkplug payload."""


class DeviceAliases:
    """The aliases of one device: `first` and up, fixed metrics before the signals."""

    def __init__(self, equipment: Equipment, first: int) -> None:
        self.equipment = equipment
        self.first = first
        self.names = (*_FIXED, *(point.name("/") for point in equipment.sampler.points))

    @property
    def beyond(self) -> int:
        """The first alias that is not the device's."""
        return self.first + len(self.names)

    def name_of(self, metric: Metric) -> str:
        """Return the name a command means, given by name or alias; empty for neither."""
        if metric.name:
            return metric.name
        place = metric.alias - self.first
        return self.names[place] if 0 <= place < len(self.names) else ""

    def birth(self, now_s: float) -> list[Metric]:
        """Return every metric with name, type, alias and value."""
        equipment, at_ms = self.equipment, _ms(now_s)
        metrics = self.data(equipment.all_changes(), now_s)
        for metric in metrics:
            metric.name = self.names[metric.alias - self.first]
        given = {metric.alias for metric in metrics}
        metrics.append(_text(self.first + _ANSWER, "", at_ms, name="Answer"))
        for place in range(_ANSWER + 1, _FIRST_POINT):
            metrics.append(_text(self.first + place, "", at_ms, name=self.names[place]))
        for place in range(_FIRST_POINT, len(self.names)):
            alias = self.first + place
            if alias not in given:
                metrics.append(Metric(name=self.names[place], alias=alias, timestamp=at_ms, datatype=DOUBLE, is_null=True))
        return metrics

    def data(self, changes: Changes, now_s: float, answer: str | None = None) -> list[Metric]:
        """Return the metrics that changed, by alias."""
        equipment, at_ms, metrics = self.equipment, _ms(now_s), []
        if changes.state:
            alias = self.first + _STATE
            metrics.append(Metric(alias=alias, timestamp=at_ms, datatype=INT32, int_value=int(equipment.state)))
        if changes.jobs:
            metrics.append(_text(self.first + _JOBS, _array(equipment.jobs_texts(now_s)), at_ms))
        if changes.completed:
            metrics.append(_text(self.first + _COMPLETED, _array(equipment.completed_texts()), at_ms))
        if answer is not None:
            metrics.append(_text(self.first + _ANSWER, answer, at_ms))
        first_point = self.first + _FIRST_POINT
        for number, (value, read_s) in changes.samples.items():
            metrics.append(Metric(alias=first_point + number, timestamp=_ms(read_s), datatype=DOUBLE, double_value=value))
        return metrics


def node_birth(birth_death: int, now_s: float) -> list[Metric]:
    """Return the metrics of an NBIRTH."""
    at_ms = _ms(now_s)
    rebirth = Metric(name=REBIRTH, alias=REBIRTH_ALIAS, timestamp=at_ms, datatype=BOOLEAN, boolean_value=False)
    return [_birth_death(birth_death, at_ms), rebirth]


def node_death(birth_death: int, now_s: float) -> bytes:
    """Return an NDEATH, which carries the number of the birth that it ends and no sequence."""
    return Payload(timestamp=_ms(now_s), metrics=[_birth_death(birth_death, _ms(now_s))]).SerializeToString()


def message(metrics: Iterable[Metric], sequence: int, now_s: float) -> bytes:
    """Return a payload with its place in the node's sequence (0 to 255)."""
    return Payload(timestamp=_ms(now_s), metrics=metrics, seq=sequence).SerializeToString()


def read_metrics(payload: bytes) -> list[Metric]:
    """Return the metrics of a received payload.

    Raises:
        PayloadFault: it is not a payload.
    """
    received = Payload()
    try:
        received.ParseFromString(payload)
    except DecodeError as error:
        raise PayloadFault(str(error)) from error
    return list(received.metrics)


def _birth_death(number: int, at_ms: int) -> Metric:
    return Metric(name="bdSeq", timestamp=at_ms, datatype=INT64, long_value=number)


def _text(alias: int, text: str, at_ms: int, name: str | None = None) -> Metric:
    return Metric(name=name, alias=alias, timestamp=at_ms, datatype=STRING, string_value=text)


def _array(texts: list[str]) -> str:
    return f"[{','.join(texts)}]"


def _ms(now_s: float) -> int:
    return round(now_s * 1000)
