"""SQL over HTTP, from the route down to files of a real historian."""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator

import httpx
import pyarrow as pa
import pyarrow.parquet
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Selects
from batchone.kernel.errors import Refused, TryLater
from batchone.kernel.http import install_problems
from batchone.machines.history import selecting
from batchone.machines.history.api_sql import sql
from batchone.machines.history.asking import Asker
from batchone.machines.history.selecting import Selecting

pytestmark = pytest.mark.engine
SELECT = "SELECT path, source_time, value FROM samples ORDER BY path, source_time"


class Parts:
    def __init__(self, selects: Selecting) -> None:
        self._selects = selects

    def get(self, protocol: type) -> object:
        assert protocol is Selects
        return self._selects


@pytest.fixture
async def selects(rig) -> AsyncIterator[Selecting]:
    await rig.store([rig.message([("m/x", 1, 1.5), ("m/x", 2, math.inf)])])
    await rig.ingest.store([rig.message([("m/y", 1, 5.0)])])
    await rig.store([rig.message([("m/secret", 1, 42.0)], tenant="u")])
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    yield Selecting(asker)
    asker.close()


@pytest.fixture
async def client(selects: Selecting) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    app.include_router(sql(Parts(selects)))

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        request.state.actor = Actor("t", "p", "P", request.headers["role"])
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers={"role": "engineer"}) as made:
        yield made


async def test_an_answer_is_columns_and_rows_of_ones_own_samples(client) -> None:
    answer = (await client.post("/sql", json={"select": SELECT})).json()
    assert answer == {
        "columns": ["path", "source_time", "value"],
        "rows": [
            ["m/x", "2026-03-02T08:00:01+00:00", 1.5], ["m/x", "2026-03-02T08:00:02+00:00", None],
            ["m/y", "2026-03-02T08:00:01+00:00", 5.0],
        ],
        "cut": False, "missing": [],
    }  # fmt: skip


async def test_files_tell_in_their_headers_what_is_missing_and_whether_there_is_more(client, rig) -> None:
    segment = (await rig.catalogue.of_tenant("t"))[0]
    (rig.root / segment.file).unlink()
    asked = {"select": "SELECT path, value FROM samples UNION ALL SELECT 'z', 1.0", "rows": 1}
    found = await client.post("/sql?format=parquet", json=asked)
    assert pyarrow.parquet.read_table(io.BytesIO(found.content)).num_rows == 1
    assert (found.headers["batchone-cut"], found.headers["batchone-missing"]) == ("true", f"lost {segment.file}")
    found = await client.post("/sql?format=arrow", json=asked)
    assert pa.ipc.open_stream(found.content).read_all().column_names == ["path", "value"]
    assert (await client.post("/sql?format=csv", json=asked)).text.startswith('"path","value"\n')


async def test_a_window_bounds_what_is_looked_at(client) -> None:
    asked = {"select": "SELECT count(*) FROM samples", "from": "2026-03-02T08:00:02Z", "to": "2026-03-02T08:00:03"}
    assert (await client.post("/sql", json=asked)).json()["rows"] == [[1]]


@pytest.mark.parametrize(
    ("body", "role", "status"),
    [
        ({"select": "DROP TABLE samples"}, "engineer", 422), ({"select": "SELECT 1", "rows": 10**9}, "engineer", 422),
        ({"select": "SELECT 1"}, "operator", 403), ({}, "engineer", 422),
    ],
)  # fmt: skip
async def test_what_is_no_question_or_not_ones_own_to_ask_is_refused(client, body, role, status) -> None:
    assert (await client.post("/sql", json=body, headers={"role": role})).status_code == status


async def test_too_large_an_answer_is_refused(selects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "_BYTES_MAX", 1_000)
    with pytest.raises(Refused, match="bytes"):
        await selects.select("t", "SELECT range FROM range(1000)", None, None, 10_000, 30)


async def test_who_finds_all_places_taken_is_asked_to_come_again(selects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "_WAIT_S", 0.01)
    for _ in range(2):
        await selects._gate.acquire()
    with pytest.raises(TryLater):
        await selects.select("t", "SELECT 1", None, None, 1, 30)
    selects._gate.release()
    assert (await selects.select("t", "SELECT 1", None, None, 1, 30)).rows == 1


async def test_many_tenants_are_answered_though_few_are_kept_in_memory(rig) -> None:
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=128e6)
    for at in range(12):
        (rig.root / f"t{at}").mkdir(exist_ok=True)
        assert (await asker.ask(f"t{at}", "SELECT count(*) AS n FROM samples", rows=1, seconds=30)).table["n"][0].as_py() == 0
    assert list(asker._ducks) == [f"t{at}" for at in range(4, 12)]
    asker.close()
