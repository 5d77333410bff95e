"""Packs made up by chance: what the checker says of them and what the configurator answers, against trying everything."""

from __future__ import annotations

import random
from datetime import date

import pytest
from tests.support_brute import Brute
from tests.support_made_up import made_up

from batchone.chain.design.completion import best, complete
from batchone.chain.design.configure import configure
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import compile_pack
from batchone.chain.design.packs import check_files
from batchone.chain.design.pricing import total

SEEDS = range(40)
DAY = date(2026, 4, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_made_up_pack_is_judged_and_answered_as_trying_everything_does(seed: int) -> None:
    chance = random.Random(seed)
    report = check_files(made_up(chance))
    if report.pack is None:
        told = [fault.what for fault in report.faults]
        assert all("No configuration keeps" in what or "is a default of" in what.lower() for what in told), told
        return
    blueprint, brute = compile_pack(report.pack).at(DAY), Brute(report.pack, DAY)
    assert [blueprint.space.possible(c) for c in brute.all] == [c in brute.valid for c in brute.all]
    assert brute.valid
    dead = {w.what.split(", because")[0].rsplit("has ", 1)[1].rstrip(".") for w in report.warnings}
    days = [date.min, DAY]
    every = [c for day in days for c in Brute(report.pack, day).valid]
    for o in blueprint.pack.options:
        for v in o.values:
            alive = any(c.get(o.id) == v.id for c in every)
            assert not (alive and f"{o.id} = {v.id}" in dead), (o.id, v.id)
    for _ in range(6):
        whole = chance.choice(brute.valid)
        picks = {o: whole[o] for o in chance.sample(sorted(whole), chance.randint(0, min(3, len(whole))))}
        state = configure(blueprint, picks)
        found = {(o.id, v.id): v.standing for o in state.options for v in o.values}
        assert found == brute.standings(picks, [o.id for o in state.options])
        assert state.completion in brute.with_picks(picks)
        assert state.price.amount == brute.price(state.completion, blueprint)
        for o in state.options:
            for v in o.values:
                if v.price_difference is not None:
                    then = complete(blueprint, {**picks, o.id: v.id})
                    assert v.price_difference.amount == brute.price(then, blueprint) - state.price.amount
        cheapest = best(blueprint, picks, "cheapest", {})()
        assert total(blueprint, cheapest).amount == min(brute.price(c, blueprint) for c in brute.with_picks(picks))
        exploded = explode(blueprint, "C", whole)
        assert [(line.variant, line.slot, line.quantity) for line in exploded.bom] == brute.bom(whole)
        assert [each.op for each in exploded.operations] == [*(f"10.{i + 1}" for i in range(int(whole["n"]))), "90"]


def test_most_made_up_packs_have_no_fault_and_some_have_one() -> None:
    """Else the test above would test nothing."""
    fine = sum(check_files(made_up(random.Random(seed))).pack is not None for seed in SEEDS)
    assert len(SEEDS) / 2 < fine < len(SEEDS)
