"""Money is exact, and of one currency."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.kernel.money import Money

amounts = st.decimals(-(10**9), 10**9, places=2)


def test_tenths_add_up() -> None:
    assert Money.of("0.10", "CNY") + Money.of("0.20", "CNY") == Money.of("0.30", "CNY")


@given(st.lists(amounts, min_size=1, max_size=30), st.randoms())
def test_a_sum_is_the_same_in_any_order(parts: list[Decimal], chance) -> None:  # type: ignore[no-untyped-def]
    def total(of: list[Decimal]) -> Money:
        found = Money.zero("CNY")
        for part in of:
            found += Money.of(part, "CNY")
        return found

    shuffled = parts[:]
    chance.shuffle(shuffled)
    assert total(parts) == total(shuffled)
    assert Fraction(total(parts).amount) == sum(Fraction(part) for part in parts)


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away(a: Decimal, b: Decimal) -> None:
    assert Money(a, "EUR") + Money(b, "EUR") - Money(b, "EUR") == Money(a, "EUR")


@pytest.mark.parametrize(
    ("amount", "rounded"), [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("2", "2.00"), ("0.1250001", "0.13")]
)
def test_cents_are_rounded_half_to_even(amount: str, rounded: str) -> None:
    assert str(Money.of(amount, "CNY").rounded().amount) == rounded


def test_money_is_multiplied_by_exact_numbers_only() -> None:
    assert Money.of("1.10", "CNY") * 3 == Money.of("3.30", "CNY")
    assert Money.of("1.10", "CNY") * Decimal("0.5") == Money.of("0.55", "CNY")
    with pytest.raises(TypeError):
        Money.of("1.10", "CNY") * 0.5  # type: ignore[operator]  # on purpose


def test_currencies_do_not_mix() -> None:
    for mix in (Money.__add__, Money.__sub__):
        with pytest.raises(Refused, match="CNY and EUR"):
            mix(Money.of(1, "CNY"), Money.of(1, "EUR"))


@pytest.mark.parametrize("amount", [0.1, "NaN", "Infinity", "-Infinity", "ten", "", "1,50", None, Decimal("sNaN")])
def test_what_is_not_exact_is_no_amount(amount: object) -> None:
    with pytest.raises(Refused, match="no amount"):
        Money.of(amount, "CNY")  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("0.125", "EUR", "0.12"), ("0.135", "EUR", "0.14"), ("2.5", "JPY", "2"), ("3.5", "JPY", "4"), ("1.0005", "KWD", "1.000")],
)
def test_amounts_are_rounded_half_to_even_to_the_currencys_smallest_coin(amount: str, currency: str, rounded: str) -> None:
    assert str(Money.of(amount, currency).rounded().amount) == rounded


def test_an_amount_beyond_all_measure_is_refused_and_never_rounded_silently() -> None:
    large = Money.of("999999999999999", "EUR")
    for work in (lambda: large + Money.of(1, "EUR"), lambda: large * 2, lambda: Money.of("1e15", "EUR"), lambda: large * -2):
        with pytest.raises(Refused, match="too large"):
            work()
    assert (large - Money.of(1, "EUR")).amount == 999999999999998
