"""What was looked up a moment ago."""

from datetime import timedelta

from batchone.kernel.clock import ManualClock
from batchone.network.enterprises.recent import Recent


async def test_a_value_is_kept_for_so_long_and_no_longer(clock: ManualClock) -> None:
    recent: Recent[str] = Recent(clock, 3)
    recent.put(b"a", "x")
    await clock.advance(2.9)
    assert recent.get(b"a") == "x"
    await clock.advance(0.1)
    assert recent.get(b"a") is None


def test_the_oldest_goes_when_there_are_too_many(clock: ManualClock) -> None:
    recent: Recent[int] = Recent(clock, 3, most=2)
    for n, digest in enumerate((b"a", b"b", b"a", b"c")):
        recent.put(digest, n)
    assert (recent.get(b"a"), recent.get(b"b"), recent.get(b"c")) == (2, None, 3)


def test_a_clock_that_is_set_back_makes_nothing_last(clock: ManualClock) -> None:
    recent: Recent[str] = Recent(clock, 3)
    recent.put(b"a", "x")
    clock._now -= timedelta(hours=1)
    assert recent.get(b"a") is None


def test_what_is_forgotten_is_gone(clock: ManualClock) -> None:
    recent: Recent[str] = Recent(clock, 3)
    for digest in (b"a", b"b", b"c"):
        recent.put(digest, "x")
    recent.forget(b"a")
    recent.forget(b"never put")
    assert (recent.get(b"a"), recent.get(b"b")) == (None, "x")
    recent.forget_all()
    assert recent.get(b"b") is None
