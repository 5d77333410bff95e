"""The rule author's page: rules as text, faults in place, what a draft changes, and its release."""

import pytest
from tests.support_pack import SMALL
from tests.web.conftest import As
from tests.web.fakes import FakeServices

RULES = SMALL["rules.yaml"]
HX = {"hx-request": "true"}


async def tried(as_: As, text: str, order: str = "", person: str = "eva") -> str:
    answer = await as_(person).post("/rules/lamp/try", data={"text": text, "order": order, "base": "1.0.0"}, headers=HX)
    assert answer.status_code == 200
    return answer.text


async def test_the_rules_in_force_are_shown_as_they_were_written(as_: As) -> None:
    answer = await as_("eva").get("/rules")
    assert answer.headers["location"] == "/rules/lamp"
    page = (await as_("eva").get("/rules/lamp")).text
    assert "rule: light = halogen =&gt; height_cm &lt;= 45" in page
    assert "It allows exactly what the version in force allows." in page
    assert "Configurations left" in page


@pytest.mark.parametrize(("person", "status"), [("mei", 403), ("sam", 403), ("pia", 200), ("eva", 200)])
async def test_rules_are_for_those_who_make_them(as_: As, person: str, status: int) -> None:
    assert (await as_(person).get("/rules/lamp")).status_code == status


async def test_a_fault_is_shown_at_its_line_and_keeps_the_draft_from_being_released(as_: As) -> None:
    draft = RULES.replace("light = halogen => height_cm <= 45", "light = halogen => hight_cm <= 45")
    line = next(n for n, text in enumerate(draft.split("\n"), 1) if "hight_cm" in text)
    part = await tried(as_, draft)
    marked = part.split('class="marked"')[1]
    assert f'data-line="{line}"' in marked
    assert "hight_cm" in marked.split("</li>")[0].split("mark-said")[1]
    assert "disabled" in part
    assert "Configurations left" not in part


async def test_contradictory_rules_name_one_another(as_: As) -> None:
    never = "  - {id: never, rule: light != light, message: {en: Never., zh: 从不。}}\n"
    part = await tried(as_, RULES.replace("prices:", f"{never}prices:"))
    assert "never" in part
    assert "1 fault" in part


async def test_a_draft_says_what_it_gains_loses_kills_and_what_becomes_of_orders(as_: As, services: FakeServices) -> None:
    strict = "  - {id: no-halogen, rule: light != halogen, message: {en: Halogen is not sold., zh: 卤素灯停售。}}\n"
    part = await tried(as_, RULES.replace("prices:", f"{strict}prices:"))
    assert "Possible before, and no longer" in part
    assert "Possible now" not in part
    assert "No configuration has it" in part
    gone = [each for each in services.world.orders.values() if each.choices["light"] == "halogen"]
    assert gone
    for each in gone:
        assert f"/orders/{each.number}" in part
    assert "Halogen is not sold." in part


async def test_a_test_order_is_completed_and_priced_or_refused_with_the_reason(as_: As) -> None:
    part = await tried(as_, RULES, "foot = clamp, height_cm = 60")
    assert "can be made" in part
    assert "operation" in part
    assert "Halogen gets hot." in await tried(as_, RULES, "light = halogen, height_cm = 60")
    assert "there is not" in await tried(as_, RULES, "foot = wheels")


async def test_a_draft_is_released_as_the_next_version_once(as_: As, services: FakeServices) -> None:
    draft = RULES.replace("Halogen gets hot.", "Halogen gets very hot.").replace("\n", "\r\n")
    client = as_("eva")
    answer = await client.post("/rules/lamp/release", data={"text": draft, "base": "1.0.0"})
    assert answer.status_code == 303
    assert services.authoring.version == "1.0.1"
    page = (await client.get("/rules/lamp")).text
    assert "Halogen gets very hot." in page
    assert "version 1.0.1 in force" in page
    late = await client.post("/rules/lamp/release", data={"text": draft, "base": "1.0.0"})
    assert late.status_code == 409


async def test_only_an_engineer_releases(as_: As, services: FakeServices) -> None:
    assert "Release as" not in (await as_("pia").get("/rules/lamp")).text
    answer = await as_("pia").post("/rules/lamp/release", data={"text": RULES, "base": "1.0.0"})
    assert answer.status_code == 403
    assert services.authoring.version == "1.0.0"
