"""Reading through a protocol whose implementation may run in another process.

A read protocol in `contracts` is a class of async methods over frozen types. `serve` answers its calls on the bus;
`remote` makes an object that asks. Arguments and results travel as JSON of their declared types, errors as themselves,
so the caller cannot tell a remote implementation from a local one, except by its latency.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from batchone.kernel.bus import Bus
from batchone.kernel.errors import BatchoneError, Broken, from_wire, to_wire
from batchone.kernel.facts import adapter
from batchone.kernel.supervise import contained

P = TypeVar("P")
_GIVEN = TypeAdapter(dict[str, Any])
_ONE_VERSION = "Run one version everywhere."


@cache
def _methods(protocol: type) -> dict[str, tuple[inspect.Signature, dict[str, Any]]]:
    found: dict[str, tuple[inspect.Signature, dict[str, Any]]] = {}
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        if not inspect.iscoroutinefunction(method):
            what = f"{protocol.__name__}.{name} cannot be asked from another process."
            raise Broken("remote.method", what, "Make every method of a read protocol `async def`.")
        signature = inspect.signature(method)
        parameters = [each for each in signature.parameters.values() if each.name != "self"]
        found[name] = (signature.replace(parameters=parameters), get_type_hints(method, include_extras=True))
    return found


def _subject(protocol: type, method: str) -> str:
    return f"reads.{protocol.__module__.rsplit('.', 1)[-1]}.{protocol.__name__}.{method}"


async def serve(bus: Bus, protocol: type, implementation: object) -> None:
    """Answer calls of every method of `protocol` until cancelled."""
    async with asyncio.TaskGroup() as group:
        for name, (_, hints) in _methods(protocol).items():
            group.create_task(bus.answer(_subject(protocol, name), _answerer(implementation, name, hints)))


def _answerer(implementation: object, name: str, hints: dict[str, Any]) -> Callable[[bytes], Coroutine[Any, Any, bytes]]:
    method = getattr(implementation, name)
    result = adapter(hints.get("return", type(None)))

    def read(data: bytes) -> dict[str, Any]:
        try:
            given = _GIVEN.validate_json(data)
            return {p: adapter(hints[p]).validate_python(value, strict=False) for p, value in given.items()}
        except (ValidationError, KeyError) as error:
            what = f"{name} was called with arguments of another shape: {error}."
            raise Broken("remote.arguments", what, _ONE_VERSION) from error

    async def run(values: dict[str, Any]) -> bytes:
        return b'{"ok":' + result.dump_json(await method(**values)) + b"}"

    async def answer(data: bytes) -> bytes:
        try:
            return await contained(f"{type(implementation).__name__}.{name}", run(read(data)))
        except BatchoneError as error:
            return orjson.dumps({"error": to_wire(error)})

    return answer


def remote(protocol: type[P], bus: Bus, *, timeout_s: float = 9.0) -> P:
    """An object that implements `protocol` by asking over the bus; `TryLater` when there is no answer in time."""

    def caller(name: str, signature: inspect.Signature, hints: dict[str, Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        result = adapter(hints.get("return", type(None)))

        async def call(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            body = b",".join(orjson.dumps(p) + b":" + adapter(hints[p]).dump_json(v) for p, v in given.items())
            try:
                reply = orjson.loads(await bus.ask(_subject(protocol, name), b"{" + body + b"}", timeout_s=timeout_s))
                if "error" not in reply:
                    return result.validate_python(reply["ok"], strict=False)
            except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError) as error:
                raise Broken("remote.answer", f"{name} was answered in another shape: {error}.", _ONE_VERSION) from error
            raise from_wire(reply["error"])

        return call

    made = {name: staticmethod(caller(name, *shape)) for name, shape in _methods(cast(Any, protocol)).items()}
    return cast(P, type(f"Remote{protocol.__name__}", (), made)())
