"""Another configuration by a few exchanges: a member of a group for its sibling, and what follows.

From a configuration that is known, one literal is turned; each clause that this leaves without a true literal gets one by
turning another, until all clauses hold again or too many were turned. That costs a tenth of a question to a solver, and
most options of a page differ from one another by so little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TURNS_MAX = 30
"""More turns are given up: then the solver is asked."""


class Swaps:
    """Finds exchanges under some clauses. It decides nothing: where it finds none, there may still be one."""

    def __init__(self, clauses: Iterable[Sequence[int]]) -> None:
        self._having: dict[int, list[Sequence[int]]] = {}
        for clause in clauses:
            for literal in clause:
                self._having.setdefault(literal, []).append(clause)

    def towards(self, model: Sequence[int], wanted: int, fixed: Sequence[int]) -> dict[int, bool] | None:
        """Variables to turn, with their new value, so that `wanted` is true and every clause still holds; none if not found.

        `model` has each variable v as v or -v at v - 1, and satisfies the clauses; variables v with `fixed[v]` stay.
        """
        return self._towards(model, wanted, fixed, 1) or self._towards(model, wanted, fixed, -1)

    def _towards(self, model: Sequence[int], wanted: int, fixed: Sequence[int], way: int) -> dict[int, bool] | None:
        """One try, in which clauses are helped by their first literal that can (way 1) or by their last (-1)."""
        turned = {abs(wanted): wanted > 0}
        waiting = [-wanted]
        while waiting:
            for clause in self._having.get(waiting.pop(), ()):
                if _holds(clause, model, turned):
                    continue
                helping = next((each for each in clause[::way] if abs(each) not in turned and not fixed[abs(each)]), 0)
                if not helping or len(turned) == TURNS_MAX:
                    return None
                turned[abs(helping)] = helping > 0
                waiting.append(-helping)
        return turned


def _holds(clause: Sequence[int], model: Sequence[int], turned: dict[int, bool]) -> bool:
    for literal in clause:
        variable = abs(literal)
        value = turned.get(variable)
        if (model[variable - 1] > 0 if value is None else value) is (literal > 0):
            return True
    return False
