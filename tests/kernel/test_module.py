"""Modules, what they are given, and what they promise."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import pytest

from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.errors import Broken, TryLater
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.remote import serve


class Greeting(Protocol):
    async def greet(self, name: str) -> str: ...


class Here:
    async def greet(self, name: str) -> str:
        return f"hello {name}"


@pytest.fixture
def context(clock: ManualClock, ids: TimeIds, chance: random.Random, tmp_path: Path) -> Context:
    nowhere = cast(Database, None)
    return Context(clock=clock, ids=ids, chance=chance, database=nowhere, bus=MemoryBus(), home=tmp_path, tenant="t")


async def build(_: Context, __: object) -> Running:
    return Running(provides={Greeting: Here()})


async def test_what_is_provided_here_is_asked_here(context: Context) -> None:
    here = Here()
    context.provide(Greeting, here)
    assert context.get(Greeting) is here
    assert context.local == {Greeting: here}


async def test_what_is_not_here_is_asked_over_the_bus(context: Context) -> None:
    elsewhere = asyncio.create_task(serve(context.bus, Greeting, Here()))
    await asyncio.sleep(0.01)
    assert await context.get(Greeting).greet("Ana") == "hello Ana"
    assert context.get(Greeting) is context.get(Greeting)
    elsewhere.cancel()
    with suppress(asyncio.CancelledError):
        await elsewhere
    with pytest.raises(TryLater):
        await context.get(Greeting).greet("Ana")


async def test_what_is_provided_later_is_found_from_then_on(context: Context) -> None:
    assert not isinstance(context.get(Greeting), Here)
    context.provide(Greeting, Here())
    assert isinstance(context.get(Greeting), Here)


async def test_a_module_that_keeps_its_declaration_passes(context: Context) -> None:
    declared = Module("greeting", build, provides=(Greeting,))
    declared.check(await declared.build(context, None))


@pytest.mark.parametrize(
    "declared",
    [
        Module("greeting", build),
        Module("greeting", build, provides=(Greeting, Protocol)),  # type: ignore[arg-type]  # any second class will do
        Module("greeting", build, provides=(Greeting,), hears=(str,)),
    ],
)
async def test_a_module_that_provides_or_hears_other_than_it_declares_is_broken(context: Context, declared: Module) -> None:
    with pytest.raises(Broken, match="greeting"):
        declared.check(await declared.build(context, None))
