"""The module declares what it asks for, and runs nothing."""

from __future__ import annotations

from batchone.kernel.settings import Settings
from batchone.machines.aas import MODULE


async def test_the_module_keeps_what_it_declares_and_has_no_work() -> None:
    running = await MODULE.build(None, Settings())
    MODULE.check(running)
    assert (running.work, running.provides, MODULE.schema) == ({}, {}, None)
