"""The official judge of asset administration shells asks a server over both packs' things, and opens a package."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from tests.machines.aas.world import TENANT, World, record

from batchone.contracts.things import ThingModel
from batchone.machines.aas import package
from batchone.machines.aas.addresses import Asset, encode
from batchone.machines.aas.api import PREFIX, PROFILES

pytestmark = [pytest.mark.peer, pytest.mark.slow]

WARNING, ERROR = 1, 2
# What the judge says of every server without files, and of its own suite that looks for a cursor and never keeps one.
EXPECTED = {
    "No such element present", "No submodel element of type 'File' found, skipping test.",
    "Cannot check pagination, there must be at least 2 entities",
}  # fmt: skip


async def judged(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of the judge, and its words: message `m`, level `l`, and below it `s`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aas_test_engines", *arguments, "--output", "json", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode or 0, json.loads(said)


def leaves(result: dict[str, Any], level: int) -> Iterator[str]:
    """What is at least as bad as a level."""
    if result["l"] >= level and not result["s"]:
        yield result["m"]
    for each in result["s"]:
        yield from leaves(each, level)


@pytest.fixture(params=["equipment", "items"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A server on loopback with somebody signed in; the first shell, which is looked at closest, is of either kind."""
    world = World(items=[record("I-0001", "S1"), record("I-0002", "S2")])
    if request.param == "items":
        world.things = ThingModel()
    config = uvicorn.Config(world.app(signed_in="engineer"), port=0, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    work = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{PREFIX}"
    running.should_exit = True
    await work


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.split("/")[-2])
async def test_the_server_keeps_the_profile(server: str, profile: str) -> None:
    code, result = await judged("check_server", server, profile)
    assert (code, list(leaves(result, ERROR))) == (0, [])
    for line in result["s"][-1]["s"]:
        passed, total = line["m"].rsplit(":", 1)[1].split("/")
        assert int(passed) == int(total) > 30
    # Items have no signals, and so no meanings of signals.
    assert set(leaves(result, WARNING)) <= EXPECTED | {"contains conceptDescriptions: Fail"}


async def test_packages_of_all_equipment_and_of_an_item_are_good(server: str, tmp_path: Path) -> None:
    async with httpx.AsyncClient() as client:
        for number, query in enumerate(({}, {"aasIds": encode(Asset(TENANT, "item", "I-0002").shell)})):
            answer = await client.get(f"{server}/serialization", params=query, headers={"Accept": package.MEDIA_TYPE})
            (tmp_path / f"{number}.aasx").write_bytes(answer.content)
            code, result = await judged("check_file", str(tmp_path / f"{number}.aasx"))
            assert (code, list(leaves(result, WARNING))) == (0, [])
