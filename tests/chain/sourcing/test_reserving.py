"""Stock is set aside for who was promised first, the rest is called off, and finished operations consume."""

from datetime import timedelta

import pytest

from batchone.contracts.enterprises import system
from batchone.contracts.production import JobFinished
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import (
    BomExploded,
    CallOffSent,
    MaterialAllocated,
    MaterialExpected,
    MaterialNeed,
    Sourcing,
)
from batchone.kernel.errors import Refused, TryLater

pytestmark = pytest.mark.engine
SYSTEM = system("t", "test")


def placed(chain, number: int, quantity: int = 1, hours: float = 48, **choices) -> OrderPlaced:
    """An order promised so many hours from now."""
    at = chain.context.clock.now() + timedelta(hours=hours)
    items = tuple(f"I-{number}-{place}" for place in range(quantity))
    frozen = chain.design.freeze(**choices)
    return OrderPlaced(f"O-{number}", f"SO-{number:06d}", "P", "c", frozen.id, "bench", quantity, 0, items, at, at, at)


def finished(item: str, op: str, chain, run: int = 1, state: str = "finished") -> JobFinished:
    now = chain.context.clock.now()
    return JobFinished(f"J-{item}-{op}-{run}", item, "O", op, run, "saw", state, now, now, 0.1, "")  # type: ignore[arg-type]


async def level(chain, variant: str):
    return next(each for each in await chain.context.get(Sourcing).stock("t") if each.variant == variant)


async def test_the_opening_stock_comes_once(chain, fakes) -> None:
    for _ in range(2):
        await chain.release()
    opening = await level(chain, "oak")
    assert (opening.on_hand, opening.allocated, opening.on_order, opening.waiting) == (6, 0, 0, 0)
    assert (opening.reorder_at, opening.product, opening.module) == (2, "bench", "frame")
    assert await chain.said(CallOffSent) == []


async def test_a_new_version_changes_the_catalogue_and_stocks_only_what_is_new(chain, fakes) -> None:
    ash = fakes.variant("ash", 5, 7, 4)
    frame = fakes.replace(fakes.MODULES[0], variants=(fakes.variant("oak", 99, 1, 4), ash), suppliers=(fakes.FAR,))
    chain.design.packs["2.0.0"] = fakes.pack("2.0.0", (frame, *fakes.MODULES[1:]))
    await chain.release("2.0.0")
    assert (await level(chain, "oak")).on_hand == 6
    assert (await level(chain, "ash")).on_hand == 5
    assert (await level(chain, "pine")).on_hand == 6
    (sent,) = await chain.said(CallOffSent)
    assert (sent.variant, sent.supplier, sent.quantity) == ("ash", "far", 20)


async def test_an_order_is_exploded_and_gets_its_stock_operation_by_operation(chain) -> None:
    await chain.tell(placed(chain, 1, 2), only="sourcing")
    (exploded,) = await chain.said(BomExploded)
    assert exploded.needs == (
        MaterialNeed("frame", "oak", 1, "10"), MaterialNeed("seat", "red", 1, "20"), MaterialNeed("screws", "m6", 4, "20"),
    )  # fmt: skip
    allocated = await chain.said(MaterialAllocated)
    assert [(a.item, a.op, a.variant, a.quantity, a.complete) for a in allocated] == [
        ("I-1-0", "10", "oak", 1, True), ("I-1-0", "20", "m6", 4, False), ("I-1-0", "20", "red", 1, True),
        ("I-1-1", "10", "oak", 1, True), ("I-1-1", "20", "m6", 4, False), ("I-1-1", "20", "red", 1, True),
    ]  # fmt: skip
    assert {(a.lot, a.supplier) for a in allocated} >= {("opening-oak", "")}
    assert await chain.said(MaterialExpected) == []
    stock = await level(chain, "oak")
    assert (stock.on_hand, stock.allocated) == (4, 2)


async def test_the_reorder_point_sends_a_call_off_to_the_quickest(chain, clock) -> None:
    await chain.tell(placed(chain, 1, 4), only="sourcing")
    sent = next(each for each in await chain.said(CallOffSent) if each.variant == "oak")
    assert (sent.supplier, sent.module, sent.quantity) == ("near", "frame", 5)
    assert sent.needed == clock.now() + timedelta(hours=4)
    assert (await level(chain, "oak")).on_order == 5


async def test_what_is_short_is_called_off_at_once_and_its_date_is_said(chain, clock) -> None:
    await chain.tell(placed(chain, 1, 9), only="sourcing")
    stock = await level(chain, "oak")
    assert (stock.on_hand, stock.allocated, stock.waiting, stock.on_order) == (0, 6, 3, 6)
    expected = [(e.item, e.op, e.at) for e in await chain.said(MaterialExpected) if e.op == "10"]
    assert expected == [(f"I-1-{n}", "10", clock.now() + timedelta(hours=4)) for n in (6, 7, 8)]


async def test_an_operation_is_expected_when_its_last_material_is(chain, clock) -> None:
    await chain.tell(placed(chain, 1, 11), only="sourcing")
    waiting = [e for e in await chain.said(MaterialExpected) if e.op == "20"]
    assert [(e.item, e.at) for e in waiting] == [("I-1-10", clock.now() + timedelta(hours=8))]


async def test_who_was_promised_first_is_served_first(chain, clock) -> None:
    await chain.tell(placed(chain, 1, 6), only="sourcing")
    await chain.tell(placed(chain, 2, 1, hours=40), only="sourcing")
    await chain.tell(placed(chain, 3, 1, hours=20), only="sourcing")
    sourcing = chain.context.get(Sourcing)
    (call_off,) = [each for each in await sourcing.call_offs("t", "sent", "", 9) if each.variant == "oak"]
    async with chain.context.database.transaction() as tx:
        await tx.run("UPDATE sourcing.call_offs SET quantity = 1 WHERE id = %(id)s", id=call_off.id)
    await sourcing.deliver("t", call_off.id, "L1", SYSTEM)
    last = (await chain.said(MaterialAllocated))[-1]
    assert (last.item, last.lot, last.supplier, last.complete) == ("I-3-0", "L1", "near", True)


async def test_hearing_of_an_order_twice_changes_nothing(chain) -> None:
    order = placed(chain, 1, 9)
    await chain.tell(order, only="sourcing")
    before = (await chain.context.get(Sourcing).stock("t"), len(await chain.rows("SELECT * FROM kernel.outbox")))
    await chain.tell(order, only="sourcing")
    assert (await chain.context.get(Sourcing).stock("t"), len(await chain.rows("SELECT * FROM kernel.outbox"))) == before


async def test_a_finished_operation_consumes_once_however_often_it_is_done(chain) -> None:
    await chain.tell(placed(chain, 1), only="sourcing")
    for run in (1, 2, 2):
        await chain.tell(finished("I-1-0", "10", chain, run), only="sourcing")
    stock = await level(chain, "oak")
    assert (stock.on_hand, stock.allocated) == (5, 0)
    (lot,) = await chain.rows("SELECT received, free, allocated, consumed FROM sourcing.lots WHERE variant = 'oak'")
    assert tuple(lot.values()) == (6, 5, 0, 1)
    assert (await level(chain, "red")).allocated == 1


async def test_a_failed_job_consumes_nothing_and_an_unknown_one_is_nobodys(chain) -> None:
    await chain.tell(placed(chain, 1), only="sourcing")
    await chain.tell(finished("I-1-0", "10", chain, state="failed"), only="sourcing")
    await chain.tell(finished("I-9-9", "10", chain), only="sourcing")
    assert (await level(chain, "oak")).allocated == 1


async def test_what_comes_for_an_operation_that_is_done_already_is_consumed_at_once(chain) -> None:
    await chain.tell(placed(chain, 1, 7), only="sourcing")
    await chain.tell(finished("I-1-6", "10", chain), only="sourcing")
    sourcing = chain.context.get(Sourcing)
    call_off = next(each for each in await sourcing.call_offs("t", "", "", 9) if each.variant == "oak")
    await sourcing.deliver("t", call_off.id, "L1", SYSTEM)
    (lot,) = await chain.rows("SELECT allocated, consumed FROM sourcing.lots WHERE lot = 'L1'")
    assert tuple(lot.values()) == (0, 1)


async def test_material_dates_count_what_is_free_on_order_and_in_lead_time(chain, clock) -> None:
    sourcing = chain.context.get(Sourcing)
    await chain.tell(placed(chain, 1, 5), only="sourcing")
    need = MaterialNeed("frame", "oak", 1, "10")

    async def date(count: int) -> tuple[str, timedelta]:
        (found,) = await sourcing.material_dates("t", "bench", [need], count)
        return found.source, found.at - clock.now()

    assert await date(1) == ("stock", timedelta(0))
    await clock.advance(3600)
    assert await date(2) == ("on_order", timedelta(hours=3))
    assert await date(50) == ("lead_time", timedelta(hours=4))


async def test_the_risk_of_a_delivery_is_the_packs_at_first_and_then_what_became_of_call_offs(chain, clock) -> None:
    sourcing, need = chain.context.get(Sourcing), MaterialNeed("frame", "oak", 1, "10")

    async def on_time() -> float:
        (found,) = await sourcing.material_dates("t", "bench", [need], 50)
        assert (found.source, found.supplier, found.late_s) == ("lead_time", "near", 4 * 3600)
        return found.on_time

    assert await on_time() == 0.95
    await chain.tell(placed(chain, 1, 5), only="sourcing")
    (call_off,) = [each for each in await sourcing.call_offs("t", "", "", 9) if each.variant == "oak"]
    assert await on_time() == 0.95
    await clock.advance(5 * 3600)
    missed = (10 * 0.95 + 0) / 11
    assert await on_time() == pytest.approx(missed)
    await sourcing.deliver("t", call_off.id, "L1", SYSTEM)
    assert await on_time() == pytest.approx(missed)
    await clock.advance(100 * 86400)
    assert await on_time() == 0.95


async def test_a_delivery_in_time_raises_the_suppliers_share(chain) -> None:
    sourcing = chain.context.get(Sourcing)
    await chain.tell(placed(chain, 1, 5), only="sourcing")
    (call_off,) = [each for each in await sourcing.call_offs("t", "", "", 9) if each.variant == "oak"]
    await sourcing.deliver("t", call_off.id, "L1", SYSTEM)
    (found,) = await sourcing.material_dates("t", "bench", [MaterialNeed("frame", "oak", 1, "10")], 50)
    assert found.on_time == pytest.approx((10 * 0.95 + 1) / 11)


async def test_material_nobody_knows_yet_means_try_later_and_none_at_all_is_refused(chain) -> None:
    sourcing = chain.context.get(Sourcing)
    with pytest.raises(TryLater, match="does not know ebony"):
        await sourcing.material_dates("t", "bench", [MaterialNeed("frame", "ebony", 1, "10")], 1)
    with pytest.raises(Refused, match="one item at least"):
        await sourcing.material_dates("t", "bench", [], 0)
