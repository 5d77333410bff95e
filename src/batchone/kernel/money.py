"""Money: exact decimals with a currency; sums of different currencies, and amounts beyond all measure, are refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from batchone.kernel.errors import Refused

LARGEST = Decimal(10) ** 15
"""No amount reaches this: the arithmetic of decimals is exact below it, and nothing that is sold costs as much."""

_NO_COINS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"


def minor_digits(currency: str) -> int:
    """How many decimals amounts of a currency have (ISO 4217): two for most, none for the yen, three for the dinar."""
    return 0 if currency in _NO_COINS else 3 if currency in _THOUSANDTHS else 2


@dataclass(frozen=True, order=False)
class Money:
    """An amount in a currency (ISO 4217 code)."""

    amount: Decimal
    currency: str

    @staticmethod
    def of(amount: str | int | Decimal, currency: str) -> Money:
        """Money from text, an integer or a decimal; never from a float, which is not exact."""
        try:
            exact = Decimal(amount) if isinstance(amount, str | int | Decimal) else None
        except InvalidOperation:
            exact = None
        if exact is None or not exact.is_finite():
            raise Refused("money.amount", f"{amount!r} is no amount of money.", "Write a decimal number, such as 180.00.")
        return _bounded(exact, currency)

    @staticmethod
    def zero(currency: str) -> Money:
        """Nothing, in a currency."""
        return Money(Decimal(0), currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return _bounded(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return _bounded(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return _bounded(self.amount * factor, self.currency)

    def rounded(self) -> Money:
        """To the currency's smallest coin, half to even, as accounts are kept."""
        return Money(self.amount.quantize(Decimal(1).scaleb(-minor_digits(self.currency)), ROUND_HALF_EVEN), self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Refused(
                "money.currencies",
                f"{self.currency} and {other.currency} cannot be added or subtracted.",
                "Convert one of them first.",
            )


def _bounded(amount: Decimal, currency: str) -> Money:
    if abs(amount) >= LARGEST:
        raise Refused("money.overflow", f"An amount of {amount:.3E} {currency} is too large.", f"Stay below {LARGEST:.0E}.")
    return Money(amount, currency)
