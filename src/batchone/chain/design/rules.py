"""The language of rules: text to a bound expression (`expressions`), over the words of a pack (`vocabulary`).

Parsing binds words at once: whatever a comparison says about an option, a derived attribute, a size or a sum, it comes down
to options having one of some values. Grammar: `rules.lark`; meaning: `docs/guides/packs.md`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from batchone.chain.design import numbers
from batchone.chain.design.expressions import (
    ALWAYS,
    All,
    Among,
    Compare,
    Constant,
    Equivalent,
    Expression,
    Implies,
    Not,
    Some,
    Term,
    holds,
    named,
)
from batchone.chain.design.numbers import Number
from batchone.chain.design.vocabulary import Follows, RuleFault, Slot, Vocabulary, listed

__all__ = [
    "ALWAYS", "RESERVED", "All", "Among", "Compare", "Constant", "Equivalent", "Expression", "Follows", "Implies", "Not",
    "Number", "RuleFault", "Slot", "Some", "Term", "Vocabulary", "holds", "named", "parse", "parse_number",
]  # fmt: skip

RESERVED = frozenset({"in", "not", "and", "or", "true", "false"})
"""Words of the language itself, which nothing in a pack may be called."""

LENGTH_MAX = 200_000
"""The longest text that is read as a rule, in characters."""

_EXPECTED = {
    "WORD": "a word", "NUMBER": "a number", "OPERATOR": "=, !=, <, <=, > or >=", "UNIT": "a unit", "LPAR": "(", "RPAR": ")",
    "LBRACE": "{", "RBRACE": "}", "COMMA": "a comma", "COLON": ":", "PLUS": "+", "MINUS": "-", "STAR": "*", "IN": "in",
    "HAS": "has", "AND": "and", "OR": "or", "NOT": "not", "OF": "of", "TRUE": "true", "FALSE": "false", "$END": "the end",
    "_SUM": "sum(...)", "_COUNT": "count(...)", "_EVERY": "every(...)", "_SOME": "some(...)",
    "LIMIT": "at most, at least, exactly",
}  # fmt: skip
_OPERATORS = {"_BOTH": "<=>", "_THEN": "=>"}


@cache
def _parser(start: str) -> Lark:
    grammar = (Path(__file__).parent / "rules.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False, start=start, propagate_positions=True)


def parse(text: str, vocabulary: Vocabulary) -> Expression:
    """The bound expression of a text, read in the vocabulary's scope; `RuleFault` when it is none."""
    return _Binder(vocabulary).truth(_read(text, "start", "a = b and c != d"))


def parse_number(text: str, vocabulary: Vocabulary) -> Number:
    """The bound number of a text such as `2 * a + b`; `RuleFault` when it is none."""
    return _Binder(vocabulary).number(_read(text, "sum", "2 * a + b"))


def _read(text: str, start: str, example: str) -> Tree[Token] | Token:
    if len(text) > LENGTH_MAX:
        raise RuleFault(f"The rule has {len(text)} characters, and {LENGTH_MAX} are read.", "Split it.")
    try:
        return _parser(start).parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text) + 1 if ended else (error.pos_in_stream or 0) + 1
        place = "at its end" if ended else f"at character {at}"
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        cure = f"Expected {_expected(error)}. Write it in the language of rules, such as '{example}'."
        raise RuleFault(f"'{shown}' cannot be read {place}.", cure, at) from None


def _expected(error: UnexpectedInput) -> str:
    names = {*(getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None) or ())}
    shown = [word for name, word in (*_EXPECTED.items(), *_OPERATORS.items()) if name in names]
    if len(shown) > 1:
        return f"{', '.join(shown[:-1])} or {shown[-1]}"
    return shown[0] if shown else "something else"


class _Binder:
    """Walks a parse tree; each part is bound in the scope in which it stands."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._within: tuple[str, ...] = ()

    def truth(self, tree: Tree[Token] | Token) -> Expression:
        """A part that is true or false."""
        assert isinstance(tree, Tree)
        try:
            return self._truth(tree.data, tree.children)
        except RuleFault as fault:
            raise _at(fault, tree) from None

    def number(self, tree: Tree[Token] | Token) -> Number:
        """A part that is a number."""
        assert isinstance(tree, Tree)
        try:
            return self._number(tree.data, tree.children)
        except RuleFault as fault:
            raise _at(fault, tree) from None

    def _truth(self, kind: str, parts: list[Tree[Token] | Token]) -> Expression:  # noqa: C901, PLR0911 - one for each kind
        match kind:
            case "yes" | "no":
                return Constant(kind == "yes")
            case "negated":
                return Not(self.truth(parts[0]))
            case "all_of":
                return All(tuple(map(self.truth, parts)))
            case "any_of":
                return Some(tuple(map(self.truth, parts)))
            case "implies":
                return Implies(self.truth(parts[0]), self.truth(parts[1]))
            case "equivalent":
                return Equivalent(self.truth(parts[0]), self.truth(parts[1]))
            case "membership":
                return self._vocabulary.among(str(parts[0]), frozenset(map(str, parts[1:])))
            case "has":
                return self._has(str(parts[0]), str(parts[1]))
            case "comparison":
                return self._comparison(parts[0], str(parts[1]), parts[2])
            case "cardinality":
                return self._cardinality(" ".join(str(parts[0]).split()), str(parts[1]), parts[2:])
            case "every":
                return All(tuple(Implies(slot.presence(slot.scope), it) for slot, it in self._each(str(parts[0]), parts[1])))
            case "some":
                return Some(tuple(All((slot.presence(slot.scope), it)) for slot, it in self._each(str(parts[0]), parts[1])))
        raise AssertionError(kind)

    def _number(self, kind: str, parts: list[Tree[Token] | Token]) -> Number:  # noqa: C901, PLR0911 - one for each kind
        match kind:
            case "number":
                return Number(Fraction(Decimal(str(parts[0]))))
            case "quantity":
                return numbers.quantity(str(parts[0]), str(parts[1]))
            case "word":
                return self._of(str(parts[0]))
            case "plus":
                return self.number(parts[0]).plus(self.number(parts[1]))
            case "minus":
                return self.number(parts[0]).plus(self.number(parts[1]), -1)
            case "times":
                return self.number(parts[0]).times(self.number(parts[1]))
            case "negative":
                return self.number(parts[0]).scaled(Fraction(-1))
            case "total":
                return self._total(str(parts[0]), parts[1])
            case "size":
                return self._size(str(parts[0]))
            case "counted":
                each = self._each(str(parts[0]), parts[1])
                return numbers.counted(All((slot.presence(slot.scope), it)) for slot, it in each)
            case "listed":
                return numbers.counted(map(self.truth, parts))
        raise AssertionError(kind)

    def _comparison(self, left: Tree[Token] | Token, symbol: str, right: Tree[Token] | Token) -> Expression:
        one, two = _word(left), _word(right)
        if one is not None and symbol in ("=", "!="):
            attribute = self._vocabulary.resolve(one)
            value = two if two is not None else _plain(right)
            if value is not None and (value in self._values(attribute) or not self._numeric(attribute)):
                if two is None or not self._is_number(two) or value in self._values(attribute):
                    among = self._vocabulary.among(one, frozenset({value}))
                    return among if symbol == "=" else Not(among)
            elif value is not None and two is None and attribute in self._vocabulary.options:
                self._vocabulary.among(one, frozenset({value}))  # a number that the option cannot have is a slip of the pen
        if one is not None and two is not None and not self._is_number(two):
            self._of(one)
            raise RuleFault(f"'{two}' is no number.", f"Compare {one} with a number.")
        return self.number(left).compared(symbol, self.number(right))

    def _cardinality(self, limit: str, bound: str, parts: list[Tree[Token] | Token]) -> Expression:
        if "." in bound or bound.startswith("-"):
            raise RuleFault(f"'{bound}' is no count.", "Write a whole number from 0.")
        relation = {"at most": "<=", "at least": ">=", "exactly": "="}[limit]
        return numbers.counted(map(self.truth, parts)).compared(relation, Number(Fraction(bound)))

    def _has(self, word: str, value: str) -> Expression:
        attribute = self._vocabulary.resolve(word)
        members = self._vocabulary.several.get(attribute)
        if members is None:
            raise RuleFault(f"{word} has one value only.", f"Write '{word} = {value}'.")
        if value not in members:
            raise RuleFault(f"'{value}' is no value of {word}.", f"Use one of {listed({*members})}.")
        return Among(f"{attribute}.{value}", frozenset({"yes"}))

    def _size(self, word: str) -> Number:
        if any(slot.part == word for slot in self._vocabulary.slots.values()):
            slots = self._vocabulary.slots_of(word)
            return numbers.counted(self._vocabulary.slots[slot].present for slot in slots)
        attribute = self._vocabulary.resolve(word)
        members = self._vocabulary.several.get(attribute)
        if members is None:
            raise RuleFault(f"{word} has one value only.", "Count a part, or an option with several values.")
        return numbers.counted(Among(f"{attribute}.{member}", frozenset({"yes"})) for member in members)

    def _total(self, part: str, tree: Tree[Token] | Token) -> Number:
        found: Number | None = None
        for slot in self._slots(part):
            with_scope = _Binder(self._vocabulary.scoped(slot))
            here = numbers.where(self._vocabulary.presence(slot), with_scope.number(tree))
            found = here if found is None else found.plus(here)
        assert found is not None, "a part has at least one slot"
        return found

    def _each(self, part: str, tree: Tree[Token] | Token) -> list[tuple[Vocabulary, Expression]]:
        scopes = [self._vocabulary.scoped(slot) for slot in self._slots(part)]
        return [(scope, _Binder(scope).truth(tree)) for scope in scopes]

    def _slots(self, part: str) -> tuple[str, ...]:
        slots = self._vocabulary.slots_of(part)
        if not slots:
            parts = {slot.part for slot in self._vocabulary.slots.values()}
            raise RuleFault(f"'{part}' is no part that is held here.", f"Use one of {listed(parts)}.")
        return slots

    def _of(self, word: str) -> Number:
        """The number of an attribute."""
        vocabulary = self._vocabulary
        attribute = vocabulary.resolve(word)
        if attribute in vocabulary.numbers:
            return numbers.of_option(vocabulary, attribute)
        follows = vocabulary.derived.get(attribute)
        if follows is None or follows.formula is None:
            raise RuleFault(f"{word} has no numbers to compare by size.", "Use '=', '!=', 'in', or give it a unit.")
        if attribute in self._within:
            ring = " → ".join((*self._within, attribute))
            raise RuleFault(f"The formula of {word} needs itself: {ring}.", "Break the ring.")
        inner = _Binder(vocabulary.scoped(attribute.rpartition(".")[0]))
        inner._within = (*self._within, attribute)
        found = inner.number(_read(follows.formula, "sum", "2 * a + b"))
        return replace(numbers.aligned(Number(Fraction(0), (), follows.unit), found)[1], unit=follows.unit)

    def _is_number(self, word: str) -> bool:
        try:
            return self._numeric(self._vocabulary.resolve(word))
        except RuleFault:
            return False

    def _numeric(self, attribute: str) -> bool:
        follows = self._vocabulary.derived.get(attribute)
        return attribute in self._vocabulary.numbers or (follows is not None and follows.formula is not None)

    def _values(self, attribute: str) -> tuple[str, ...]:
        follows = self._vocabulary.derived.get(attribute)
        known = attribute in self._vocabulary.options or (follows is not None and follows.formula is None)
        return self._vocabulary.domain(attribute) if known else ()


def _word(tree: Tree[Token] | Token) -> str | None:
    return str(tree.children[0]) if isinstance(tree, Tree) and tree.data == "word" else None


def _plain(tree: Tree[Token] | Token) -> str | None:
    """The text of a number that stands alone; none for sums and quantities."""
    return str(tree.children[0]) if isinstance(tree, Tree) and tree.data == "number" else None


def _at(fault: RuleFault, tree: Tree[Token]) -> RuleFault:
    """The fault with the place of the innermost part that it was found in."""
    if not fault.at and not tree.meta.empty:
        fault.at = tree.meta.start_pos + 1
    return fault
