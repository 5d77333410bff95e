"""Settings: declared once, typed, with units, frozen, and refused whole when one is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batchone.kernel import quantities
from batchone.kernel.errors import Refused


def _in(unit: str) -> BeforeValidator:
    def magnitude(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return quantities.parse(value, unit)
        except Refused as error:
            raise ValueError(str(error)) from error  # so that it is named with its place, beside the other faults

    return BeforeValidator(magnitude)


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), _in("s")]
"""A duration: `30 s`, `4 h`; a bare number is seconds."""

Bytes = Annotated[float, Field(ge=0, allow_inf_nan=False), _in("byte")]
"""A size: `64 MB`; a bare number is bytes."""


class Settings(BaseModel):
    """The base of every module's settings: unknown keys are faults, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=BaseModel)


def read(kind: type[S], data: Mapping[str, Any], where: str) -> S:
    """`data` as `kind`; every fault is named at once with its place."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(p) for p in fault['loc']) or where}: {fault['msg']}" for fault in error.errors())
        raise Refused(
            "settings.invalid", f"The settings of {where} are not valid: {faults}.", "Correct them and start again."
        ) from error
