"""Numbers, money, times and units as people write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from batchone.kernel.money import Money
from batchone.web.formats import Formats, decimals_of

EN = Formats("en", ZoneInfo("Asia/Shanghai"))
ZH = Formats("zh", ZoneInfo("Asia/Shanghai"))
AT = datetime(2026, 3, 2, 20, 34, 5, tzinfo=UTC)


def test_money_shows_cents_only_where_there_are_some() -> None:
    assert EN.money(Money.of("3009.00", "CNY")) == "¥3,009"
    assert ZH.money(Money.of("3009.50", "CNY")) == "¥3,009.50"
    assert EN.money(Money.of("20", "EUR")) == "€20"
    assert EN.money(None) == "–"


def test_a_change_of_money_has_a_sign_and_none_is_silent() -> None:
    assert EN.change(Money.of("350", "CNY")) == "+¥350"
    assert EN.change(Money.of("-26.50", "CNY")) == "−¥26.50"
    assert EN.change(Money.zero("CNY")) == EN.change(None) == ""


def test_numbers_have_exactly_the_asked_decimals() -> None:
    assert EN.number(-1234.5, 2) == "−1,234.50"
    assert EN.number(3) == "3"
    assert EN.number(None, 2) == "–"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 s", "0 秒"),
        (59.6, "1 min", "1 分"),
        (3725, "1 h 2 min", "1 小时 2 分"),
        (86400, "1 d", "1 天"),
        (-90, "−1 min 30 s", "−1 分 30 秒"),
    ],
)
def test_durations_name_their_two_largest_units(seconds: float, english: str, chinese: str) -> None:
    assert (EN.duration(seconds), ZH.duration(seconds)) == (english, chinese)
    assert EN.duration(None) == "–"


def test_times_are_told_in_the_plants_zone() -> None:
    assert EN.when(AT) == "3 Mar, 04:34"
    assert ZH.when(AT) == "3月3日 04:34"
    assert (EN.date(AT), ZH.date(AT)) == ("Tue 3 Mar 2026", "2026年3月3日 周二")
    assert EN.clock(AT) == "04:34:05"
    assert EN.day(AT) == "3 Mar"
    assert [write(None) for write in (EN.when, EN.date, EN.clock, EN.day)] == ["–"] * 4


@pytest.mark.parametrize(
    ("unit", "written"), [("degC", "°C"), ("kg/m^3", "kg/m³"), ("N*m", "N·m"), ("count", ""), ("m/min", "m/min")]
)
def test_units_are_written_as_people_write_them(unit: str, written: str) -> None:
    assert EN.unit(unit) == written


def test_texts_of_the_data_fall_back_to_english_and_then_to_anything() -> None:
    assert ZH.text({"en": "Glass", "zh": "玻璃"}) == "玻璃"
    assert ZH.text({"en": "Glass"}) == "Glass"
    assert ZH.text({"de": "Glas"}) == "Glas"
    assert (ZH.text("as it is"), ZH.text(None)) == ("as it is", "")


@pytest.mark.parametrize(
    ("values", "decimals"),
    [((700, 800), 0), ((39, 45), 1), ((2.4, 3.6), 2), ((0.1,), 3), ((-1.0, 1.0), 2), ((None,), 1), ((0,), 1)],
)
def test_a_value_has_the_decimals_of_its_limits(values: tuple[float | None, ...], decimals: int) -> None:
    assert decimals_of(*values) == decimals
