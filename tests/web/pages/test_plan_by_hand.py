"""The plan's page under a planner's hand, asked without a browser: moves, branches, reasons, and who may do what."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.by_hand import ExtraMachine, Move, Overtime, Reasons
from batchone.contracts.planning import PlannedOperation

JSON = {"Accept": "application/json"}


def wish(op: PlannedOperation, minutes: float, **more: str) -> dict[str, str]:
    start = (op.start + timedelta(minutes=minutes)).timestamp() * 1000
    return {"operation": f"{op.item}/{op.op}", "equipment": op.equipment, "start": str(start), "push": "1"} | more


@pytest.fixture
def op(services: FakeServices) -> PlannedOperation:
    return services.by_hand.movable(timedelta(minutes=6))


@pytest.fixture
def pia(as_: As) -> httpx.AsyncClient:
    return as_("pia")


async def test_a_check_tells_the_effect_or_the_reason_in_words(pia: httpx.AsyncClient, op: PlannedOperation) -> None:
    told = (await pia.post("/plan/check", data=wish(op, 60))).json()
    assert told["legal"] is True
    assert "order later" in told["html"]
    assert "said-place" in told["html"]
    assert told["end"] > float(wish(op, 60)["start"])
    told = (await pia.post("/plan/check", data=wish(op, -600))).json()
    assert (told["legal"], told["why"]) == (False, "frozen")
    assert "too near in time" in told["html"]


async def test_a_dropped_bar_opens_a_draft_and_the_next_one_is_added_to_it(
    pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation
) -> None:
    first = (await pia.post("/plan/moves", data=wish(op, 60), headers=JSON)).json()
    second = (await pia.post("/plan/moves", data=wish(op, 90, branch=first["branch"]), headers=JSON)).json()
    assert second["branch"] == first["branch"]
    (branch,) = services.by_hand.kept.values()
    assert len(branch.changes) == 2
    page = (await pia.get(f"/plan?branch={branch.id}")).text
    assert "Draft: Pia Kern" in page
    assert "2 changes, against plan 42" in page
    window = (await pia.get(f"/plan/window?branch={branch.id}", headers=JSON)).json()
    assert window["frozen"] == 300_000
    assert [what for _, what, _ in services.enterprises.recorded] == ["plan.branch_opened", "plan.branch_changed"]


async def test_a_refused_move_is_a_problem_for_a_script_and_a_page_with_an_offer_for_a_person(
    pia: httpx.AsyncClient, op: PlannedOperation
) -> None:
    refused = await pia.post("/plan/moves", data=wish(op, -600), headers=JSON)
    assert (refused.status_code, refused.json()["why"]) == (422, "frozen")
    page = await pia.post("/plan/moves", data=wish(op, -600))
    assert page.status_code == 422
    assert "The operation cannot stand there" in page.text
    assert "Back to the plan" in page.text


@pytest.mark.parametrize("wrong", [{"operation": "nothing"}, {"start": "", "at": "tomorrow"}])
async def test_a_move_without_sense_is_refused(pia: httpx.AsyncClient, op: PlannedOperation, wrong: dict[str, str]) -> None:
    assert (await pia.post("/plan/moves", data=wish(op, 60) | wrong, headers=JSON)).status_code == 422


async def test_steps_of_a_branch_lead_back_to_it_and_its_end_to_the_plan(
    pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation
) -> None:
    branch = services.by_hand.tried("later", Move(op.item, op.op, op.equipment, op.start + timedelta(hours=1), None, push=True))
    where = f"/plan/branches/{branch.id}"
    assert (await pia.post(f"{where}/undo")).headers["location"] == f"/plan?branch={branch.id}"
    assert "No order ends at another time" in (await pia.get(f"/plan/draft?branch={branch.id}")).text
    await pia.post(f"{where}/redo")
    services.by_hand.plant_went_on = True
    again = (await pia.post(f"{where}/accept", headers=JSON)).json()
    assert again == {"branch": branch.id, "said": "again", "where": f"/plan?branch={branch.id}&said=again"}
    assert "planned anew" in (await pia.get(again["where"])).text
    accepted = await pia.post(f"{where}/accept")
    assert accepted.headers["location"] == "/plan?said=accepted"
    page = (await pia.get("/plan?said=accepted")).text
    assert "The branch is the plan in force now." in page
    assert "Stay where a planner put them" in page
    assert (await pia.post(f"/plan/pins/{op.item}/{op.op}/remove")).status_code == 303
    assert services.by_hand.pinned == []
    assert (await pia.post(f"{where}/undo", headers=JSON)).status_code == 409
    assert (await pia.post(f"{where}/explode", headers=JSON)).status_code == 422


async def test_each_kind_of_what_if_can_be_tried_from_its_form(pia: httpx.AsyncClient, services: FakeServices) -> None:
    machine = services.world.blueprint.pack.equipment[0].id
    number = next(iter(services.world.orders.values())).number
    forms = [
        {"kind": "overtime", "target": machine, "begins": "2026-03-02T20:00", "ends": "2026-03-02T22:00"},
        {"kind": "stop", "target": machine, "begins": "2026-03-02T20:00", "ends": "2026-03-02T22:00", "name": "service"},
        {"kind": "extra_machine", "target": machine, "positions": "2"},
        {"kind": "without_order", "order": number},
        {"kind": "order_wish", "order": number, "priority": "9", "due": "2026-03-03T10:00"},
    ]
    for form in forms:
        answer = await pia.post("/plan/branches", data=form)
        assert answer.status_code == 303
    assert [each.changes[0].kind for each in services.by_hand.kept.values()] == [form["kind"] for form in forms]
    first = next(iter(services.by_hand.kept.values())).changes[0]
    assert isinstance(first, Overtime)
    assert first.start.isoformat() == "2026-03-02T12:00:00+00:00"
    assert "service" in (await pia.get("/plan")).text
    wrong = await pia.post("/plan/branches", data={"kind": "miracle"}, headers=JSON)
    assert wrong.status_code == 422


async def test_branches_stand_side_by_side_and_say_what_cannot_be_accepted(
    pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation
) -> None:
    empty = (await pia.get("/plan/branches")).text
    assert "Nothing was tried yet." in empty
    late = services.by_hand.tried("later", Move(op.item, op.op, op.equipment, op.start + timedelta(hours=1), None, push=True))
    services.by_hand.tried("more", ExtraMachine(op.equipment))
    page = (await pia.get("/plan/branches")).text
    assert "2 branches shown" in page
    assert "Only to compare: a plan cannot carry one machine more" in page
    assert services.world.orders[op.order].number in page
    assert f"/plan/branches/{late.id}/accept" in page
    assert "1 branch shown" in (await pia.get(f"/plan/branches?of={late.id}")).text


async def test_why_and_help_drill_down_to_rows(pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation) -> None:
    number = services.world.orders[op.order].number
    page = (await pia.get(f"/plan/orders/{number}")).text
    assert f"Why {number} ends then" in page
    assert "its own work" in page
    assert "this one" in page
    help_page = (await pia.get("/plan/help")).text
    assert "would save" in help_page
    assert "Who waits for" in help_page


async def test_whatever_held_an_order_has_words_of_its_own(
    pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await services.by_hand.reasons("", op.order)
    causes = ("resource", "setup", "calendar", "material", "down", "tool", "crew", "wait", "batch", "pinned", "work", "kept")

    async def every_cause(*_: str) -> Reasons:
        return replace(found, shares=tuple(replace(found.shares[0], cause=cause) for cause in causes))

    monkeypatch.setattr(services.by_hand, "reasons", every_cause)
    page = (await pia.get(f"/plan/orders/{services.world.orders[op.order].number}")).text
    words = re.findall(r'class="blame-name">([^<,]+)', page)
    assert len(set(words)) == len(causes)


async def test_the_form_offers_the_operations_of_an_order_that_is_asked_for(
    pia: httpx.AsyncClient, services: FakeServices
) -> None:
    far = max((each for each in services.world.operations if each.state == "planned"), key=lambda each: each.start)
    page = (await pia.get(f"/plan?order={services.world.orders[far.order].number}")).text
    offered = set(re.findall(r'<option value="([^"]+)" data-equipment', page))
    own = [each for each in services.world.operations if each.order == far.order and each.state == "planned"]
    assert f"{far.item}/{far.op}" in offered
    assert offered <= {f"{each.item}/{each.op}" for each in own}
    assert (await pia.get("/plan?order=SO-0")).status_code == 404


async def test_who_is_no_planner_reads_but_does_not_touch(as_: As, op: PlannedOperation) -> None:
    olu = as_("olu")
    page = (await olu.get("/plan")).text
    assert "Move an operation" not in page
    assert "gantt_hand.js" not in page
    assert (await olu.post("/plan/check", data=wish(op, 60))).status_code == 403
    assert (await olu.get("/plan/branches")).status_code == 200
    assert (await as_("mei").get("/plan/help")).status_code == 403


async def test_the_branch_accepted_last_is_taken_back_after_a_question_and_recorded(
    pia: httpx.AsyncClient, services: FakeServices, op: PlannedOperation
) -> None:
    assert "Back to the plan before" not in (await pia.get("/plan")).text
    move = Move(op.item, op.op, op.equipment, op.start + timedelta(hours=1), None, push=True)
    branch = services.by_hand.tried("later", move)
    await pia.post(f"/plan/branches/{branch.id}/accept")
    page = (await pia.get("/plan")).text
    assert "later is in force since plan 43." in page
    assert "Go back to plan 42, as a new plan?" in page
    assert f"/plan/branches/{branch.id}/back" in (await pia.get(f"/plan/branches?of={branch.id}")).text
    done = await pia.post(f"/plan/branches/{branch.id}/back", data={"key": "k"})
    assert done.headers["location"] == "/plan?said=back"
    assert services.world.plans[0].why == "back to plan 42, without branch later"
    assert services.by_hand.pinned == []
    page = (await pia.get("/plan?said=back")).text
    assert "The plan before is in force again" in page
    assert "Back to the plan before" not in page
    assert "taken back by plan 44" in (await pia.get(f"/plan/branches?of={branch.id}")).text
    assert [what for _, what, _ in services.enterprises.recorded] == ["plan.branch_accept", "plan.branch_back"]


async def test_only_planners_take_a_branch_back(as_: As, services: FakeServices, op: PlannedOperation) -> None:
    move = Move(op.item, op.op, op.equipment, op.start + timedelta(hours=1), None, push=True)
    branch = services.by_hand.tried("later", move)
    await services.by_hand.accept_branch("t", branch.id, "pia")
    assert "Back to the plan before" not in (await as_("olu").get("/plan")).text
    assert (await as_("olu").post(f"/plan/branches/{branch.id}/back")).status_code == 403
    assert len(services.world.plans) == 7
