"""A protocol asked over the bus answers as it would here: the same values, the same errors."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, Protocol, cast

import pytest

from batchone.kernel.bus import Bus
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.errors import Broken, Conflict, NotFound, TryLater
from batchone.kernel.money import Money
from batchone.kernel.remote import remote, serve


@dataclass(frozen=True)
class Part:
    name: str
    price: Money


@dataclass(frozen=True)
class Thing:
    id: str
    kind: Literal["a", "b"]
    at: datetime
    parts: tuple[Part, ...]
    pair: tuple[int, str]
    sizes: Mapping[str, float]
    by_number: Mapping[int, str]
    day: date
    took: timedelta
    exact: Decimal
    mother: "Thing | None" = None
    tags: frozenset[str] = frozenset()


class Things(Protocol):
    async def echo(self, thing: Thing) -> Thing: ...
    async def several(self, things: Sequence[Thing], limit: int = 2) -> tuple[Thing, ...]: ...
    async def maybe(self, there: bool) -> Thing | None: ...
    async def nothing(self) -> None: ...
    async def text(self, text: str) -> str: ...
    async def number(self, number: float) -> float: ...
    async def fails(self, how: str) -> None: ...
    async def slow(self, name: str, seconds: float) -> str: ...


class Here:
    def __init__(self) -> None:
        self.given: list[Any] = []

    async def echo(self, thing: Thing) -> Thing:
        self.given.append(thing)
        return thing

    async def several(self, things: Sequence[Thing], limit: int = 2) -> tuple[Thing, ...]:
        return tuple(things)[:limit]

    async def maybe(self, there: bool) -> Thing | None:
        return THING if there else None

    async def nothing(self) -> None:
        self.given.append(None)

    async def text(self, text: str) -> str:
        return text

    async def number(self, number: float) -> float:
        return number

    async def fails(self, how: str) -> None:
        errors: dict[str, Exception] = {
            "missing": NotFound("a.b", "There is none.", "Look elsewhere.", item="I-1"), "conflict": Conflict("a.b", "x", "y"),
            "later": TryLater("a.b", "Not now.", after_s=9.5), "bug": ZeroDivisionError("a bug"), "lookup": KeyError("x"),
        }  # fmt: skip
        raise errors[how]

    async def slow(self, name: str, seconds: float) -> str:
        self.given.append(name)
        await asyncio.sleep(seconds)
        return name


THING = Thing(
    "T-1", "a", datetime(2026, 1, 1, 8, 0, 0, 123456, tzinfo=UTC),
    (
        Part("灯 \"'\\\u2028\0", Money(Decimal("0.10"), "CNY")),
        Part("", Money(Decimal("-12345678901234567890.123456789"), "EUR")),
    ),
    (3, "x"), {"a b": 0.1 + 0.2, "": -0.0, "tiny": 5e-324, "large": 1.7976931348623157e308}, {7: "seven", -1: "minus one"},
    date(2026, 2, 28), timedelta(days=3, microseconds=1), Decimal("1E+3"),
    mother=Thing("T-0", "b", datetime(1970, 1, 1, tzinfo=UTC), (), (0, ""), {}, {}, date.min, timedelta(-1), Decimal("0.00")),
    tags=frozenset({"x", "y"}),
)  # fmt: skip


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.engine)])
def bus(request: pytest.FixtureRequest) -> Bus:
    return MemoryBus() if request.param == "memory" else cast(Bus, request.getfixturevalue("nats_bus"))


@pytest.fixture
async def here(bus: Bus) -> AsyncIterator[Here]:
    implementation = Here()
    serving = asyncio.create_task(serve(bus, Things, implementation))
    await asyncio.sleep(0.1)
    yield implementation
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
def things(bus: Bus, here: Here) -> Things:
    return remote(Things, bus, timeout_s=3)


async def test_every_kind_of_value_comes_out_as_it_went_in(things: Things, here: Here) -> None:
    assert await things.echo(THING) == THING
    assert here.given == [THING]
    assert type(here.given[0].parts) is tuple
    assert type(here.given[0].parts[1].price.amount) is Decimal
    assert str(here.given[0].exact) == "1E+3"


async def test_a_time_in_another_zone_is_the_same_moment(things: Things) -> None:
    there = datetime(2026, 1, 1, 16, tzinfo=timezone(timedelta(hours=8)))
    thing = await things.echo(Thing("x", "a", there, (), (0, ""), {}, {}, date.max, timedelta(0), Decimal(0)))
    assert thing.at == there
    assert thing.at.tzinfo is not None


async def test_arguments_go_by_place_or_by_name_and_defaults_hold(things: Things) -> None:
    assert await things.several([THING] * 3) == (THING, THING)
    assert await things.several(things=[THING] * 3, limit=1) == (THING,)
    assert await things.several([], 5) == ()


async def test_none_is_none(things: Things, here: Here) -> None:
    assert await things.maybe(there=False) is None
    assert await things.maybe(there=True) == THING
    await things.nothing()
    assert here.given == [None]


async def test_large_texts_pass(things: Things) -> None:
    text = "灯" * 500_000
    assert await things.text(text) == text


async def test_errors_arrive_as_themselves(things: Things) -> None:
    with pytest.raises(NotFound, match="There is none") as missing:
        await things.fails("missing")
    assert (missing.value.code, missing.value.cure, missing.value.where) == ("a.b", "Look elsewhere.", {"item": "I-1"})
    with pytest.raises(Conflict):
        await things.fails("conflict")
    with pytest.raises(TryLater) as later:
        await things.fails("later")
    assert later.value.after_s == 9.5


@pytest.mark.parametrize("how", ["bug", "lookup", "no such error"])
async def test_a_bug_reaches_its_caller_and_spares_the_others(things: Things, how: str) -> None:
    slow = asyncio.create_task(things.slow("other", 0.5))
    await asyncio.sleep(0.1)
    with pytest.raises(Broken, match=r"Here\.fails failed"):
        await things.fails(how)
    assert await slow == "other"
    assert await things.text("still here") == "still here"


@pytest.mark.parametrize("call", ["missing", "too many", "unknown name"])
async def test_a_call_that_does_not_fit_fails_at_the_caller_as_it_would_here(things: Things, here: Here, call: str) -> None:
    anything = cast(Any, things)
    calls: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
        "missing": ((), {}), "too many": (("a", "b"), {}), "unknown name": ((), {"x": 1}),
    }  # fmt: skip
    places, names = calls[call]
    with pytest.raises(TypeError):
        await anything.text(*places, **names)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"[]", b"null", b'"x"', b'{"text": 3}', b'{"text": null}', b"{}",
        b'{"txt": "x"}', b'{"text": "x", "more": 1}'
    ],
)  # fmt: skip
async def test_what_another_version_asks_is_refused_and_spares_the_others(things: Things, bus: Bus, data: bytes) -> None:
    answer = await bus.ask("reads.test_remote.Things.text", data, timeout_s=3)
    assert b'"kind":"Broken"' in answer
    assert await things.text("still here") == "still here"


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"{}", b"null", b'{"ok": [1]}', b'{"error": 3}'])
async def test_an_answer_of_another_version_is_broken(data: bytes) -> None:
    bus = MemoryBus()

    async def answerer(_: bytes) -> bytes:
        return data

    answering = asyncio.create_task(bus.answer("reads.test_remote.Things.text", answerer))
    await asyncio.sleep(0)
    with pytest.raises(Broken):
        await remote(Things, bus).text("x")
    answering.cancel()


async def test_a_number_that_json_does_not_have_is_not_passed_off_as_another(things: Things) -> None:
    with pytest.raises(Broken):
        await things.number(float("nan"))


async def test_many_ask_at_once_and_each_gets_their_own_answer(things: Things) -> None:
    names = [f"caller {n}" for n in range(40)]
    async with asyncio.timeout(3):
        assert await asyncio.gather(*(things.slow(name, 0.3) for name in names)) == names


async def test_nobody_there_means_try_later(bus: Bus) -> None:
    with pytest.raises(TryLater):
        await remote(Things, bus, timeout_s=1).text("x")


async def test_too_slow_an_answer_means_try_later(bus: Bus, here: Here) -> None:
    with pytest.raises(TryLater):
        await remote(Things, bus, timeout_s=0.2).slow("x", 1)


async def test_a_protocol_that_cannot_be_asked_from_elsewhere_says_so() -> None:
    class Wrong(Protocol):
        def now(self) -> int: ...

    with pytest.raises(Broken, match=r"Wrong\.now"):
        remote(Wrong, MemoryBus())
