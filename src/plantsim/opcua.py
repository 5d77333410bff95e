"""OPC UA: one server per connection, one object per equipment, values written as they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from plantsim.clock import PlantClock
from plantsim.equipment import Changes, Equipment
from plantsim.orders import dumps
from plantsim.uaspace import QuickServer, Reading, moment_of, name_of, node_of, status_of

NAMESPACE = "urn:batchone:plant"
_GARBAGE_STATE = 99
_GARBAGE_TEXT = '{"job": "\u0001'

Act = Callable[[str, float], tuple[Any, ua.VariantType]]


class OpcuaEndpoint:
    """An OPC UA server on the connection's port, for anonymous clients without encryption."""

    def __init__(
        self,
        id: str,  # noqa: A002 the connection's own word
        host: str,
        port: int,
        equipment: Mapping[str, Equipment],
        *,
        clock: PlantClock,
        wake: Callable[[], None],
        random: Random,
    ) -> None:
        self.id = id
        self.url = f"opc.tcp://{host}:{port}/"
        self.equipment = equipment
        self._clock = clock
        self._wake = wake
        self._random = random
        self._server: Server | None = None
        self._namespace = 0
        self._points: dict[str, list[ua.NodeId]] = {}

    async def start(self) -> None:
        """Make the address space and listen."""
        server = Server(iserver=QuickServer())
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name(f"plantsim {self.id}")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        server.allow_remote_admin(False)
        await server.set_application_uri(f"urn:batchone:plantsim:{self.id}")
        self._namespace = await server.register_namespace(NAMESPACE)
        self._server = server
        for one in self.equipment.values():
            await self._add_equipment(server, one)
        await server.start()

    async def answering(self) -> None:
        """It answers once it is started."""

    async def stop(self) -> None:
        """Close every connection and the server."""
        server, self._server = self._server, None
        if server is None:
            return
        clock, server.iserver.time_task = server.iserver.time_task, None
        if clock is not None:  # left to itself it would let the stop wait for its next second
            clock.cancel()
        await server.stop()

    async def publish(self, equipment: Equipment, changes: Changes, *, garbled: bool) -> None:
        """Write what has changed."""
        if self._server is None:
            return
        id_, now_s = equipment.spec.id, self._clock.now()
        if changes.state:
            state = _GARBAGE_STATE if garbled else int(equipment.state)
            await self._write(self._node(id_, "State"), ua.Variant(state, ua.VariantType.Int32), now_s)
        if changes.jobs:
            texts = [_GARBAGE_TEXT] if garbled else equipment.jobs_texts(now_s)
            await self._write(self._node(id_, "Jobs"), _strings(texts), now_s)
        if changes.completed:
            texts = [_GARBAGE_TEXT] if garbled else equipment.completed_texts()
            await self._write(self._node(id_, "Completed"), _strings(texts), now_s)
        nodes = self._points[id_]
        for number, (value, read_s) in changes.samples.items():
            shown = self._random.uniform(-1e30, 1e30) if garbled else value
            await self._write(nodes[number], ua.Variant(shown, ua.VariantType.Double), read_s)

    async def unplug(self) -> None:
        """Close the port and every connection; the address space and the machines go on."""
        if self._server is not None and self._server.bserver is not None:
            await self._server.bserver.stop()

    async def plug(self) -> None:
        """Listen again."""
        if self._server is not None and self._server.bserver is not None:
            await self._server.bserver.start()

    def _node(self, equipment: str, name: str) -> ua.NodeId:
        return node_of(f"{equipment}.{name}", self._namespace)

    async def _write(self, node: ua.NodeId, value: ua.Variant, at_s: float) -> None:
        assert self._server is not None
        moment = moment_of(at_s)
        told = Reading(value, SourceTimestamp=moment, ServerTimestamp=moment)
        await self._server.iserver.aspace.write_attribute_value(node, AttributeIds.Value, told)

    async def _add_equipment(self, server: Server, equipment: Equipment) -> None:
        id_, index = equipment.spec.id, self._namespace
        machine = await server.nodes.objects.add_object(node_of(id_, index), name_of(id_, index))
        for name, first in (
            ("State", ua.Variant(int(equipment.state), ua.VariantType.Int32)),
            ("Jobs", _strings([])),
            ("Completed", _strings([])),
        ):
            await self._add_variable(machine, f"{id_}.{name}", name, first)
        await self._add_signals(server, machine, equipment)
        await self._add_methods(machine, equipment)

    async def _add_signals(self, server: Server, machine: Node, equipment: Equipment) -> None:
        id_, index, nodes = equipment.spec.id, self._namespace, []
        places: dict[int, Node] = {0: machine}
        for point in equipment.sampler.points:
            if point.position not in places:
                place = f"P{point.position:02}"
                node_id = node_of(f"{id_}.{place}", index)
                places[point.position] = await machine.add_object(node_id, name_of(place, index))
            path = f"{id_}.{point.name('.')}"
            nothing = ua.Variant(0.0, ua.VariantType.Double)
            node = await self._add_variable(places[point.position], path, point.signal.id, nothing)
            nodes.append(node)
            waiting = ua.DataValue(ua.Variant(), status_of(StatusCodes.BadWaitingForInitialData))
            await server.iserver.aspace.write_attribute_value(node, AttributeIds.Value, waiting)
        self._points[id_] = nodes

    async def _add_variable(self, parent: Node, path: str, name: str, first: ua.Variant) -> ua.NodeId:
        node_id = node_of(path, self._namespace)
        await parent.add_variable(node_id, name_of(name, self._namespace), first)
        return node_id

    async def _add_methods(self, machine: Node, equipment: Equipment) -> None:
        text, truth = ua.VariantType.String, ua.VariantType.Boolean

        def start(order: str, now_s: float) -> tuple[Any, ua.VariantType]:
            return dumps(equipment.store_and_start(order, now_s)), text

        def clear(job: str, now_s: float) -> tuple[Any, ua.VariantType]:
            return equipment.clear(job, now_s), truth

        def abort(job: str, now_s: float) -> tuple[Any, ua.VariantType]:
            return equipment.abort(job, now_s), truth

        acts: list[tuple[str, Act, ua.VariantType]] = [
            ("StoreAndStart", start, text),
            ("Clear", clear, truth),
            ("Abort", abort, truth),
        ]
        for name, act, answers in acts:
            node_id = self._node(equipment.spec.id, name)
            called = self._method(equipment, act)
            await machine.add_method(node_id, name_of(name, self._namespace), called, [text], [answers])

    def _method(self, equipment: Equipment, act: Act) -> Callable[..., Any]:
        """Return what the library calls: the act, with the faults of the wire about it."""

        async def called(_parent: ua.NodeId, *arguments: ua.Variant) -> ua.StatusCode | list[ua.Variant]:
            if len(arguments) != 1 or not isinstance(arguments[0].Value, str):
                return status_of(StatusCodes.BadInvalidArgument)
            if equipment.state == equipment.state.OFFLINE:
                return status_of(StatusCodes.BadNoCommunication)
            answer, kind = act(arguments[0].Value, self._clock.now())
            self._wake()
            real_s = self._clock.real()
            if equipment.faults.muted(real_s):
                return status_of(StatusCodes.BadTimeout)
            if equipment.faults.garbled(real_s):
                return [ua.Variant(_GARBAGE_TEXT, ua.VariantType.String)]
            return [ua.Variant(answer, kind)]

        return called


def _strings(texts: list[str]) -> ua.Variant:
    return ua.Variant(texts, ua.VariantType.String, is_array=True)
