"""Which carrier takes an order."""

from datetime import UTC, datetime, timedelta

import pytest

from batchone.chain.logistics.model import Carrier, choose, quickest

READY = datetime(2026, 3, 2, 8, tzinfo=UTC)
TRAIN, VAN, BIKE = Carrier("train", {}, 52 * 3600), Carrier("van", {}, 20 * 3600), Carrier("bike", {}, 20 * 3600)
ALL = (TRAIN, VAN, BIKE)


@pytest.mark.parametrize(
    ("hours", "priority", "carrier"),
    [(52, 0, "train"), (51, 0, "van"), (20, 0, "van"), (1, 0, "van"), (-5, 0, "van"), (99, 1, "van")],
)
def test_the_slowest_that_keeps_the_promise_else_the_quickest(hours: float, priority: int, carrier: str) -> None:
    chosen = choose(ALL, READY, READY + timedelta(hours=hours), priority)
    assert chosen is not None
    assert chosen.id == carrier


def test_a_promise_counts_on_the_quickest_and_the_first_of_equals() -> None:
    assert quickest(ALL) is VAN


def test_without_carriers_there_is_none() -> None:
    assert choose((), READY, READY, 0) is None
    assert quickest(()) is None
