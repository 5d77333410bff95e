"""Comparisons of weighted sums of literals as one literal, true exactly where the comparison holds.

Sums become decision diagrams whose nodes are what may still be added (Eén and Sörensson, JSAT 2006; Abío et al., JAIR
2012); where a diagram would be large, binary adders of the same paper, which are weaker in propagation but always small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Protocol

from batchone.chain.design.uvl.model import Arithmetic, Attribute, Compare, FeatureModel, Number, Sum, Term
from batchone.kernel.errors import Refused

_TRUE = 1
NODES_MAX = 4_000
"""A diagram with more nodes is replaced by adders."""
TERMS_MAX = 20_000
"""A product of sums with more terms is refused."""

Weights = dict[frozenset[int], Fraction]
"""Weights of products of variables; the empty product carries what is always there."""


class Defining(Protocol):
    """What clauses are kept in."""

    model: FeatureModel
    variables: list[int]

    def fresh(self) -> int:
        """A new variable."""
        ...

    def define(self, clause: list[int]) -> None:
        """Keep a clause that says what a new variable means."""
        ...

    def any(self, literals: Sequence[int]) -> int:
        """A literal that is true exactly where one of the literals is."""
        ...


def within(clauses: Defining, literals: Sequence[int], least: int, most: int) -> int:
    """A literal that is true exactly where `least` to `most` of the literals are."""
    weights = dict.fromkeys(literals, 1) if len(set(literals)) == len(literals) else _counted(literals)
    enough = -_at_most(clauses, weights, least - 1)
    few = _at_most(clauses, weights, most)
    return -clauses.any([-enough, -few])


def _counted(literals: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for literal in literals:
        found[literal] = found.get(literal, 0) + 1
    return found


def linear(clauses: Defining, comparison: Compare) -> int:
    """A literal that is true exactly where a comparison of terms holds; `Refused` where it divides by what is chosen."""
    weights = differing(clauses.model, clauses.variables, comparison)
    bound = -weights.pop(frozenset(), Fraction(0))
    scale = lcm(*(weight.denominator for weight in weights.values())) if weights else 1
    scaled: dict[int, int] = {}
    for product, weight in weights.items():
        literal = -clauses.any([-variable for variable in sorted(product)])
        scaled[literal] = scaled.get(literal, 0) + int(weight * scale)
    limit = bound * scale
    match comparison.relation:
        case "<=":
            return _at_most(clauses, scaled, floor(limit))
        case "<":
            return _at_most(clauses, scaled, ceil(limit) - 1)
        case ">":
            return -_at_most(clauses, scaled, floor(limit))
        case ">=":
            return -_at_most(clauses, scaled, ceil(limit) - 1)
        case "==":
            return _equal(clauses, scaled, limit)
        case _:
            return -_equal(clauses, scaled, limit)


def _equal(clauses: Defining, weights: Mapping[int, int], limit: Fraction) -> int:
    if limit.denominator != 1:
        return -_TRUE
    return -clauses.any([-_at_most(clauses, weights, int(limit)), _at_most(clauses, weights, int(limit) - 1)])


def differing(model: FeatureModel, variables: Sequence[int], comparison: Compare) -> Weights:
    """What the first term of a comparison has more than the second, over the features' variables (1 for what always is).

    `Refused` where a term divides by what is chosen, or has too many products.
    """
    return _minus(_weights(model, variables, comparison.first), _weights(model, variables, comparison.second))


def _weights(model: FeatureModel, variables: Sequence[int], term: Term) -> Weights:
    match term:
        case Number(value):
            return {frozenset(): Fraction(value)}
        case Attribute(feature, key):
            return {_product_of(variables[feature]): Fraction(model.features[feature].number(key) or 0)}
        case Sum(key, under):
            found: Weights = {}
            for feature, amount in model.amounts(key, under).items():
                product = _product_of(variables[feature])
                found[product] = found.get(product, Fraction(0)) + Fraction(amount)
            return found
        case Arithmetic(sign, first, second):
            return _joined(sign, _weights(model, variables, first), _weights(model, variables, second))


def _product_of(variable: int) -> frozenset[int]:
    return frozenset() if variable == _TRUE else frozenset((variable,))


def _joined(sign: str, first: Weights, second: Weights) -> Weights:
    if sign == "+":
        return _minus(first, {product: -weight for product, weight in second.items()})
    if sign == "-":
        return _minus(first, second)
    if sign == "/":
        divisor = second.get(frozenset(), Fraction(0))
        if any(product and weight for product, weight in second.items()) or not divisor:
            what = "A constraint divides by an amount that depends on what is chosen, or by zero."
            raise Refused("design.uvl_division", what, "Multiply the other side by it instead.")
        return {product: weight / divisor for product, weight in first.items()}
    if len(first) * len(second) > TERMS_MAX:
        what = f"A product of sums has {len(first) * len(second):,} terms."
        raise Refused("design.uvl_product", what, f"At most {TERMS_MAX:,} terms can be decided; multiply by a number instead.")
    found: Weights = {}
    for one, weight in first.items():
        for other, times in second.items():
            found[one | other] = found.get(one | other, Fraction(0)) + weight * times
    return found


def _minus(first: Weights, second: Weights) -> Weights:
    found = dict(first)
    for product, weight in second.items():
        found[product] = found.get(product, Fraction(0)) - weight
    return {product: weight for product, weight in found.items() if weight}


def _at_most(clauses: Defining, weights: Mapping[int, int], limit: int) -> int:
    """A literal that is true exactly where the weights of true literals sum to at most the limit."""
    positive: dict[int, int] = {}
    for literal, weight in weights.items():
        if literal == _TRUE:
            limit -= weight
        elif literal != -_TRUE and weight:
            # w x = w + (-w)(not x): weights below zero count where the literal is false
            if weight < 0:
                literal, weight, limit = -literal, -weight, limit - weight  # noqa: PLW2901 - the same amount, said otherwise
            positive[literal] = positive.get(literal, 0) + weight
    for literal in [each for each in positive if each > 0 and -each in positive]:
        both = min(positive[literal], positive[-literal])
        limit -= both
        for each in (literal, -literal):
            positive[each] -= both
    ordered = sorted(((weight, literal) for literal, weight in positive.items() if weight), reverse=True)
    if limit < 0:
        return -_TRUE
    if sum(weight for weight, _ in ordered) <= limit:
        return _TRUE
    levels = _levels(ordered, limit)
    return _diagram(clauses, ordered, levels, limit) if levels is not None else _added(clauses, ordered, limit)


def _levels(ordered: Sequence[tuple[int, int]], limit: int) -> list[list[int]] | None:
    """What may still be added before each literal, where that is still open; none where it is too much."""
    rest = sum(weight for weight, _ in ordered)
    levels, now, nodes = [], {limit}, 0
    for weight, _ in ordered:
        levels.append(sorted(now))
        nodes += len(now)
        if nodes > NODES_MAX:
            return None
        rest -= weight
        now = {left for before in now for left in (before, before - weight) if 0 <= left < rest}
    return levels


def _diagram(clauses: Defining, ordered: Sequence[tuple[int, int]], levels: list[list[int]], limit: int) -> int:
    below: dict[int, int] = {}
    rest = 0

    def node(left: int) -> int:
        return -_TRUE if left < 0 else _TRUE if left >= rest else below[left]

    for (weight, literal), lefts in zip(reversed(ordered), reversed(levels), strict=True):
        here = {left: _choice(clauses, literal, node(left - weight), node(left)) for left in lefts}
        below, rest = here, rest + weight
    return below[limit]


def _choice(clauses: Defining, literal: int, then: int, other: int) -> int:
    """`then` where the literal is true, else `other`; `then` implies `other`."""
    if then == other:
        return then
    return clauses.any([then, -clauses.any([literal, -other])])


def _added(clauses: Defining, ordered: Sequence[tuple[int, int]], limit: int) -> int:
    columns: list[list[int]] = []
    for weight, literal in ordered:
        for place in range(weight.bit_length()):
            if weight >> place & 1:
                while len(columns) <= place:
                    columns.append([])
                columns[place].append(literal)
    bits: list[int] = []
    place = 0
    while place < len(columns):
        column = columns[place]
        while len(column) > 1:
            one, two, three = column.pop(), column.pop(), column.pop() if column else -_TRUE
            total, carry = _sum_and_carry(clauses, one, two, three)
            column.insert(0, total)
            if place + 1 == len(columns):
                columns.append([])
            columns[place + 1].append(carry)
        bits.append(column[0] if column else -_TRUE)
        place += 1
    fits = _TRUE
    for place, bit in enumerate(bits):
        fits = clauses.any([-bit, fits]) if limit >> place & 1 else -clauses.any([bit, -fits])
    return fits


def _sum_and_carry(clauses: Defining, one: int, two: int, three: int) -> tuple[int, int]:
    """The two bits of how many of three literals are true; the third may be never true."""
    total, carry = clauses.fresh(), clauses.fresh()
    thirds = (three,) if three == -_TRUE else (three, -three)
    for first in (one, -one):
        for second in (two, -two):
            for third in thirds:
                # The clause rules out the case in which all three of these are false.
                trues = sum(literal != each for literal, each in ((one, first), (two, second), (three, third)))
                clauses.define([first, second, third, total if trues % 2 else -total])
    for first, second in ((one, two), (one, three), (two, three)):
        clauses.define([-first, -second, carry])
        clauses.define([first, second, -carry])
    return total, carry
