"""How much of a submodel or element an answer shows: all of it, its metadata, its bare values, its paths or a reference.

They work on the JSON of the metamodel, which is what is sent: `Node` is the object of a submodel or of an element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from batchone.kernel.errors import NotFound, Refused

Node = dict[str, Any]
Level = Literal["deep", "core"]
CONTAINERS = ("SubmodelElementCollection", "SubmodelElementList")
"""The elements below which others stand."""
_STEP = re.compile(r"(?P<name>[a-zA-Z][a-zA-Z0-9_]*)(?P<indices>(?:\[\d{1,9}\])*)")
_CONTENT = {
    "Submodel": ("submodelElements",),
    "Range": ("min", "max"),
}
_NUMBERS = {"xs:double": float, "xs:integer": int}
_NOT_FINITE = {"NaN", "INF", "-INF"}


def children(node: Node) -> list[Node]:
    """The elements directly below."""
    kind = node["modelType"]
    if kind == "Submodel":
        return list(node.get("submodelElements", ()))
    return list(node.get("value", ())) if kind in CONTAINERS else []


def core(node: Node) -> Node:
    """A node with the elements directly below it, and nothing below those."""
    key = "submodelElements" if node["modelType"] == "Submodel" else "value"
    below = [{name: said for name, said in child.items() if name != "value" or not children(child)} for child in children(node)]
    return {**node, key: below} if below else node


def metadata(node: Node) -> Node:
    """A node without its values and what is below it."""
    values = _CONTENT.get(node["modelType"], ("value",))
    return {name: said for name, said in node.items() if name not in values}


def value(node: Node) -> Any:
    """The value of a node and of all below it, without the words around them."""
    match node["modelType"]:
        case "Submodel" | "SubmodelElementCollection":
            return {child["idShort"]: value(child) for child in children(node)}
        case "SubmodelElementList":
            return [value(child) for child in children(node)]
        case "MultiLanguageProperty":
            return [{text["language"]: text["text"]} for text in node.get("value", ())]
        case "Range":
            return {name: _typed(node[name], node["valueType"]) for name in ("min", "max") if name in node}
        case "Property":
            return _typed(node.get("value"), node["valueType"])
        case _:
            return node.get("value")


def _typed(text: str | None, type_: str) -> str | float | bool | None:
    if text is None or text in _NOT_FINITE:
        return text
    if type_ == "xs:boolean":
        return text == "true"
    return _NUMBERS[type_](text) if type_ in _NUMBERS else text


def paths(node: Node, level: Level, at: str = "") -> list[str]:
    """The idShort paths of an element that stands `at` one, and of what is below it; of a submodel, of its elements."""
    if node["modelType"] == "Submodel":
        if level == "core":
            return [child["idShort"] for child in children(node)]
        return [path for child in children(node) for path in _paths(child, child["idShort"], level)]
    return list(_paths(node, at, level))


def _paths(node: Node, path: str, level: Level) -> Iterator[str]:
    yield path
    for step, child in _steps(node, path):
        if level == "deep":
            yield from _paths(child, step, level)
        else:
            yield step


def _steps(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    indexed = node["modelType"] == "SubmodelElementList"
    for index, child in enumerate(children(node)):
        yield (f"{path}[{index}]" if indexed else f"{path}.{child['idShort']}"), child


def trail(submodel: Node, path: str) -> list[tuple[str, Node]]:
    """The elements from a submodel down an idShort path, each with its step; `NotFound` where one is not there."""
    here, found = submodel, []
    for step in _read(path):
        below = children(here)
        if isinstance(step, int):
            inside = here["modelType"] == "SubmodelElementList" and step < len(below)
            child = below[step] if inside else None
        else:
            child = next((each for each in below if each.get("idShort") == step), None)
        if child is None:
            raise NotFound(
                "aas.no_element", f"There is no element {path}.", "See the $path of the submodel.", submodel=submodel["id"]
            )
        found.append((str(step), child))
        here = child
    return found


def _read(path: str) -> Iterator[str | int]:
    for part in path.split("."):
        step = _STEP.fullmatch(part)
        if step is None:
            raise Refused("aas.path", f"{path[:200]!r} is no idShort path.", "Write it as `Jobs[0].Equipment`.")
        yield step["name"]
        yield from (int(index) for index in re.findall(r"\d+", step["indices"]))


def reference(submodel: Node, steps: list[tuple[str, Node]]) -> Node:
    """A reference to a submodel, or to the element at the end of `steps`."""
    keys = [{"type": "Submodel", "value": submodel["id"]}]
    keys += [{"type": node["modelType"], "value": step} for step, node in steps]
    return {"type": "ModelReference", "keys": keys}
