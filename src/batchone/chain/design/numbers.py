"""Numbers that follow from choices: sums of terms in a unit, brought to one unit once and for all while rules are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache

from batchone.chain.design.expressions import ALWAYS, RELATIONS, All, Among, Compare, Constant, Expression, Not, Some, Term
from batchone.chain.design.vocabulary import RuleFault, Vocabulary
from batchone.kernel import quantities
from batchone.kernel.errors import Refused

CASES_MAX = 20_000
"""The most combinations that a product of options may have; more are refused rather than worked through."""


@dataclass(frozen=True)
class Number:
    """A constant and terms, in a unit. `unit` is None for plain numbers, which take the unit of what they stand beside."""

    constant: Fraction
    terms: tuple[Term, ...] = ()
    unit: str | None = None

    def plus(self, other: Number, sign: int = 1) -> Number:
        """The sum (or, with -1, the difference); what has another unit is converted first."""
        one, two = aligned(self, other)
        terms = (*one.terms, *two.scaled(Fraction(sign)).terms)
        return Number(one.constant + sign * two.constant, _merged(terms), one.unit)

    def scaled(self, factor: Fraction) -> Number:
        """So many times the number."""
        terms = tuple(Term(tuple((when, number * factor) for when, number in term.cases)) for term in self.terms)
        return Number(self.constant * factor, terms, self.unit)

    def times(self, other: Number) -> Number:
        """The product; its unit is the product of the units."""
        if not other.terms:
            found = self.scaled(other.constant)
        elif not self.terms:
            found = other.scaled(self.constant)
        else:
            mixed = tuple(_product(one, two) for one in self.terms for two in other.terms)
            linear = (*self.scaled(other.constant).terms, *other.scaled(self.constant).terms)
            found = Number(self.constant * other.constant, _merged((*mixed, *linear)))
        units = [unit for unit in (self.unit, other.unit) if unit]
        plain = self.unit is None and other.unit is None
        return Number(found.constant, found.terms, None if plain else "*".join(units))

    def compared(self, relation: str, other: Number) -> Expression:
        """How the two numbers relate."""
        difference = self.plus(other, -1)
        terms = tuple(term for term in difference.terms if len({number for _, number in term.cases}) > 1)
        fixed = sum((term.cases[0][1] for term in difference.terms if term not in terms), difference.constant)
        if not terms:
            return Constant(RELATIONS[relation](Fraction(0), -fixed))
        return _alone(terms[0], relation, -fixed) if len(terms) == 1 else Compare(terms, relation, -fixed)


def of_option(vocabulary: Vocabulary, option: str) -> Number:
    """The number that a numeric option (a full id) has; zero where its part is not there."""
    numbers = vocabulary.numbers[option]
    cases: list[tuple[Expression, Fraction]] = [
        (Among(option, frozenset({value})), Fraction(number)) for value, number in numbers.items()
    ]
    slot = vocabulary.slot_of(option)
    if slot:
        missing = list(vocabulary.options[option])
        cases.append((_never(option, missing), Fraction(0)))
    return Number(Fraction(0), (_gathered(cases),), vocabulary.units.get(option, ""))


def where(condition: Expression, then: Number) -> Number:
    """The number where a condition holds, zero elsewhere."""
    constant = Term(((condition, then.constant), (_not(condition), Fraction(0)))) if then.constant else None
    terms = [
        _gathered([*(((_both(condition, when)), number) for when, number in term.cases), (_not(condition), Fraction(0))])
        for term in then.terms
    ]
    return Number(Fraction(0), (*terms, *([constant] if constant else [])), then.unit)


def counted(conditions: Iterable[Expression]) -> Number:
    """How many of the conditions hold."""
    one, none = Fraction(1), Fraction(0)
    return Number(none, tuple(Term(((each, one), (_not(each), none))) for each in conditions), "")


def aligned(one: Number, two: Number) -> tuple[Number, Number]:
    """Both numbers in one unit; a plain constant takes the other's, anything else of another dimension is a fault."""
    if one.unit == two.unit:
        return one, two
    if two.unit is None and not two.terms:
        return one, Number(two.constant, (), one.unit)
    if one.unit is None and not one.terms:
        return Number(one.constant, one.terms, two.unit), two
    slope, offset = _conversion(two.unit or "", one.unit or "")
    return one, Number(two.constant * slope + offset, two.scaled(slope).terms, one.unit)


def quantity(text: str, unit: str) -> Number:
    """A constant in a unit."""
    _conversion(unit, unit)
    return Number(Fraction(Decimal(text)), (), unit)


@cache
def _conversion(unit: str, target: str) -> tuple[Fraction, Fraction]:
    """Slope and offset from one unit to the other, exact to twelve digits."""
    try:
        zero = quantities.parse(f"0 {unit}", target)
        one = quantities.parse(f"1 {unit}", target)
    except Refused:
        what = f"A number in {unit or 'pieces'} cannot be compared with, or added to, one in {target or 'pieces'}."
        if unit == target:
            what = f"'{unit}' is no unit."
        raise RuleFault(what, "Use units of one dimension, such as cm and m.") from None
    return Fraction(Decimal(f"{one - zero:.12g}")), Fraction(Decimal(f"{zero:.12g}"))


def _not(condition: Expression) -> Expression:
    return condition.part if isinstance(condition, Not) else Not(condition)


def _never(option: str, values: list[str]) -> Expression:
    return _not(Among(option, frozenset(values)))


def _both(one: Expression, two: Expression) -> Expression:
    if one == ALWAYS:
        return two
    if isinstance(one, Among) and isinstance(two, Among) and one.option == two.option:
        return Among(one.option, one.values & two.values)
    return All((one, two))


def _product(one: Term, two: Term) -> Term:
    if len(one.cases) * len(two.cases) > CASES_MAX:
        raise RuleFault(
            f"The product has {len(one.cases) * len(two.cases)} cases, and {CASES_MAX} are allowed.",
            "Use fewer values, or a larger step.",
        )
    cases = []
    for first, number in one.cases:
        for second, factor in two.cases:
            both = _both(first, second)
            if not (isinstance(both, Among) and not both.values):
                cases.append((both, number * factor))
    return _gathered(cases)


def _gathered(cases: list[tuple[Expression, Fraction]]) -> Term:
    """A term whose cases of the same number are one."""
    by_number: dict[Fraction, list[Expression]] = {}
    for when, number in cases:
        by_number.setdefault(number, []).append(when)
    return Term(tuple((_either(whens), number) for number, whens in by_number.items()))


def _either(whens: list[Expression]) -> Expression:
    if len(whens) == 1:
        return whens[0]
    options = {when.option for when in whens if isinstance(when, Among)}
    if len(options) == 1 and all(isinstance(when, Among) for when in whens):
        values = frozenset().union(*(when.values for when in whens if isinstance(when, Among)))
        return Among(next(iter(options)), values)
    return Some(tuple(whens))


def _merged(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Terms over one and the same option added up, so that `a + a` is as tight as `2 * a`."""
    found: dict[tuple[str, frozenset[str]], dict[str, Fraction]] = {}
    rest: list[Term] = []
    for term in terms:
        known = [when for when, _ in term.cases if isinstance(when, Among)]
        options = {when.option for when in known}
        if len(known) == len(term.cases) and len(options) == 1:
            values = frozenset().union(*(when.values for when in known))
            into = found.setdefault((options.pop(), values), dict.fromkeys(values, Fraction(0)))
            for when, number in term.cases:
                for value in when.values if isinstance(when, Among) else ():
                    into[value] += number
        else:
            rest.append(term)
    merged = [
        _gathered([(Among(option, frozenset({value})), numbers[value]) for value in sorted(values)])
        for (option, values), numbers in found.items()
    ]
    return (*merged, *rest)


def _alone(term: Term, relation: str, bound: Fraction) -> Expression:
    """A comparison of one term: the cases for which it holds."""
    whens = [when for when, number in term.cases if RELATIONS[relation](number, bound)]
    if not whens:
        return Constant(False)
    return ALWAYS if len(whens) == len(term.cases) else _either(whens)
