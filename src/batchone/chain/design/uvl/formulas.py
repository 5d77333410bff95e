"""Constraints as text to formulas: one walk over the words, by binding strength.

From weak to strong: `<=>`, `=>`, `|`, `&`, `!`, comparison, `+ -`, `* /`. Equal strength binds to the left, as UVL's
grammar says; so `a => b => c` is `(a => b) => c`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches

from batchone.chain.design.uvl.faults import Halt, halt
from batchone.chain.design.uvl.model import (
    All,
    Arithmetic,
    Attribute,
    Compare,
    Equivalent,
    Feature,
    Formula,
    Has,
    Implies,
    Not,
    Number,
    Some,
    Sum,
    Term,
    Truth,
)
from batchone.chain.design.uvl.tokens import NAME, Token, Words, bare

BRACKETS_MAX = 60
"""Brackets and signs within one another."""
DEPTH_MAX = 200
"""Formulas within one another, chains of `=>`, `<=>`, `+` and `*` included: each link holds all that stands before it."""
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_FUNCTIONS = frozenset({"avg", "len", "floor", "ceil"})
_JOINS = frozenset({"&", "|", "=>"})
_WORD = re.compile(rf"{NAME}|=>|[!&|]")
_FLAT = re.compile(rf"(?:(?>{NAME}|=>|[!&|])[ \t]*+)++\Z")
_A_CONDITION = "a feature, a comparison or a condition in brackets"
_A_NUMBER = "a number, an attribute of a feature such as A.price, or sum(...)"
_BOOLEAN = "a boolean condition, or a comparison of numbers; features with a type are not read here"


class Formulas:
    """Reads constraints over the features of one model."""

    def __init__(self, features: Sequence[Feature], numbers: Mapping[str, int]) -> None:
        self._features = features
        self._numbers = numbers
        self._keys: set[str] | None = None

    def whole(self, tokens: Sequence[Token]) -> Formula:
        """The formula that all these words make; halts at the first that does not fit."""
        words = Words(tokens)
        formula = self.formula(words)
        words.need_end("a connective such as & | => <=>, or the end of the line")
        if _depth(formula) > DEPTH_MAX:
            expected = f"at most {DEPTH_MAX} links of a chain; sum(...) adds up an attribute of all features"
            raise halt(tokens[0].line, tokens[0].column, "The formula is too deep.", expected)
        return formula

    def flat(self, line: str) -> Formula | None:  # noqa: C901 - one walk over the words of most lines of a large model
        """The formula of a line without brackets and numbers, at one look; none where the line is another or has a fault."""
        if not _FLAT.match(line):
            return None
        sides: list[Formula] = []
        ors: list[Formula] = []
        ands: list[Formula] = []
        negated = False
        found: Formula | None = None
        for word in [*_WORD.findall(line), "=>"]:
            if word == "!":
                if found is not None:
                    return None
                negated = not negated
            elif word in _JOINS:
                if found is None:
                    return None
                ands.append(found)
                found = None
                if word != "&":
                    ors.append(ands[0] if len(ands) == 1 else All(tuple(ands)))
                    ands = []
                    if word == "=>":
                        sides.append(ors[0] if len(ors) == 1 else Some(tuple(ors)))
                        ors = []
            else:
                number = self._numbers.get(word[1:-1] if word[0] == '"' else word)
                if number is None or found is not None or word in ("true", "false"):
                    return None
                found = Not(Has(number)) if negated else Has(number)
                negated = False
        if len(sides) > DEPTH_MAX:
            return None
        whole = sides[0]
        for side in sides[1:]:
            whole = Implies(whole, side)
        return whole

    def formula(self, words: Words, depth: int = 0) -> Formula:
        """The longest formula from the next word on."""
        return _condition(words.now, *self._equivalence(words, depth))

    def _equivalence(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._implication(words, depth)
        while words.took("<=>"):
            first = _condition(words.now, token, left)
            left = Equivalent(first, _condition(words.now, *self._implication(words, depth)))
        return token, left

    def _implication(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._joined(words, depth)
        while words.took("=>"):
            first = _condition(words.now, token, left)
            left = Implies(first, _condition(words.now, *self._joined(words, depth)))
        return token, left

    def _joined(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._conjunction(words, depth)
        if words.now.text != "|":
            return token, left
        parts = [_condition(words.now, token, left)]
        while words.took("|"):
            parts.append(_condition(words.now, *self._conjunction(words, depth)))
        return token, Some(tuple(parts))

    def _conjunction(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._negation(words, depth)
        if words.now.text != "&":
            return token, left
        parts = [_condition(words.now, token, left)]
        while words.took("&"):
            parts.append(_condition(words.now, *self._negation(words, depth)))
        return token, All(tuple(parts))

    def _negation(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token = words.now
        if token.text != "!":
            return self._comparison(words, depth)
        _refuse_depth(token, depth)
        words.take()
        return token, Not(_condition(words.now, *self._negation(words, depth + 1)))

    def _comparison(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._sum(words, depth)
        sign = words.now.text
        if sign not in _COMPARISONS or words.now.kind != "sign":
            return token, left
        words.take()
        right_token, right = self._sum(words, depth)
        return token, Compare(sign, _term(token, left), _term(right_token, right))

    def _sum(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._product(words, depth)
        while words.now.kind == "sign" and words.now.text in ("+", "-"):
            sign = words.take().text
            right_token, right = self._product(words, depth)
            left = Arithmetic(sign, _term(token, left), _term(right_token, right))
        return token, left

    def _product(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token, left = self._atom(words, depth)
        while words.now.kind == "sign" and words.now.text in ("*", "/"):
            sign = words.take().text
            right_token, right = self._atom(words, depth)
            left = Arithmetic(sign, _term(token, left), _term(right_token, right))
        return token, left

    def _atom(self, words: Words, depth: int) -> tuple[Token, Formula | Term]:
        token = words.now
        if token.kind == "name":
            return token, self._named(words)
        if token.kind == "number":
            return token, Number(Decimal(words.take().text))
        if token.text == "-":
            _refuse_depth(token, depth)
            words.take()
            inner_token, inner = self._atom(words, depth + 1)
            term = _term(inner_token, inner)
            return token, Number(-term.value) if isinstance(term, Number) else Arithmetic("-", Number(Decimal(0)), term)
        if token.text == "(":
            _refuse_depth(token, depth)
            words.take()
            _, inner = self._equivalence(words, depth + 1)
            words.need(")", f"')' for the '(' of {token.line}:{token.column}")
            return token, inner
        if token.kind == "string":
            raise halt(token.line, token.column, f"{token.text} is a text: the type level is not read here.", _BOOLEAN)
        raise words.other(_A_CONDITION)

    def _named(self, words: Words) -> Formula | Term:
        token = words.take()
        if token.text in ("true", "false"):
            return Truth(token.text == "true")
        if words.now.text == "(":
            return self._function(token, words)
        path = [bare(token.text)]
        while words.took("."):
            path.append(bare(words.need_kind("name", "a name after the dot").text))
        feature = self.feature(token, path[0])
        return Has(feature) if len(path) == 1 else self._attribute(token, feature, ".".join(path[1:]))

    def feature(self, token: Token, name: str) -> int:
        """The number of a feature; halts with near names where there is none such."""
        number = self._numbers.get(name)
        if number is None:
            near = get_close_matches(name, self._numbers, 3)
            expected = "a feature of this model" + (f", such as {', '.join(near)}" if near else "")
            raise halt(token.line, token.column, f"There is no feature '{name}'.", expected)
        return number

    def _attribute(self, token: Token, feature: int, key: str) -> Attribute:
        found = self._features[feature]
        if found.number(key) is None:
            has = ", ".join(found.attributes) or "none"
            what = f"{found.name} has no number '{key}'."
            raise halt(token.line, token.column, what, f"one of its attributes that is a number (it has {has})")
        return Attribute(feature, key)

    def _function(self, token: Token, words: Words) -> Sum:
        if token.text != "sum":
            if token.text in _FUNCTIONS:
                raise halt(token.line, token.column, f"'{token.text}' is not read here: only sums can be decided.", "sum(...)")
            raise halt(token.line, token.column, f"'{token.text}' is no function.", "sum(...)")
        words.need("(")
        given = [self._reference(words)]
        if words.took(","):
            given.append(self._reference(words))
        words.need(")", "',' or ')'")
        under: int | None = None
        if len(given) == 2:
            (first_token, first), (second_token, second) = given
            swapped = first not in self._numbers and second in self._numbers
            under = self.feature(second_token, second) if swapped else self.feature(first_token, first)
            given = [given[0] if swapped else given[1]]
        key_token, key = given[0]
        if key not in self._known_keys():
            near = get_close_matches(key, self._known_keys(), 3)
            expected = "the name of an attribute that is a number" + (f", such as {', '.join(near)}" if near else "")
            raise halt(key_token.line, key_token.column, f"No feature has a number '{key}'.", expected)
        return Sum(key, under)

    def _reference(self, words: Words) -> tuple[Token, str]:
        token = words.need_kind("name", "a name")
        path = [bare(token.text)]
        while words.took("."):
            path.append(bare(words.need_kind("name", "a name after the dot").text))
        return token, ".".join(path)

    def _known_keys(self) -> set[str]:
        if self._keys is None:
            self._keys = {key for feature in self._features if feature.attributes for key in _numeric(feature.attributes)}
        return self._keys


def _numeric(attributes: Mapping[str, object], above: str = "") -> list[str]:
    found: list[str] = []
    for key, value in attributes.items():
        if isinstance(value, Mapping):
            found.extend(_numeric(value, f"{above}{key}."))
        elif isinstance(value, Decimal):
            found.append(f"{above}{key}")
    return found


def _depth(formula: Formula) -> int:
    deepest = 0
    waiting: list[tuple[Formula | Term, int]] = [(formula, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(node, All | Some):
            waiting += [(part, depth + 1) for part in node.parts]
        elif isinstance(node, Not):
            waiting.append((node.part, depth + 1))
        elif isinstance(node, Implies | Equivalent | Compare | Arithmetic):
            waiting += [(node.first, depth + 1), (node.second, depth + 1)]
    return deepest


def _refuse_depth(token: Token, depth: int) -> None:
    if depth >= BRACKETS_MAX:
        expected = f"at most {BRACKETS_MAX} brackets within one another"
        raise halt(token.line, token.column, "The formula is too deep.", expected)


def _condition(_: Token, token: Token, found: Formula | Term) -> Formula:
    if isinstance(found, (Number, Attribute, Sum, Arithmetic)):
        raise _number_alone(token)
    return found


def _number_alone(token: Token) -> Halt:
    return halt(token.line, token.column, f"'{token.text}' begins a number, which is no condition.", _A_CONDITION)


def _term(token: Token, found: Formula | Term) -> Term:
    if isinstance(found, (Number, Attribute, Sum, Arithmetic)):
        return found
    if isinstance(found, Has):
        what = f"{token.text} is a feature, which has no number of its own: the type level is not read here."
        raise halt(token.line, token.column, what, _A_NUMBER)
    raise halt(token.line, token.column, f"'{token.text}' begins a condition, which is no number.", _A_NUMBER)
