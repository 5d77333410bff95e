"""A promise's reasons, and what would make it earlier, over the small pack: in names of the pack, in each language."""

from datetime import timedelta

import pytest
from tests.chain.planning.problems import ORIGIN
from tests.support_pack import AIDED, SMALL

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import compile_pack
from batchone.chain.design.packs import load_files
from batchone.chain.planning import Assignment, Problem, Timeline
from batchone.chain.planning.honesty import Delivery
from batchone.chain.planning.picture import Picture
from batchone.chain.planning.promise import Inserted, awaited, insert_items, overtime_for, reasons, with_overtime
from batchone.contracts.sourcing import MaterialDate, MaterialNeed

BLUEPRINT = compile_pack(load_files(SMALL))
LAMP = explode(BLUEPRINT, "C", complete(BLUEPRINT, BLUEPRINT.known({})))
PACK = BLUEPRINT.pack
NOON = ORIGIN + timedelta(hours=8)


def floor(hour: float = 8) -> Timeline:
    """The floor on a Monday at an hour; machines but the tester work from 6 to 18."""
    return Timeline(problem_at(hour))


def problem_at(hour: float) -> Problem:
    return Picture(ORIGIN + timedelta(hours=hour), (PACK,), (), (), {}).problem()


def inserted(timeline: Timeline, quantity: int = 1, material: tuple[MaterialDate, ...] = ()) -> Inserted:
    return insert_items(timeline, LAMP, quantity, "R", material, timeline.problem.origin)


def test_the_machine_that_is_busy_is_called_by_its_name() -> None:
    timeline = floor()
    timeline.add(Assignment("x", "x", "lathe-1", 0, 0, 0, 2 * 3600), None)
    found = reasons(inserted(timeline), LAMP, PACK, (), timeline.problem.origin)
    assert found[0].kind == "equipment"
    assert found[0].subject == "lathe-1"
    assert found[0].text == {"en": "Lathe: busy for 2.0 h", "zh": "车床：需等待 2.0 小时"}


def test_the_tool_that_was_last_to_be_there_is_called_by_its_name() -> None:
    shop = compile_pack(load_files(AIDED))
    lamp = explode(shop, "C", complete(shop, shop.known({})))
    problem = Picture(ORIGIN + timedelta(hours=8), (shop.pack,), (), (), {}).problem()
    timeline = Timeline(problem)
    timeline.add(Assignment("x", "x", "fitters", 0, 0, 0, 3600), None)
    timeline.add(Assignment("y", "y", "jig", 0, 0, 0, 9000), None)
    timeline.add(Assignment("z", "z", "jig", 1, 0, 0, 7200), None)
    found = insert_items(timeline, lamp, 1, "R", (), problem.origin)
    glue = {a.operation: a for a in found.last.assignments}["R.0/20"]
    assert (glue.start_s, glue.also) == (7200, (("fitters", 0), ("jig", 1)))
    fit = {a.operation: a for a in found.last.assignments}["R.0/30"]
    assert fit.start_s == glue.end_s + 3600
    told = reasons(found, lamp, shop.pack, (), problem.origin)[0]
    assert (told.kind, told.subject) == ("tool", "jig")
    assert told.text["en"] == "Jig: needed elsewhere, broken or off shift for 2.0 h"
    assert told.text["zh"].startswith("夹具：")


def test_the_module_that_is_late_is_called_by_its_name() -> None:
    timeline = floor()
    line = LAMP.bom[0]
    late = MaterialDate(MaterialNeed.of(line), timeline.problem.origin + timedelta(hours=3), "lead_time", "s")
    found = reasons(inserted(timeline, 1, (late,)), LAMP, PACK, (late,), timeline.problem.origin)
    assert (found[0].kind, found[0].subject) == ("module", line.module)
    assert found[0].text["en"] == f"{line.module_name['en']}: delivered in 3.0 h"


def test_deliveries_that_may_be_late_are_awaited_each_once_with_what_the_plan_leaves_them() -> None:
    timeline, line = floor(), LAMP.bom[0]
    origin, need = timeline.problem.origin, MaterialNeed.of(LAMP.bom[0])
    steps = [step.op for step in LAMP.operations]
    later = MaterialNeed(line.module, line.variant, 1, steps[-1])
    at = origin + timedelta(hours=3)
    dates = (
        MaterialDate(need, at, "lead_time", "s", 0.9, 7200.0),
        MaterialDate(later, at, "lead_time", "s", 0.9, 7200.0),
        MaterialDate(MaterialNeed("other", "there", 1, line.op), origin, "stock", ""),
        MaterialDate(MaterialNeed("other", "early", 1, line.op), origin, "on_order", "s", 0.8, 3600.0),
    )
    found = awaited(inserted(timeline, 1, dates), dates, origin)
    assert line.op != steps[-1]
    assert [each.slack_s for each in found] == [0, 3 * 3600]
    assert found[0] == Delivery(pytest.approx(0.1), 7200.0, 0)


def test_overtime_is_the_next_time_at_which_the_machine_that_holds_it_up_is_closed() -> None:
    timeline = floor(17)
    timeline.add(Assignment("x", "x", "lathe-1", 0, 0, 0, 3600), None)
    before = inserted(timeline.fork())
    overtime = overtime_for(timeline.problem, before, 0)
    assert overtime is not None
    assert (overtime.resource, overtime.start_s, overtime.end_s) == ("lathe-1", 3600, 13 * 3600)
    opened = with_overtime(timeline, overtime)
    after = inserted(opened)
    turned = {a.operation: a for a in after.last.assignments}["R.0/10"]
    assert 3600 <= turned.start_s < 13 * 3600
    assert after.finish_s <= before.finish_s
    # The timeline itself keeps its hours.
    assert inserted(timeline.fork()).finish_s == before.finish_s


def test_where_nothing_waits_no_overtime_helps() -> None:
    timeline = floor(8)
    assert overtime_for(timeline.problem, inserted(timeline), 0) is None


@pytest.mark.parametrize("quantity", [1, 5])
def test_items_that_cannot_all_be_inserted_leave_the_timeline_as_it_was(quantity) -> None:
    timeline = floor()
    broken = type("Fails", (), {"at": property(lambda _: 1 / 0), "need": None})()
    with pytest.raises(ZeroDivisionError):
        insert_items(timeline, LAMP, quantity, "R", (broken,), timeline.problem.origin)
    assert inserted(timeline.fork()).finish_s == inserted(floor()).finish_s
