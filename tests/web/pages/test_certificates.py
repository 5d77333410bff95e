"""The page of certificates: who waits, whom we trust, who was rejected, and our own."""

import re

from tests.web.conftest import As
from tests.web.connections import OTHER_PRINT, PRINT
from tests.web.fakes import FakeServices

WAITING = {"server": "10.0.0.7:4840", "fingerprint": PRINT}


def group(page: str, title: str) -> str:
    part = page[page.index(f">{title}</h2>") :]
    return part[: part.index("</section>")]


async def test_certificates_stand_in_groups_with_fingerprint_and_until_when(as_: As) -> None:
    page = re.sub("<wbr>", "", (await as_("eva").get("/connect/certificates")).text)
    for title, server in (("To be judged", "10.0.0.7"), ("Trusted", "10.0.0.5"), ("Rejected", "10.0.0.8")):
        part = group(page, title)
        assert server in part
        assert PRINT in part
        assert "2030" in part
    assert OTHER_PRINT in group(page, "Ours")
    assert "1 to be judged" in page


async def test_one_is_approved_only_by_who_says_that_he_compared_it_and_rejected_again(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    waiting = group((await eva.get("/connect/certificates")).text, "To be judged")
    assert waiting.index('type="checkbox" required') < waiting.index("Approve<")
    answer = await eva.post("/connect/certificates/approve", data=WAITING)
    assert answer.headers["location"] == "/connect/certificates"
    assert services.certificates.trusts("10.0.0.7:4840")
    await eva.post("/connect/certificates/reject", data=WAITING)
    assert "10.0.0.7" in group((await eva.get("/connect/certificates")).text, "Rejected")
    assert (await eva.post("/connect/certificates/approve", data={**WAITING, "server": "x:1"})).status_code == 404


async def test_ours_is_downloaded_renewed_and_used_in_two_steps(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    file = await eva.get("/connect/certificates/own.pem")
    assert file.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "attachment" in file.headers["content-disposition"]
    assert (await eva.get("/connect/certificates/next.pem")).status_code == 404
    assert (await eva.get("/connect/certificates/other.pem")).status_code == 404
    await eva.post("/connect/certificates/renew")
    page = (await eva.get("/connect/certificates")).text
    assert "not in use yet" in page
    assert (await eva.get("/connect/certificates/next.pem")).status_code == 200
    await eva.post("/connect/certificates/take-over", data={"fingerprint": PRINT})
    (own,) = services.certificates.ours
    assert (own.fingerprint, own.in_use) == (PRINT, True)


async def test_only_engineers_judge(as_: As, services: FakeServices) -> None:
    for what, form in (("approve", WAITING), ("reject", WAITING), ("renew", {}), ("take-over", {"fingerprint": PRINT})):
        assert (await as_("olu").post(f"/connect/certificates/{what}", data=form)).status_code == 403
    assert not services.certificates.trusts("10.0.0.7:4840")
