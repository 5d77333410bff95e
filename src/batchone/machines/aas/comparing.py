"""Whether two shells or submodels say the same, however their tools wrote it down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from batchone.machines.aas.elements import double
from batchone.machines.aas.views import Node

# Of these the metamodel keeps no order; that of a reference's keys and of a list's elements counts.
_UNORDERED = ("submodels", "submodelElements", "value", "displayName", "specificAssetIds")


def differences(ours: Node, theirs: Node) -> list[str]:
    """The places at which two differ, as paths of names from the top; order, default and notation do not count."""
    return _differences(_canonical(ours), _canonical(theirs), "")


def _differences(ours: object, theirs: object, place: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = [(str(key), ours.get(key), theirs.get(key)) for key in dict.fromkeys([*ours, *theirs])]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(str(index), mine, other) for index, (mine, other) in enumerate(zip(ours, theirs, strict=True))]
    else:
        return [] if ours == theirs else [place or "/"]
    return [each for key, mine, other in pairs for each in _differences(mine, other, f"{place}/{key}")]


def _canonical(said: Any) -> Any:
    if isinstance(said, list):
        return [_canonical(each) for each in said]
    if not isinstance(said, dict):
        return said
    found = {name: _canonical(each) for name, each in said.items() if (name, each) != ("kind", "Instance")}
    if said.get("modelType") != "SubmodelElementList":
        found |= {name: _by_name(found[name]) for name in _UNORDERED if isinstance(found.get(name), list)}
    for name in ("value", "min", "max"):
        if isinstance(found.get(name), str):
            found[name] = _plain(found[name], str(said.get("valueType")))
    return found


def _by_name(entries: list[Any]) -> list[Any] | dict[str, Any]:
    """Entries by what names each of them, where each has a name of its own."""
    named = {_name(each): each for each in entries}
    return named if len(named) == len(entries) and "" not in named else entries


def _name(entry: Any) -> str:
    match entry:
        case {"idShort": str(name)} | {"language": str(name)} | {"name": str(name)} | {"keys": [*_, {"value": str(name)}]}:
            return name
    return ""


def _plain(text: str, type_: str) -> str:
    """A value in one notation; as it is where it is none of its type."""
    try:
        if type_ == "xs:dateTime":
            at = datetime.fromisoformat(text)
            return at.astimezone(UTC).isoformat() if at.tzinfo else at.isoformat()
        return double(float(text)) if type_ == "xs:double" else text
    except ValueError:
        return text
