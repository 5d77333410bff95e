"""What an OPC UA server offers: its product, how it is secured, and its variables with their units and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.machines.connect.driver import Reach, Seen, unheard
from batchone.machines.connect.opcua.security import offered, security_of
from batchone.machines.connect.opcua.session import SecureClient
from batchone.machines.connect.proposing import LISTED_MAX, propose

_ANSWER_S = 5.0
_DEPTH, _NODES_MAX = 8, 4 * LISTED_MAX


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,
) -> Probed:  # fmt: skip
    """Browse a server and propose; nothing is subscribed to. The settings are those that the connection would be declared
    with: the probe connects no less securely."""
    client = SecureClient(url, security_of(url, settings), replace(reach, answer_s=_ANSWER_S))
    await client.enter()
    with client.translated():
        try:
            who = await _who(client)
            found = []
            async for each in _variables(client):
                found.append(each)
                seen(len(found))
        finally:
            await client.disconnect()
    listed, rest = propose(found, model)
    return Probed(url, "opcua", who, _secured(client), listed, rest)


def _secured(client: SecureClient) -> str:
    """How the probe was connected, and what else the server offers."""
    taken = client.taken
    now = f"{offered([taken.endpoint])[0]}" if taken is not None else "none"
    if now == "none":
        now = "none: nothing is signed or encrypted"
    return f"{now}; the server offers: {'; '.join(client.offers)}"


async def _who(client: Client) -> str:
    told = []
    for place in (ObjectIds.Server_ServerStatus_BuildInfo_ProductName, ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion):
        (value,) = await client.uaclient.session.read_attributes([ua.NodeId(place)], AttributeIds.Value)  # type: ignore[arg-type]
        told.append(str(value.Value.Value) if value.Value is not None and value.Value.Value else "")
    return " ".join(part for part in told if part) or "an OPC UA server that does not say what it is"


async def _variables(client: Client) -> Any:
    """Every readable variable below Objects outside the server's own namespace, breadth first."""
    waiting: list[tuple[Any, str, int]] = [(client.nodes.objects, "", 0)]
    seen: set[str] = set()
    while waiting and len(seen) < _NODES_MAX:
        node, above, depth = waiting.pop(0)
        for child in await node.get_children_descriptions():
            address = child.NodeId.to_string()
            if address in seen or child.NodeId.NamespaceIndex == 0:
                continue
            seen.add(address)
            name = f"{above} {child.DisplayName.Text or child.BrowseName.Name}".strip()
            below = client.get_node(child.NodeId)
            if child.NodeClass == ua.NodeClass.Variable:
                yield await _found(below, address, name)
            elif child.NodeClass == ua.NodeClass.Object and depth < _DEPTH:
                waiting.append((below, name, depth + 1))


async def _found(node: Any, address: str, name: str) -> Found:
    data = await node.read_data_value(raise_on_bad_status=False)
    value = data.Value.Value if data.Value is not None else None
    kind = data.Value.VariantType.name if data.Value is not None else "unknown"
    unit = ""
    for child in await node.get_children_descriptions(refs=ObjectIds.HasProperty):
        if child.BrowseName.Name == "EngineeringUnits":
            told = await node.get_child([f"{child.BrowseName.NamespaceIndex}:EngineeringUnits"])
            unit = str(getattr(await told.read_value(), "DisplayName", ua.LocalizedText()).Text or "")
    return Found(address, name, kind, unit, str(value)[:60])
