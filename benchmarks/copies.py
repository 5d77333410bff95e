"""A pack with its options several times over: a synthetic larger product whose parts do not touch one another."""

from __future__ import annotations

from dataclasses import replace

from batchone.chain.design.model import Blueprint, Words, vocabulary_of
from batchone.chain.design.rules import All, Among, Compare, Constant, Equivalent, Expression, Implies, Not, Some, Term, parse
from batchone.chain.design.solver import Space
from batchone.chain.design.svg import parse_svg
from batchone.contracts.pack import Pack


def copied(pack: Pack, copies: int) -> Blueprint:
    """A blueprint with `copies` of every option, rule and price; bill of materials and routing are left out."""
    words = vocabulary_of(pack)
    numbers = range(copies)
    options = tuple(replace(option, id=_name(option.id, n)) for n in numbers for option in pack.options)
    prices = tuple(replace(price, when=_name(price.when, n)) for n in numbers for price in pack.prices)
    rules = tuple(replace(rule, id=_name(rule.id, n)) for n in numbers for rule in pack.rules)
    larger = replace(pack, options=options, derived=(), prices=prices, rules=rules, bom=(), routing=(), lists=())
    vocabulary = vocabulary_of(larger)
    bound = {_name(rule.id, n): of_copy(parse(rule.rule, words), n) for n in numbers for rule in pack.rules}
    conditions = {("", _name(price.when, n)): of_copy(parse(price.when, words), n) for n in numbers for price in pack.prices}
    return Blueprint(
        larger, Words(vocabulary, conditions, {}, bound), Space(vocabulary, bound), parse_svg(pack.drawing),
        {rule.id: rule for rule in rules},
    )  # fmt: skip


def of_copy(expression: Expression, number: int) -> Expression:  # noqa: PLR0911 - one for each kind of expression
    """The same expression about the options of a copy."""
    match expression:
        case Constant():
            return expression
        case Among(option, values):
            return Among(_name(option, number), values)
        case Not(part):
            return Not(of_copy(part, number))
        case All(parts):
            return All(tuple(of_copy(part, number) for part in parts))
        case Some(parts):
            return Some(tuple(of_copy(part, number) for part in parts))
        case Implies(first, second):
            return Implies(of_copy(first, number), of_copy(second, number))
        case Equivalent(first, second):
            return Equivalent(of_copy(first, number), of_copy(second, number))
        case Compare(terms, relation, bound):
            cases = (Term(tuple((of_copy(when, number), amount) for when, amount in term.cases)) for term in terms)
            return Compare(tuple(cases), relation, bound)


def _name(word: str, number: int) -> str:
    return f"{word}@{number}" if number else word
