"""An option is clicked: how long until every value's standing, reason and price is known again."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from functools import partial

from batchone.chain.design.configure import configure
from batchone.chain.design.model import Blueprint
from batchone.chain.design.service import DesignService
from batchone.contracts.design import Choices, ConfigurationState, Standing
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database
from batchone.kernel.ids import TimeIds
from benchmarks.copies import copied
from benchmarks.figures import Options, Report, Table, p50, p99, ratio
from benchmarks.platform import running, the_pack
from benchmarks.profiling import Profiled

COPIES = (1, 2, 4)
Walk = list[Choices]


async def run(options: Options) -> Report:
    """Measure the pure function as the pack grows, then the service and the API over the real pack."""
    report = Report("click")
    walks, rounds = (2, 2) if options.quick else (20, 3)
    rows, profiled = [], Profiled()
    for copies in COPIES:
        blueprint = copied(the_pack(), copies)
        clicks = [picks for seed in range(walks) for picks in walk(blueprint, random.Random(seed))]
        ours, naive = measured(blueprint, clicks, rounds)
        values = sum(len(option.values) for option in blueprint.pack.options)
        rows.append(
            (f"{copies} x the pack", len(blueprint.pack.options), values, len(blueprint.pack.rules), len(ours), p50(ours),
             p99(ours), p50(naive), p99(naive), ratio(p50(naive), p50(ours)))
        )  # fmt: skip
        if options.profile and copies == COPIES[-1]:
            with profiled.running():
                for picks in clicks:
                    configure(blueprint, picks)
            report.profiles["configure, largest pack"] = profiled.text()
        blueprint.space.close()
    report.tables.append(
        Table(
            "Option click to answer, as the pack grows (pure function, no database)",
            ("size", "options", "values", "rules", "clicks", "p50_ms", "p99_ms", "naive_p50_ms", "naive_p99_ms", "naive/ours"),
            tuple(rows),
            ("naive: two questions to the same solver for every value (can it be, can it be otherwise), for standings only;",
             "ours also finds the minimal reason of each blocked value and the price and lead of each open one."),
        )
    )  # fmt: skip
    report.tables.append(await _served(walks, rounds))
    return report


def walk(blueprint: Blueprint, chance: random.Random) -> Walk:
    """The choices after each click of somebody who chooses every option, in any order, among what is open."""
    picks: dict[str, str] = {}
    walked: Walk = [{}]
    for option in chance.sample(blueprint.pack.options, len(blueprint.pack.options)):
        open_values = [value.id for value in option.values if blueprint.space.possible({**picks, option.id: value.id})]
        picks[option.id] = chance.choice(open_values)
        walked.append(dict(picks))
    return walked


def standings(blueprint: Blueprint, picks: Choices) -> dict[tuple[str, str], Standing]:
    """The naive peer: two questions for each value."""
    found, space = {}, blueprint.space
    for option in blueprint.pack.options:
        others = {name: value for name, value in picks.items() if name != option.id}
        for value in option.values:
            atom = space.atom(option.id, value.id)
            can, must = space.possible(others, atom), not space.possible(others, -atom)
            standing = Standing.FORCED if can and must else Standing.SELECTABLE if can else Standing.EXCLUDED
            found[option.id, value.id] = Standing.CHOSEN if picks.get(option.id) == value.id else standing
    return found


def standings_of(state: ConfigurationState) -> dict[tuple[str, str], Standing]:
    """The same from our answer."""
    return {(option.id, value.id): value.standing for option in state.options for value in option.values}


def measured(blueprint: Blueprint, clicks: Walk, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each click for us and for the naive peer, in turns, after a round to warm up."""
    for picks in clicks:
        if standings_of(configure(blueprint, picks)) != standings(blueprint, picks):
            raise AssertionError(f"the peer disagrees at {picks}")
    ours, naive = [], []
    for _ in range(rounds):
        for picks in clicks:
            ours.append(_ms(partial(configure, blueprint, picks)))
            naive.append(_ms(partial(standings, blueprint, picks)))
    return ours, naive


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


async def _served(walks: int, rounds: int) -> Table:
    """The service with its database, and the API of the running platform."""
    pack = the_pack()
    blueprint = copied(pack, 1)
    clicks = [picks for seed in range(walks) for picks in walk(blueprint, random.Random(seed))]
    async with running(plant=False) as (bench, api):
        clock = SystemClock()
        database = await Database.connect(bench.deployment.note.postgres, clock, TimeIds(clock), size=2)
        service = DesignService(database, clock, TimeIds(clock))
        path, tenant = f"/api/products/{pack.product.id}/configure", bench.deployment.deploy.tenant

        def pure(picks: Choices) -> Callable[[], Awaitable[object]]:
            async def work() -> object:
                return configure(blueprint, picks)

            return work

        ways: dict[str, Callable[[Choices], Callable[[], Awaitable[object]]]] = {
            "pure function": pure,
            "service with its database": lambda picks: partial(service.configure, tenant, pack.product.id, picks),
            "over HTTP, whole platform": lambda picks: partial(api.post, path, {"choices": dict(picks)}),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds + 1):
            for picks in clicks:
                for name, way in ways.items():
                    began = time.perf_counter()
                    await way(picks)()
                    if turn:
                        taken[name].append(1e3 * (time.perf_counter() - began))
        await database.close()
    base = p50(taken["pure function"])
    rows = tuple((name, len(ms), p50(ms), p99(ms), p50(ms) / base) for name, ms in taken.items())
    title = "Option click to answer, through the layers (the pack as it is)"
    return Table(title, ("way", "clicks", "p50_ms", "p99_ms", "x pure"), rows)
