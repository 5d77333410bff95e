"""Errors cross to another process and stay what they are."""

import pytest

from batchone.kernel.errors import (
    BatchoneError,
    Broken,
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    Refused,
    TryLater,
    Unauthenticated,
    from_wire,
    to_wire,
)


class OutOfStock(Conflict):
    """A domain's own kind."""


@pytest.mark.parametrize("kind", [BatchoneError, Refused, Unauthenticated, Forbidden, NotFound, Conflict, Expired, Broken])
def test_every_kind_comes_out_as_it_went_in(kind: type[BatchoneError]) -> None:
    error = kind("a.b", "It is wrong.", "Mend it.", item="I-1", count=3)
    same = from_wire(to_wire(error))
    assert type(same) is kind
    assert vars(same) == vars(error)
    assert str(same) == "It is wrong. Mend it."


def test_try_later_keeps_how_much_later() -> None:
    same = from_wire(to_wire(TryLater("a.b", "Not now.", after_s=30.5, queue="x")))
    assert isinstance(same, TryLater)
    assert same.after_s == 30.5
    assert same.where == {"queue": "x"}


def test_a_domains_own_kind_arrives_as_what_it_is_a_kind_of() -> None:
    same = from_wire(to_wire(OutOfStock("a.b", "None left.", "Wait.")))
    assert type(same) is Conflict
    assert same.status == 409


@pytest.mark.parametrize("data", [{}, {"kind": "Exception"}, {"kind": "Refused", "where": [1]}, {"kind": 3, "after_s": "x"}])
def test_what_is_no_error_of_ours_is_still_an_error(data: dict[str, object]) -> None:
    assert isinstance(from_wire(data), BatchoneError)


def test_each_of_many_things_that_are_wrong_arrives_with_its_place() -> None:
    error = Refused("a.b", "Two are wrong.", "Mend them.")
    error.errors = ({"detail": "too long", "item": "I-1"}, {"detail": "too short", "item": "I-2"})
    assert from_wire(to_wire(error)).errors == error.errors
    odd = {"kind": "Refused", "code": "a", "what": "w", "cure": "c", "errors": "all"}
    assert from_wire(odd).errors == ()
