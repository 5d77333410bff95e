"""Parts, quantities, sums, tables, dates and lists, against rules and prices written by hand in Python."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from tests.support_brute import Brute
from tests.support_nested import RACK

from batchone.chain.design.completion import best, complete
from batchone.chain.design.configure import configure
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files
from batchone.chain.design.pricing import price, total
from batchone.contracts.design import Standing
from batchone.contracts.pack import Pack
from batchone.kernel.errors import Refused
from batchone.kernel.money import Money

WINTER, APRIL, JULY = date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)
Chosen = dict[str, str]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_files(RACK)


@pytest.fixture(scope="module")
def rack(pack: Pack) -> Blueprint:
    return compile_pack(pack, APRIL)


@pytest.fixture(scope="module")
def brute(pack: Pack) -> Brute:
    return Brute(pack, APRIL)


def shelves(c: Chosen) -> list[int]:
    return list(range(1, int(c["shelves"]) + 1))


def boxes(c: Chosen, shelf: int) -> int:
    return int(c[f"shelf.{shelf}.boxes"])


def kept_by_hand(c: Chosen, day: date) -> bool:
    """Every rule of the rack, as a person reads them."""
    height, count, loads = int(c["height"]), int(c["shelves"]), [int(c[f"shelf.{i}.load"]) for i in shelves(c)]
    extras = [c[f"extras.{each}"] == "yes" for each in ("wheels", "hooks", "cover")]
    full = any(load == 100 and boxes(c, i) for i, load in enumerate(loads, 1))
    lids = [c[f"shelf.{i}.box.1.lid"] for i in shelves(c) if boxes(c, i)]
    return (
        sum(loads) <= 200
        and (not extras[0] or (height <= 150 and count <= 2))
        and all(not boxes(c, i) or load == 100 for i, load in enumerate(loads, 1))
        and all(lid == "no" or height < 200 for lid in lids)
        and sum([full, extras[2], c["steel"] == "inox"]) <= 1
        and (c["steel"] != "painted" or count <= 2 or day < date(2026, 5, 1))
        and (height, count) in {(100, 1), (150, 1), (150, 2), (200, 1), (200, 2), (200, 3)}
        and sum(extras) <= 2
        and (c["steel"] != "inox" or day <= date(2026, 6, 30))
        and (c["steel"] != "painted" or day >= date(2026, 3, 1))
    )


def price_by_hand(c: Chosen, day: date, group: str) -> Decimal:
    dealer = group == "dealer"
    spring = not dealer and date(2026, 3, 1) <= day <= date(2026, 5, 31)
    amount = Decimal("45.00" if dealer else "47.50" if spring else "50.00") + Decimal("0.10") * int(c["height"])
    amount += {"plain": 0, "inox": 25 if dealer else 30, "painted": 5}[c["steel"]]
    amount += 8 * (c["extras.wheels"] == "yes") + 2 * (c["extras.hooks"] == "yes") + 12 * (c["extras.cover"] == "yes")
    for i in shelves(c):
        amount += 6 * (c[f"shelf.{i}.load"] == "100") - (c[f"shelf.{i}.load"] == "100" and boxes(c, i) == 1)
        amount += Decimal("1.50") * (c.get(f"shelf.{i}.box.1.lid") == "yes")
    amount -= (6 if dealer else 4) * (c["shelves"] == "3")
    return amount - 2 * (c["steel"] == "painted" and date(2026, 6, 1) <= day <= date(2026, 8, 31))


def test_combinations_are_as_many_as_counted_by_hand(brute: Brute) -> None:
    """A shelf has 2 loads and no box, or a box with 2 lids: 6 ways."""
    assert len(brute.all) == 3 * 3 * 8 * (6 + 6**2 + 6**3)


@pytest.mark.parametrize("day", [WINTER, APRIL, JULY])
def test_the_solver_keeps_what_a_person_reading_the_rules_keeps(rack: Blueprint, brute: Brute, day: date) -> None:
    then = rack.at(day)
    by_hand = [kept_by_hand(c, day) for c in brute.all]
    assert [then.space.possible(c) for c in brute.all] == by_hand
    assert 100 < sum(by_hand) < len(by_hand) / 2


def test_any_possible_choices_leave_exactly_what_is_possible(rack: Blueprint, brute: Brute) -> None:
    chance = random.Random(5)
    for _ in range(60):
        whole = chance.choice(brute.valid)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), chance.randint(0, 5))}
        state = configure(rack, picks)
        found = {(option.id, value.id): value.standing for option in state.options for value in option.values}
        assert found == brute.standings(picks, [option.id for option in state.options]), picks
        assert [option.id for option in state.options] == list(state.completion)


def test_every_reason_is_true_and_the_change_it_asks_for_is_the_smallest(rack: Blueprint, brute: Brute) -> None:
    chance = random.Random(6)
    seen = 0
    for _ in range(40):
        whole = chance.choice(brute.valid)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), 4)}
        for option in configure(rack, picks).options:
            for value in option.values:
                if value.standing is not Standing.EXCLUDED:
                    continue
                assert value.reason is not None
                assert value.reason.text["en"]
                wanted = {option.id: value.id}
                others = {o: v for o, v in picks.items() if o != option.id}
                assert not brute.with_picks({**value.reason.choices, **wanted})
                fewest = smallest(brute, others, wanted)
                give_up = value.reason.give_up
                assert (give_up is None) == (fewest is None)
                if give_up is not None:
                    assert len(give_up) == fewest
                    assert brute.with_picks({**{o: v for o, v in others.items() if o not in give_up}, **wanted})
                    seen += 1
    assert seen > 50


def smallest(brute: Brute, others: Chosen, wanted: Chosen) -> int | None:
    """How many choices must go at least, by looking at everything that has the wanted value."""
    having = brute.with_picks(wanted)
    return min((sum(each.get(o) != v for o, v in others.items()) for each in having), default=None)


@pytest.mark.parametrize(("day", "group"), [(WINTER, ""), (APRIL, ""), (JULY, ""), (APRIL, "dealer")])
def test_prices_are_what_a_person_adds_up(rack: Blueprint, brute: Brute, day: date, group: str) -> None:
    then = rack.at(day, group)
    for c in [c for c in brute.all if kept_by_hand(c, day)][::7]:
        assert total(then, c).amount == price_by_hand(c, day, group), c
        assert brute_price(brute.pack, then, c) == price_by_hand(c, day, group), c


def brute_price(pack: Pack, blueprint: Blueprint, c: Chosen) -> Decimal:
    lines = price(blueprint, c, 1).lines
    return sum((line.amount.amount for line in lines), Decimal(0))


def test_completions_are_the_best_of_all_valid_ones(rack: Blueprint, brute: Brute) -> None:
    chance = random.Random(7)
    popularity = {"height": {"200": 9, "150": 4}, "steel": {"inox": 7}, "extras.hooks": {"yes": 5, "no": 1}}
    for _ in range(12):
        whole = chance.choice(brute.valid)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), chance.randint(0, 3))}
        left = brute.with_picks(picks)

        def amount(c: Chosen) -> Decimal:
            return total(rack, c).amount

        def count(c: Chosen) -> int:
            return sum(popularity.get(o, {}).get(v, 0) for o, v in c.items())

        cheapest, earliest, popular = (best(rack, picks, wish, popularity)() for wish in ("cheapest", "earliest", "popular"))
        assert amount(cheapest) == min(map(amount, left))
        assert total(rack, earliest).lead_s == min(total(rack, c).lead_s for c in left)
        assert count(popular) == max(map(count, left))
        assert all(each in left for each in (cheapest, earliest, popular, complete(rack, picks)))


def test_a_default_may_depend_on_what_was_chosen(rack: Blueprint) -> None:
    assert complete(rack, {})["height"] == "150"
    assert complete(rack, {"shelves": "3"})["height"] == "200"


def test_a_count_takes_the_nearest_number_where_its_default_is_not_possible(rack: Blueprint) -> None:
    assert complete(rack, {"shelf.2.load": "100"})["shelves"] == "2"


def test_bill_and_routing_nest(rack: Blueprint, brute: Brute) -> None:
    for c in brute.valid[::5]:
        found = explode(rack, "C-1", c)
        filled = [f"shelf.{i}" for i in shelves(c)]
        boxed = [f"{shelf}.box.1" for shelf in filled if c[f"{shelf}.boxes"] == "1"]
        wheels = c["extras.wheels"] == "yes"
        assert [(line.variant, line.slot, line.quantity) for line in found.bom] == brute.bom(c)
        assert [line.slot for line in found.bom] == ["", *filled, *boxed, *([""] if wheels else [])]
        assert found.bom[0].quantity == pytest.approx(int(c["height"]) * 0.02 + len(filled))
        cut = [f"10.{i}" for i in shelves(c)]
        folded = [f"20.{i}.1" for i in shelves(c) if boxes(c, i)]
        assert [each.op for each in found.operations] == [*cut, *folded, "90"]
        assert found.operations[-1].after == (*cut, *folded)
        for each in found.operations[len(cut) : -1]:
            assert each.after == (f"10.{each.op.split('.')[1]}",)
        first = found.operations[0]
        assert first.duration_s == pytest.approx(30 + 0.1 * int(c["shelf.1.load"]))
        assert first.setup_key == {"50": "light", "100": "full" if boxes(c, 1) else "heavy"}[c["shelf.1.load"]]
        assert [check.redo for check in found.operations[-1].checks] == [(*(f"10.{i}" for i in (1, 2, 3)), "90")]


def test_what_the_customer_brings_reaches_the_machine(rack: Blueprint) -> None:
    whole = complete(rack, {"steel": "painted", "height": "150"})
    label = explode(rack, "C-1", whole, {"steel": "Ada"}).operations[-1].parameters
    assert label == {"label": "Ada", "weight": "20"}


def test_the_price_of_many_is_rounded_once_at_the_end(rack: Blueprint) -> None:
    whole = complete(rack, {})
    exact = total(rack, whole).amount
    assert exact == Decimal("62.50")  # the spring list: 47.50 and 150 cm at 0.10
    one, many, lots = price(rack, whole, 1), price(rack, whole, 10), price(rack, whole, 53)
    assert (one.unit, one.total) == (Money.of("62.50", "EUR"), Money.of("62.50", "EUR"))
    assert (many.unit.amount, many.total.amount) == (Decimal("60.62"), Decimal("606.25"))  # 60.625 is rounded half to even
    assert lots.total.amount == Decimal("3097.19")  # 53 times 58.4375 is 3097.1875
    assert [(each.quantity, str(each.unit.amount)) for each in one.breaks] == [(10, "60.62"), (50, "58.44")]
    assert lots.price_list == "spring"
    assert [line.kind for line in lots.lines] == ["base", "value", "break"]


@pytest.mark.parametrize("quantity", [0, -1, 10**7])
def test_a_quantity_beyond_measure_has_no_price(rack: Blueprint, quantity: int) -> None:
    with pytest.raises(Refused, match="has no price"):
        price(rack, complete(rack, {}), quantity)


def test_a_value_is_sold_in_its_time_and_says_when_it_is_not(rack: Blueprint) -> None:
    def steel(day: date) -> dict[str, tuple[Standing, str]]:
        values = configure(rack.at(day), {}).options[1].values
        return {value.id: (value.standing, value.reason.text["en"] if value.reason else "") for value in values}

    assert steel(date(2026, 6, 30))["inox"][0] is Standing.SELECTABLE
    assert steel(date(2026, 7, 1))["inox"] == (Standing.EXCLUDED, "Steel: Stainless was sold until 2026-06-30.")
    assert steel(date(2026, 2, 28))["painted"] == (Standing.EXCLUDED, "Steel: Painted is sold from 2026-03-01 on.")
    assert steel(date(2026, 3, 1))["painted"][0] is Standing.SELECTABLE


def test_a_rule_binds_from_its_day_on(rack: Blueprint) -> None:
    picks = {"steel": "painted", "shelves": "3"}
    assert rack.at(date(2026, 4, 30)).space.possible(picks)
    with pytest.raises(Refused, match="Painted racks have two shelves"):
        configure(rack.at(date(2026, 5, 1)), picks)


def test_a_choice_that_needs_a_part_says_so(rack: Blueprint) -> None:
    count = configure(rack, {"shelf.2.load": "50"}).options[2]
    reason = count.values[0].reason
    assert reason is not None
    assert (reason.rules, reason.give_up) == ((), ("shelf.2.load",))
    assert reason.text == {"en": "It does not go with Shelf 2: Load = 50 kg.", "zh": "与所选不符：层板 2: 载重 = 50 kg。"}
