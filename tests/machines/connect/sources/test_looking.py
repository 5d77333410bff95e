"""Probes that are begun, watched, and forgotten."""

import asyncio

import pytest

from batchone.contracts.sources import Look, Probed
from batchone.kernel.clock import SystemClock
from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.kernel.ids import TimeIds
from batchone.machines.connect.driver import Seen
from batchone.machines.connect.sources.looking import Looks

URL = "opc.tcp://10.0.0.5:4840/"
PROBED = Probed(URL, "opcua", "a server", "none", ())


@pytest.fixture
def looks() -> Looks:
    return Looks(TimeIds(SystemClock()))


async def ended(looks: Looks, name: str) -> Look:
    async with asyncio.timeout(5):
        while not looks.now(name).over:
            await asyncio.sleep(0)
    return looks.now(name)


async def test_a_probe_tells_how_much_it_has_seen_until_it_is_over(looks: Looks) -> None:
    go_on = asyncio.Event()

    async def probe(seen: Seen) -> Probed:
        seen(7)
        await go_on.wait()
        return PROBED

    name = looks.begin(URL, {"security": "none"}, probe)
    await asyncio.sleep(0)
    told = looks.now(name)
    assert (told.seen, told.over, told.url, dict(told.settings)) == (7, False, URL, {"security": "none"})
    go_on.set()
    assert (await ended(looks, name)).probed == PROBED


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (Refused("certificate.untrusted", "Unknown.", "Compare.", server="10.0.0.5:4840"), "certificate.untrusted", 422),
        (TryLater("machine.away", "It does not answer."), "machine.away", 503),
        (ValueError("a fault of ours"), "work.failed", 500),
    ],
)  # fmt: skip
async def test_a_probe_that_fails_says_why(looks: Looks, error: Exception, code: str, status: int) -> None:
    async def probe(_: Seen) -> Probed:
        raise error

    told = await ended(looks, looks.begin(URL, {}, probe))
    assert told.probed is None
    assert told.failure is not None
    assert (told.failure.code, told.failure.status) == (code, status)
    assert told.failure.where.get("server", "") == ("10.0.0.5:4840" if code == "certificate.untrusted" else "")


async def test_not_too_many_at_once_and_not_for_ever(looks: Looks) -> None:
    async def waits(_: Seen) -> Probed:
        await asyncio.Event().wait()
        return PROBED

    async def probe(_: Seen) -> Probed:
        return PROBED

    first = looks.begin(URL, {}, probe)
    await ended(looks, first)
    for _ in range(40):
        await ended(looks, looks.begin(URL, {}, probe))
    with pytest.raises(NotFound, match="forgotten"):
        looks.now(first)
    for _ in range(8):
        looks.begin(URL, {}, waits)
    with pytest.raises(Refused, match="under way"):
        looks.begin(URL, {}, waits)
