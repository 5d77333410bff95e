"""The bus at an edge: samples are kept at the edge until the hub has stored them, all else crosses the link.

An edge has a NATS of its own, a leaf node of the hub's with a JetStream domain of its own. What is published on `samples.>`
is stored there first; one consumer hands it over, in the order of each subject and under the same ids, and acknowledges what
the hub's JetStream has acknowledged. Facts, questions and broadcasts are for the hub: without the link they are told to try
later, or are lost, as with a hub that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from batchone.kernel.bus import Behind, Message, Stream, matches
from batchone.kernel.bus_nats import NatsBus, client_of
from batchone.kernel.deploy import Engines
from batchone.kernel.engines.nats import HUB_DOMAIN
from batchone.kernel.errors import TryLater

KEPT = Stream("SAMPLES", ("edge.samples.>",), max_age_s=0, max_bytes=8 * 1024**3, keeps=True)
"""Samples at an edge. Their subjects are not the hub's, so that nothing but the hand-over carries them across."""
_PREFIX = "edge."
_CONSUMER = "hub"
_AT_ONCE = 64
_FORGET_EVERY_S = 5.0
_log = structlog.get_logger(__name__)


class EdgeBus(NatsBus):
    """The hub's bus, seen from an edge, with samples kept at the edge."""

    def __init__(self, own: NatsBus) -> None:
        super().__init__(own.client, HUB_DOMAIN)
        self._own = own

    @staticmethod
    async def connect(url: str, name: str) -> EdgeBus:
        """Connect to the edge's NATS; the hub may be away. `TryLater` while the edge's own is."""
        bus = EdgeBus(NatsBus(await client_of(url, name)))
        await bus._own.ensure(KEPT)
        return bus

    async def publish(self, subject: str, data: bytes, *, id: str) -> None:  # noqa: A002
        """Store samples at the edge, anything else at the hub."""
        if matches("samples.>", subject):
            await self._own.publish(_PREFIX + subject, data, id=id)
        else:
            await super().publish(subject, data, id=id)

    async def hand_over(self) -> None:
        """Bring what the edge keeps to the hub, until cancelled. One process of an edge does."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._own.consume(KEPT, _CONSUMER, list(KEPT.subjects), self._to_hub, batch=_AT_ONCE))
            group.create_task(self._forget())

    async def _to_hub(self, messages: Sequence[Message]) -> None:
        # Each subject in its order, several beside each other; all have ended before any is tried again.
        by_subject: dict[str, list[Message]] = {}
        for message in messages:
            by_subject.setdefault(message.subject, []).append(message)
        ended = await asyncio.gather(*map(self._in_order, by_subject.values()), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def _in_order(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await super().publish(message.subject.removeprefix(_PREFIX), message.data, id=message.id)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_EVERY_S)
            try:
                await self._own.forget(KEPT)
            except TryLater as error:
                _log.info("edge.waiting", what=error.what)

    async def behind(self) -> Behind:
        """What the edge keeps and the hub has not acknowledged."""
        return await self._own.left(KEPT, _CONSUMER)


async def bus_of(engines: Engines, url: str, name: str) -> NatsBus:
    """The bus of a deployment: an edge's, or the hub's own. `TryLater` while it is away."""
    return await (EdgeBus if engines.at_edge else NatsBus).connect(url, name)
