"""The planner at work: keeps a timeline of the plan in force for promises, and makes the plan better in the background.

Solving runs in a worker process of its own, so that promises and dispatching are answered meanwhile. Between the picture
that a solve saw and the moment it is done, machines went on: only operations that no machine has yet are moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from typing import Any, Literal, ParamSpec, TypeVar

import structlog

from batchone.chain.planning import apart, store
from batchone.chain.planning.beside import broken_beside
from batchone.chain.planning.book import Book, Laid, Reserved, as_of, laid_out
from batchone.chain.planning.branches import store as hand_store
from batchone.chain.planning.branches.draft import settled
from batchone.chain.planning.explain import Reader
from batchone.chain.planning.honesty import Honesty
from batchone.chain.planning.judged import Judged, broken_by_places, in_words, judged
from batchone.chain.planning.judged import news as news_of
from batchone.chain.planning.model import Assignment, Plan, Problem
from batchone.chain.planning.picture import Clash, Picture, Placement, changed, placements
from batchone.chain.planning.pins import Pin, pinned
from batchone.chain.planning.telling import Thresholds, news
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.validator import Violation
from batchone.chain.planning.words import explained
from batchone.chain.planning.worker import SearchProcess, Teller, compile_searches, pack_task, search_task, unpack_plan
from batchone.contracts.design import Design
from batchone.contracts.pack import Pack
from batchone.contracts.planning import SEARCH_TOPIC, PlanAccepted, PlanSummary, PromiseMoved, Searching
from batchone.contracts.sales import Reason
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
_OUTCOMES = 20_000
"""Finished orders that are read to learn from after a restart."""
_TURN_S, _COLLECT_S = 0.0005, 3600.0
"""How long a thread that plans keeps others waiting, and how often garbage is looked for among all objects, real."""
_TOLD_MAX = 200
"""Customers who are told by one plan that their dates moved; the others are told by the next."""
NOTHING_MOVED: Mapping[str, Reserved] = {}
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
    tell_later_s: Seconds = 0
    """How far an order's expected finish passes the p90 that its customer knows before the customer is told."""
    tell_earlier_s: Seconds = 14_400
    """How far an order's new p90 lies before the p50 that its customer knows before the customer is told."""
    desk_s: Seconds = 10
    """How long a planner's moves are checked against the plan as it was laid out for them, real."""
    branch_s: Seconds = 4
    """How long a branch is searched if nobody says otherwise, real."""
    seed: int = 1


class Planner:
    """One tenant's plan."""

    def __init__(self, context: Context, settings: PlanningSettings) -> None:
        self._context = context
        self.settings = settings
        self._packs: tuple[Pack, ...] = ()
        self._reliability: dict[str, tuple[float, float]] = {}
        self.book = Book()
        self._laid_anew = 0
        self._number: int | None = None
        self._honesty: Honesty | None = None
        self._compiled = False
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
        self._packs, self._reliability = (), {}
        self.changed("product released")

    async def packs(self) -> tuple[Pack, ...]:
        """The packs of all products."""
        if not self._packs:
            design = self._context.get(Design)
            products = await design.products(self.tenant)
            self._packs = tuple([await design.pack(self.tenant, product.id) for product in products])
        return self._packs

    async def honesty(self) -> Honesty:
        """What was learnt from finished orders; read from the tables once."""
        if self._honesty is None:
            async with self._context.database.transaction() as tx:
                outcomes = await store.outcomes(tx, self.tenant, _OUTCOMES)
            if self._honesty is None:
                self._honesty = Honesty()
                await asyncio.to_thread(self._honesty.learn_all, outcomes)
        return self._honesty

    async def reliability(self) -> Mapping[str, tuple[float, float]]:
        """Mean seconds between failures and to repair, by equipment."""
        if not self._reliability:
            self._reliability = {each.id: (each.mtbf_s, each.mttr_s) for pack in await self.packs() for each in pack.equipment}
        return self._reliability

    async def timeline(self) -> Timeline:
        """The plan in force and what is held beside it, for insertion; call with the book's lock held."""
        while self.book.timeline is None:
            laying = self._laid_anew
            picture = await self.picture()
            problem = await asyncio.to_thread(picture.problem)
            laid = await asyncio.to_thread(laid_out, problem, picture.in_force(), self.book.kept(), picture.now)
            # A plan that came into force meanwhile brought its own.
            if self.book.timeline is None and laying == self._laid_anew:
                self.book.move_to(laid, frozenset(order.id for order in picture.orders), self._context.clock.now())
        self.book.expire(self._context.clock.now())
        return self.book.timeline

    def lay_out_again(self) -> None:
        """The plan in force is another than the one that is laid out."""
        self._laid_anew += 1
        self.book.timeline = None

    async def picture(self) -> Picture:
        """How things stand."""
        packs = await self.packs()
        async with self._context.database.transaction() as tx:
            await store.one_moment(tx)
            return await self._picture(tx, packs)

    async def _picture(
        self, tx: Transaction, packs: tuple[Pack, ...], tracks: Iterable[tuple[str, int]] | None = None
    ) -> Picture:
        return Picture(
            now=self._context.clock.now().replace(microsecond=0),
            packs=packs,
            orders=await store.open_orders(tx, self.tenant),
            operations=await store.open_operations(tx, self.tenant, tracks),
            equipment=await store.equipment(tx, self.tenant),
            pins=await hand_store.pins(tx, self.tenant),
            hours=await hand_store.hours(tx, self.tenant, self._context.clock.now()),
        )

    async def _broken_beside(self, tx: Transaction, added: Sequence[Placement]) -> tuple[Violation, ...]:
        """The rules that operations break which were put into the plan in force without moving it."""
        picture = await self._picture(tx, await self.packs(), {(each.equipment, each.position) for each in added})
        # What was promised a moment ago for now is as much in time as any plan is exact.
        since = replace(picture, now=picture.now - timedelta(seconds=self.settings.tolerance_s))
        return await asyncio.to_thread(broken_beside, since, {f"{each.item}/{each.op}" for each in added})

    async def load_reservations(self) -> None:
        """What was reserved before a restart."""
        async with self._context.database.transaction() as tx:
            rows = await store.reservations(tx, self.tenant, self._context.clock.now())
        for row in rows:
            items = tuple(tuple((assignment_of(values), key) for values, key in item) for item in row["placed"])
            self.book.reserve(Reserved(row["id"], row["expires"], items))

    async def run(self) -> None:
        """Keep the plan: repair when something changed, search for a better one now and then, until cancelled."""
        await self.load_reservations()
        _let_others_in()
        self._pool = SearchProcess(self._teller.hear)
        compiling = self._pool.submit(compile_searches)
        improved, collected = 0.0, time.monotonic()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.improve_every_s):
                        await self._dirty.wait()
                if not self._dirty.is_set():
                    continue
                self._dirty.clear()
                # While the searches are compiled, the plan is kept valid; it gets better after that.
                self._compiled = compiling.done()
                search = self._compiled and time.monotonic() - improved >= self.settings.improve_every_s
                began = time.monotonic()
                await self.plan_once(search=search)
                if search:
                    improved = time.monotonic()
                if time.monotonic() - collected >= _COLLECT_S:
                    collected = time.monotonic()
                    gc.collect()
                    async with self._context.database.transaction() as tx:
                        await store.expire_reservations(tx, self.tenant, self._context.clock.now())
                # A plan that takes long to keep leaves as much time for promises and dispatching as it takes.
                await asyncio.sleep(max(self.settings.repair_every_s, time.monotonic() - began))
        finally:
            self._pool.stop()
            self._pool, self._compiled = None, False

    async def plan_once(self, *, search: bool, why: str = "") -> PlanSummary | None:
        """One planning run; the plan that came of it, or none if nothing changed that is worth a new number."""
        reasons, self._why = self._why, []
        began, by_hand = time.monotonic(), self._by_hand
        picture = await self.picture()
        news = self._look_for_clashes(picture)
        if not picture.operations:
            self.lay_out_again()
            return None
        problem, in_force = await asyncio.to_thread(lambda: (picture.problem(), picture.in_force()))
        if self._compiled and not search and len(problem.operations) > apart.LARGE:
            plan = await self.work(apart.repaired, problem, in_force, picture.places_pinned())
        else:
            plan = await self._solve(problem, in_force, picture.places_pinned(), search=search)
        changes = await asyncio.to_thread(self._changes, plan, picture)
        if changes:
            broken = await self._judge(broken_by_places, problem, _kept(plan, in_force, changes))
            if broken:
                # What changes too little to be written down is in the way of what does change: all of it is written down.
                changes = await asyncio.to_thread(self._changes, plan, picture, tolerance_s=0)
        laid = await asyncio.to_thread(laid_out, problem, _kept(plan, in_force, changes), self.book.kept(), picture.now)
        verdict: Judged | None = None
        if changes or why or news:
            verdict = await self._judge(judged, problem, plan)
        async with self.lock:
            if by_hand != self._by_hand:
                # A planner put a branch in force meanwhile; what was found against the plan before would undo it.
                self.changed("planned by hand")
                return None
            await self._give_up_pins(picture, problem)
            moved = await self._move_to(laid, picture)
            summary = None
            if changes or moved or why or news:
                if verdict is None:
                    verdict = await self._judge(judged, problem, plan)
                if verdict.broken:
                    _log.warning("plan.breaks_rules", count=len(verdict.broken), first=str(verdict.broken[0]))
                said = "; ".join([why or ", ".join(reasons) or "time went on", *told(picture.clashes)])
                summary = await self._accept(verdict, picture, changes, said, time.monotonic() - began, moved=moved)
            return summary

    async def _judge(self, task: Callable[[Problem, Plan], R], problem: Problem, plan: Plan) -> R:
        """What the judge says of a plan, in the worker process where judging takes long."""
        if len(problem.operations) > apart.LARGE:
            return await self.work(task, problem, plan)
        return await asyncio.to_thread(task, problem, plan)

    def _changes(self, plan: Plan, picture: Picture, tolerance_s: float | None = None) -> list[Placement]:
        found = placements(plan, picture.operations)
        least = self.settings.tolerance_s if tolerance_s is None else tolerance_s
        return changed(found, picture.operations, timedelta(seconds=least))

    async def _move_to(self, laid: Laid, picture: Picture) -> dict[str, Reserved]:
        """The next promise finds the new plan laid out. What is held keeps its place, or gets another: returns the latter."""
        async with self.book.lock:
            self._laid_anew += 1
            return self.book.move_to(laid, frozenset(order.id for order in picture.orders), self._context.clock.now())

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
                found = unpack_plan(await elsewhere.search(packed, mine.budget_s, mine.seed, frozen_s, self._told_on))
                return await self._sound(problem, in_force, pins, found)
            except TryLater as error:
                _log.warning("plan.search_here", what=error.what)
        return await self.searched(search_task, problem, in_force, pins, mine.budget_s, mine.seed, frozen_s)

    async def _sound(self, problem: Problem, in_force: Plan, pins: Sequence[Pin], found: Plan) -> Plan:
        """A plan from another process, of whatever version; the repaired one if it breaks rules that that one keeps."""
        broken = await self._judge(broken_by_places, problem, found)
        if not broken:
            return found
        _, safe = await asyncio.to_thread(settled, problem, in_force, pins)
        fresh = news_of(broken, await self._judge(broken_by_places, problem, safe))
        if not fresh:
            return found
        _log.warning("plan.search_broken", count=len(fresh), first=str(fresh[0]))
        return safe

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
        by_hand = {f"{pin.item}/{pin.op}" for pin in picture.pins}
        lost = [each for each in pinned(problem, picture.places_pinned()).lost if each[0].operation in by_hand]
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
        verdict: Judged,
        picture: Picture,
        changes: Sequence[Placement],
        why: str,
        solve_s: float,
        also: Callable[[Transaction, int], Awaitable[None]] | None = None,
        moved: Mapping[str, Reserved] = NOTHING_MOVED,
    ) -> PlanSummary:
        try:
            return await self._accept_at_once(verdict, picture, changes, why, solve_s, also, moved)
        except BaseException:
            self.lay_out_again()
            raise

    async def _accept_at_once(
        self,
        verdict: Judged,
        picture: Picture,
        changes: Sequence[Placement],
        why: str,
        solve_s: float,
        also: Callable[[Transaction, int], Awaitable[None]] | None,
        moved: Mapping[str, Reserved],
    ) -> PlanSummary:
        plan = verdict.plan
        async with self._context.database.transaction() as tx:
            number = await store.next_number(tx, self.tenant)
            beside = await self._store_moved(tx, moved)
            everything = [*changes, *beside]
            await store.place(tx, self.tenant, everything)
            broken = (*verdict.broken, *(await self._broken_beside(tx, beside) if beside else ()))
            summary = PlanSummary(
                number=number, made=self._context.clock.now(), why="; ".join([why, *in_words(broken)]),
                method=plan.produced_by,
                operations=len(plan.assignments), orders=len(plan.jobs), late_orders=len(plan.late_jobs()),
                tardiness_s=plan.objective.weighted_tardiness_s, makespan_s=plan.objective.makespan_s,
                setup_s=plan.objective.setup_s, bound=float(plan.bound.weighted_tardiness_s), solve_s=round(solve_s, 3),
                rules_broken=len(broken),
            )  # fmt: skip
            await store.add_plan(tx, self.tenant, summary, everything)
            if also is not None:
                await also(tx, number)
            candidates = await self._say(tx, summary, [order.id for order in picture.orders])
            await self._say_moved(tx, number, plan, picture, candidates)
        self._number = number
        _log.info(
            "plan.accepted",
            number=number,
            why=summary.why,
            method=summary.method,
            late=summary.late_orders,
            solve_s=summary.solve_s,
        )
        return summary

    async def accept_by_hand(
        self,
        verdict: Judged,
        picture: Picture,
        changes: Sequence[Placement],
        why: str,
        solve_s: float,
        also: Callable[[Transaction, int], Awaitable[None]],
    ) -> PlanSummary:
        """A planner's plan is in force, with what `also` stores in the same transaction; call with the lock held."""
        summary = await self._accept(verdict, picture, changes, why, solve_s, also)
        self._by_hand += 1
        self.lay_out_again()
        self.changed("planned by hand")
        return summary

    async def _store_moved(self, tx: Transaction, moved: Mapping[str, Reserved]) -> list[Placement]:
        """What is held elsewhere than before, written down; returns where orders are that the plan does not hold itself."""
        found: list[Placement] = []
        for name, held in moved.items():
            if name in self.book.reserved:
                await store.move_reservation(tx, self.tenant, name, stored(held))
            else:
                found += as_of(await store.items_of(tx, self.tenant, name), held)
        return found

    async def number_in_force(self) -> int:
        """The number of the plan in force; 0 before the first one."""
        if self._number is None:
            async with self._context.database.transaction() as tx:
                newest = await store.summaries(tx, self.tenant, 1)
            self._number = newest[0].number if newest else 0
        return self._number

    async def _say(self, tx: Transaction, summary: PlanSummary, orders: Sequence[str]) -> dict[str, datetime]:
        finishes = await store.finishes(tx, self.tenant, orders)
        told = await store.said_finishes(tx, self.tenant)
        tolerance = timedelta(seconds=self.settings.tell_s)
        changed_now: list[tuple[str, datetime]] = []
        for order, finish in sorted(finishes.items()):
            before = told.get(order)
            if before is None or abs(finish - before) > tolerance:
                changed_now.append((order, finish))
                await store.say_finish(tx, self.tenant, order, finish)
        said = PlanAccepted(summary.number, summary.why, summary.late_orders, summary.tardiness_s, tuple(changed_now))
        await tx.say(self.tenant, said, actor=ACTOR)
        return dict(changed_now)

    async def _say_moved(
        self, tx: Transaction, number: int, plan: Plan, picture: Picture, finishes: Mapping[str, datetime]
    ) -> None:
        """Customers whose dates the plan moved too far hear it, once for the same thing."""
        now, honesty = self._context.clock.now(), await self.honesty()
        limits = Thresholds(self.settings.tell_later_s, self.settings.tell_earlier_s)
        moved: list[tuple[str, Literal["later", "earlier"], datetime, datetime]] = []
        for told_of in await store.promised(tx, self.tenant, list(finishes)):
            finish = finishes[told_of.order]
            likely, sure = honesty.dates(now, finish)
            kind = news(told_of, finish, sure, limits)
            if kind:
                moved.append((told_of.order, kind, likely, sure))
        moved = moved[:_TOLD_MAX]
        if not moved:
            return
        why = await asyncio.to_thread(_reasons, picture, plan, [order for order, *_ in moved])
        for order, kind, likely, sure in moved:
            await store.say_moved(tx, self.tenant, order, likely, sure)
            said = PromiseMoved(order, kind, number, likely, sure, why.get(order, ()))
            await tx.say(self.tenant, said, actor=ACTOR)

    async def accept_insertion(self, tx: Transaction, order: str, added: Sequence[Placement], finish: datetime) -> PlanSummary:
        """The plan in force, with an order's operations where its promise put them, is the next plan. What was promised is
        kept even where machines have made it break a rule since: the plan says so, and the next run mends it."""
        number = await store.next_number(tx, self.tenant)
        before = await store.summaries(tx, self.tenant, 1)
        now = self._context.clock.now()
        broken = await self._broken_beside(tx, added)
        base = before[0] if before else PlanSummary(0, now, "", "", 0, 0, 0, 0, 0, 0, None, 0)
        summary = PlanSummary(
            number=number, made=now, why="; ".join(["order placed", *in_words(broken)]), method="insertion",
            operations=base.operations + len(added), orders=base.orders + 1, late_orders=base.late_orders,
            tardiness_s=base.tardiness_s,
            makespan_s=max(base.makespan_s, round((finish - now).total_seconds())), setup_s=base.setup_s, bound=base.bound,
            solve_s=0.0, rules_broken=(base.rules_broken or 0) + len(broken),
        )  # fmt: skip
        await store.add_plan(tx, self.tenant, summary, added)
        self._number = number
        await store.say_finish(tx, self.tenant, order, finish)
        said = PlanAccepted(number, summary.why, summary.late_orders, summary.tardiness_s, ((order, finish),))
        await tx.say(self.tenant, said, actor=ACTOR)
        return summary


def _let_others_in() -> None:
    """Promises are answered while a large plan is read and repaired in a thread.

    A promise comes back to the event loop some forty times, and would wait each time for that thread's turn to end. And a plan
    of a hundred thousand operations is a million objects that live long: walking through all of them for garbage stops
    everything for seconds and finds none, so the young are looked through as ever, and all of them once an hour.
    """
    sys.setswitchinterval(_TURN_S)
    gc.set_threshold(5_000, 10, 5_000)


def told(clashes: Sequence[Clash]) -> Iterable[str]:
    """Clashes in words for whoever reads why a plan was made, the first few of them."""
    yield from (clash.what for clash in clashes[:_CLASHES_TOLD])
    if len(clashes) > _CLASHES_TOLD:
        yield f"{len(clashes) - _CLASHES_TOLD} more that cannot be"


def _reasons(picture: Picture, plan: Plan, orders: Sequence[str]) -> dict[str, tuple[Reason, ...]]:
    """What some orders wait for in a plan."""
    reader = Reader(picture.problem(), plan)
    known = [(order, plan.by_job[order]) for order in orders if order in plan.by_job]
    return {order: explained(reader.explanation(order, outcome), picture.packs, picture.now) for order, outcome in known}


def stored(held: Reserved) -> list[list[list[object]]]:
    """What is held as a table keeps it."""
    return [[[list(astuple(a)), key] for a, key in item] for item in held.items]


def assignment_of(values: Sequence[Any]) -> Assignment:
    """An assignment as `stored` kept it."""
    operation, job, resource, track, setup_start, start, end = values[:7]
    also = tuple((name, k) for name, k in (values[7] if len(values) > 7 else ()))
    return Assignment(operation, job, resource, track, setup_start, start, end, also)


def _kept(plan: Plan, in_force: Plan, changes: Sequence[Placement]) -> Plan:
    """The plan as it is in force once it is accepted: what changes too little to be written down stays where it was."""
    changing = {f"{each.item}/{each.op}" for each in changes}
    before = in_force.by_operation
    kept = [a if a.operation in changing else before.get(a.operation, a) for a in plan.assignments]
    return replace(plan, assignments=tuple(kept))
