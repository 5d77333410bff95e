"""An edge is a leaf node of the hub with a JetStream domain of its own: what it takes reaches the hub once and in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from batchone.kernel.bus import EVENTS, SAMPLES, Behind, Message
from batchone.kernel.bus_edge import KEPT, EdgeBus
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.engines.child import free_port
from batchone.kernel.engines.nats import LeafOf, Nats, TakesLeaves
from batchone.kernel.errors import TryLater

pytestmark = [pytest.mark.engine, pytest.mark.fault]


@dataclass
class Link:
    """A hub and an edge, two real servers."""

    hub: Nats
    edge: Nats


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    port = free_port()
    both = Link(
        Nats(tmp_path / "hub", leaves=TakesLeaves(port, 'a "secret" / word')),
        Nats(tmp_path / "edge", leaves=LeafOf(f"nats-leaf://127.0.0.1:{port}", 'a "secret" / word', "edge-1")),
    )
    both.hub.start()
    both.edge.start()
    yield both
    both.edge.stop()
    both.hub.stop()


@pytest.fixture
async def hub(link: Link) -> AsyncIterator[NatsBus]:
    bus = await NatsBus.connect(link.hub.url, "hub")
    yield bus
    await bus.close()


@pytest.fixture
async def edge(link: Link) -> AsyncIterator[EdgeBus]:
    bus = await EdgeBus.connect(link.edge.url, "edge")
    yield bus
    await bus.close()


@asynccontextmanager
async def running(*work) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], timeout_s: float = 25) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def soon(attempt: Callable[[], object], timeout_s: float = 25) -> object:
    """Try again for as long as it says to try later."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await attempt()  # type: ignore[misc]  # every attempt here is a coroutine
            except TryLater:
                await asyncio.sleep(0.05)


def kill(server: Nats) -> None:
    assert server.child is not None
    server.child.process.kill()
    server.child.process.wait()


class Taken:
    """What a consumer of the hub got: subjects, data and ids."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    def of(self, subject: str) -> list[int]:
        return [int(message.data) for message in self.messages if message.subject == subject]


async def test_samples_taken_before_during_and_after_a_cut_arrive_once_and_in_order(
    link: Link, hub: NatsBus, edge: EdgeBus
) -> None:
    got, subjects = Taken(), ("samples.t.a", "samples.t.b")

    async def publish(first: int, last: int) -> None:
        for number in range(first, last):
            for subject in subjects:
                await edge.publish(subject, b"%d" % number, id=f"{subject}-{number}")

    async with running(edge.hand_over(), hub.consume(SAMPLES, "history", ["samples.>"], got.take, batch=50)):
        await publish(0, 50)
        await until(lambda: len(got.of("samples.t.b")) == 50)
        publishing = asyncio.create_task(publish(50, 300))
        await until(lambda: len(got.of("samples.t.a")) > 60)
        await asyncio.to_thread(kill, link.hub)
        await publishing
        told = await edge.behind()
        await asyncio.to_thread(link.hub.start)
        await until(lambda: all(299 in got.of(subject) for subject in subjects))
        await asyncio.sleep(0.5)
    assert told.messages > 0
    assert told.oldest_s > 0
    # Whoever had a batch in hand when the hub was killed got it again; the stream itself holds each message once.
    stored = Taken()
    async with running(hub.consume(SAMPLES, "afterwards", ["samples.>"], stored.take, batch=50)):
        await until(lambda: all(299 in stored.of(subject) for subject in subjects))
        await asyncio.sleep(0.5)
    for subject in subjects:
        assert stored.of(subject) == list(range(300))
    assert {message.id for message in stored.messages} == {f"{s}-{n}" for s in subjects for n in range(300)}


async def test_what_the_hub_may_have_stored_already_is_stored_there_once(hub: NatsBus, edge: EdgeBus) -> None:
    """The word that the hub had stored it was lost with the link: it is handed over again."""
    got = Taken()
    await soon(lambda: edge._in_order([Message("edge.samples.t.a", b"1", id="1")]))
    await edge.publish("samples.t.a", b"1", id="1")
    await edge.publish("samples.t.a", b"1", id="1")
    await edge.publish("samples.t.a", b"2", id="2")
    async with running(edge.hand_over(), hub.consume(SAMPLES, "history", ["samples.>"], got.take)):
        await until(lambda: 2 in got.of("samples.t.a"))
    assert got.of("samples.t.a") == [1, 2]


async def test_an_edge_forgets_what_the_hub_has_and_nothing_else(
    link: Link, hub: NatsBus, edge: EdgeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchone.kernel.bus_edge._FORGET_EVERY_S", 0.1)

    async def kept() -> int:
        return int((await edge._own._js.stream_info(KEPT.name)).state.messages)

    async with running(edge.hand_over()):
        await edge.publish("samples.t.a", b"1", id="1")
        async with asyncio.timeout(25):
            while await kept() or await edge.behind() != Behind():
                await asyncio.sleep(0.05)
        await asyncio.to_thread(link.hub.stop)
        await edge.publish("samples.t.a", b"2", id="2")
        await asyncio.sleep(1)
        assert await kept() == 1
        assert (await edge.behind()).messages == 1
        await asyncio.to_thread(link.hub.start)
        async with asyncio.timeout(25):
            while await kept():
                await asyncio.sleep(0.05)
    assert (await hub._js.stream_info(SAMPLES.name)).state.messages == 2


async def test_samples_wait_at_the_edge_while_the_hub_takes_none(hub: NatsBus, edge: EdgeBus) -> None:
    """A hub whose stream is full refuses; what is refused must not be overtaken."""
    got = Taken()
    full = await hub._js.stream_info(SAMPLES.name)
    await hub._js.update_stream(full.config.evolve(max_msgs=3))
    async with running(edge.hand_over()):
        for number in range(10):
            await edge.publish("samples.t.a", b"%d" % number, id=str(number))
        async with asyncio.timeout(25):
            while (await hub._js.stream_info(SAMPLES.name)).state.messages < 3:
                await asyncio.sleep(0.05)
        await hub._js.update_stream(full.config)
        async with running(hub.consume(SAMPLES, "history", ["samples.>"], got.take)):
            await until(lambda: len(got.messages) == 10)
    assert got.of("samples.t.a") == list(range(10))


async def test_facts_and_questions_cross_the_link_both_ways(hub: NatsBus, edge: EdgeBus) -> None:
    at_hub, at_edge, live = Taken(), Taken(), Taken()

    async def echo(data: bytes) -> bytes:
        return b"answered " + data

    async def hear(message: Message) -> None:
        await live.take([message])

    async with running(
        hub.answer("reads.hub", echo), edge.answer("reads.edge", echo), hub.listen("live.>", hear),
        hub.consume(EVENTS, "there", ["events.>"], at_hub.take), edge.consume(EVENTS, "here", ["events.>"], at_edge.take),
    ):  # fmt: skip
        assert await soon(lambda: edge.ask("reads.hub", b"1")) == b"answered 1"
        assert await soon(lambda: hub.ask("reads.edge", b"2")) == b"answered 2"
        await hub.publish("events.t.a", b"1", id="1")
        await soon(lambda: edge.publish("events.t.a", b"2", id="2"))
        await edge.broadcast("live.t.a", b"3")
        await until(lambda: at_hub.of("events.t.a") == [1, 2] == at_edge.of("events.t.a") and live.of("live.t.a") == [3])


async def test_without_its_hub_an_edge_takes_samples_and_says_later_to_all_else(link: Link, edge: EdgeBus) -> None:
    await asyncio.to_thread(link.hub.stop)
    await edge.publish("samples.t.a", b"1", id="1")
    assert (await edge.behind()).messages == 1
    with pytest.raises(TryLater):
        await edge.publish("events.t.a", b"1", id="1")
    with pytest.raises(TryLater):
        await edge.ask("reads.x", b"")


async def test_facts_said_while_the_link_was_cut_are_heard_at_the_edge_afterwards(
    link: Link, hub: NatsBus, edge: EdgeBus
) -> None:
    got = Taken()
    async with running(edge.consume(EVENTS, "here", ["events.>"], got.take, batch=5)):
        await hub.publish("events.t.a", b"0", id="0")
        await until(lambda: got.of("events.t.a") == [0])
        await asyncio.to_thread(kill, link.edge)
        for number in range(1, 8):
            await hub.publish("events.t.a", b"%d" % number, id=str(number))
        await asyncio.to_thread(link.edge.start)
        await until(lambda: got.of("events.t.a") == list(range(8)))


async def test_a_leaf_that_does_not_know_the_secret_is_not_let_in(link: Link, hub: NatsBus, tmp_path: Path) -> None:
    assert isinstance(link.hub._leaves, TakesLeaves)
    url = f"nats-leaf://127.0.0.1:{link.hub._leaves.port}"
    stranger = Nats(tmp_path / "stranger", leaves=LeafOf(url, "guessed", "edge-2"))
    stranger.start()
    try:
        bus = await EdgeBus.connect(stranger.url, "stranger")
        await asyncio.sleep(3)
        with pytest.raises(TryLater):
            await bus._in_order([Message("edge.samples.t.a", b"1", id="1")])
        await bus.close()
    finally:
        stranger.stop()
    assert "uthorization" in (stranger.folder / "nats.log").read_text()


async def test_what_one_edge_keeps_is_not_kept_by_another(link: Link, hub: NatsBus, edge: EdgeBus, tmp_path: Path) -> None:
    assert isinstance(link.hub._leaves, TakesLeaves)
    url = f"nats-leaf://127.0.0.1:{link.hub._leaves.port}"
    second = Nats(tmp_path / "second", leaves=LeafOf(url, link.hub._leaves.secret, "edge-2"))
    second.start()
    try:
        other = await EdgeBus.connect(second.url, "second")
        got = Taken()
        async with running(edge.hand_over(), other.hand_over(), hub.consume(SAMPLES, "history", ["samples.>"], got.take)):
            await other.publish("samples.t.b", b"1", id="b")
            await edge.publish("samples.t.a", b"1", id="a")
            await until(lambda: len(got.messages) == 2)
            await asyncio.sleep(0.3)
        assert sorted(message.id for message in got.messages) == ["a", "b"]
        for bus in (edge, other):
            assert (await bus._own._js.stream_info(KEPT.name)).state.last_seq == 1
        with suppress(TryLater):
            await other.close()
    finally:
        second.stop()


async def test_a_plant_that_is_given_its_first_edge_keeps_its_streams_and_its_consumers_places(tmp_path: Path) -> None:
    """Its JetStream gets a domain then, over the data that it has."""
    before, got = Nats(tmp_path / "nats"), Taken()
    before.start()
    bus = await NatsBus.connect(before.url, "before")
    for number in range(3):
        await bus.publish("events.t.a", b"%d" % number, id=str(number))
    async with running(bus.consume(EVENTS, "c", ["events.>"], got.take)):
        await until(lambda: got.of("events.t.a") == [0, 1, 2])
        await asyncio.sleep(0.2)
    await bus.close()
    before.stop()
    after = Nats(tmp_path / "nats", leaves=TakesLeaves(free_port(), "s"))
    after.start()
    try:
        bus = await NatsBus.connect(after.url, "after")
        await bus.publish("events.t.a", b"3", id="3")
        async with running(bus.consume(EVENTS, "c", ["events.>"], got.take)):
            await until(lambda: 3 in got.of("events.t.a"))
        await bus.close()
    finally:
        after.stop()
    assert got.of("events.t.a") == [0, 1, 2, 3]
