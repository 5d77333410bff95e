from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines.connect.influx.lines import _columns, by_line, read


def rows(told) -> list[tuple[str, int, float]]:
    return [
        (told.names[code], int(time), float(value))
        for code, time, value in zip(told.name_of, told.time_us, told.value, strict=True)
    ]


def test_series_fields_and_times_become_columns() -> None:
    told = read("weather,station=7,area=b temperature=21.5,wet=f 1700000000000000000\npump n=3i 1700000000000001000\n", "ns")
    assert rows(told) == [
        ("weather,area=b,station=7 temperature", 1_700_000_000_000_000, 21.5),
        ("weather,area=b,station=7 wet", 1_700_000_000_000_000, 0.0),
        ("pump n", 1_700_000_000_000_001, 3.0),
    ]


def test_every_rule_of_a_line() -> None:
    body = (
        "# a comment\n\n"
        r'my\ pump,the\,tag=a\=b "quo\"ted"=1,text="a, b = c",n=7u,ok=true'
        "\r\nplain v=-1.5e3\n"
    )  # fmt: skip
    told = read(body, "s")
    assert rows(told) == [('my pump,the,tag=a=b "quo"ted"', -1, 1.0), ("my pump,the,tag=a=b n", -1, 7.0),
                          ("my pump,the,tag=a=b ok", -1, 1.0), ("plain v", -1, -1500.0)]  # fmt: skip
    assert told.texts == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nothing", "it has 1 parts"),
        ("a b=1 2 3", "it has 4 parts"),
        ("a b", "'b' is no field"),
        ("a b=", "'' is no value"),
        ("a b=one", "'one' is no value"),
        ("a b=nan", "'nan' is no value"),
        ("a b=0x10", "'0x10' is no value"),
        ("a b=1e999", "beyond what a number holds"),
        ("a,b c=1", "'b' is no tag"),
        ("a,b= c=1", "a tag has no value"),
        (",b=1 c=1", "it has no measurement"),
        ('a b="open', "a text does not end"),
        ("a b=1 soon", "'soon' is no time"),
        ("a b=1 99999999999999999999", "is no time"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_and_costs_the_others_nothing(line: str, told: str) -> None:
    found = read(f"x v=1 1\n{line}\ny v=2 2\n", "us")
    assert [row[0] for row in rows(found)] == ["x v", "y v"]
    assert found.refused == 1
    assert told in found.faults[0]
    assert found.faults[0].startswith("line 2:")


def test_what_machines_write_by_the_thousand_lines_is_taken_apart_by_columns() -> None:
    body = "\n".join(f"m,n={number % 10} a={number}.5,b={number}i {number}" for number in range(5_000))
    told = _columns(body, 1.0)
    assert told is not None
    assert len(told.names) == 20
    assert rows(told) == rows(by_line(body, "us"))


words = st.text("abcz019_-/.:", min_size=1, max_size=6)
numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(lambda n: f"{n}i"), st.floats(-1e9, 1e9, allow_nan=False).map(repr),
    st.sampled_from(["t", "false", "inf", "NaN", "1u", ".5", "5.", "0x1p3", "1_000", "--1", "", "1e400", '"x"']),
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> str:
    tags = "".join(f",{draw(words)}={draw(words)}" for _ in range(draw(st.integers(0, 2))))
    fields = ",".join(f"{draw(words)}={draw(numbers)}" for _ in range(draw(st.integers(1, 3))))
    time = draw(st.one_of(st.just(""), st.integers(-(2**63), 2**63 - 1).map(lambda n: f" {n}"), st.just(" x"), st.just("  7")))
    return f"{draw(words)}{tags} {fields}{time}"


@settings(deadline=None, max_examples=200)
@given(st.lists(lines(), max_size=6), st.sampled_from(["ns", "us", "ms", "s", "h"]))
def test_both_readers_say_the_same_of_every_body(body: list[str], precision: str) -> None:
    text = "\n".join(body)
    quick, slow = read(text, precision), by_line(text, precision)
    assert rows(quick) == rows(slow)
    assert (quick.refused, quick.texts) == (slow.refused, slow.texts)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    told = read(text, "ns")
    assert len(told.name_of) == len(told.value) == len(told.time_us)
    assert np.isfinite(told.value).all()
