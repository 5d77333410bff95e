"""How numbers, money, times and units are written in a language and a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal

from batchone.kernel.money import Money

_LOCALES = {"en": "en_GB", "zh": "zh_CN"}
_UNITS = {
    "degC": "°C",
    "ohm": "Ω",
    "count": "",
    "percent": "%",
    "kg/m^3": "kg/m³",
    "m^3": "m³",
    "m^3/h": "m³/h",
    "N*m": "N·m",
    "um": "µm",
    "dB": "dB",
}
_DURATIONS = {"en": (" d", " h", " min", " s"), "zh": (" 天", " 小时", " 分", " 秒")}
MISSING = "–"


@dataclass(frozen=True)
class Formats:
    """Writers bound to one language and one time zone; each takes None for a value that is not there."""

    language: str
    zone: tzinfo

    @property
    def _locale(self) -> str:
        return _LOCALES.get(self.language, "en_GB")

    def text(self, texts: Mapping[str, str] | str | None) -> str:
        """A text of the domain in this language, else in English, else in whatever it has."""
        if texts is None:
            return ""
        if isinstance(texts, str):
            return texts
        return texts.get(self.language) or texts.get("en") or next(iter(texts.values()), "")

    def money(self, money: Money | None) -> str:
        """An amount with its currency; cents only where there are some."""
        if money is None:
            return MISSING
        amount = money.rounded().amount
        pattern = "¤#,##0" if amount == amount.to_integral_value() else "¤#,##0.00"
        return str(format_currency(amount, money.currency, pattern, locale=self._locale, currency_digits=False)).replace(
            "CN¥", "¥"
        )

    def change(self, money: Money | None) -> str:
        """A difference of money with its sign; nothing for none."""
        if money is None or money.amount == 0:
            return ""
        sign, size = ("+", money) if money.amount > 0 else ("−", Money.zero(money.currency) - money)
        return f"{sign}{self.money(size)}"

    def number(self, value: float | None, decimals: int = 0) -> str:
        """A number with exactly so many decimals."""
        if value is None:
            return MISSING
        pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
        return str(format_decimal(value, pattern, locale=self._locale)).replace("-", "−")

    def unit(self, unit: str) -> str:
        """A unit as people write it."""
        return _UNITS.get(unit, unit.replace("^2", "²").replace("^3", "³").replace("*", "·"))

    def date(self, at: datetime | None) -> str:
        """A day with its weekday."""
        if at is None:
            return MISSING
        return str(
            format_date(
                at.astimezone(self.zone), "EEE d MMM y" if self.language == "en" else "y年M月d日 EEE", locale=self._locale
            )
        )

    def day(self, at: datetime | None) -> str:
        """A day without its year."""
        if at is None:
            return MISSING
        return str(format_skeleton("MMMd", at.astimezone(self.zone), locale=self._locale))

    def when(self, at: datetime | None) -> str:
        """Day and time to the minute."""
        if at is None:
            return MISSING
        pattern = "d MMM, HH:mm" if self.language == "en" else "M月d日 HH:mm"
        return str(format_datetime(at.astimezone(self.zone), pattern, locale=self._locale))

    def clock(self, at: datetime | None) -> str:
        """The time of day to the second."""
        if at is None:
            return MISSING
        return str(format_time(at.astimezone(self.zone), "HH:mm:ss", locale=self._locale))

    def duration(self, seconds: float | None) -> str:
        """A length of time in its two largest units (`2 h 5 min`); the sign is kept."""
        if seconds is None:
            return MISSING
        size = round(abs(seconds))
        names = _DURATIONS.get(self.language, _DURATIONS["en"])
        parts = (size // 86400, size // 3600 % 24, size // 60 % 60, size % 60)
        first = next((index for index, part in enumerate(parts) if part), 3)
        told = [f"{parts[i]}{names[i]}" for i in range(first, min(first + 2, 4)) if parts[i] or i == first]
        return ("−" if seconds < 0 and size else "") + " ".join(told)

    def iso(self, at: datetime | None) -> str:
        """A time for machines, for `<time datetime>`."""
        return "" if at is None else at.isoformat()


def decimals_of(*values: float | None) -> int:
    """How many decimals tell the given limits or values apart, 0 to 3: the same for a value and its band."""
    sizes = [abs(value) for value in values if value is not None and value != 0]
    if not sizes:
        return 1
    smallest = min(sizes)
    if smallest >= 100:
        return 0
    if smallest >= 10:
        return 1
    return 2 if smallest >= 1 else 3
