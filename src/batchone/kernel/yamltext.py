"""YAML 1.2 that people write, read into a pydantic model whole or not at all: every fault is told with its line."""

from __future__ import annotations

import io
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from batchone.kernel.errors import Refused

M = TypeVar("M", bound=BaseModel)
LONGEST = 4_000_000
"""Characters of a text that is read at all."""


def read(text: str, kind: type[M], what: str) -> M:
    """The text as a model; `Refused` with every fault, each with its line. `what` names the text to people."""
    root = _compose(text, what)
    try:
        return kind.model_validate({} if root is None else _plain(root, root.start_mark.line + 1))
    except ValidationError as error:
        faults = [f"line {_line(root, each['loc'])}: {_told(each['loc'], each['msg'])}" for each in error.errors()]
        cure = "Correct these places; nothing was changed."
        raise Refused(
            f"{what}.faults", f"The {what} cannot be taken. " + " ".join(faults), cure, faults="\n".join(faults)
        ) from error


def write(model: BaseModel) -> str:
    """The model as canonical text: keys in the order of the model, without what is at its default."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 128
    yaml.indent(mapping=2, sequence=4, offset=2)
    sink = io.StringIO()
    yaml.dump(model.model_dump(mode="json", exclude_defaults=True, by_alias=True), sink)
    return sink.getvalue()


def _compose(text: str, what: str) -> Node | None:
    if len(text) > LONGEST:
        raise Refused(f"{what}.too_long", f"The {what} has {len(text)} characters.", f"At most {LONGEST} are read.")
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{what}.yaml", f"Line {line} is no YAML: {error.problem}.", "Correct the syntax.", line=line) from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise Refused(f"{what}.yaml", f"This is no YAML: {str(error).splitlines()[0]}.", "Write plain YAML.") from error
    return root


def _plain(node: Node, line: int, seen: frozenset[int] = frozenset()) -> Any:
    """The node as plain data. Aliases are refused: a few lines of them could stand for more than fits into memory."""
    if id(node) in seen:
        raise Refused("yaml.alias", f"Line {line}: aliases (*name) are not read.", "Write the content out.", line=line)
    seen |= {id(node)}
    if isinstance(node, MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or str(key.value) in found:
                at = key.start_mark.line + 1
                raise Refused("yaml.key", f"Line {at}: this key is no word, or stands here twice.", "Keep one.", line=at)
            found[str(key.value)] = _plain(value, value.start_mark.line + 1, seen)
        return found
    if isinstance(node, SequenceNode):
        return [_plain(item, item.start_mark.line + 1, seen) for item in node.value]
    return None if str(node.tag).endswith(":null") else str(node.value)


def _line(root: Node | None, place: tuple[int | str, ...]) -> int:
    """The line of a place, or of the nearest thing around it."""
    node, line = root, 1 if root is None else root.start_mark.line + 1
    for step in place:
        if isinstance(node, MappingNode):
            found = next(((k, v) for k, v in node.value if str(k.value) == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _told(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(step) for step in place)
    return f"{where}: {message[0].lower()}{message[1:]}." if where else f"{message}."
