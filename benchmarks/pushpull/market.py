"""What customers wish, and when: one stream of orders for both ways of running the plant."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from batchone.chain.design.completion import complete
from batchone.chain.design.model import Blueprint
from batchone.demo import policies
from benchmarks.pushpull.plant import DAY_S, Floats, Ints, Plant, Products

NIGHT_SHARE = 0.1
"""Share of the orders that come between midnight and 8 (assumption)."""
DRIFT_KEPT = 0.8
"""What is left after a week of a configuration's being in or out of favour (assumption)."""


@dataclass(frozen=True)
class Taste:
    """What the market is like; all assumptions, and what the sensitivity table moves.

    `variety`: configurations that are ordered at all. `zipf`: how concentrated; the r-th most popular is wished r**-zipf as
    often as the first. `drift`: standard deviation of a configuration's popularity (its logarithm), which wanders from week to
    week and is what a forecast cannot know. `day_cv`: coefficient of variation of a day's orders. `load`: orders as a share of
    what the busiest station could make without setups and breakdowns. `prepared`: options need the preparation time that the
    pack says.
    """

    variety: int = 500
    zipf: float = 0.8
    drift: float = 0.25
    day_cv: float = 0.2
    load: float = 0.85
    prepared: bool = True


@dataclass(frozen=True)
class Orders:
    """Orders by time: second, configuration, and a number between 0 and 1 that says how readily the customer takes another.

    `history`: orders by week and configuration in the weeks before the first day, which is all that a first forecast has.
    """

    at: Ints
    cfg: Ints
    ready: Floats
    history: Ints
    a_day: float


def wished(blueprint: Blueprint, variety: int, seed: int) -> list[Mapping[str, str]]:
    """So many different configurations in the order in which the pack's customers come to wish them: popular ones first.

    The pack must have clearly more of them, or drawing does not end.
    """
    chance, found = random.Random(f"market {seed}"), dict[tuple[str, ...], Mapping[str, str]]()
    while len(found) < variety:
        choices = policies.choices(blueprint.pack.demo, chance)
        if blueprint.space.possible(choices):
            whole = complete(blueprint, choices)
            found.setdefault(tuple(whole.values()), whole)
    return list(found.values())


def popularity(taste: Taste) -> Floats:
    """The long-term share of each configuration."""
    share: Floats = np.arange(1, taste.variety + 1, dtype=float) ** -taste.zipf
    return share / share.sum()


def takt_s(plant: Plant, products: Products, share: Floats) -> Floats:
    """Seconds between items that each class needs for a mix of configurations, things done again included, without setups and
    breakdowns."""
    line, again = plant.line, _again(plant)
    work = np.zeros(len(plant.classes))
    for o, c in enumerate(line.cls):
        work[c] += float(share @ products.seconds[:, o]) * again[o]
    positions = np.add.reduceat(line.positions, line.machine_at[:-1])
    found: Floats = work / positions / plant.working_share()
    return found


def _again(plant: Plant) -> Floats:
    """How often each operation is done for an item, first order: once, and once more for each failure that redoes it."""
    line = plant.line
    times = np.ones(len(plant.ops))
    for rate, redo in zip(line.fail_rate, line.fail_redo, strict=True):
        times += [rate * (int(redo) >> o & 1) for o in range(len(times))]
    return times


def orders_of(plant: Plant, products: Products, taste: Taste, days: int, seed: int, history_weeks: int = 8) -> Orders:
    """The orders of so many days, a multiple of 7; and the weeks before."""
    chance = np.random.default_rng([seed, 1])
    share = popularity(taste)
    a_day = taste.load * DAY_S / float(takt_s(plant, products, share).max())
    spread = np.sqrt(np.log(1 + taste.day_cv**2))
    mood = chance.normal(0, taste.drift, taste.variety)
    weeks: list[Ints] = []
    at, cfg = list[Ints](), list[Ints]()
    for week in range(-history_weeks, days // 7):
        kept = mood * DRIFT_KEPT
        mood = kept + chance.normal(0, taste.drift * np.sqrt(1 - DRIFT_KEPT**2), taste.variety)
        now = share * np.exp(mood)
        counts = chance.poisson(a_day * chance.lognormal(-(spread**2) / 2, spread, 7))
        drawn = chance.choice(taste.variety, counts.sum(), p=now / now.sum())
        if week < 0:
            weeks.append(np.bincount(drawn, minlength=taste.variety))
            continue
        for day, count in enumerate(counts):
            night = chance.random(count) < NIGHT_SHARE
            second = np.where(night, chance.random(count) * DAY_S / 3, DAY_S / 3 + chance.random(count) * DAY_S * 2 / 3)
            at.append(np.sort(((7 * week + day) * DAY_S + second).astype(np.int64)))
        cfg.append(drawn.astype(np.int64))
    when = np.concatenate(at)
    return Orders(when, np.concatenate(cfg), chance.random(len(when)), np.array(weeks), a_day)
