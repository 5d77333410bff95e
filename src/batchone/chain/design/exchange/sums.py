"""Comparisons of numbers that follow from choices, said with the attributes of features.

A number that an option has is `sum(option, value)`, a product of such numbers their product. A condition that is counted is
`feature.chosen` (1 where the feature is chosen), so a sum stays linear. Other conditions are told apart instead: the
comparison is said once for each case, without what the case settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from itertools import product
from math import prod

from batchone.chain.design import expressions
from batchone.chain.design.expressions import RELATIONS, Among, Expression, holds, named, parts_of
from batchone.chain.design.expressions import Term as Cases
from batchone.chain.design.numbers import CASES_MAX
from batchone.chain.design.uvl import model as uvl
from batchone.chain.design.uvl.model import Attribute, Formula, Number, Sum, Term, Truth
from batchone.chain.design.vocabulary import Vocabulary
from batchone.kernel.errors import Refused

CHOSEN = "chosen"
"""The attribute that is 1 for each value that some comparison counts."""
_NUMBER = "value"
COPIES_MAX = 64
"""In so many cases one comparison is said at most; a rule that needs more is refused."""
PRODUCTS_MAX = 2_000
"""So many products of features stand in one term at most."""
_EXACT = Context(prec=400)


@dataclass
class Features:
    """The features of options and of their values; `told` are those values that must have the attribute `chosen`."""

    vocabulary: Vocabulary
    options: Mapping[str, int]
    values: Mapping[tuple[str, str], int]
    told: set[int] = field(default_factory=set)

    def chosen(self, option: str, value: str) -> Attribute:
        """1 where the option has the value, else 0."""
        number = self.values[option, value]
        self.told.add(number)
        return Attribute(number, CHOSEN)

    def number(self, option: str) -> Sum:
        """The number that an option has; 0 where its part is not there."""
        return Sum(_NUMBER, self.options[option])


@dataclass(frozen=True)
class _Amount:
    """A constant, and terms by what they are multiplied with."""

    constant: Fraction = Fraction(0)
    terms: tuple[tuple[Fraction, Term], ...] = ()
    products: bool = False


def compared(rule: str, compare: expressions.Compare, features: Features, formula: Callable[[Expression], Formula]) -> Formula:
    """A comparison over the features; `formula` says a condition. `Refused` where it is too much to tell apart."""
    split, amounts = _sorted(compare, features)
    if _copies(split) > COPIES_MAX:
        what = f"The rule '{rule}' counts so many conditions over sums that UVL would need {_copies(split):,} cases."
        raise Refused("design.uvl_rule", what, f"At most {COPIES_MAX} can be said; count options and their values.", rule=rule)
    found = list[Formula]()
    for cases in product(*(term.cases for term in split)):
        bound = compare.bound - sum((number for _, number in cases), Fraction(0))
        said = _said(amounts, compare.relation, bound)
        if said != Truth(False):
            found.append(_all((*(formula(when) for when, _ in cases), said)))
    return found[0] if len(found) == 1 else uvl.Some(tuple(found)) if found else Truth(False)


def _sorted(compare: expressions.Compare, features: Features) -> tuple[list[Cases], list[_Amount]]:
    """The terms whose cases are told apart, and what the others come to.

    Telling conditions apart keeps a comparison linear; where there are too many of them, products of features count them.
    """
    found = [(term, _amount(term, features)) for term in compare.terms]
    conditions = [term for term, amount in found if amount is None or (amount.products and len(term.cases) <= 2)]
    apart = conditions if _copies(conditions) <= COPIES_MAX else [term for term, amount in found if amount is None]
    return apart, [amount for term, amount in found if amount is not None and term not in apart]


def _amount(term: Cases, features: Features) -> _Amount | None:
    """What a term comes to; none where only its cases say so."""
    cases = [(_slotless(when, features.vocabulary), number) for when, number in term.cases if number]
    if any(isinstance(each, expressions.Compare) for when, _ in cases for each in parts_of(when)):
        return None
    options = tuple(dict.fromkeys(option for when, _ in cases for option in named(when)))
    return _of_one(cases, options, features) if len(options) <= 1 else _of_several(cases, options, features)


def _copies(split: Iterable[Cases]) -> int:
    return prod(len(term.cases) for term in split)


def _all(parts: tuple[Formula, ...]) -> Formula:
    rest = tuple(part for part in parts if part != Truth(True))
    return rest[0] if len(rest) == 1 else uvl.All(rest) if rest else Truth(True)


def _slotless(when: Expression, vocabulary: Vocabulary) -> Expression:
    """The same without saying that a slot is filled beside an option of it that has a value."""
    if not isinstance(when, expressions.All):
        return when
    parts = [_slotless(part, vocabulary) for part in when.parts]
    there: set[Expression] = set()
    for part in parts:
        slot = vocabulary.slot_of(part.option) if isinstance(part, Among) else ""
        while slot:
            there.add(vocabulary.slots[slot].present)
            slot = vocabulary.slots[slot].within
    rest = tuple(part for part in parts if part not in there)
    return rest[0] if len(rest) == 1 else expressions.All(rest)


def _of_one(cases: list[tuple[Expression, Fraction]], options: tuple[str, ...], features: Features) -> _Amount:
    """What follows from one option, or from none."""

    def amount(choices: Mapping[str, str]) -> Fraction:
        return sum((number for when, number in cases if holds(when, choices)), Fraction(0))

    vocabulary = features.vocabulary
    if not options:
        return _Amount(amount({}))
    [option] = options
    absent = amount({}) if vocabulary.slot_of(option) else Fraction(0)
    by_value = {value: amount({option: value}) - absent for value in vocabulary.options[option]}
    times = _times(by_value, vocabulary.numbers.get(option, {}))
    if times is not None:
        return _Amount(absent, ((times, features.number(option)),))
    return _Amount(absent, tuple((number, features.chosen(option, value)) for value, number in by_value.items() if number))


def _times(amounts: Mapping[str, Fraction], numbers: Mapping[str, Decimal]) -> Fraction | None:
    """How many times its number each value's amount is; none where that is not the same for all."""
    whole = {value: Fraction(number) for value, number in numbers.items()}
    first = next((value for value, number in whole.items() if number), None)
    if first is None or whole.keys() != amounts.keys():
        return None
    times = amounts[first] / whole[first]
    return times if all(amounts[value] == times * number for value, number in whole.items()) else None


def _of_several(cases: list[tuple[Expression, Fraction]], options: tuple[str, ...], features: Features) -> _Amount | None:
    """What follows from several options as products; none where that would be long, or something counts where one is absent."""
    vocabulary = features.vocabulary
    domains = [(*vocabulary.options[each], *((None,) if vocabulary.slot_of(each) else ())) for each in options]
    if prod(map(len, domains)) > CASES_MAX:
        return None
    amounts: dict[tuple[str | None, ...], Fraction] = {}
    for values in product(*domains):
        choices = {option: value for option, value in zip(options, values, strict=True) if value is not None}
        number = sum((number for when, number in cases if holds(when, choices)), Fraction(0))
        if number:
            amounts[values] = number
    times = _times_product(amounts, options, domains, vocabulary)
    if times is not None:
        return _Amount(terms=((times, _multiplied([features.number(option) for option in options])),), products=True)
    if len(amounts) > PRODUCTS_MAX or any(None in values for values in amounts):
        return None
    terms = tuple(
        (number, _multiplied([features.chosen(option, value or "") for option, value in zip(options, values, strict=True)]))
        for values, number in amounts.items()
    )
    return _Amount(terms=terms, products=True)


def _times_product(
    amounts: Mapping[tuple[str | None, ...], Fraction],
    options: tuple[str, ...],
    domains: list[tuple[str | None, ...]],
    vocabulary: Vocabulary,
) -> Fraction | None:
    """How many times the product of the options' numbers the amounts are; none where that is not the same for all."""
    if any(option not in vocabulary.numbers for option in options):
        return None

    def whole(values: tuple[str | None, ...]) -> Fraction:
        numbers = zip(options, values, strict=True)
        return prod(
            (Fraction(vocabulary.numbers[o][v]) if v is not None else Fraction(0) for o, v in numbers), start=Fraction(1)
        )

    found: Fraction | None = None
    for values in product(*domains):
        number, amount = whole(values), amounts.get(values, Fraction(0))
        if number and found is None:
            found = amount / number
        if amount != (found or 0) * number:
            return None
    return found


def _multiplied(factors: list[Term]) -> Term:
    found = factors[0]
    for factor in factors[1:]:
        found = uvl.Arithmetic("*", found, factor)
    return found


def _said(amounts: Iterable[_Amount], relation: str, bound: Fraction) -> Formula:
    """The comparison with nothing below zero on either side."""
    sides: tuple[dict[Fraction, list[Term]], ...] = ({}, {})
    for amount in amounts:
        bound -= amount.constant
        for times, term in amount.terms:
            sides[times < 0].setdefault(abs(times), []).append(term)
    if not any(sides):
        return Truth(RELATIONS[relation](Fraction(0), bound))
    scale = _scale((bound, *sides[0], *sides[1]))
    left, right = ([_scaled(times * scale, _added(terms)) for times, terms in side.items()] for side in sides)
    if bound:
        (right if bound > 0 else left).append(_number(abs(bound) * scale))
    return uvl.Compare("==" if relation == "=" else relation, _added(left), _added(right))


def _scaled(times: Fraction, term: Term) -> Term:
    return term if times == 1 else uvl.Arithmetic("*", _number(times), term)


def _added(terms: list[Term]) -> Term:
    """The sum; halves within halves, since a chain of many is more than a reader takes."""
    if not terms:
        return Number(Decimal(0))
    if len(terms) == 1:
        return terms[0]
    half = (len(terms) + 1) // 2
    return uvl.Arithmetic("+", _added(terms[:half]), _added(terms[half:]))


def _scale(numbers: Iterable[Fraction]) -> int:
    """The least factor with which all the numbers have an end when written as decimals."""
    found = 1
    for number in numbers:
        rest = (number * found).denominator
        for factor in (2, 5):
            while rest % factor == 0:
                rest //= factor
        found *= rest
    return found


def _number(number: Fraction) -> Number:
    return Number(_EXACT.divide(Decimal(number.numerator), Decimal(number.denominator)))
