"""A feature model as a text in UVL that reads back to the same model.

The tree keeps its order and its groups, constraints their meaning: each connective stands in brackets, so nothing hangs
on which binds stronger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from batchone.chain.design.uvl.model import (
    All,
    Arithmetic,
    Attribute,
    Compare,
    Equivalent,
    FeatureModel,
    Formula,
    Group,
    Has,
    Implies,
    Not,
    Number,
    Plain,
    Relation,
    Some,
    Sum,
    Term,
    Truth,
)
from batchone.kernel.errors import Refused

_BARE = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_WORDS = frozenset({
    *map(str, Relation), "features", "constraints", "constraint", "namespace", "include", "imports", "as", "true", "false",
    "sum", "avg", "len", "floor", "ceil", "Boolean", "Integer", "Real", "String", "Arithmetic", "Type",
})  # fmt: skip


def write(model: FeatureModel) -> str:
    """The text. `Refused` where a name or a text has signs that UVL cannot say."""
    lines: list[str] = []
    if model.namespace:
        lines += [f"namespace {'.'.join(name(part) for part in model.namespace.split('.'))}", ""]
    lines.append("features")
    waiting: list[tuple[int, int, bool]] = [(1, 0, False)]  # how deep, number, whether a group
    while waiting:
        deep, number, is_group = waiting.pop()
        lead = "\t" * deep
        if is_group:
            group = model.groups[number]
            lines.append(f"{lead}{_relation(group)}")
            waiting += [(deep + 1, member, False) for member in reversed(group.members)]
        else:
            feature = model.features[number]
            lines.append(f"{lead}{name(feature.name)}{_attributes(feature.attributes)}")
            waiting += [(deep + 1, each, True) for each in reversed(model.groups_of.get(number, ()))]
    if model.constraints:
        lines += ["", "constraints"]
        lines += [f"\t{_formula(model, constraint.formula)}" for constraint in model.constraints]
    return "\n".join(lines) + "\n"


def name(text: str) -> str:
    """A name as UVL writes it: in quotes unless it is a plain word."""
    if _BARE.match(text) and text not in _WORDS:
        return text
    if not text or any(sign in text for sign in '".\r\n'):
        raise Refused("design.uvl_name", f"UVL has no way to write the name {text!r}.", "Use no quote, no dot and no new line.")
    return f'"{text}"'


def _relation(group: Group) -> str:
    if group.relation is not Relation.CARDINALITY:
        return str(group.relation)
    return f"[{group.least}]" if group.least == group.most else f"[{group.least}..{group.most}]"


def _attributes(attributes: Mapping[str, Plain]) -> str:
    if not attributes:
        return ""
    return " {" + ", ".join(name(key) + _value(value) for key, value in attributes.items()) + "}"


def _value(value: Plain) -> str:
    return "" if value is None else " " + _plain(value)


def _plain(value: Plain) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        if any(sign in value for sign in "'\r\n"):
            raise Refused("design.uvl_text", f"UVL has no way to write the text {value!r}.", "Use no apostrophe, no new line.")
        return f"'{value}'"
    if isinstance(value, tuple):
        return "[" + ", ".join(_plain(each) for each in value) + "]"
    if value is None:
        return "true"
    return _attributes(value).lstrip() or "{}"


def _formula(model: FeatureModel, formula: Formula) -> str:  # noqa: PLR0911 - one for each kind of formula
    match formula:
        case Has(feature):
            return name(model.features[feature].name)
        case Truth(value):
            root = name(model.features[0].name)
            return f"({root} {'|' if value else '&'} !{root})"
        case Not(part):
            return f"!{_formula(model, part)}"
        case All(parts) | Some(parts):
            if not parts:
                return _formula(model, Truth(isinstance(formula, All)))
            sign = " & " if isinstance(formula, All) else " | "
            return f"({sign.join(_formula(model, part) for part in parts)})"
        case Implies(first, second):
            return f"({_formula(model, first)} => {_formula(model, second)})"
        case Equivalent(first, second):
            return f"({_formula(model, first)} <=> {_formula(model, second)})"
        case Compare(relation, one, other):
            return f"({_term(model, one)} {relation} {_term(model, other)})"


def _term(model: FeatureModel, term: Term) -> str:
    match term:
        case Number(value):
            return f"({value:f})" if value < 0 else f"{value:f}"
        case Attribute(feature, key):
            return f"{name(model.features[feature].name)}.{_path(key)}"
        case Sum(key, under):
            return f"sum({_path(key)})" if under is None else f"sum({name(model.features[under].name)}, {_path(key)})"
        case Arithmetic(sign, first, second):
            return f"({_term(model, first)} {sign} {_term(model, second)})"


def _path(key: str) -> str:
    return ".".join(name(part) for part in key.split("."))
