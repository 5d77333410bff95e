"""Facts travel as JSON and come out as what they were."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from batchone.kernel.errors import Broken
from batchone.kernel.facts import Envelope, FactName, body_of, fact, name_of
from batchone.kernel.money import Money


@dataclass(frozen=True)
class Line:
    item: str
    price: Money


@fact("tests.facts.ordered", version=2)
@dataclass(frozen=True)
class Ordered:
    at: datetime
    lines: tuple[Line, ...]
    notes: Mapping[str, str]
    lead_s: float
    due: datetime | None = None


SAID = Ordered(
    datetime(2026, 1, 1, 8, 0, 0, 123456, tzinfo=UTC),
    (Line("灯", Money(Decimal("0.10"), "CNY")),),
    {"a": "\u2028\"'"},
    0.1 + 0.2,
)


def wrapped(body: str, name: str = "tests.facts.ordered") -> Envelope:
    return Envelope("F-1", "t", name, 2, datetime(2026, 1, 1, tzinfo=UTC), "me", body)


def test_a_fact_comes_out_as_it_went_in() -> None:
    envelope = Envelope.from_json(wrapped(body_of(SAID)).to_json())
    assert envelope == wrapped(body_of(SAID))
    opened = envelope.open()
    assert opened == SAID
    assert isinstance(opened, Ordered)
    assert str(opened.lines[0].price.amount) == "0.10"


def test_a_fact_knows_its_name_and_version() -> None:
    assert name_of(Ordered) == FactName("tests.facts.ordered", 2)


def test_what_is_not_marked_is_no_fact() -> None:
    with pytest.raises(Broken, match="is no fact"):
        body_of(Line("x", Money.zero("CNY")))


def test_two_kinds_of_fact_may_not_share_a_name() -> None:
    with pytest.raises(Broken, match="Two kinds"):

        @fact("tests.facts.ordered")
        @dataclass(frozen=True)
        class Another:
            x: int


def test_a_kind_of_the_same_name_in_another_module_is_another_kind() -> None:
    stranger = type("Ordered", (), {"__module__": "elsewhere", "__qualname__": Ordered.__qualname__})
    with pytest.raises(Broken, match="Two kinds"):
        fact("tests.facts.ordered")(stranger)
    assert isinstance(wrapped(body_of(SAID)).open(), Ordered)


def test_a_fact_that_nobody_declared_says_so() -> None:
    with pytest.raises(Broken, match=r"tests\.facts\.unheard"):
        wrapped("{}", "tests.facts.unheard").open()


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"at": "yesterday"}', "\x00"])
def test_a_body_of_another_shape_says_which_fact_it_was(body: str) -> None:
    with pytest.raises(Broken, match=r"F-1 is no tests\.facts\.ordered"):
        wrapped(body).open()


def test_a_later_version_may_say_more() -> None:
    more = body_of(SAID).removesuffix("}") + ',"new": 1}'
    assert replace(wrapped(more), version=3).open() == SAID


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"null", b'{"id": 1}'])
def test_what_is_no_envelope_says_so(data: bytes) -> None:
    with pytest.raises(Broken, match="no envelope"):
        Envelope.from_json(data)
