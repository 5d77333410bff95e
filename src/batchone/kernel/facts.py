"""Facts: the named events, in the past tense, by which state changes and domains hear of one another.

A fact is a frozen dataclass marked with `@fact("order.placed")`. It travels in an `Envelope` that carries tenant, actor,
source time and schema version, so that any projection can be recounted from the envelopes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from batchone.kernel.errors import Broken

T = TypeVar("T", bound=type)
_KINDS: dict[str, type] = {}


@dataclass(frozen=True)
class FactName:
    """The name of a kind of fact and the version of its shape."""

    name: str
    version: int


def fact(name: str, *, version: int = 1) -> Callable[[T], T]:
    """Declare a frozen dataclass as the fact `name`."""

    def mark(kind: T) -> T:
        known = _KINDS.get(name, kind)
        if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
            raise Broken("facts.twice", f"Two kinds of fact are called {name}.", "Give one of them another name.")
        _KINDS[name] = kind
        setattr(kind, "__fact__", FactName(name, version))  # noqa: B010 - the checker does not know the attribute
        return kind

    return mark


def name_of(kind: type) -> FactName:
    """The declared name of a kind of fact."""
    found = getattr(kind, "__fact__", None)
    if not isinstance(found, FactName):
        raise Broken("facts.unmarked", f"{kind.__qualname__} is no fact.", "Mark it with @fact(name).")
    return found


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The one reader and writer of a type; building it is slow, using it is not."""
    return TypeAdapter(kind)


@dataclass(frozen=True)
class Envelope:
    """A fact on its way: who said what about whom, and when.

    `time` is the plant time at which it became true. `body` is the fact as JSON text.
    """

    id: str
    tenant: str
    name: str
    version: int
    time: datetime
    actor: str
    body: str

    def open(self) -> object:
        """The fact itself, as its declared type."""
        kind = _KINDS.get(self.name)
        if kind is None:
            raise Broken("facts.unknown", f"No kind of fact is called {self.name}.", "Install the version that says it.")
        try:
            return cast(object, adapter(kind).validate_json(self.body))
        except ValidationError as error:
            what = f"The body of {self.id} is no {self.name}: {error}."
            raise Broken("facts.shape", what, "Run the version that said it, or one that reads it.") from error

    def to_json(self) -> bytes:
        """The envelope as bytes for the bus."""
        return adapter(Envelope).dump_json(self)

    @staticmethod
    def from_json(data: bytes) -> Envelope:
        """The envelope that `to_json` wrote."""
        try:
            return cast(Envelope, adapter(Envelope).validate_json(data))
        except ValidationError as error:
            raise Broken("facts.envelope", f"A message is no envelope: {error}.", "See who publishes on events.") from error


def body_of(said: object) -> str:
    """A fact as JSON text."""
    name_of(type(said))
    return adapter(cast(Any, type(said))).dump_json(said).decode()
