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
from pydantic import ValidationError

from batchone.kernel.bus import Bus
from batchone.kernel.errors import BatchoneError, Broken, from_wire, to_wire
from batchone.kernel.facts import adapter

P = TypeVar("P")


@cache
def _methods(protocol: type) -> dict[str, tuple[list[str], dict[str, Any]]]:
    found: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_") or not inspect.iscoroutinefunction(method):
            continue
        names = [p for p in inspect.signature(method).parameters if p != "self"]
        found[name] = (names, get_type_hints(method, include_extras=True))
    return found


def _subject(protocol: type, method: str) -> str:
    return f"reads.{protocol.__module__.rsplit('.', 1)[-1]}.{protocol.__name__}.{method}"


async def serve(bus: Bus, protocol: type, implementation: object) -> None:
    """Answer calls of every method of `protocol` until cancelled."""
    async with asyncio.TaskGroup() as group:
        for name, (parameters, hints) in _methods(protocol).items():
            group.create_task(bus.answer(_subject(protocol, name), _answerer(implementation, name, parameters, hints)))


def _answerer(
    implementation: object, name: str, parameters: list[str], hints: dict[str, Any]
) -> Callable[[bytes], Coroutine[Any, Any, bytes]]:
    method = getattr(implementation, name)
    result = adapter(hints.get("return", type(None)))

    async def answer(data: bytes) -> bytes:
        try:
            given = orjson.loads(data)
            values = {p: adapter(hints[p]).validate_python(given[p], strict=False) for p in parameters if p in given}
            return b'{"ok":' + result.dump_json(await method(**values)) + b"}"
        except ValidationError as error:
            what = f"{name} was called with arguments of another shape: {error}."
            return orjson.dumps({"error": to_wire(Broken("remote.arguments", what, "Run one version everywhere."))})
        except BatchoneError as error:
            return orjson.dumps({"error": to_wire(error)})

    return answer


def remote(protocol: type[P], bus: Bus, *, timeout_s: float = 15.0) -> P:
    """An object that implements `protocol` by asking over the bus."""

    def caller(name: str, parameters: list[str], hints: dict[str, Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        result = adapter(hints.get("return", type(None)))

        async def call(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(parameters, args, strict=False)) | kwargs
            body = b",".join(orjson.dumps(p) + b":" + adapter(hints[p]).dump_json(v) for p, v in given.items())
            reply = orjson.loads(await bus.ask(_subject(protocol, name), b"{" + body + b"}", timeout_s=timeout_s))
            if "error" in reply:
                raise from_wire(reply["error"])
            return result.validate_python(reply["ok"], strict=False)

        return call

    made = {name: staticmethod(caller(name, *shape)) for name, shape in _methods(cast(Any, protocol)).items()}
    return cast(P, type(f"Remote{protocol.__name__}", (), made)())
