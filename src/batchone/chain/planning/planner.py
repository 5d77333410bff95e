"""The planner at work: keeps a timeline of the plan in force for promises, and makes the plan better in the background.

Solving runs in a worker process of its own, so that promises and dispatching are answered meanwhile. Between the picture
that a solve saw and the moment it is done, machines went on: only operations that no machine has yet are moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog

from batchone.chain.planning import store
from batchone.chain.planning.branches import store as hand_store
from batchone.chain.planning.branches.draft import settled
from batchone.chain.planning.insertion import JobInsertion
from batchone.chain.planning.model import Assignment, Operation, Plan, Problem
from batchone.chain.planning.picture import Clash, Picture, Placement, changed, placements
from batchone.chain.planning.pins import Pin, pinned
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.worker import SearchProcess, Teller, compile_searches, pack_task, search_task, unpack_plan
from batchone.contracts.design import Design
from batchone.contracts.pack import Pack
from batchone.contracts.planning import SEARCH_TOPIC, PlanAccepted, PlanSummary, Searching
from batchone.kernel.database import Transaction
from batchone.kernel.errors import TryLater
from batchone.kernel.module import Context
from batchone.kernel.remote import remote
from batchone.kernel.settings import Seconds, Settings

_log = structlog.get_logger(__name__)
ACTOR = "planning"
_ANSWER_S = 20.0
"""How much longer than its budget a search elsewhere may take to answer, real."""
_CLASHES_TOLD = 3
P = ParamSpec("P")
R = TypeVar("R")


class PlanningSettings(Settings):
    """How often and how long planning thinks. Times marked *real* are of the wall clock, others of the plant."""

    repair_every_s: Seconds = 3
    """Shortest pause between runs that only make the plan hold again, real."""
    improve_every_s: Seconds = 30
    """Shortest pause between runs that search for a better plan, real."""
    budget_s: Seconds = 3
    """How long a search may take, real."""
    search_elsewhere: bool = False
    """Searches are given to processes that offer it (`batchone plan worker`, on any machine that reaches NATS), and done here
    while none answers."""
    frozen_s: Seconds = 120
    """What starts sooner than this is moved neither by a search nor by hand, and nothing is moved there by hand."""
    tolerance_s: Seconds = 30
    """Changes of time smaller than this do not make a new plan."""
    tell_s: Seconds = 300
    """An order's planned finish is told to others when it changed by more than this."""
    desk_s: Seconds = 10
    """How long a planner's moves are checked against the plan as it was laid out for them, real."""
    branch_s: Seconds = 4
    """How long a branch is searched if nobody says otherwise, real."""
    seed: int = 1


@dataclass(frozen=True)
class Reserved:
    """Capacity held for a promise: where the operations of each of its items are, until when."""

    id: str
    expires: datetime
    items: tuple[tuple[tuple[Assignment, str | None], ...], ...]


class Planner:
    """One tenant's plan."""

    def __init__(self, context: Context, settings: PlanningSettings) -> None:
        self._context = context
        self.settings = settings
        self._packs: tuple[Pack, ...] = ()
        self._timeline: Timeline | None = None
        self._reserved: dict[str, Reserved] = {}
        self._pool: SearchProcess | None = None
        self._teller = Teller(context.bus)
        self._dirty = asyncio.Event()
        self._dirty.set()
        self._why: list[str] = []
        self._clashes: frozenset[Clash] = frozenset()
        self._by_hand = 0
        self.lock = asyncio.Lock()

    @property
    def tenant(self) -> str:
        """Whose plan this is."""
        return self._context.tenant

    def changed(self, why: str) -> None:
        """Something happened that the plan must follow."""
        if why not in self._why:
            self._why.append(why)
        self._dirty.set()

    def forget_packs(self) -> None:
        """A product was released: the plant is learnt anew."""
        self._packs = ()
        self.changed("product released")

    async def packs(self) -> tuple[Pack, ...]:
        """The packs of all products."""
        if not self._packs:
            design = self._context.get(Design)
            products = await design.products(self.tenant)
            self._packs = tuple([await design.pack(self.tenant, product.id) for product in products])
        return self._packs

    async def timeline(self) -> Timeline:
        """The plan in force and what is reserved, for insertion; call with the lock held."""
        if self._timeline is None:
            picture = await self.picture()
            self._remember(picture, picture.problem(), picture.in_force())
        assert self._timeline is not None
        self._expire()
        return self._timeline

    async def picture(self) -> Picture:
        """How things stand."""
        packs = await self.packs()
        async with self._context.database.transaction() as tx:
            return Picture(
                now=self._context.clock.now().replace(microsecond=0),
                packs=packs,
                orders=await store.open_orders(tx, self.tenant),
                operations=await store.open_operations(tx, self.tenant),
                equipment=await store.equipment(tx, self.tenant),
                pins=await hand_store.pins(tx, self.tenant),
                hours=await hand_store.hours(tx, self.tenant, self._context.clock.now()),
            )

    def _remember(self, picture: Picture, problem: Problem, plan: Plan) -> None:
        timeline = Timeline(problem)
        keys = {op.id: op.setup_key for op in problem.operations}
        known = {resource.id for resource in problem.resources}
        for a in plan.assignments:
            if a.resource in known and a.end_s > 0:
                timeline.add(a, keys.get(a.operation))
        for reserved in self._reserved.values():
            shift = reserved_shift(reserved, picture.now)
            for pairs in shift:
                for assignment, key in pairs:
                    timeline.add(assignment, key)
        self._timeline = timeline

    def reserve(
        self, reservation: str, expires: datetime, items: Sequence[JobInsertion], operations: Sequence[Operation]
    ) -> None:
        """The timeline already holds these; remember whose they are."""
        assert self._timeline is not None
        keys = {op.id: op.setup_key for op in operations}
        origin = self._timeline.problem.origin
        held = tuple(tuple((dated(a, origin), keys[a.operation]) for a in item.assignments) for item in items)
        self._reserved[reservation] = Reserved(reservation, expires, held)

    def taken(self, reservation: str) -> None:
        """A reservation became an order: its place is the order's now."""
        self._reserved.pop(reservation, None)

    def _expire(self) -> None:
        now = self._context.clock.now()
        self.give_back([each.id for each in self._reserved.values() if each.expires <= now])

    def give_back(self, reservations: Iterable[str]) -> None:
        """The capacity of these is free again; call with the timeline made and the lock held."""
        assert self._timeline is not None
        for reserved in [self._reserved.pop(name) for name in reservations if name in self._reserved]:
            for pairs in reserved_shift(reserved, self._timeline.problem.origin):
                for assignment, _ in pairs:
                    with contextlib.suppress(KeyError):
                        self._timeline.remove(assignment)

    async def load_reservations(self) -> None:
        """What was reserved before a restart."""
        async with self._context.database.transaction() as tx:
            rows = await store.reservations(tx, self.tenant, self._context.clock.now())
        for row in rows:
            items = tuple(tuple((Assignment(*values), key) for values, key in item) for item in row["placed"])
            self._reserved[row["id"]] = Reserved(row["id"], row["expires"], items)

    async def run(self) -> None:
        """Keep the plan: repair when something changed, search for a better one now and then, until cancelled."""
        await self.load_reservations()
        self._pool = SearchProcess(self._teller.hear)
        compiling = self._pool.submit(compile_searches)
        improved = 0.0
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.improve_every_s):
                        await self._dirty.wait()
                if not self._dirty.is_set():
                    continue
                self._dirty.clear()
                # While the searches are compiled, the plan is kept valid; it gets better after that.
                search = compiling.done() and time.monotonic() - improved >= self.settings.improve_every_s
                await self.plan_once(search=search)
                if search:
                    improved = time.monotonic()
                await asyncio.sleep(self.settings.repair_every_s)
        finally:
            self._pool.stop()
            self._pool = None

    async def plan_once(self, *, search: bool, why: str = "") -> PlanSummary | None:
        """One planning run; the plan that came of it, or none if nothing changed that is worth a new number."""
        reasons, self._why = self._why, []
        began, by_hand = time.monotonic(), self._by_hand
        picture = await self.picture()
        news = self._look_for_clashes(picture)
        if not picture.operations:
            self._timeline = None
            return None
        problem, in_force = picture.problem(), picture.in_force()
        plan = await self._solve(problem, in_force, picture.places_pinned(), search=search)
        found = placements(plan, picture.operations)
        changes = changed(found, picture.operations, timedelta(seconds=self.settings.tolerance_s))
        async with self.lock:
            if by_hand != self._by_hand:
                # A planner put a branch in force meanwhile; what was found against the plan before would undo it.
                self.changed("planned by hand")
                return None
            await self._give_up_pins(picture, problem)
            summary = None
            if changes or why or news:
                said = "; ".join([why or ", ".join(reasons) or "time went on", *told(picture.clashes)])
                summary = await self._accept(plan, picture, changes, said, time.monotonic() - began)
            # The next promise finds the timeline made; otherwise it would pay for making it.
            self._timeline = None
            await self.timeline()
            return summary

    def _look_for_clashes(self, picture: Picture) -> bool:
        """Log what machines report that cannot be, once; whether something of it is new."""
        news = set(picture.clashes) - self._clashes
        for clash in sorted(news, key=lambda each: each.operation):
            _log.warning("plan.clash", operation=clash.operation, what=clash.what)
        self._clashes = frozenset(picture.clashes)
        return bool(news)

    async def _solve(self, problem: Problem, in_force: Plan, pins: Sequence[Pin], *, search: bool) -> Plan:
        if not search or self._pool is None:
            return (await asyncio.to_thread(settled, problem, in_force, pins))[1]
        mine, frozen_s = self.settings, round(self.settings.frozen_s)
        if mine.search_elsewhere:
            elsewhere = remote(Searching, self._context.bus, timeout_s=mine.budget_s + _ANSWER_S)
            try:
                packed = await asyncio.to_thread(pack_task, problem, in_force, pins)
                return unpack_plan(await elsewhere.search(packed, mine.budget_s, mine.seed, frozen_s, self._told_on))
            except TryLater as error:
                _log.warning("plan.search_here", what=error.what)
        return await self.searched(search_task, problem, in_force, pins, mine.budget_s, mine.seed, frozen_s)

    @property
    def _told_on(self) -> str:
        return f"{SEARCH_TOPIC}.{self.tenant}"

    async def searched(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`work` that searches: whoever watches the plan sees how it stands."""
        return await self._teller.during(self.work(task, *args, **kwargs), self._told_on)

    async def work(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a function of the engine in the worker process; in a thread before there is one."""
        if self._pool is None:
            return await asyncio.to_thread(task, *args, **kwargs)
        try:
            return await asyncio.wrap_future(self._pool.submit(task, *args, **kwargs))
        except BrokenProcessPool as error:
            raise TryLater("planning.worker", "The planning worker died.", "It is started again.") from error

    async def _give_up_pins(self, picture: Picture, problem: Problem) -> None:
        """Pins that machines made impossible are forgotten; the plan's reason says which."""
        lost = pinned(problem, picture.places_pinned()).lost
        if not lost:
            return
        async with self._context.database.transaction() as tx:
            for pin, why in lost:
                item, _, op = pin.operation.rpartition("/")
                await hand_store.drop_pin(tx, self.tenant, item, op)
                _log.warning("plan.pin_given_up", operation=pin.operation, equipment=pin.resource, why=why)
                self.changed(f"pin of {pin.operation} given up: {pin.resource} {why}")

    async def _accept(
        self,
        plan: Plan,
        picture: Picture,
        changes: Sequence[Placement],
        why: str,
        solve_s: float,
        also: Callable[[Transaction, int], Awaitable[None]] | None = None,
    ) -> PlanSummary:
        async with self._context.database.transaction() as tx:
            number = await store.next_number(tx, self.tenant)
            summary = PlanSummary(
                number=number, made=self._context.clock.now(), why=why, method=plan.produced_by,
                operations=len(plan.assignments), orders=len(plan.jobs), late_orders=len(plan.late_jobs()),
                tardiness_s=plan.objective.weighted_tardiness_s, makespan_s=plan.objective.makespan_s,
                setup_s=plan.objective.setup_s, bound=float(plan.bound.weighted_tardiness_s), solve_s=round(solve_s, 3),
            )  # fmt: skip
            await store.place(tx, self.tenant, changes)
            await store.add_plan(tx, self.tenant, summary, changes)
            if also is not None:
                await also(tx, number)
            await self._say(tx, summary, [order.id for order in picture.orders])
        _log.info(
            "plan.accepted", number=number, why=why, method=summary.method, late=summary.late_orders, solve_s=summary.solve_s
        )
        return summary

    async def accept_by_hand(
        self,
        plan: Plan,
        picture: Picture,
        changes: Sequence[Placement],
        why: str,
        solve_s: float,
        also: Callable[[Transaction, int], Awaitable[None]],
    ) -> PlanSummary:
        """A planner's plan is in force, with what `also` stores in the same transaction; call with the lock held."""
        summary = await self._accept(plan, picture, changes, why, solve_s, also)
        self._by_hand += 1
        self._timeline = None
        self.changed("planned by hand")
        return summary

    async def number_in_force(self) -> int:
        """The number of the plan in force; 0 before the first one."""
        async with self._context.database.transaction() as tx:
            newest = await store.summaries(tx, self.tenant, 1)
        return newest[0].number if newest else 0

    async def _say(self, tx: Transaction, summary: PlanSummary, orders: Sequence[str]) -> None:
        finishes = await store.finishes(tx, self.tenant, orders)
        told = await store.said_finishes(tx, self.tenant)
        tolerance = timedelta(seconds=self.settings.tell_s)
        news: list[tuple[str, datetime]] = []
        for order, finish in sorted(finishes.items()):
            before = told.get(order)
            if before is None or abs(finish - before) > tolerance:
                news.append((order, finish))
                await store.say_finish(tx, self.tenant, order, finish)
        said = PlanAccepted(summary.number, summary.why, summary.late_orders, summary.tardiness_s, tuple(news))
        await tx.say(self.tenant, said, actor=ACTOR)

    async def accept_insertion(self, tx: Transaction, order: str, added: Sequence[Placement], finish: datetime) -> PlanSummary:
        """The plan in force, with an order's operations where its promise put them, is the next plan."""
        number = await store.next_number(tx, self.tenant)
        before = await store.summaries(tx, self.tenant, 1)
        now = self._context.clock.now()
        base = before[0] if before else PlanSummary(0, now, "", "", 0, 0, 0, 0, 0, 0, None, 0)
        summary = PlanSummary(
            number=number, made=now, why="order placed", method="insertion", operations=base.operations + len(added),
            orders=base.orders + 1, late_orders=base.late_orders, tardiness_s=base.tardiness_s,
            makespan_s=max(base.makespan_s, round((finish - now).total_seconds())), setup_s=base.setup_s, bound=base.bound,
            solve_s=0.0,
        )  # fmt: skip
        await store.add_plan(tx, self.tenant, summary, added)
        await store.say_finish(tx, self.tenant, order, finish)
        said = PlanAccepted(number, summary.why, summary.late_orders, summary.tardiness_s, ((order, finish),))
        await tx.say(self.tenant, said, actor=ACTOR)
        return summary


def told(clashes: Sequence[Clash]) -> Iterable[str]:
    """Clashes in words for whoever reads why a plan was made, the first few of them."""
    yield from (clash.what for clash in clashes[:_CLASHES_TOLD])
    if len(clashes) > _CLASHES_TOLD:
        yield f"{len(clashes) - _CLASHES_TOLD} more that cannot be"


def dated(a: Assignment, origin: datetime) -> Assignment:
    """An assignment in unix seconds instead of seconds from an origin, so that it outlives the origin."""
    return _moved(a, round(origin.timestamp()))


def reserved_shift(reserved: Reserved, origin: datetime) -> list[list[tuple[Assignment, str | None]]]:
    """A reservation's assignments in seconds from an origin."""
    back = -round(origin.timestamp())
    return [[(_moved(a, back), key) for a, key in item] for item in reserved.items]


def _moved(a: Assignment, by: int) -> Assignment:
    return replace(a, setup_start_s=a.setup_start_s + by, start_s=a.start_s + by, end_s=a.end_s + by)
