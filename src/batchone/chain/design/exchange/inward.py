"""A feature model in UVL as options and rules of a pack: the same configurations, said in the other language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb, lcm

from batchone.chain.design import rules
from batchone.chain.design.expressions import RELATIONS
from batchone.chain.design.space.states import OptionSpace
from batchone.chain.design.space.weighing import differing
from batchone.chain.design.uvl.model import (
    All,
    Compare,
    Equivalent,
    FeatureModel,
    Formula,
    Group,
    Has,
    Implies,
    Not,
    Relation,
    Some,
    Truth,
)
from batchone.kernel.errors import Refused

SUBSETS_MAX = 2_000
"""A group whose cardinality needs more rules is refused."""
_ID = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*\Z")
_NEITHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class PackPart:
    """The options (values by id, the first being the default) and rules of a pack that came from a feature model.

    `conditions` says of each feature, by name, when it is chosen, in the language of rules.
    """

    options: Mapping[str, tuple[str, ...]]
    names: Mapping[tuple[str, str], str]
    rules: Mapping[str, str]
    messages: Mapping[str, str]
    conditions: Mapping[str, str]

    def files(self) -> dict[str, str]:
        """`options.yaml` and `rules.yaml`; names and messages are English."""
        lines = ["options:"]
        for option, values in self.options.items():
            lines += [f"  - id: {json.dumps(option)}", f"    name: {_english(self.names[option, ''])}"]
            lines += [f"    default: {json.dumps(values[0])}", "    values:"]
            lines += [f"      - {{id: {json.dumps(value)}, name: {_english(self.names[option, value])}}}" for value in values]
        said = ["rules:" if self.rules else "rules: []"]
        for rule, text in self.rules.items():
            said += [f"  - id: {json.dumps(rule)}", f"    rule: {json.dumps(text)}"]
            said.append(f"    message: {_english(self.messages[rule])}")
        return {"options.yaml": "\n".join(lines) + "\n", "rules.yaml": "\n".join(said) + "\n"}


def _english(text: str) -> str:
    return f"{{en: {json.dumps(text, ensure_ascii=False)}}}"


def part_of(model: FeatureModel) -> PackPart:
    """A feature model as options and rules. `Refused` where the model has no configuration, or says what rules cannot."""
    return _Importing(model).part()


class _Importing:
    """One model on its way to options and rules."""

    def __init__(self, model: FeatureModel) -> None:
        self._model = model
        space = OptionSpace(model)
        self._core, self._dead = set(space.prepared.core), set(space.prepared.dead)
        space.close()
        self._options: dict[str, tuple[str, ...]] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._rules: dict[str, str] = {}
        self._messages: dict[str, str] = {}
        self._conditions: dict[int, str] = {0: "true"}
        self._ids: set[str] = set(rules.RESERVED)

    def part(self) -> PackPart:
        """Options first, as rules speak of them."""
        for group in sorted(self._model.groups, key=lambda each: each.parent):
            self._declare(group)
        for group in self._model.groups:
            self._relate(group)
        for constraint in self._model.constraints:
            text = self._text(constraint.formula)
            if text != "true":
                self._rule(text, constraint.text or text)
        if not self._options:
            what = f"{self._model.features[0].name} leaves nothing to choose."
            raise Refused("design.uvl_nothing", what, "A pack has at least one option.")
        conditions = {self._model.features[number].name: text for number, text in self._conditions.items()}
        return PackPart(self._options, self._names, self._rules, self._messages, conditions)

    def _declare(self, group: Group) -> None:
        if group.relation is Relation.ALTERNATIVE:
            self._declare_alternative(group)
            return
        for member in group.members:
            name = self._model.features[member].name
            if member in self._dead:
                self._conditions[member] = "false"
            elif member in self._core:
                self._conditions[member] = "true"
            elif group.relation is Relation.MANDATORY:
                self._conditions[member] = self._conditions[group.parent]
            else:
                option = self._id(name)
                self._options[option] = ("no", "yes")
                self._names |= {(option, ""): name, (option, "no"): "no", (option, "yes"): "yes"}
                self._conditions[member] = f"{option} = yes"

    def _declare_alternative(self, group: Group) -> None:
        features, parent = self._model.features, self._conditions[group.parent]
        live = [member for member in group.members if member not in self._dead]
        if len(live) <= 1:
            # One that is left goes with its parent.
            self._conditions |= dict.fromkeys(group.members, "false") | dict.fromkeys(live, parent)
            return
        option = self._id(features[group.parent].name)
        taken = {*rules.RESERVED, *(("none",) if parent != "true" else ())}
        values = {member: _unique(features[member].name.partition("=")[2] or features[member].name, taken) for member in live}
        absent = () if parent == "true" else ("none",)
        self._options[option] = (*absent, *values.values())
        self._names[option, ""] = features[group.parent].name
        self._names |= {(option, value): features[member].name for member, value in values.items()}
        self._conditions |= dict.fromkeys(group.members, "false")
        self._conditions |= {member: f"{option} = {value}" for member, value in values.items()}
        if absent:
            self._names[option, "none"] = "none"
            self._rule(f"({option} = none) <=> not ({parent})", f"{self._names[option, '']} is chosen first.")

    def _relate(self, group: Group) -> None:
        parent, features = self._conditions[group.parent], self._model.features
        open_ = [member for member in group.members if self._conditions[member] not in ("true", "false", parent)]
        if group.relation in (Relation.MANDATORY, Relation.ALTERNATIVE):
            return
        if parent != "true":
            for member in open_:
                self._rule(
                    f"{self._conditions[member]} => {parent}", f"{features[member].name} needs {features[group.parent].name}."
                )
        for text in self._sizes(group):
            self._rule(text, f"{features[group.parent].name} has {group.least} to {group.most} of its parts.")

    def _sizes(self, group: Group) -> Iterator[str]:
        """Rules that keep the number of members within the group's bounds; only subsets say so in this language."""
        every, parent = len(group.members), self._conditions[group.parent]
        conditions = [f"({self._conditions[member]})" for member in group.members]
        most, missing = min(group.most, every), every - group.least
        needed = (comb(every, most + 1) if most < every else 0) + (comb(every, missing + 1) if group.least else 0)
        if needed > SUBSETS_MAX:
            what = f"The group of line {group.line} would be {needed:,} rules."
            raise Refused("design.uvl_cardinality", what, f"At most {SUBSETS_MAX:,} can be imported.", line=group.line)
        if missing < 0:
            yield f"not ({parent})"
        elif group.least:
            for some in combinations(conditions, missing + 1):
                yield f"{parent} => {' or '.join(some)}"
        if most < every:
            for some in combinations(conditions, most + 1):
                yield f"not ({' and '.join(some)})"

    def _text(self, formula: Formula) -> str:  # noqa: PLR0911 - one for each kind of formula
        match formula:
            case Has(feature):
                return self._conditions[feature]
            case Truth(value):
                return str(value).lower()
            case Not(part):
                return f"not ({self._text(part)})"
            case All(parts):
                return " and ".join(f"({self._text(part)})" for part in parts) or "true"
            case Some(parts):
                return " or ".join(f"({self._text(part)})" for part in parts) or "false"
            case Implies(first, second):
                return f"({self._text(first)}) => ({self._text(second)})"
            case Equivalent(first, second):
                return f"({self._text(first)}) <=> ({self._text(second)})"
            case Compare():
                return self._compared(formula)

    def _compared(self, compare: Compare) -> str:
        """A comparison by what it counts: so many times the number of conditions that hold."""
        weights = differing(self._model, range(1, len(self._model.features) + 1), compare)
        scale = lcm(*(weight.denominator for weight in weights.values()))
        constant, counted = Fraction(0), dict[int, list[str]]()
        for variables, weight in weights.items():
            parts = [each for variable in sorted(variables) if (each := self._conditions[variable - 1]) != "true"]
            if not parts:
                constant += weight
            elif "false" not in parts:
                counted.setdefault(int(weight * scale), []).append(" and ".join(f"({part})" for part in parts))
        relation = "=" if compare.relation == "==" else compare.relation
        if not counted:
            return str(RELATIONS[relation](constant, Fraction(0))).lower()
        left, right = (
            [_times(abs(weight), f"count{{{', '.join(each)}}}") for weight, each in counted.items() if (weight > 0) is positive]
            for positive in (True, False)
        )
        if constant:
            (left if constant > 0 else right).append(str(abs(int(constant * scale))))
        return f"{' + '.join(left) or 0} {relation} {' + '.join(right) or 0}"

    def _rule(self, text: str, message: str) -> None:
        rule = f"rule-{len(self._rules) + 1}"
        self._rules[rule], self._messages[rule] = text, message

    def _id(self, name: str) -> str:
        return _unique(name, self._ids)


def _times(weight: int, counted: str) -> str:
    return counted if weight == 1 else f"{weight} * {counted}"


def _unique(name: str, taken: set[str]) -> str:
    """An id made of a name, different from those that are taken; it is taken then."""
    plain = name if _ID.match(name) else _NEITHER.sub("-", name.lower()).strip("-") or "option"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}-{number}", number + 1
    taken.add(found)
    return found
