"""Copies of a pack keep its rules, and the naive peer answers what ours does."""

import random

import pytest
from benchmarks.click import measured, standings, standings_of, walk
from benchmarks.copies import copied
from benchmarks.platform import the_pack

from batchone.chain.design.configure import configure
from batchone.chain.design.model import compile_pack

PACK = the_pack()


@pytest.mark.parametrize("copies", [1, 2])
def test_copies_do_not_touch_one_another(copies: int) -> None:
    blueprint = copied(PACK, copies)
    assert len(blueprint.pack.options) == copies * len(PACK.options)
    assert len(blueprint.pack.rules) == copies * len(PACK.rules)
    alone = standings_of(configure(compile_pack(PACK), {}))
    state = standings_of(configure(blueprint, {}))
    for number in range(copies):
        suffix = f"@{number}" if number else ""
        assert {(option, value): state[option + suffix, value] for option, value in alone} == alone


def test_a_choice_in_one_copy_blocks_nothing_in_another() -> None:
    one, two = copied(PACK, 1), copied(PACK, 2)
    picks = walk(one, random.Random(5))[-1]
    before = standings_of(configure(two, {}))
    after = standings_of(configure(two, picks))
    assert {key: after[key] for key in after if "@1" in key[0]} == {key: before[key] for key in before if "@1" in key[0]}
    assert {key: after[key] for key in after if "@" not in key[0]} == standings_of(configure(one, picks))


def test_a_walk_chooses_one_option_more_each_time_and_stays_possible() -> None:
    blueprint = copied(PACK, 1)
    walked = walk(blueprint, random.Random(3))
    assert [len(picks) for picks in walked] == list(range(len(PACK.options) + 1))
    assert all(blueprint.space.possible(picks) for picks in walked)


def test_the_peer_agrees_on_every_standing() -> None:
    blueprint = copied(PACK, 1)
    for picks in walk(blueprint, random.Random(11)):
        assert standings(blueprint, picks) == standings_of(configure(blueprint, picks))


def test_every_click_is_measured_for_both() -> None:
    blueprint = copied(PACK, 1)
    ours, naive = measured(blueprint, walk(blueprint, random.Random(1))[:3], rounds=2)
    assert len(ours) == len(naive) == 6
    assert min(*ours, *naive) > 0
