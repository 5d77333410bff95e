"""The list of a machine's signals."""

from datetime import UTC, datetime, timedelta

import pytest

from batchone.contracts.machines import LastValue
from batchone.contracts.things import Declared, SignalType
from batchone.kernel.errors import Refused
from batchone.web.views.machine import SignalRow, signal_rows
from batchone.web.views.signals import Wish, listed, wish

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def rows() -> tuple[SignalRow, ...]:
    """Good, silent, bad, uncertain, one that never came, and one that tells only changes."""
    names = {"good": 1.0, "silent": 1.0, "bad": 1.0, "uncertain": 1.0, "never": 1.0, "changes": 0.0}
    told = [
        Declared(f"m/{name}", "m", SignalType(name, {"en": name.title(), "zh": "信号"}, "bar", every_s=s))
        for name, s in names.items()
    ]
    ages, qualities = {"silent": 60.0, "changes": 86400.0}, {"bad": 2, "uncertain": 1}
    last = [
        LastValue(f"m/{name}", 1.0, qualities.get(name, 0), NOW - timedelta(seconds=ages.get(name, 0.5)), NOW)
        for name in names
        if name != "never"
    ]
    return signal_rows(told, {}, last, NOW, 1.0)


@pytest.mark.parametrize("show", ["silent", "bad", "uncertain", "never"])
def test_each_doubt_lists_the_signals_of_which_it_holds(show: str) -> None:
    assert [each.path for each in listed(rows(), wish(show=show)).rows] == [f"m/{show}"]


def test_words_are_looked_for_in_name_path_and_unit() -> None:
    assert [each.path for each in listed(rows(), Wish("GOOD bar")).rows] == ["m/good"]
    assert listed(rows(), Wish("信号")).total == 6


def test_thousands_of_signals_come_a_page_at_a_time() -> None:
    told = [Declared(f"m/s{n}", "m", SignalType(f"s{n}", {"en": "S"})) for n in range(4000)]
    found = listed(signal_rows(told, {}, (), NOW, 1.0), Wish(page=40))
    assert (len(found.rows), found.first, found.pages, found.rows[0].path) == (100, 3901, 40, "m/s3900")


def test_a_list_that_there_is_not_is_refused() -> None:
    with pytest.raises(Refused):
        wish(show="pink")
    assert wish("a", "bad", 2).query(page=3) == "q=a&show=bad&page=3"
