"""Who gets which pieces, when the missing ones come, and from whom."""

from datetime import UTC, datetime, timedelta

import pytest

from batchone.chain.sourcing import model
from batchone.chain.sourcing.model import Free, Level, Supplier, Supply, Waiting
from batchone.contracts.sourcing import MaterialNeed

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lot(number: int, quantity: int, variant: str = "oak") -> Free:
    return Free(number, variant, f"L{number}", "near", quantity)


def waits(item: str, missing: int, variant: str = "oak", op: str = "10") -> Waiting:
    return Waiting("O", item, op, "frame", variant, missing, None)


def supply(name: str, quantity: int, hours: float, variant: str = "oak") -> Supply:
    return Supply(name, "near", variant, quantity, NOW + hours * HOUR, NOW + (hours + 4) * HOUR)


def level(free: int = 0, on_order: int = 0, waiting: int = 0, reorder_at: int = 2, size: int = 4) -> Level:
    return Level("frame", "oak", reorder_at, size, free, on_order, waiting)


def supplier(name: str, lead_h: float, moq: int = 1, on_time: float = 0.95, *, owing: bool = False) -> Supplier:
    return Supplier(name, name, lead_h * 3600, moq, on_time, owing)


class TestAllocating:
    def test_who_comes_first_is_served_first_from_the_oldest_lot(self) -> None:
        made = model.allocate([lot(1, 2), lot(2, 5)], [waits("a", 3), waits("b", 3), waits("c", 3)])
        assert [(m.waiting.item, m.free.id, m.quantity) for m in made] == [("a", 1, 2), ("a", 2, 1), ("b", 2, 3), ("c", 2, 1)]

    def test_variants_do_not_mix(self) -> None:
        made = model.allocate([lot(1, 1, "pine")], [waits("a", 1, "oak"), waits("b", 1, "pine")])
        assert [(m.waiting.item, m.quantity) for m in made] == [("b", 1)]

    def test_nothing_free_or_nobody_waiting_allocates_nothing(self) -> None:
        assert model.allocate([], [waits("a", 1)]) == []
        assert model.allocate([lot(1, 1)], []) == []

    def test_only_the_last_allocation_of_a_complete_operation_completes_it(self) -> None:
        made = model.allocate([lot(1, 1), lot(2, 9)], [waits("a", 2), waits("b", 1)])
        assert [last for _, last in model.completed(made, {("a", "10")})] == [False, True, False]


class TestExpecting:
    def test_supplies_are_shared_out_in_turn(self) -> None:
        dates = model.expected([waits("a", 3), waits("b", 2), waits("c", 9)], [supply("1", 4, 1), supply("2", 4, 2)], NOW)
        assert dates == {("a", "10", "oak"): NOW + HOUR, ("b", "10", "oak"): NOW + 2 * HOUR}

    def test_a_date_that_has_passed_is_moved_to_the_last_one_that_may_be(self) -> None:
        late = Supply("1", "near", "oak", 4, NOW - HOUR, NOW + 3 * HOUR)
        assert model.expected([waits("a", 1)], [late], NOW) == {("a", "10", "oak"): NOW + 3 * HOUR}
        assert late.at(NOW + 9 * HOUR) == NOW + 9 * HOUR


class TestCallingOff:
    def test_nothing_above_the_reorder_point(self) -> None:
        assert model.demand(level(free=3), [supplier("near", 4)]) is None
        assert model.demand(level(free=0, on_order=9, waiting=6), [supplier("near", 4)]) is None

    @pytest.mark.parametrize(
        ("stands", "moq", "quantity"),
        [(level(free=2), 1, 4), (level(free=2), 20, 20), (level(waiting=30), 20, 33), (level(waiting=30, on_order=31), 1, 4)],
    )
    def test_at_the_reorder_point_a_lot_the_least_quantity_or_what_is_lacking(
        self, stands: Level, moq: int, quantity: int
    ) -> None:
        found = model.demand(stands, [supplier("near", 4, moq)])
        assert found is not None
        assert found.quantity == quantity
        after = level(stands.free, stands.on_order + quantity, stands.waiting)
        assert model.demand(after, [supplier("near", 4, moq)]) is None

    def test_the_earliest_then_who_makes_us_buy_least_then_the_most_reliable(self) -> None:
        def chosen(*suppliers: Supplier) -> str:
            found = model.demand(level(), suppliers)
            assert found is not None
            return found.supplier.id

        assert chosen(supplier("slow", 5, 1, 1.0), supplier("fast", 4, 90, 0.5)) == "fast"
        assert chosen(supplier("much", 4, 90, 1.0), supplier("little", 4, 1, 0.5)) == "little"
        assert chosen(supplier("loose", 4, 1, 0.8), supplier("sure", 4, 2, 0.9)) == "sure"
        assert chosen(supplier("fast", 4, owing=True), supplier("slow", 48)) == "slow"
        assert chosen(supplier("fast", 4, owing=True), supplier("slow", 48, owing=True)) == "fast"

    def test_without_a_supplier_there_is_nobody_to_ask(self) -> None:
        assert model.demand(level(), []) is None


class TestMaterialDates:
    def dates(self, needs, count, stands, supplies=(), suppliers=None):
        if suppliers is None:
            suppliers = (supplier("near", 4), supplier("far", 48))
        return model.material_dates(needs, count, {"oak": stands}, supplies, {"frame": suppliers}, NOW, 1.0)

    need = MaterialNeed("frame", "oak", 2, "10")

    def test_stock_that_nobody_waits_for_is_there_now(self) -> None:
        (date,) = self.dates([self.need], 3, level(free=6))
        assert (date.at, date.source) == (NOW, "stock")

    def test_what_is_on_order_and_not_spoken_for_is_there_when_it_comes(self) -> None:
        supplies = [supply("1", 4, 1), supply("2", 4, 2)]
        (date,) = self.dates([self.need], 1, level(waiting=3, on_order=8), supplies)
        assert (date.at, date.source, date.supplier) == (NOW + 2 * HOUR, "on_order", "near")

    def test_more_than_that_takes_the_quickest_lead_time(self) -> None:
        (date,) = self.dates([self.need], 9, level(free=1, on_order=4), [supply("1", 4, 1)])
        assert (date.at, date.source, date.supplier) == (NOW + 4 * HOUR, "lead_time", "near")

    def test_what_must_be_waited_for_says_how_likely_and_how_much_it_may_be_late(self) -> None:
        (stock,) = self.dates([self.need], 3, level(free=6))
        assert (stock.on_time, stock.late_s) == (1.0, 0.0)
        (lead,) = self.dates([self.need], 9, level(), suppliers=(supplier("near", 4, on_time=0.9),))
        assert (lead.on_time, lead.late_s) == (0.9, 4 * 3600)
        coming = [supply("1", 4, 1)]
        (on_order,) = self.dates([self.need], 1, level(on_order=4), coming, (supplier("near", 4, on_time=0.9),))
        assert (on_order.on_time, on_order.late_s) == (0.9, 4 * 3600)

    def test_one_that_is_late_already_is_counted_on_at_its_last_moment_and_no_later(self) -> None:
        late = Supply("1", "near", "oak", 4, NOW - HOUR, NOW + 3 * HOUR)
        (date,) = self.dates([self.need], 1, level(on_order=4), [late])
        assert (date.at, date.on_time, date.late_s) == (NOW + 3 * HOUR, 1.0, 0.0)

    def test_two_needs_of_one_variant_do_not_count_the_same_piece(self) -> None:
        other = MaterialNeed("frame", "oak", 2, "20")
        first, second = self.dates([self.need, other], 1, level(free=3))
        assert (first.source, second.source) == ("stock", "lead_time")

    def test_what_nobody_supplies_comes_back_as_the_need(self) -> None:
        assert self.dates([self.need], 1, level(), suppliers=()) == [self.need]


def test_a_supplier_is_believed_as_the_pack_says_and_more_and_more_as_it_delivers() -> None:
    assert model.score(0.95, 0, 0) == 0.95
    assert model.score(0.9, 10, 0) == pytest.approx(0.45)
    assert model.score(0.5, 990, 990) > 0.99


def test_needs_of_one_operation_are_merged_and_empty_ones_dropped() -> None:
    needs = [
        MaterialNeed("frame", "oak", 1, "10"),
        MaterialNeed("frame", "oak", 2, "10"),
        MaterialNeed("frame", "pine", 0, "10"),
    ]
    assert model.merge(needs) == (MaterialNeed("frame", "oak", 3, "10"),)
