"""Types of the generated `sparkplug_b_pb2.py`, written by hand: what the platform reads and writes of it."""

from collections.abc import Iterable, Sequence
from typing import Literal

from google.protobuf.message import Message

_Value = Literal[
    "int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value", "bytes_value"
]  # fmt: skip

class Payload(Message):
    class Metric(Message):
        name: str
        alias: int
        timestamp: int
        datatype: int
        is_historical: bool
        is_transient: bool
        is_null: bool
        int_value: int
        long_value: int
        float_value: float
        double_value: float
        boolean_value: bool
        string_value: str
        bytes_value: bytes
        def __init__(
            self,
            *,
            name: str | None = ...,
            alias: int | None = ...,
            timestamp: int | None = ...,
            datatype: int | None = ...,
            is_historical: bool | None = ...,
            is_null: bool | None = ...,
            int_value: int | None = ...,
            long_value: int | None = ...,
            float_value: float | None = ...,
            double_value: float | None = ...,
            boolean_value: bool | None = ...,
            string_value: str | None = ...,
            bytes_value: bytes | None = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["name", "alias", "timestamp", "datatype"]) -> bool: ...  # noqa: N802
        def WhichOneof(self, oneof_group: str) -> _Value | None: ...  # noqa: N802 - the library's own name

    timestamp: int
    seq: int
    uuid: str
    body: bytes
    @property
    def metrics(self) -> Sequence[Payload.Metric]: ...
    def __init__(
        self,
        *,
        timestamp: int | None = ...,
        metrics: Iterable[Payload.Metric] | None = ...,
        seq: int | None = ...,
        uuid: str | None = ...,
        body: bytes | None = ...,
    ) -> None: ...
