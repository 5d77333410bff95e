"""`batchone things at`, beside a platform that answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from tests.cli.test_history import Terminal, terminal  # noqa: F401

from batchone.contracts.machines import EquipmentAt, Gap, SignalAt, Twin
from batchone.kernel.remote import serve

pytestmark = pytest.mark.engine


class OneTwin:
    """Of which only the past is asked."""

    async def last(self, tenant: str, equipment: str) -> tuple[()]:
        return ()

    async def data(self, tenant: str) -> tuple[()]:
        return ()

    async def at(self, tenant: str, equipment: str, time: datetime) -> EquipmentAt:
        told = time - timedelta(seconds=90)
        gaps = (Gap("away", "t/file"), Gap("none", f"{equipment}/y"))
        signals = (SignalAt(f"{equipment}/x", 4.5, 0, told, 90.0),)
        return EquipmentAt(equipment, time, "running", told, signals, (), told, gaps)


@pytest.fixture
async def answering(terminal: Terminal, nats_bus) -> AsyncIterator[Terminal]:  # noqa: F811
    answers = asyncio.create_task(serve(nats_bus, Twin, OneTwin()))
    yield terminal
    answers.cancel()
    await asyncio.gather(answers, return_exceptions=True)


async def test_an_equipment_is_told_as_it_was(answering: Terminal) -> None:
    code, out, err = await answering.run("things", "at", "m", "2026-03-02T08:00:00Z")
    assert (code, "m was running since 2026-03-02 07:58:30" in out.decode(), "m/x" in out.decode()) == (0, True, True)
    assert err.splitlines() == ["away: t/file", "1 signals told nothing since 2026-03-02 07:58:30; --json names them."]
    _, out, _ = await answering.run("things", "at", "m", "2026-03-02T08:00:00Z", "--json")
    told = json.loads(out)
    assert told["at"] == "2026-03-02T08:00:00+00:00"
    assert told["signals"] == [
        {"path": "m/x", "value": 4.5, "quality": 0, "source_time": "2026-03-02T07:58:30+00:00", "age_s": 90.0}
    ]
