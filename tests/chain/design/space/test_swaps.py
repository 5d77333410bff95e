from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.chain.design.space.swaps import Swaps

literals = st.integers(1, 6).flatmap(lambda variable: st.sampled_from([variable, -variable]))
clauses_of = st.lists(st.lists(literals, min_size=1, max_size=4), max_size=12)


def keeps(clauses: list[list[int]], truths: list[bool]) -> bool:
    return all(any(truths[abs(literal) - 1] is (literal > 0) for literal in clause) for clause in clauses)


@settings(deadline=None)
@given(clauses_of, st.lists(st.booleans(), min_size=6, max_size=6), st.integers(1, 6), st.sets(st.integers(1, 6), max_size=3))
def test_what_an_exchange_leads_to_keeps_every_clause(
    clauses: list[list[int]], truths: list[bool], variable: int, stay: set[int]
) -> None:
    held = [clause for clause in clauses if keeps([clause], truths)]
    model = [number if truth else -number for number, truth in enumerate(truths, 1)]
    fixed = bytearray(number in stay for number in range(7))
    wanted = -variable if truths[variable - 1] else variable
    turned = Swaps(held).towards(model, wanted, fixed)
    if turned is None:
        return
    after = [turned.get(number, truth) for number, truth in enumerate(truths, 1)]
    assert after[variable - 1] is not truths[variable - 1]
    assert keeps(held, after)
    assert not {number for number in turned if number in stay} - {variable}


def test_a_member_of_a_group_goes_for_its_sibling() -> None:
    one_of_three = [[1, 2, 3], [-1, -2], [-1, -3], [-2, -3], [-2, 4]]
    swaps = Swaps(one_of_three)
    assert swaps.towards([1, -2, -3, -4], 2, bytearray(5)) == {2: True, 1: False, 4: True}
    assert swaps.towards([1, -2, -3, -4], 2, bytearray([0, 0, 0, 0, 1])) is None
