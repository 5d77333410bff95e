"""The packs' rule language, as far as conditions need it: a text becomes a function of the facts.

Grammar, loosest first: `<=>`, `=>` (to the right), `or`, `and`, `not`, comparison (`= != < <= > >=`, `in {a, b}`),
parentheses, `true`, `false`. A word that names a fact is its value, any other word is itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Value = str | float | bool
Facts = Mapping[str, Value]
Condition = Callable[[Facts], bool]
Operand = Callable[[Facts], Value]

_TOKEN = re.compile(r"\s*(<=>|=>|<=|>=|!=|[=<>(){},]|-?[A-Za-z0-9_][A-Za-z0-9_.-]*)")
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "in")


class RuleFault(ValueError):
    """The text is not a rule; the message says where it stops being one."""


def parse_rule(text: str) -> Condition:
    """Return the condition that `text` states.

    Raises:
        RuleFault: `text` is not in the language.
    """
    parser = _Parser(_tokens(text), text)
    condition = parser.equivalence()
    parser.expect_end()
    return condition


def plain(value: object) -> Value:
    """Return a number for what reads as one, a boolean as itself, and text for all else: how facts are compared."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    try:
        return float(text)
    except ValueError:
        return text


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise RuleFault(f"{text[at:].strip()[:10]!r} in {text!r} is no word of the rule language")
        tokens.append(match.group(1))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method a level; each returns the function that its part of the text means."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    def equivalence(self) -> Condition:
        left = self._implication()
        while self._accept("<=>"):
            left = _both_or_neither(left, self._implication())
        return left

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            raise RuleFault(f"{self._tokens[self._at]!r} in {self._text!r} comes after the end of the rule")

    def _implication(self) -> Condition:
        left = self._disjunction()
        return _either(_not(left), self._implication()) if self._accept("=>") else left

    def _disjunction(self) -> Condition:
        left = self._conjunction()
        while self._accept("or"):
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Condition:
        left = self._negation()
        while self._accept("and"):
            left = _both(left, self._negation())
        return left

    def _negation(self) -> Condition:
        if self._accept("not"):
            return _not(self._negation())
        if self._accept("("):
            inside = self.equivalence()
            self._expect(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        sign = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if sign not in _COMPARISONS:
            return lambda facts: left(facts) is True
        self._at += 1
        if sign == "in":
            return _member(left, self._set())
        return _compare(left, sign, self._operand())

    def _set(self) -> list[Operand]:
        self._expect("{")
        members = [self._operand()]
        while self._accept(","):
            members.append(self._operand())
        self._expect("}")
        return members

    def _operand(self) -> Operand:
        word = self._next()
        if not re.match(r"-?[A-Za-z0-9_]", word) or word in ("and", "or", "not", "in"):
            raise RuleFault(f"{word!r} in {self._text!r} stands where a word or number must be")
        if word in ("true", "false"):
            truth = word == "true"
            return lambda _facts: truth
        literal = plain(word)
        return lambda facts: plain(facts[word]) if word in facts else literal

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise RuleFault(f"{self._text!r} ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise RuleFault(f"{token!r} is missing in {self._text!r}")


def _not(inner: Condition) -> Condition:
    return lambda facts: not inner(facts)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda facts: left(facts) and right(facts)


def _either(left: Condition, right: Condition) -> Condition:
    return lambda facts: left(facts) or right(facts)


def _both_or_neither(left: Condition, right: Condition) -> Condition:
    return lambda facts: left(facts) == right(facts)


def _member(left: Operand, members: list[Operand]) -> Condition:
    return lambda facts: any(left(facts) == member(facts) for member in members)


def _compare(left: Operand, sign: str, right: Operand) -> Condition:
    if sign == "=":
        return lambda facts: left(facts) == right(facts)
    if sign == "!=":
        return lambda facts: left(facts) != right(facts)
    return lambda facts: _ordered(left(facts), sign, right(facts))


def _ordered(left: Value, sign: str, right: Value) -> bool:
    """Compare sizes; words have none, so a comparison with a word does not hold."""
    if not (isinstance(left, float) and isinstance(right, float)):
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]
