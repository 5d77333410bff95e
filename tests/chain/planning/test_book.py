"""What is promised on top of the plan in force: it stands where it was, or moves when a plan needs the place."""

from datetime import UTC, datetime, timedelta

from batchone.chain.planning import (
    Assignment,
    Bound,
    Calendar,
    Job,
    JobOutcome,
    Objective,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    insert,
)
from batchone.chain.planning.book import Book, Reserved, held_of, laid_out
from batchone.chain.planning.model import Alternative, Operation
from batchone.chain.planning.timeline import Timeline

NOW = datetime(2026, 3, 2, tzinfo=UTC)
EMPTY = Problem(NOW, (Resource("r"),), (), ())


def plan(*assignments: Assignment, origin: datetime = NOW) -> Plan:
    jobs = tuple(JobOutcome(a.job, a.end_s, None, 1) for a in assignments)
    return Plan(origin, assignments, jobs, Objective(0, 0, 0), Bound(0, 0), "test")


def held(book: Book, name: str, seconds: int = 10, hold_s: float = 900.0) -> Reserved:
    """An operation of so many seconds reserved in a book."""
    assert book.timeline is not None
    op = Operation(f"{name}.0/10", name, (Alternative("r", seconds),))
    found = insert(book.timeline, Job(name), [op])
    book.timeline.reserve(found.assignments, [op])
    origin = book.timeline.problem.origin
    reserved = Reserved(name, NOW + timedelta(seconds=hold_s), (held_of(found, [op], origin),), ((op,),), origin)
    book.reserve(reserved)
    return reserved


def start_s(reserved: Reserved) -> int:
    return reserved.items[0][0][0].start_s - round(NOW.timestamp())


def book_of(problem: Problem = EMPTY) -> Book:
    book = Book()
    book.timeline = Timeline(problem)
    return book


def test_what_is_held_keeps_its_place_in_another_plan_if_it_is_free() -> None:
    book = book_of()
    first = held(book, "R1")
    laid = laid_out(EMPTY, plan(Assignment("x", "x", "r", 0, 10, 10, 30)), book.kept(), NOW)
    assert book.move_to(laid, frozenset(), NOW) == {}
    assert book.reserved["R1"] is first
    assert start_s(held(book, "R2")) == 30


def test_what_stands_where_another_plan_puts_something_is_held_elsewhere() -> None:
    book = book_of()
    held(book, "R1")
    laid = laid_out(EMPTY, plan(Assignment("x", "x", "r", 0, 0, 0, 30)), book.kept(), NOW)
    moved = book.move_to(laid, frozenset(), NOW)
    assert {name: start_s(each) for name, each in moved.items()} == {"R1": 30}
    assert book.reserved["R1"] == moved["R1"]
    assert start_s(held(book, "R2")) == 40


def test_what_came_or_went_while_a_plan_was_laid_out_is_as_it_is_now() -> None:
    book = book_of()
    held(book, "R1")
    laid = laid_out(EMPTY, plan(), book.kept(), NOW)
    book.give_back(["R1"])
    held(book, "R2", 20)
    assert book.move_to(laid, frozenset(), NOW) == {}
    assert start_s(held(book, "R3")) == 20
    book.give_back(["R2"])
    assert start_s(held(book, "R4")) == 0


def test_an_order_keeps_the_place_of_its_reservation_until_a_plan_holds_it() -> None:
    book = book_of()
    held(book, "R1")
    laid = laid_out(EMPTY, plan(), book.kept(), NOW)
    book.became("R1", "O1")
    book.move_to(laid, frozenset(), NOW)
    assert start_s(held(book, "R2")) == 10
    laid = laid_out(EMPTY, plan(Assignment("I1/10", "O1", "r", 0, 50, 50, 60)), book.kept(), NOW)
    book.move_to(laid, frozenset({"O1"}), NOW)
    assert book.ordered == {}
    assert start_s(held(book, "R3")) == 0


def test_what_is_held_no_longer_is_free_again() -> None:
    book = book_of()
    held(book, "R1", hold_s=60.0)
    held(book, "R2", hold_s=600.0)
    book.expire(NOW + timedelta(seconds=60))
    assert set(book.reserved) == {"R2"}
    assert start_s(held(book, "R3")) == 0


def test_a_setup_that_a_plan_takes_away_moves_what_was_held_behind_it() -> None:
    keyed = Problem(NOW, (Resource("r", setup="m", keys=("red",)),), (), (), setups=(SetupMatrix("m", 30),))
    book = book_of(keyed)
    assert book.timeline is not None
    op = Operation("R1.0/10", "R1", (Alternative("r", 10),), setup_key="red")
    found = insert(book.timeline, Job("R1"), [op])
    book.timeline.reserve(found.assignments, [op])
    book.reserve(Reserved("R1", NOW + timedelta(hours=1), (held_of(found, [op], NOW),), ((op,),), NOW))
    green = Problem(NOW, (Resource("r", setup="m", keys=("green",)),), (), (), setups=(SetupMatrix("m", 30),))
    laid = laid_out(green, plan(), book.kept(), NOW)
    moved = book.move_to(laid, frozenset(), NOW)
    assert start_s(moved["R1"]) == 30


def test_what_cannot_be_inserted_anew_is_held_where_it_was() -> None:
    book = book_of()
    first = held(book, "R1", 20)
    closed = Problem(NOW, (Resource("r", calendar="short"),), (), (), calendars=(Calendar("short", ((0, 25),), 25),))
    laid = laid_out(closed, plan(Assignment("x", "x", "r", 0, 0, 0, 10)), book.kept(), NOW)
    assert book.move_to(laid, frozenset(), NOW) == {}
    assert book.reserved["R1"] is first
    book.give_back(["R1"])
    assert book.timeline is not None
    op = Operation("R2.0/10", "R2", (Alternative("r", 5),))
    assert insert(book.timeline, Job("R2"), [op]).completion_s == 15
