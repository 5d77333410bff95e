"""How an OPC UA server is listened to and called, with asyncua; what its nodes mean is in `nodes`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStructParsingError

from batchone.contracts.machines import JobOrder
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Garbled, Inbox, JobResponse, Reach, Reading, away
from batchone.machines.connect.jobs import merged, order_to_json, response_from_json
from batchone.machines.connect.opcua import nodes, publications
from batchone.machines.connect.opcua.nodes import Book, Listed, Point
from batchone.machines.connect.opcua.publications import Numbers
from batchone.machines.connect.opcua.security import security_of
from batchone.machines.connect.opcua.session import AWAY, SecureClient
from batchone.machines.connect.wiring import Wiring

T = TypeVar("T")
_CHUNK = 500
_PUBLISH_MS, _SAMPLE_MS = 200, 100
_KEEP_ALIVE, _LIFETIME = 5, 100
_NO_METHOD = {StatusCodes.BadMethodInvalid, StatusCodes.BadNodeIdUnknown, StatusCodes.BadNotImplemented}
_FULL = {StatusCodes.BadTooManyMonitoredItems}
_LIMITS = (
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
    ObjectIds.Server_ServerCapabilities_MaxMonitoredItemsPerSubscription,
)


class OpcuaDriver:
    """One session with as many subscriptions as the server makes necessary.

    Publications are read off the wire into columns (`publications`), in place of the library's own reading.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        self._wiring = wiring
        self._reach = reach
        self._clock = clock
        self._nodes = {point.path: point.address for point in wiring.points} or reach.nodes
        self.address = wiring.url or f"opc.tcp://{reach.host}:{(wiring.port or 4840) + reach.port_offset}/"
        # A pack's machines are spoken to as their protocol page says; a declared connection is secured.
        security = security_of(wiring.url, wiring.settings) if wiring.url else None
        self._client = SecureClient(self.address, security, reach)
        self._client.connection_lost_callback = self._on_lost
        self._listed = Listed(nodes.mapped_points(self._nodes))
        self._inbox, self._book = Inbox(), Book()
        self._news = asyncio.Event()
        self._lost: Exception | None = None
        self._heard_s = 0.0
        self._space = 0
        self._chunk = self._browsed = _CHUNK
        self._room = sys.maxsize

    async def open(self) -> None:
        """Connect, find the nodes, subscribe."""
        await self._client.enter()
        with self._client.translated():
            self._client.uaclient.session.publish = self._publish  # type: ignore[method-assign]
            await self._learn_limits()
            if self._nodes or self._wiring.url:
                self._assume_states()
            else:
                self._space = await self._client.get_namespace_index(nodes.NAMESPACE)
                self._listed = Listed(await self._browse())
            await self._subscribe()

    def _assume_states(self) -> None:
        # A machine that has no node for its state counts as idle while it is connected.
        told = {point.equipment for point in self._listed.points if point.kind == "state"}
        for point in self._listed.points:
            if point.equipment not in told:
                self._inbox.states[point.equipment] = "idle"

    async def read(self) -> Reading:
        """Whatever was published since the last call; waits for something."""
        while not self._inbox:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._reach.silence_s / 4):
                    await self._news.wait()
            if self._lost is not None:
                raise away(self.address, self._lost)
            if not self._inbox and self._now_s() - self._heard_s > self._reach.silence_s:
                raise away(self.address, "it publishes nothing any more")
        return self._inbox.take()

    async def close(self) -> None:
        """Close the session, or just the socket when the server is gone."""
        try:
            async with asyncio.timeout(self._reach.answer_s):
                await self._client.disconnect()
        except AWAY:
            self._client.disconnect_socket()

    async def start_job(self, equipment: str, order: JobOrder) -> JobResponse:
        """Call StoreAndStart; the answer is the machine's read-back."""
        return response_from_json(await self._call(equipment, "StoreAndStart", order_to_json(order)))

    async def jobs(self, equipment: str) -> tuple[JobResponse, ...]:
        """Read both lists now."""
        wanted = [self._node(equipment, name) for name in ("Jobs", "Completed")]
        with self._client.translated():
            running, ended = await self._client.uaclient.session.read_attributes(wanted, AttributeIds.Value)
        for data in (running, ended):
            self._check(data.StatusCode, equipment)
        return merged(nodes.responses_of(_value(running)), nodes.responses_of(_value(ended)))

    async def clear(self, equipment: str, job: str) -> bool:
        """Call Clear."""
        return _truth(await self._call(equipment, "Clear", job))

    async def abort(self, equipment: str, job: str) -> bool:
        """Call Abort."""
        return _truth(await self._call(equipment, "Abort", job))

    def press(self, share: float) -> None:
        """Nothing: the server decides when it publishes."""

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _node(self, equipment: str, name: str = "") -> ua.NodeId:
        return ua.NodeId(f"{equipment}.{name}" if name else equipment, self._space)  # type: ignore[arg-type] # plain int

    async def _call(self, equipment: str, method: str, text: str) -> object:
        if self._nodes:
            raise Refused("machine.no_jobs", f"{equipment} takes no jobs.", "Give the job to another machine.")
        request = ua.CallMethodRequest(
            ObjectId=self._node(equipment),
            MethodId=self._node(equipment, method),
            InputArguments=[ua.Variant(text, ua.VariantType.String)],
        )
        with self._client.translated():
            (result,) = await self._client.uaclient.session.call([request])
        self._check(result.StatusCode, equipment)
        return result.OutputArguments[0].Value if result.OutputArguments else None

    def _check(self, status: ua.StatusCode | None, equipment: str) -> None:
        if status is None or status.is_good():
            return
        if status.value in _NO_METHOD:
            raise Refused("machine.no_jobs", f"{equipment} at {self.address} takes no jobs.", "Look at its server.")
        raise away(f"{equipment} at {self.address}", status.name)

    async def _browse(self) -> list[Point]:
        """Every variable below every equipment that the server has, declared in the pack or not."""
        machines = await self._children([ua.NodeId(ObjectIds.ObjectsFolder)])  # type: ignore[arg-type] # plain int
        own = [(found, str(found.BrowseName.Name)) for found in machines[0] if found.NodeId.NamespaceIndex == self._space]
        points: list[Point] = []
        positions: list[tuple[ua.ReferenceDescription, str, str]] = []
        for (_, equipment), below in zip(own, await self._children([found.NodeId for found, _ in own]), strict=True):
            for found in below:
                if found.NodeClass == ua.NodeClass.Variable:
                    points.append(nodes.point_of(found.NodeId, equipment, str(found.BrowseName.Name)))
                elif found.NodeClass == ua.NodeClass.Object:
                    positions.append((found, equipment, str(found.BrowseName.Name)))
        lists = await self._children([found.NodeId for found, _, _ in positions])
        for (_, equipment, position), below in zip(positions, lists, strict=True):
            points.extend(
                nodes.point_of(found.NodeId, equipment, f"{position}/{found.BrowseName.Name}")
                for found in below
                if found.NodeClass == ua.NodeClass.Variable
            )
        return points

    async def _children(self, parents: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        session = self._client.uaclient.session
        lists: list[list[ua.ReferenceDescription]] = []
        for chunk in _chunks(parents, self._browsed):
            ask = ua.BrowseParameters(NodesToBrowse=[_description(parent) for parent in chunk])
            for result in await session.browse(ask):
                found = list(result.References or [])
                while result.ContinuationPoint:
                    more = ua.BrowseNextParameters(False, [result.ContinuationPoint])
                    (result,) = await session.browse_next(more)  # noqa: PLW2901 - the page after this one
                    found.extend(result.References or [])
                lists.append(found)
        return lists

    async def _learn_limits(self) -> None:
        """How much the server takes at once; one that does not say takes what we send."""
        wanted = [ua.NodeId(limit) for limit in _LIMITS]  # type: ignore[arg-type] # plain int
        told = [_value(data) for data in await self._client.uaclient.session.read_attributes(wanted, AttributeIds.Value)]
        items, browsed, room = (value if isinstance(value, int) and value > 0 else sys.maxsize for value in told)
        self._chunk, self._browsed, self._room = min(_CHUNK, items), min(_CHUNK, browsed), room

    async def _subscribe(self) -> None:
        """Subscribe to every point, in a further subscription when one is full."""
        self._heard_s = self._now_s()
        waiting = list(enumerate(self._listed.points))
        while waiting:
            left = await self._monitor(waiting[: self._room])
            if len(left) == len(waiting[: self._room]):
                for _, point in waiting:
                    self._inbox.fault(point.path, "The server watches no more values for us.")
                return
            waiting = left + waiting[self._room :]

    async def _monitor(self, wanted: Sequence[tuple[int, Point]]) -> list[tuple[int, Point]]:
        """One more subscription, to these points; those for which it has no room."""
        session = self._client.uaclient.session
        made = await session.create_subscription(
            ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=_PUBLISH_MS, RequestedLifetimeCount=_LIFETIME,
                RequestedMaxKeepAliveCount=_KEEP_ALIVE, MaxNotificationsPerPublish=0, PublishingEnabled=True, Priority=0,
            ),
            self._on_publication,
        )  # fmt: skip
        left: list[tuple[int, Point]] = []
        for chunk in _chunks(wanted, self._chunk):
            items = [_monitored(handle, point) for handle, point in chunk]
            results = await session.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=made.SubscriptionId, TimestampsToReturn=ua.TimestampsToReturn.Both, ItemsToCreate=items
                )
            )
            for (handle, point), result in zip(chunk, results, strict=True):
                if result.StatusCode.value in _FULL:
                    left.append((handle, point))
                elif not result.StatusCode.is_good():
                    self._inbox.fault(point.path, f"The server does not give it: {result.StatusCode.name}.")
        return left

    async def _publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        """What the library's session does, with our own reading of the answer."""
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acks
        data = await self._client.uaclient.session._send_request(request, timeout=0)  # noqa: SLF001
        try:
            read = publications.read(data)
        except publications.UNREADABLE as error:
            self._inbox.fault(f"{self._wiring.connection}/publication", f"It cannot be read: {error}."[:200])
            self._news.set()
            raise UaStructParsingError from error
        message = ua.NotificationMessage(SequenceNumber=read.sequence, NotificationData=list(read.parts))
        return ua.PublishResponse(Parameters=ua.PublishResult(read.subscription, NotificationMessage=message))

    def _on_publication(self, published: ua.PublishResult) -> None:
        self._heard_s, now = self._now_s(), self._clock.now()
        for part in published.NotificationMessage.NotificationData or []:
            if isinstance(part, Numbers):
                nodes.take_numbers(part, self._listed, self._inbox, self._book, now)
            elif isinstance(part, ua.MonitoredItemNotification):
                nodes.take_change(part, self._listed, self._inbox, self._book, now)
            elif isinstance(part, ua.StatusChangeNotification):
                self._lost = UaError(f"the subscription ended: {part.Status}")
        self._news.set()

    async def _on_lost(self, error: Exception) -> None:
        self._lost = error
        self._news.set()


def _chunks(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (all_of_them[start : start + size] for start in range(0, len(all_of_them), size))


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node, BrowseDirection=ua.BrowseDirection.Forward, IncludeSubtypes=True,
        ReferenceTypeId=ua.NodeId(ObjectIds.HierarchicalReferences),  # type: ignore[arg-type] # plain int
        NodeClassMask=ua.NodeClass.Variable | ua.NodeClass.Object, ResultMask=ua.BrowseResultMask.All,
    )  # fmt: skip


def _monitored(handle: int, point: Point) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=point.node, AttributeId=AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=_SAMPLE_MS, QueueSize=nodes.queue_size(point), DiscardOldest=True
        ),
    )


def _value(data: ua.DataValue) -> Any:
    return data.Value.Value if data.Value is not None else None


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise Garbled("machine.garbled", f"A machine sent {str(value)[:60]!r} for yes or no.")
    return value
