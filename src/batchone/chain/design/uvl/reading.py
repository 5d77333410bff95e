"""A text in UVL to a feature model, in one pass over its lines.

The tree of features is what makes models large, and nearly all its lines are a name or a relation: those are told by one
look into a table. Lines with attributes, types or cardinalities, and constraints, are read word by word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from batchone.chain.design.uvl.faults import Fault, Halt, UvlRefused, halt
from batchone.chain.design.uvl.formulas import Formulas
from batchone.chain.design.uvl.model import NO_ATTRIBUTES, Constraint, Feature, FeatureModel, Group, Plain, Relation
from batchone.chain.design.uvl.tokens import NAME, Token, Words, bare, tokens_of, without_comments
from batchone.kernel.errors import NotFound, Refused

FEATURES_MAX = 200_000
"""A model with more features is refused; the largest published ones have some 60,000."""
LINES_MAX = 600_000
BYTES_MAX = 64_000_000
FAULTS_MAX = 20
"""So many faults are told at once."""

_RELATIONS = {str(each): each for each in Relation if each is not Relation.CARDINALITY}
_TYPES = frozenset({"Boolean", "Integer", "Real", "String"})
_KEYWORDS = frozenset(
    {*_RELATIONS, "features", "constraints", "namespace", "include", "imports", "cardinality", "true", "false"}
)
_PLAIN = re.compile(rf"{NAME}\Z")
_ABSTRACT = re.compile(rf"({NAME})[ \t]*\{{[ \t]*abstract(?:[ \t]+true)?[ \t]*\}}\Z")
_ONLY_ABSTRACT: dict[str, Plain] = {"abstract": None}
_A_GROUP = "a relation: mandatory, optional, alternative, or, or a cardinality such as [1..3]"
_A_FEATURE = "a feature"
_LEVELS_MAX = 20


def read_file(path: Path) -> FeatureModel:
    """The model in a file; `NotFound` where there is none, `Refused` above the limits, `UvlRefused` with all its faults."""
    try:
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise _too_large(path.name, f"{size / 1e6:.0f} MB", f"{BYTES_MAX / 1e6:.0f} MB")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("design.no_file", f"There is no file {path}.", "Name a file in UVL.", file=path) from None
    except OSError as error:
        raise Refused("design.file", f"{path} cannot be read: {error.strerror}.", "Name a file in UVL.", file=path) from None
    try:
        return read(data.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before) - before.rfind(b"\n")
        what = "A byte stands here that is no UTF-8."
        raise UvlRefused(path.name, (Fault(before.count(b"\n") + 1, column, what, "text in UTF-8"),)) from None


def read(text: str, name: str = "model.uvl") -> FeatureModel:
    """The model in a text. `name` is what faults call it. `UvlRefused` with all faults when it has any."""
    lines = text.count("\n")
    if lines > LINES_MAX:
        raise _too_large(name, f"{lines:,} lines", f"{LINES_MAX:,} lines and {FEATURES_MAX:,} features")
    return _Reading(text, name).model()


def _too_large(name: str, has: str, most: str) -> Refused:
    cure = f"At most {most} are read; split the product line."
    return Refused("design.uvl_too_large", f"{name} is too large: {has}.", cure, file=name, limit=most)


class _Reading:
    """One text on its way to a model."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = [line.rstrip() for line in without_comments(text.replace("\r\n", "\n")).split("\n")]
        self._faults: list[Fault] = []
        self._features: list[Feature] = []
        self._numbers: dict[str, int] = {}
        self._groups: list[tuple[Relation, int, list[int], int, int, int]] = []
        self._constraints: list[Constraint] = []
        self._waiting: list[tuple[list[Token], str]] = []
        self._namespace: str | None = None

    def model(self) -> FeatureModel:
        """Everything, or the faults."""
        sections: dict[str, Callable[[int], int]] = {
            "namespace": self._read_namespace,
            "include": self._read_include,
            "imports": self._refuse_imports,
            "features": self._read_features,
            "constraints": self._read_constraints,
        }
        seen: set[str] = set()
        at = 0
        try:
            while (at := self._next(at)) < len(self._lines):
                line = self._lines[at]
                word = line.split(maxsplit=1)[0]
                section = sections.get(word)
                if section is None or line[0] in " \t" or word in seen:
                    expected = f"one of {', '.join(each for each in sections if each not in seen)} at the beginning of a line"
                    column = len(line) - len(line.lstrip()) + 1
                    raise halt(at + 1, column, f"'{word}' stands here.", expected)
                seen.add(word)
                at = section(at)
            if not self._features:
                raise halt(len(self._lines), 1, "The text has no features.", "a section 'features' with a root")
            self._read_waiting(self._waiting, Formulas(self._features, self._numbers))
        except Halt as stopped:
            self._faults.append(stopped.fault)
        if self._faults:
            raise UvlRefused(self._name, tuple(sorted(set(self._faults))[:FAULTS_MAX]))
        groups = tuple(
            Group(relation, parent, tuple(members), *_bounds(relation, least, most, len(members)), line)
            for relation, parent, members, least, most, line in self._groups
        )
        return FeatureModel(tuple(self._features), groups, tuple(self._constraints), self._namespace)

    def _next(self, at: int) -> int:
        while at < len(self._lines) and not self._lines[at]:
            at += 1
        return at

    def _read_namespace(self, at: int) -> int:
        tokens, after = tokens_of(self._lines, at)
        words = Words(tokens[1:])
        parts = [bare(words.need_kind("name", "a name").text)]
        while words.took("."):
            parts.append(bare(words.need_kind("name", "a name after the dot").text))
        words.need_end("the end of the line")
        self._namespace = ".".join(parts)
        return after

    def _read_include(self, at: int) -> int:
        """Levels of the language are told by what a model uses; those that are named need no word here."""
        self._alone(at)
        at += 1
        while (at := self._next(at)) < len(self._lines) and self._lines[at][0] in " \t":
            level = self._lines[at].strip()
            if not re.match(r"(Boolean|Arithmetic|Type)(\.[\w*-]+)*\Z", level):
                column = len(self._lines[at]) - len(self._lines[at].lstrip()) + 1
                raise halt(at + 1, column, f"'{level}' is no level of the language.", "Boolean, Arithmetic or Type")
            at += 1
        return at

    def _refuse_imports(self, at: int) -> int:
        raise halt(at + 1, 1, "Models made of several files are not read here.", "one file with the whole model")

    def _alone(self, at: int) -> None:
        head = self._lines[at].split()
        if len(head) > 1:
            column = self._lines[at].index(head[1], len(head[0])) + 1
            raise halt(at + 1, column, f"'{head[1]}' stands here.", f"the end of the line after '{head[0]}'")

    def _read_features(self, at: int) -> int:  # noqa: C901, PLR0912, PLR0915 - the loop over all lines: no calls
        self._alone(at)
        lines, features, numbers, groups = self._lines, self._features, self._numbers, self._groups
        widths: dict[str, int] = {"": 0}
        stack: list[tuple[int, bool, int]] = []  # width of the indentation, whether a group, number
        at += 1
        while at < len(lines):
            line = lines[at]
            if not line:
                at += 1
                continue
            word = line.lstrip()
            lead = line[: len(line) - len(word)]
            width = widths.get(lead)
            if width is None:
                width = widths[lead] = _width(lead)
            if not width:
                break
            left = 0
            while stack and stack[-1][0] >= width:
                left = stack.pop()[0]
            if left and left != width:
                raise halt(at + 1, len(lead) + 1, "The indentation fits no line above.", "that of a line above, or more")
            relation = _RELATIONS.get(word)
            above = stack[-1] if stack else None
            if relation is not None or word[0] == "[":
                if above is None or above[1]:
                    raise halt(at + 1, len(lead) + 1, f"'{word}' stands here.", _A_FEATURE)
                stack.append((width, True, len(groups)))
                if relation is not None:
                    groups.append((relation, above[2], [], 0, 0, at + 1))
                else:
                    groups.append((Relation.CARDINALITY, above[2], [], *self._cardinality(at, len(lead)), at + 1))
                at += 1
                continue
            if above is None:
                if features:
                    raise halt(at + 1, len(lead) + 1, f"'{word}' would be a second root.", "one root, and all else below it")
                parent, group = -1, -1
            elif above[1]:
                group = above[2]
                parent = groups[group][1]
            else:
                raise halt(at + 1, len(lead) + 1, f"'{word}' stands here.", _A_GROUP)
            number = len(features)
            if number >= FEATURES_MAX:
                raise _too_large(self._name, f"more than {number:,} features", f"{FEATURES_MAX:,} features")
            attributes = NO_ATTRIBUTES
            following = at + 1
            if _PLAIN.match(word) and word not in _KEYWORDS:
                name = word[1:-1] if word[0] == '"' else word
            elif abstract := _ABSTRACT.match(word):
                name, attributes = bare(abstract[1]), _ONLY_ABSTRACT
            else:
                name, attributes, following = self._declared(at, len(lead))
            if name in numbers:
                first = features[numbers[name]].line
                self._fault(at + 1, len(lead) + 1, f"'{name}' stands already in line {first}.", "another name")
            numbers[name] = number
            features.append(Feature(name, parent, group, at + 1, attributes))
            if group >= 0:
                groups[group][2].append(number)
            stack.append((width, False, number))
            at = following
        for _, _, members, _, _, line_number in groups:
            if not members:
                lead = lines[line_number - 1]
                self._fault(
                    line_number, len(lead) - len(lead.lstrip()) + 1, "The group is empty.", "a feature below, further in"
                )
        return at

    def _cardinality(self, at: int, column: int) -> tuple[int, int]:
        tokens, _ = tokens_of(self._lines, at, column)
        words = Words(tokens)
        bounds = _range(words)
        words.need_end("the end of the line")
        return bounds

    def _declared(self, at: int, column: int) -> tuple[str, dict[str, Plain], int]:
        """A feature with a type, a cardinality or attributes: its name, its attributes, and the line after it."""
        tokens, after = tokens_of(self._lines, at, column)
        words = Words(tokens)
        token = words.need_kind("name", _A_FEATURE)
        if token.text in _TYPES and words.now.kind == "name":
            if token.text != "Boolean":
                what = f"A feature of type {token.text} belongs to the type level, which is not read here."
                raise halt(token.line, token.column, what, "a feature that is chosen or not")
            token = words.take()
        if token.text in _KEYWORDS:
            raise halt(token.line, token.column, f"'{token.text}' is a word of the language.", "a feature's name, in quotes")
        if words.now.text == "cardinality":
            place = words.now
            what = "Feature cardinalities are not read here: a feature is chosen once or not."
            raise halt(place.line, place.column, what, "one feature for each copy, in a group such as [1..3]")
        attributes: dict[str, Plain] = {}
        if words.now.text == "{":
            attributes = self._attributes(words, bare(token.text))
        words.need_end("attributes in braces, or the end of the line")
        return bare(token.text), attributes, after

    def _attributes(self, words: Words, feature: str, depth: int = 0) -> dict[str, Plain]:
        words.need("{")
        found: dict[str, Plain] = {}
        while not words.took("}"):
            if found or words.now.text == ",":
                words.need(",", "',' or '}'")
            token = words.need_kind("name", "the name of an attribute")
            key = bare(token.text)
            if token.text == "constraint":
                self._keep(words, (",", "}"))
                found[key] = None
            elif token.text == "constraints":
                words.need("[")
                while not words.took("]"):
                    self._keep(words, (",", "]"))
                    if words.now.text != "]":
                        words.need(",", "',' or ']'")
                found[key] = None
            elif key in found:
                self._fault(token.line, token.column, f"'{key}' stands here twice.", "each attribute once")
                self._value(words, feature, depth)
            else:
                found[key] = self._value(words, feature, depth)
        return {key: value for key, value in found.items() if key not in ("constraint", "constraints")}

    def _keep(self, words: Words, ends: tuple[str, str]) -> None:
        """Put a constraint among attributes aside until all features are known."""
        kept: list[Token] = []
        depth = 0
        while words.now.kind != "end" and (depth or words.now.text not in ends):
            token = words.take()
            depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "sign" else 0
            kept.append(token)
        place = words.now
        self._waiting.append(([*kept, Token("end", "", place.line, place.column)], " ".join(token.text for token in kept)))

    def _value(self, words: Words, feature: str, depth: int) -> Plain:
        token = words.now
        if token.text in (",", "}"):
            return None
        if token.text in ("{", "["):
            return self._nested(words, feature, depth + 1)
        words.take()
        if token.text in ("true", "false"):
            return token.text == "true"
        if token.kind == "string":
            return token.text[1:-1]
        sign = -1 if token.text == "-" else 1
        if sign < 0:
            token = words.need_kind("number", "a number")
        if token.kind == "number":
            return sign * Decimal(token.text)
        expected = "true, false, a number, a text in '...', a list in [...] or attributes in {...}"
        raise halt(token.line, token.column, f"'{token.text}' is no value.", expected)

    def _nested(self, words: Words, feature: str, depth: int) -> Plain:
        if depth > _LEVELS_MAX:
            raise halt(words.now.line, words.now.column, "Attributes stand too deep in one another.", f"{_LEVELS_MAX} levels")
        if words.now.text == "{":
            return self._attributes(words, feature, depth)
        words.need("[")
        values: list[Plain] = []
        while not words.took("]"):
            if values:
                words.need(",", "',' or ']'")
            values.append(self._value(words, feature, depth))
        return tuple(values)

    def _read_constraints(self, at: int) -> int:
        self._alone(at)
        if not self._features:
            raise halt(at + 1, 1, "'constraints' stands before 'features'.", "the features first")
        formulas = Formulas(self._features, self._numbers)
        at += 1
        while (at := self._next(at)) < len(self._lines) and self._lines[at][0] in " \t":
            line = self._lines[at].lstrip()
            formula = formulas.flat(line)
            if formula is not None:
                self._constraints.append(Constraint(formula, at + 1, line))
                at += 1
                continue
            try:
                tokens, after = tokens_of(self._lines, at, len(self._lines[at]) - len(line))
            except Halt as stopped:
                self._faults.append(stopped.fault)
                at += 1
                continue
            self._read_waiting([(tokens, " ".join(each.strip() for each in self._lines[at:after]))], formulas)
            at = after
        return at

    def _read_waiting(self, waiting: list[tuple[list[Token], str]], formulas: Formulas) -> None:
        for tokens, text in waiting:
            try:
                self._constraints.append(Constraint(formulas.whole(tokens), tokens[0].line, text))
            except Halt as stopped:
                self._faults.append(stopped.fault)

    def _fault(self, line: int, column: int, what: str, expected: str) -> None:
        self._faults.append(Fault(line, column, what, expected))


def _width(lead: str) -> int:
    """The column that an indentation reaches; a tab goes to the next multiple of eight, as in UVL's grammar."""
    width = 0
    for sign in lead:
        width += 8 - width % 8 if sign == "\t" else 1
    return width


def _range(words: Words) -> tuple[int, int]:
    """`[n]` or `[n..m]` or `[n..*]`; -1 stands for any number."""
    words.need("[")
    least = _count(words)
    most = least
    if words.took(".."):
        most = -1 if words.took("*") else _count(words)
    token = words.need("]")
    if 0 <= most < least:
        raise halt(token.line, token.column, f"{least} to {most} is no range.", "the smaller number first")
    return least, most


def _count(words: Words) -> int:
    token = words.need_kind("number", "a whole number")
    if not token.text.isdecimal() or len(token.text) > 9:
        raise halt(token.line, token.column, f"'{token.text}' counts no features.", "a whole number")
    return int(token.text)


def _bounds(relation: Relation, least: int, most: int, members: int) -> tuple[int, int]:
    match relation:
        case Relation.MANDATORY:
            return members, members
        case Relation.OPTIONAL:
            return 0, members
        case Relation.ALTERNATIVE:
            return 1, 1
        case Relation.OR:
            return 1, members
        case Relation.CARDINALITY:
            return least, members if most < 0 else most
