"""The plan in force as files: named as people name things, and asked for over the API."""

import csv
import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.chain.planning.files import b2mml
from batchone.chain.planning.module import MODULE
from batchone.contracts.enterprises import Actor
from batchone.contracts.planning import Planning
from batchone.kernel.errors import Conflict, NotFound
from batchone.kernel.http import install_problems

pytestmark = pytest.mark.engine
FORMS = ("csv", "xml", "ics?resource=lathe-1")


@pytest.fixture
async def planned(works):
    """Two orders in a plan."""
    await works.order("O1")
    await works.order("O2")
    await works.planner.plan_once(search=False)
    return works


async def test_a_table_has_every_open_operation_with_ids_and_with_names(planned) -> None:
    found = await planned.service.export("t", "csv", "", "en")
    rows = list(csv.DictReader(io.StringIO(found.text)))
    assert found.plan == 1
    assert {row["operation"] for row in rows} == {f"O{n}.0/{op}" for n in (1, 2) for op in ("10", "20", "30")}
    first = next(row for row in rows if row["operation"] == "O1.0/10")
    op = next(each for each in await planned.service.of_order("t", "O1") if each.op == "10")
    assert (first["resource"], first["start"], first["end"]) == (op.equipment, op.start.isoformat(), op.end.isoformat())
    pack = (await planned.planner.packs())[0]
    assert first["resource_name"] == pack.machine(op.equipment).name["en"]
    assert (first["job"], first["job_name"]) == ("O1", "O1")
    assert first["operation_name"].startswith("10 ")


async def test_a_calendar_has_the_work_of_one_machine_in_the_language_asked_for(planned) -> None:
    ops = [each for n in (1, 2) for each in await planned.service.of_order("t", f"O{n}")]
    machine = ops[0].equipment
    told = (await planned.service.export("t", "ics", machine, "zh")).text
    assert told.count("BEGIN:VEVENT") == sum(each.equipment == machine for each in ops)
    pack = (await planned.planner.packs())[0]
    name = pack.machine(machine).name
    assert f"\r\nNAME:{name.get('zh') or name['en']}\r\n" in told
    with pytest.raises(NotFound, match="nowhere"):
        await planned.service.export("t", "ics", "nowhere", "en")


async def test_a_schedule_is_read_again_as_the_work_that_is_left(planned) -> None:
    told = (await planned.service.export("t", "xml", "", "en")).text
    again = b2mml.read(told)
    assert {each.id for each in again.operations} == {f"O{n}.0/{op}" for n in (1, 2) for op in ("10", "20", "30")}
    assert "<Description>O1</Description>" in told


async def test_one_plan_makes_one_file_while_machines_say_nothing(planned, clock) -> None:
    first = await planned.service.export("t", "csv", "", "en")
    await clock.advance(7)
    assert await planned.service.export("t", "csv", "", "en") == first


async def test_without_a_plan_or_without_work_there_is_no_schedule(works) -> None:
    with pytest.raises(NotFound, match="no plan"):
        await works.service.export("t", "xml", "", "en")
    await works.order("O1")
    await works.planner.plan_once(search=False)
    async with works.context.database.transaction() as tx:
        await tx.run("UPDATE planning.operations SET state = 'done'")
    with pytest.raises(Conflict, match="Nothing of the plan is left"):
        await works.service.export("t", "xml", "", "en")
    assert (await works.service.export("t", "csv", "", "en")).text.count("\r\n") == 1


async def test_the_api_gives_files_to_those_who_may_read_the_plan(planned) -> None:
    app = FastAPI()
    install_problems(app)
    planned.context.provide(Planning, planned.service)

    @app.middleware("http")
    async def sign_in(request: Request, go_on: Any) -> Any:
        role = request.headers.get("role", "operator")
        request.state.actor = Actor("t", "o", "Otto", role, "", "token") if role != "nobody" else None  # type: ignore[arg-type]
        return await go_on(request)

    assert MODULE.router is not None
    app.include_router(MODULE.router(planned.context))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://b") as http:
        table = await http.get("/api/plan/export.csv")
        assert (table.status_code, table.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert table.headers["content-disposition"] == 'attachment; filename="plan-1.csv"'
        calendar = await http.get("/api/plan/export.ics?resource=lathe-1&language=zh")
        assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
        assert calendar.headers["content-disposition"] == 'attachment; filename="plan-1-lathe-1.ics"'
        assert (await http.get("/api/plan/export.ics?resource=x")).status_code == 404
        assert (await http.get("/api/plan/export.xml")).text.startswith("<?xml")
        assert (await http.get("/api/plan/export.csv?language=fr")).status_code == 422
        nobody = {form: await http.get(f"/api/plan/export.{form}", headers={"role": "nobody"}) for form in FORMS}
        assert {form: (each.status_code, each.headers["www-authenticate"].split()[0]) for form, each in nobody.items()} == {
            "csv": (401, "Bearer"),
            "xml": (401, "Bearer"),
            "ics?resource=lathe-1": (401, "Basic"),
        }
        for form in FORMS:
            assert (await http.get(f"/api/plan/export.{form}", headers={"role": "customer"})).status_code == 403
