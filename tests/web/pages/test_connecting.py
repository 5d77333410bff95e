"""Connecting a machine step by step: address, trust, signals, and what each refusal says."""

import re

import httpx
import pytest
from tests.web.conftest import As
from tests.web.connections import OTHER_PRINT, PRINT
from tests.web.fakes import FakeServices

OPC = {"scheme": "opc.tcp", "url": "10.0.0.5"}


@pytest.fixture(autouse=True)
def _begin(services: FakeServices) -> None:
    services.sources.begin()


async def looked_at(client: httpx.AsyncClient, **form: str) -> str:
    """The address of the page that a first form leads to."""
    answer = await client.post("/connect/new", data={**OPC, **form})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize(
    ("form", "url", "settings"),
    [
        ({}, "opc.tcp://10.0.0.5:4840/", {}),
        (
            {"url": "10.0.0.5:4855", "s.security": "sign", "s.user": " line "},
            "opc.tcp://10.0.0.5:4855/", {"security": "sign", "user": "line"},
        ),
        ({"url": "opc.tcp://plc.hall/"}, "opc.tcp://plc.hall/", {}),
        (
            {"scheme": "mqtt", "others": "listen=plant/#\n\nqos=1", "s.security": "none"},
            "mqtt://10.0.0.5:1883", {"listen": "plant/#", "qos": "1"},
        ),
        ({"scheme": "file", "url": "/data/oven"}, "file:///data/oven", {}),
        ({"scheme": "mqtt", "url": "mtconnect://10.0.0.5:5000/mill"}, "mtconnect://10.0.0.5:5000/mill", {}),
    ],
)  # fmt: skip
async def test_an_address_is_as_short_as_one_writes_it(
    as_: As, services: FakeServices, form: dict[str, str], url: str, settings: dict[str, str]
) -> None:
    await looked_at(as_("eva"), **form)
    (look,) = services.sources.looks.values()
    assert (look.url, dict(look.settings)) == (url, settings)


@pytest.mark.parametrize("form", [{"url": "gopher://x"}, {"scheme": "mqtt", "others": "listen"}])
async def test_an_address_that_nobody_speaks_is_refused_beside_the_form(
    as_: As, services: FakeServices, form: dict[str, str]
) -> None:
    answer = await as_("eva").post("/connect/new", data={**OPC, **form}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#say"
    assert services.sources.looks == {}


async def test_a_long_look_says_how_far_it_is_and_the_page_goes_on_when_it_is_over(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    page = await looked_at(eva, url="slow")
    assert "140 variables seen so far" in (await eva.get(page)).text
    told = await eva.get(f"{page}/progress", headers={"HX-Request": "true"})
    assert "140 variables" in told.text
    look = page.rsplit("/", 1)[-1]
    services.sources.looks[look] = services.sources.made(look, "opc.tcp://pump:4840/", {})
    over = await eva.get(f"{page}/progress", headers={"HX-Request": "true"})
    assert (over.status_code, over.headers["HX-Refresh"]) == (204, "true")


async def test_a_certificate_is_shown_approved_and_looked_at_again(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    first = await looked_at(eva, url="untrusted")
    page = (await eva.get(first)).text
    assert PRINT in re.sub("<wbr>", "", page)
    assert OTHER_PRINT in re.sub("<wbr>", "", page), "our own, for the machine's list"
    assert "CN=plc@hall-3" in page
    answer = await eva.post(f"{first}/approve", data={"server": "untrusted:4840", "fingerprint": PRINT})
    assert answer.headers["location"] != first
    assert "tick what is to be read" in (await eva.get(answer.headers["location"])).text
    assert services.certificates.trusts("untrusted:4840")


async def test_less_security_is_never_taken_without_a_word(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    page = (await eva.get(await looked_at(eva, url="insecure"))).text
    assert "less security than was asked for" in page
    weaker = page[page.index("Or connect all the same") :]
    assert 'name="s.security" value="none"' in weaker
    assert re.search(r'<input type="checkbox" required>', weaker)
    page = (await eva.get(await looked_at(eva, url="insecure", **{"s.security": "none"}))).text
    assert "nothing is signed or encrypted" in page


@pytest.mark.parametrize(("host", "told"), [("away", "Nothing answers at"), ("ours", "does not trust this platform yet")])
async def test_a_refusal_says_what_and_how_to_cure_it_in_both_languages(as_: As, host: str, told: str) -> None:
    eva = as_("eva")
    where = await looked_at(eva, url=host)
    page = (await eva.get(where)).text
    assert told in page
    assert "Look again" in page
    assert "Change the address" in page
    assert told not in (await eva.get(where + "?lang=zh")).text


async def test_nothing_is_ticked_before_a_person_does_and_each_proposal_says_why(as_: As) -> None:
    eva = as_("eva")
    page = (await eva.get(await looked_at(eva))).text
    boxes = re.findall(r'<input type="checkbox" name="take"[^>]*>', page)
    assert len(boxes) == 5, "what is a text cannot be ticked"
    assert not any("checked" in box for box in boxes)
    for told in (
        "may be comp-1/pressure", "names 100 % alike", "kPa can be turned into bar", "value 188.0 OUTSIDE its limits",
        "text, no number", "tells the unit as 'Skt.'",
    ):  # fmt: skip
        assert told in page, told


async def declared(client: httpx.AsyncClient, page: str, form: dict[str, object]) -> httpx.Response:
    return await client.post(
        f"{page}/declare", data={"connection": "pump", "equipment": "pump-1", "place": "works/hall", **form}
    )


def row(number: int, **told: str) -> dict[str, str]:
    full = {"equipment": "", "signal": "", "name": "", "told": "", "unit": "", "kind": "float", **told}
    return {f"n{number}.{name}": value for name, value in full.items()}


async def test_what_was_ticked_is_declared_as_it_was_corrected_and_its_values_are_shown(
    as_: As, services: FakeServices
) -> None:
    eva = as_("eva")
    page = await looked_at(eva)
    form = {
        "take": ["0", "2"], "equipment_name": "Air pump",
        **row(0, equipment="comp-1", signal="pressure", told="kPa", unit="bar"),
        **row(1, equipment="comp-1", signal="oil_temperature"), **row(2, signal="flow", name="Air flow", unit="m^3/h"),
        "h0.address": "ns=2;s=Air.Hum", "h0.signal": "hum", "h0.kind": "integer", "h1.address": " ",
    }  # fmt: skip
    answer = await declared(eva, page, form)
    assert answer.headers["location"] == "/connect/connections/pump?new=1"
    source = services.sources.kept["pump"]
    assert source.url == "opc.tcp://10.0.0.5:4840/"
    assert [(point.path, point.address, point.unit) for point in source.points] == [
        ("comp-1/pressure", "ns=2;s=Air.P", "kPa"), ("pump-1/flow", "ns=2;s=Air.Flow", ""),
        ("pump-1/hum", "ns=2;s=Air.Hum", ""),
    ]  # fmt: skip
    pump = (await services.machines.model("works")).thing("pump-1")
    assert pump is not None
    assert (pump.name, pump.place) == ({"en": "Air pump"}, "works/hall")
    assert [(each.id, each.name, each.unit, each.kind) for each in pump.signals] == [
        ("flow", {"en": "Air flow"}, "m^3/h", "float"), ("hum", {"en": "hum"}, "", "integer"),
    ]  # fmt: skip
    shown = (await eva.get(answer.headers["location"])).text
    assert 'data-path="pump-1/flow"' in shown


async def test_names_are_kept_in_the_language_of_whoever_writes_them(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    page = await looked_at(eva)
    eva.cookies.set("batchone_language", "zh")
    await declared(eva, page, {"take": "2", **row(2, signal="flow", name="流量")})
    flow = (await services.machines.model("works")).signals["pump-1/flow"].signal
    assert flow.name == {"zh": "流量"}


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({}, 422, "No signal is ticked."),
        ({"take": "2", **row(2)}, 422, "has no equipment|has no signal"),
        ({"take": "2", **row(2, signal="flow", kind="odd")}, 422, "no kind of signal"),
        ({"take": "2", **row(2, signal="flow"), "connection": "air-house"}, 409, "There is a connection air-house already."),
        ({"h0.address": "nonsense", "h0.signal": "x", "h0.kind": "float"}, 422, "nonsense is no address"),
    ],
)
async def test_a_form_that_cannot_be_is_refused_and_nothing_is_declared(
    as_: As, services: FakeServices, form: dict[str, object], status: int, told: str
) -> None:
    eva = as_("eva")
    before = dict(services.sources.kept)
    answer = await declared(eva, await looked_at(eva), form)
    assert answer.status_code == status
    assert re.search(told, answer.text)
    assert services.sources.kept == before


async def test_a_machine_that_does_not_say_what_it_offers_is_written_by_hand(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    agents = await looked_at(eva, scheme="influx", url="agents")
    assert agents.startswith("/connect/new/by-hand?")
    assert "Telegraf do not say what they offer" in (await eva.get(agents)).text
    failed = (await eva.get(await looked_at(eva, scheme="modbus", url="away", others="unit=3\nprobe_count=20"))).text
    where = re.findall(r'href="(/connect/new/by-hand[^"]+)"', failed)[0].replace("&amp;", "&")
    page = (await eva.get(where)).text
    assert "holding:100:float32" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(url|s\.[a-z_]+)" value="([^"]*)"', page))
    form = {
        **hidden,
        "connection": "meter",
        "equipment": "meter-7",
        "place": "works/hall",
        "h0.address": "holding:1",
        "h0.signal": "power",
        "h0.kind": "float",
        "h0.unit": "kW",
    }
    answer = await eva.post("/connect/new/by-hand", data=form)
    assert answer.headers["location"] == "/connect/connections/meter?new=1"
    source = services.sources.kept["meter"]
    assert (source.url, dict(source.settings)) == ("modbus://away:502", {"unit": "3"}), "what a probe asks stays with it"
    assert [(point.path, point.address) for point in source.points] == [("meter-7/power", "holding:1")]


async def test_a_large_machine_is_shown_in_parts(as_: As) -> None:
    eva = as_("eva")
    where = await looked_at(eva, url="large")
    page = (await eva.get(where)).text
    assert page.count('class="find-fields"') == 200
    assert "Show all 266" in page
    assert "7 more were not listed." in page
    assert 'value="265"' in (await eva.get(where + "?every=1")).text
    assert 'value="265"' not in page


async def test_a_look_that_was_forgotten_says_so(as_: As) -> None:
    assert (await as_("eva").get("/connect/new/L-none")).status_code == 404
