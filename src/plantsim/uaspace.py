"""What the OPC UA servers are made of: their words in the library's types, and an address space that is quick to make.

Building the some six thousand standard nodes takes about two seconds, and a plant has several servers: so they are built
once in a process, then copied.
"""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, cast

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData, NodeManagementService
from asyncua.server.internal_server import InternalServer
from asyncua.server.standard_address_space import standard_address_space

_NOTHING = ua.DataValue()


def node_of(path: str, namespace: int) -> ua.NodeId:
    """Return the node id of a path in a namespace."""
    return ua.NodeId(cast(ua.String, path), cast(ua.Int16, namespace))


def name_of(name: str, namespace: int) -> ua.QualifiedName:
    """Return a browse name."""
    return ua.QualifiedName(cast(ua.String, name), cast(ua.UInt16, namespace))


def moment_of(at_s: float) -> ua.DateTime:
    """Return Unix seconds as the library's time, which is UTC."""
    return cast(ua.DateTime, datetime.fromtimestamp(at_s, UTC))


def status_of(code: int) -> ua.StatusCode:
    """Return a status."""
    return ua.StatusCode(cast(ua.UInt32, code))


class Reading(ua.DataValue):
    """A value with its plant time. The library copies every value deeply for each subscriber, which is most of a server's
    work; a reading is never changed once it is made, so it is its own copy."""

    def __deepcopy__(self, memo: dict[int, object]) -> Reading:
        return self


class QuickServer(InternalServer):
    """The library's inner server, with its standard nodes copied from the first one made."""

    _standard: ClassVar[AddressSpace | None] = None

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:  # noqa: ARG002
        """Fill the address space with the standard nodes."""
        if QuickServer._standard is None:
            space = AddressSpace()
            await asyncio.to_thread(standard_address_space.fill_address_space, NodeManagementService(space))
            QuickServer._standard = space
        # A hundred thousand small objects at once would set the garbage collector searching for what is not there.
        gc.disable()
        try:
            for node_id in QuickServer._standard.keys():  # noqa: SIM118 it is no mapping
                self.aspace[node_id] = _copy(QuickServer._standard[node_id])
        finally:
            gc.enable()


def _copy(node: NodeData) -> NodeData:
    """Copy what a server may change; values themselves are replaced, never changed."""
    twin = NodeData(node.nodeid)
    twin.call = node.call
    twin.references = list(node.references)
    for attribute, held in node.attributes.items():
        twin.attributes[attribute] = copied = AttributeValue(_NOTHING)
        copied.value, copied.value_callback = held.value, held.value_callback
    return twin
