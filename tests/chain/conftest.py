"""The fakes of the chain's tests, as fixtures: test folders are no packages, so the file is loaded by its path."""

import random
import sys
from collections.abc import AsyncIterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.ids import TimeIds

_NAME = "batchone_chain_fakes"


def _load() -> ModuleType:
    if _NAME not in sys.modules:
        spec = spec_from_file_location(_NAME, Path(__file__).with_name("fakes.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_NAME] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_NAME])
    return sys.modules[_NAME]


@pytest.fixture(scope="session")
def fakes() -> Any:
    """The module of fakes."""
    return _load()


@pytest.fixture
async def chain(fakes: Any, database: Database, clock: ManualClock, ids: TimeIds, chance: random.Random, tmp_path: Path) -> Any:
    """Sales, sourcing and logistics on a database of their own, with the bench released."""
    built = await fakes.Chain.start(database, clock, ids, chance, tmp_path)
    await built.release()
    return built


@pytest.fixture
async def api(chain: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The public API of the chain, for a planner unless a request says otherwise."""
    transport = httpx.ASGITransport(chain.app())
    headers = {"authorization": "Bearer planner/paula/"}
    async with httpx.AsyncClient(transport=transport, base_url="http://batchone", headers=headers) as client:
        yield client


@pytest.fixture
async def api_of() -> AsyncIterator[Any]:
    """The public API of any chain, for a planner unless a request says otherwise."""
    opened: list[httpx.AsyncClient] = []

    def client(chain: Any) -> httpx.AsyncClient:
        headers = {"authorization": "Bearer planner/paula/"}
        transport = httpx.ASGITransport(chain.app())
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://batchone", headers=headers))
        return opened[-1]

    yield client
    for each in opened:
        await each.aclose()
