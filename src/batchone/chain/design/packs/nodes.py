"""YAML 1.2 as text with lines: nothing is turned into numbers or dates before a reader asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from batchone.chain.design.packs.faults import Place

Report = Callable[[Place, str, str], None]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A piece of text.

    `kind` is what YAML would make of it (str, int, float, bool, null), or `fault` where one was reported already.
    """

    text: str
    kind: str
    place: Place
    column: int = 0
    """The column of its first character, past a quote; 0 where it stands on several lines."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; `lines` has the place of each key."""

    entries: Mapping[str, Node]
    lines: Mapping[str, Place]
    place: Place


Node = Scalar | Items | Table


def told(node: Node) -> bool:
    """Whether what stands here was reported as a fault already."""
    return isinstance(node, Scalar) and node.kind == "fault"


NOTHING = Scalar("", "null", Place("", 1))


@dataclass
class _Walk:
    file: str
    report: Report
    seen: set[int] = field(default_factory=set)

    def node(self, node: object, around: Place) -> Node:
        """The node as ours. A node met twice was reached through an alias, which stands `around` here."""
        if id(node) in self.seen:
            self.report(around, "Aliases (*name) are not read.", "Write the content out.")
            return Scalar("", "fault", around)
        start, end = getattr(node, "start_mark"), getattr(node, "end_mark")  # noqa: B009 - the library types no marks
        place = Place(self.file, start.line + 1, start.column + 1)
        self.seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._table(node, place)
        if isinstance(node, SequenceNode):
            return Items(tuple(self.node(item, place) for item in node.value), place)
        if isinstance(node, ScalarNode):
            column = place.column + (node.style in ("'", '"')) if start.line == end.line else 0
            return Scalar(str(node.value), str(node.tag).rsplit(":", 1)[-1], place, column)
        self.report(place, "This is neither a text, a list nor a mapping.", "Write plain YAML.")
        return Scalar("", "fault", place)

    def _table(self, node: MappingNode, place: Place) -> Table:
        entries: dict[str, Node] = {}
        lines: dict[str, Place] = {}
        for key_node, value_node in node.value:
            key = self.node(key_node, place)
            name = key.text if isinstance(key, Scalar) else ""
            if not name:
                self.report(key.place, "A key must be a word.", "Write the key as plain text.")
            elif name in entries:
                self.report(key.place, f"'{name}' stands here twice.", "Keep one of the two.")
            else:
                entries[name], lines[name] = _at_key(self.node(value_node, key.place), key.place), key.place
        return Table(entries, lines, place)


def _at_key(value: Node, key: Place) -> Node:
    """A value that is left out stands where its key does, not where the next thing begins."""
    return Scalar("", "null", key) if isinstance(value, Scalar) and value.kind == "null" and not value.text else value


def read_yaml(file: str, text: str, report: Report) -> Node | None:
    """The content of a file; none when it cannot be read at all."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1)
        report(place, f"This is no YAML: {error.problem or 'it cannot be read'}.", "Correct the syntax.")
        return None
    except (YAMLError, RecursionError, ValueError) as error:
        report(Place(file, 1), f"This is no YAML: {str(error).splitlines()[0]}.", "Write one plain YAML document.")
        return None
    if root is None:
        report(Place(file, 1), "The file is empty.", "Write what the guide to packs asks for.")
        return None
    return _Walk(file, report).node(root, Place(file, 1))
