import ast
import random
from pathlib import Path

import pytest

import batchone.chain.planning.validator as door
from batchone.chain.planning import ALWAYS, Calendar
from batchone.chain.planning.judge.facts import Hours

HEAD_AND_CYCLE = Calendar("x", ((2, 5), (7, 11)), 12, ((3, 6), (8, 10)), 10)
LIKE = Calendar("w", ((3, 6), (8, 10)), 10, ((3, 6), (8, 10)), 10)
PARTS = (ALWAYS, HEAD_AND_CYCLE, LIKE, Calendar("y", ((0, 9),), 9), Calendar("z", (), 0, ((0, 5),), 10), Calendar("shut"))


@pytest.mark.parametrize("calendar", PARTS, ids=lambda calendar: calendar.id)
def test_hours_are_those_counted_second_by_second(calendar: Calendar) -> None:
    hours, chance = Hours(calendar), random.Random(1)
    works = {s: s < 0 or any(a <= s < b for a, b in calendar.intervals(s, s + 1)) for s in range(-5, 130)}
    for _ in range(200):
        a = chance.randrange(-5, 60)
        b = a + chance.randrange(60)
        assert hours.between(a, b) == sum(works[s] for s in range(a, b))
        assert hours.works_at(a) == works[a]
        if a >= 0:
            assert sum(y - x for x, y in hours.spans(a, b)) == hours.between(a, b)


def test_hours_far_away_cost_nothing() -> None:
    assert Hours(LIKE).between(0, 10**12) == 10**12 // 2


def test_the_judge_shares_nothing_with_what_makes_plans() -> None:
    folder = Path(door.__file__).parent
    allowed = ("batchone.chain.planning.model", "batchone.chain.planning.judge")
    for path in [folder / "validator.py", *(folder / "judge").glob("*.py"), *(folder / "model").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("batchone") and not name.startswith(allowed)], path
