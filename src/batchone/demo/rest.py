"""Talking to the public REST API as a partner: a token, plain data, and errors by what to do about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import structlog

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, Expired, Refused, TryLater

_log = structlog.get_logger(__name__)
_KINDS: Mapping[int, type[Refused]] = {409: Conflict, 410: Expired}
_WAIT_REAL_S = 1.0
_REQUESTS_A_REAL_SECOND = 10.0


class Rest:
    """One partner's way in. Without a token, the client's own credential counts."""

    def __init__(self, client: httpx.AsyncClient, token: str = "") -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, **query: str | int | bool) -> Any:
        """What is there; `TryLater` when the platform is away, `Refused` when it says no."""
        return await self._send("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None, key: str = "") -> Any:
        """Do something, under an idempotency key where one is needed."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._send("POST", path, json=body, headers=headers)

    async def _send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        try:
            answer = await self._client.request(method, path, headers={**self._headers, **(headers or {})}, **more)
        except httpx.TransportError as error:
            raise TryLater("demo.away", f"The platform does not answer: {error!r}.") from error
        if answer.is_success:
            return answer.json()
        said = _problem(answer)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TryLater("demo.busy", said.get("detail", answer.reason_phrase))
        kind = _KINDS.get(answer.status_code, Refused)
        code = said.get("type", "demo.refused").removeprefix("urn:batchone:problem:")
        raise kind(code, said.get("detail", answer.reason_phrase), said.get("cure", ""), path=path)


def _problem(answer: httpx.Response) -> dict[str, str]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


async def patiently(clock: Clock, act: Callable[[], Awaitable[Any]]) -> Any:
    """Do it, again and again while the platform says to try later."""
    while True:
        try:
            return await act()
        except TryLater as error:
            _log.info("demo.waiting", what=error.what)
            await clock.sleep(_WAIT_REAL_S * clock.speed)


async def again_and_again(clock: Clock, tick: Callable[[], Awaitable[int]], every_s: float, requests: int) -> None:
    """Tick until cancelled: every `every_s` of plant time, but at no more than ten requests a real second."""
    pause_s = max(every_s, clock.speed * requests / _REQUESTS_A_REAL_SECOND)
    while True:
        await patiently(clock, tick)
        await clock.sleep(pause_s)


async def tried(act: Awaitable[Any], what: str) -> bool:
    """Whether it was done; a refusal is logged, since a partner goes on with the rest of the day."""
    try:
        await act
    except Refused as error:
        _log.warning("demo.refused", doing=what, what=error.what, cure=error.cure)
        return False
    return True
