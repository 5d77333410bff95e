"""Money: exact decimals with a currency; sums of different currencies are refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from batchone.kernel.errors import Refused

_CENTS = Decimal("0.01")


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
        return Money(exact, currency)

    @staticmethod
    def zero(currency: str) -> Money:
        """Nothing, in a currency."""
        return Money(Decimal(0), currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency)

    def rounded(self) -> Money:
        """To cents, half to even, as accounts are kept."""
        return Money(self.amount.quantize(_CENTS, ROUND_HALF_EVEN), self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Refused(
                "money.currencies",
                f"{self.currency} and {other.currency} cannot be added or subtracted.",
                "Convert one of them first.",
            )
