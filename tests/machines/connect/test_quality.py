"""The ladder of connectors: every one answers every rule, and claims what follows from its answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.kernel.errors import Refused
from batchone.machines.connect import quality
from batchone.machines.connect.drivers import DRIVERS, SCHEMES
from batchone.machines.connect.quality import RULES, Answer, Done, Exempt, Quality, Todo
from batchone.machines.connect.sources.api import router

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(path.parent for path in Path(quality.__file__).parent.glob("*/driver.py"))
ASKED = [rule for rules in RULES.values() for rule in rules]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_connector_answers_every_rule_and_claims_what_follows(folder: Path) -> None:
    told = quality.read(folder)
    assert list(told.rules) == ASKED
    assert told.tier == told.reached


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_said_to_be_done_stands_where_it_is_said(folder: Path) -> None:
    for rule, answer in quality.read(folder).rules.items():
        if isinstance(answer.root, Done):
            path, _, what = answer.root.done.partition("::")
            assert what, f"{rule} names no place in {path}"
            assert what in (ROOT / path).read_text(), f"{rule}: {answer.root.done}"


def test_the_guide_lists_every_rule_as_it_is_asked() -> None:
    guide = (ROOT / "docs/guides/connectors.md").read_text()
    for tier, rules in RULES.items():
        for rule, statement in rules.items():
            assert f"| {tier} | `{rule}` | {statement} |" in guide


def answers(**told: Done | Todo | Exempt) -> Quality:
    return Quality(tier="none", rules={rule: Answer(told.get(rule, Done(done="a place::that shows it"))) for rule in ASKED})


def test_a_tier_is_reached_when_nothing_of_it_and_below_is_left_to_do() -> None:
    missing = Todo(todo="somebody has to")
    assert answers().reached == "platinum"
    assert answers(measured=missing).reached == "gold"
    assert answers(measured=missing, quality=missing).reached == "bronze"
    assert answers(guide=missing).reached == "none"
    assert answers(probes=Exempt(exempt="there is nothing to look at")).reached == "platinum"
    assert Quality(tier="none", rules={}).reached == "none"


@pytest.mark.parametrize(
    "text", ["tier: tin\nrules: {}", "tier: none\nrules: {guide: done}", "tier: none\nrules: {guide: {done: here}}",
             "tier: none\nrules: {guide: {done: a long place, todo: a long reason}}"],
)  # fmt: skip
def test_an_answer_without_a_place_or_a_reason_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "quality.yaml").write_text(text)
    with pytest.raises(Refused):
        quality.read(tmp_path)


def test_all_connectors_are_told_with_their_urls_and_what_is_missing() -> None:
    found = {each.id: each for each in quality.connectors(SCHEMES, DRIVERS)}
    assert found.keys() == {folder.name for folder in FOLDERS}
    assert found["modbus"].schemes == ("modbus",)
    assert found["sparkplug"].schemes == ()
    assert "foreign" in found["s7"].todo


async def test_the_api_tells_them() -> None:
    class Told:
        async def connectors(self):
            return quality.connectors(SCHEMES, DRIVERS)

    app = FastAPI()
    app.include_router(router(SimpleNamespace(get=lambda _: Told())))  # type: ignore[arg-type]

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        request.state.actor = Actor("t", "chen", "Chen", "engineer")
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        answer = await client.get("/api/connections/protocols")
    (files,) = (each for each in answer.json() if each["id"] == "files")
    assert files == {"id": "files", "schemes": ["file"], "tier": "gold", "todo": {"measured": "No benchmark runs over it."}}
