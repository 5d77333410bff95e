"""Call-offs: each supplier's own, answered in one form."""

from datetime import UTC, datetime

from tests.web.conftest import As
from tests.web.fakes import FakeServices


async def test_a_supplier_sees_own_call_offs_and_staff_all(as_: As, services: FakeServices) -> None:
    own = services.world.blueprint.pack.modules[0].suppliers[0].id
    page, everything = (await as_("sam").get("/call-offs")).text, (await as_("pia").get("/call-offs")).text
    for each in services.world.call_offs.values():
        assert (f'id="call-off-{each.id}"' in page) == (each.supplier == own)
        assert f'id="call-off-{each.id}"' in everything
    assert "/confirm" not in everything, "a planner does not answer for a supplier"


async def test_a_date_is_confirmed_in_the_zone_of_the_pages(as_: As, services: FakeServices) -> None:
    client = as_("sam")
    answer = await client.post("/call-offs/CO-0/confirm", data={"at": "2026-03-03T08:00"})
    assert answer.headers["location"] == "/call-offs"
    assert services.world.call_offs["CO-0"].confirmed_for == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    delivered = await client.post("/call-offs/CO-0/deliver", data={"lot": " L77 "})
    assert delivered.status_code == 303
    assert services.world.call_offs["CO-0"].lot == "L77"


async def test_what_cannot_be_meant_is_refused(as_: As, services: FakeServices) -> None:
    client = as_("sam")
    assert (await client.post("/call-offs/CO-0/confirm", data={"at": "soon"})).status_code == 422
    assert (await client.post("/call-offs/CO-0/deliver", data={"lot": " "})).status_code == 422
    assert (await client.get("/call-offs?state=lost")).status_code == 422
    assert (await client.post("/call-offs/CO-1/confirm", data={"at": "2026-03-03T08:00"})).status_code == 404, (
        "another supplier's"
    )
    assert (await as_("pia").post("/call-offs/CO-0/confirm", data={"at": "2026-03-03T08:00"})).status_code == 403
    assert services.world.call_offs["CO-0"].state == "sent"


async def test_with_nothing_asked_for_the_page_says_when_there_will_be(as_: As, services: FakeServices) -> None:
    services.world.call_offs.clear()
    assert "Nothing is asked for here." in (await as_("sam").get("/call-offs")).text
