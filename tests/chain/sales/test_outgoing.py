"""Notices leave by e-mail and webhook, once, in the customer's language, and are tried again until they are taken."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.support_receivers import MailServer, Receiver, listening

from batchone.chain.sales.outgoing import store as outgoing_store
from batchone.chain.sales.outgoing.channels import EmailSettings, Mailer, Webhook, WebhookSettings
from batchone.chain.sales.outgoing.postman import Postman
from batchone.contracts.enterprises import Actor
from batchone.contracts.planning import PromiseMoved
from batchone.contracts.sales import Contact, ContactChanged, Customer, NoticeFailed, NoticeSent, Reason, Sales
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import Conflict, Refused

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
LI = Customer("c-li", "李伟", "Qingdao")
WHY = (Reason("down", "saw", {"en": "Saw: out of order for 5.0 h", "zh": "锯床：故障停机 5.0 小时"}),)
KEY = b"k" * 32
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
async def mails():
    async with listening(MailServer()) as server:
        yield server


@pytest.fixture
async def receiver():
    async with listening(Receiver()) as found:
        yield found


@pytest.fixture
async def out(fakes, database, clock, ids, chance, tmp_path, mails, receiver):
    """The chain with both channels, and a postman whose clock the test holds."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    email = {"server": "127.0.0.1", "port": mails.port, "sender": "Works <orders@works.example>", "tls": "none",
             "pages": "https://works.example/", "time_zone": "Asia/Shanghai"}  # fmt: skip
    webhook = {"url": f"http://127.0.0.1:{receiver.port}/moved", "secret": str(tmp_path / "secret")}
    chain = await fakes.Chain.start(database, clock, ids, chance, tmp_path, {"sales": {"email": email, "webhook": webhook}})
    await chain.release()
    people = ManualClock(datetime.now(UTC) + timedelta(seconds=2))
    hook = Webhook(WebhookSettings.model_validate(webhook), people)
    chain.postman = Postman(database, people, Mailer(EmailSettings.model_validate(email)), hook)
    chain.people = people
    return chain


async def placed(chain, key: str = "k"):
    sales = chain.context.get(Sales)
    given = await sales.give_promise("t", chain.design.freeze().id, 1, 0, PLANNER)
    return await sales.place_order("t", given.id, LI, key, PLANNER)


async def moved(chain, order, plan: int = 9, hours: float = 30) -> None:
    finish = chain.context.clock.now() + timedelta(hours=hours)
    await chain.tell(PromiseMoved(order.id, "later", plan, finish, finish + timedelta(hours=3), WHY))


async def written_to(chain, language: str = "zh") -> None:
    await chain.context.get(Sales).set_contact("t", "c-li", Contact("li@example.com", language))


async def states(chain) -> list[tuple[str, str]]:
    return sorted((each.channel, each.state) for each in await chain.context.get(Sales).outgoing("t", "", 50))


async def test_a_moved_date_is_told_by_both_ways_once_however_often_the_fact_is_heard(out, mails, receiver) -> None:
    await written_to(out)
    order = await placed(out)
    await moved(out, order)
    await moved(out, order)
    for _ in range(3):
        await out.postman.once()
    assert len(mails.took) == len(receiver.took) == 1
    assert await states(out) == [("email", "sent"), ("webhook", "sent")]
    assert {(said.channel, said.order) for said in await out.said(NoticeSent)} == {("email", order.id), ("webhook", order.id)}


async def test_the_mail_is_in_the_customers_language_with_dates_reasons_and_the_way_to_the_order(out, mails) -> None:
    await written_to(out, "zh")
    order = await placed(out)
    await moved(out, order)
    await out.postman.once()
    (mail,) = mails.took
    (notice,) = (await out.context.get(Sales).order("t", order.id)).notices
    text = mail.get_content()
    assert mails.to == ["li@example.com"]
    assert order.number in mail["Subject"]
    assert "推迟" in mail["Subject"]
    assert mail["Message-ID"] == f"<{order.id}.9@works.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "李伟，您好" in text
    assert "锯床：故障停机 5.0 小时" in text
    assert f"https://works.example/orders/{order.number}" in text
    assert f"{notice.p90 + timedelta(hours=8):%Y-%m-%d %H:%M} (Asia/Shanghai)" in text
    assert f"{notice.old_p90 + timedelta(hours=8):%Y-%m-%d %H:%M}" in text


async def test_who_gave_no_address_is_sent_no_mail_and_who_took_it_out_none_any_more(out, mails, receiver) -> None:
    first = await placed(out)
    await moved(out, first)
    await out.postman.once()
    assert await states(out) == [("webhook", "sent")]
    await written_to(out)
    second = await placed(out, "k2")
    await moved(out, second)
    await out.context.get(Sales).set_contact("t", "c-li", Contact("", "en"))
    await out.postman.once()
    assert mails.took == []
    assert await states(out) == [("email", "dropped"), ("webhook", "sent"), ("webhook", "sent")]
    assert [said.told for said in await out.said(ContactChanged)] == [True, False]


async def test_the_webhook_is_signed_so_that_a_receiver_knows_sender_time_and_content(out, receiver) -> None:
    order = await placed(out)
    await moved(out, order)
    await out.postman.once()
    (posted,) = receiver.took
    told = json.loads(posted.body)
    assert posted.path == "/moved"
    assert (told["type"], told["data"]["number"], told["data"]["kind"]) == ("notice.given", order.number, "later")
    assert told["data"]["old_p90"] == order.promised_p90.isoformat()
    assert told["data"]["reasons"][0]["text"]["zh"] == "锯床：故障停机 5.0 小时"
    name, stamp = posted.headers["webhook-id"], posted.headers["webhook-timestamp"]
    assert name == f"{order.id}.9"
    assert int(stamp) == int(out.people.now().timestamp())
    digest = hmac.new(KEY, f"{name}.{stamp}.".encode() + posted.body, hashlib.sha256).digest()
    assert posted.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


async def test_what_is_not_taken_is_tried_again_with_growing_pauses_under_the_same_id(out, receiver) -> None:
    receiver.statuses = [500, 503, 204]
    order = await placed(out)
    await moved(out, order)
    await out.postman.once()
    (waiting,) = await out.context.get(Sales).outgoing("t", "waiting", 9)
    assert (waiting.attempts, waiting.fault) == (1, "The webhook answered 500.")
    assert waiting.due - out.people.now() == timedelta(seconds=60)
    assert await out.postman.once() == 0
    await out.people.advance(61)
    assert await out.postman.once() == 1
    (waiting,) = await out.context.get(Sales).outgoing("t", "waiting", 9)
    assert waiting.due - out.people.now() == timedelta(seconds=120)
    await out.people.advance(121)
    await out.postman.once()
    assert await states(out) == [("webhook", "sent")]
    assert {posted.headers["webhook-id"] for posted in receiver.took} == {f"{order.id}.9"}


async def test_it_is_given_up_after_days_and_seen(out, receiver, api_of) -> None:
    receiver.statuses = [500]
    await moved(out, await placed(out))
    for _ in range(40):
        await out.postman.once()
        await out.people.advance(6 * 3600)
    (failed,) = await out.context.get(Sales).outgoing("t", "failed", 9)
    assert "500" in failed.fault
    assert 12 < failed.attempts < 24
    assert [said.channel for said in await out.said(NoticeFailed)] == ["webhook"]
    standing = await outgoing_store.standing(out.context.database, "t", datetime.now(UTC))
    assert (standing.waiting, standing.failed, standing.fault) == (0, 1, failed.fault)
    listed = await api_of(out).get("/api/notices/outgoing?state=failed")
    assert listed.json()[0]["fault"] == failed.fault


async def test_a_receiver_that_is_away_is_waited_for_and_a_redirect_not_followed(out, receiver) -> None:
    receiver.statuses, receiver.location = [302], f"http://127.0.0.1:{receiver.port}/inside"
    await moved(out, await placed(out))
    await out.postman.once()
    assert [posted.path for posted in receiver.took] == ["/moved"]
    (waiting,) = await out.context.get(Sales).outgoing("t", "waiting", 9)
    assert "302" in waiting.fault


@pytest.mark.parametrize(
    ("says", "state"),
    [({"RCPT": "550 no such person"}, "failed"), ({"RCPT": "451 later"}, "waiting"), ({"MAIL": "530 who are you"}, "waiting"),
     ({"DATA": "554 not that"}, "failed"), ({"EHLO": "421 closing", "HELO": "421 closing"}, "waiting")],
)  # fmt: skip
async def test_what_a_mail_server_refuses_for_good_is_given_up_and_the_rest_tried_again(out, mails, says, state) -> None:
    mails.says = says
    await written_to(out)
    await moved(out, await placed(out))
    await out.postman.once()
    assert ("email", state) in await states(out)
    assert ("webhook", "sent") in await states(out)


async def test_a_mail_that_was_taken_without_our_hearing_it_comes_again_under_the_same_message_id(out, mails) -> None:
    mails.drop_after_data = 1
    await written_to(out)
    await moved(out, await placed(out))
    await out.postman.once()
    await out.people.advance(61)
    await out.postman.once()
    assert ("email", "sent") in await states(out)
    assert len(mails.took) == 2
    assert len({mail["Message-ID"] for mail in mails.took}) == 1


async def test_what_died_while_sending_is_taken_up_again_once_its_time_is_over(out, receiver) -> None:
    await moved(out, await placed(out))
    async with out.context.database.transaction() as tx:
        assert len(await outgoing_store.claim(tx, out.postman.channels, out.people.now(), 9)) == 1
    assert await out.postman.once() == 0
    await out.people.advance(301)
    assert await out.postman.once() == 1
    assert await states(out) == [("webhook", "sent")]


async def test_two_postmen_send_nothing_twice(out, receiver) -> None:
    for number in range(8):
        await moved(out, await placed(out, f"k{number}"))
    while sum(await asyncio.gather(out.postman.once(), out.postman.once())):
        pass
    assert len(receiver.took) == len({posted.headers["webhook-id"] for posted in receiver.took}) == 8


async def test_only_the_newest_of_several_notices_of_an_order_leaves(out, receiver) -> None:
    receiver.statuses = [500, 204]
    order = await placed(out)
    await moved(out, order, 9, 30)
    await out.postman.once()
    await moved(out, order, 12, 50)
    await out.people.advance(3600)
    await out.postman.once()
    assert await states(out) == [("webhook", "dropped"), ("webhook", "sent")]
    assert [json.loads(posted.body)["data"]["plan"] for posted in receiver.took] == [9, 12]


async def test_by_default_nothing_leaves_and_nobody_is_asked_for_an_address(chain) -> None:
    assert chain.running["sales"].work == {}
    sales = chain.context.get(Sales)
    assert await sales.contact("t", "c-li") is None
    with pytest.raises(Conflict, match="No e-mails are sent"):
        await sales.set_contact("t", "c-li", Contact("li@example.com", "en"))
    await moved(chain, await placed(chain))
    assert await sales.outgoing("t", "", 9) == ()


async def test_a_customer_sets_their_own_address_over_the_api(out, api_of) -> None:
    api = api_of(out)
    mine = {"authorization": "Bearer customer/li/c-li"}
    assert (await api.get("/api/contact", headers=mine)).json() == {"email": "", "language": ""}
    body = {"email": "li@example.com", "language": "zh"}
    assert (await api.put("/api/contact", headers=mine, json=body)).status_code == 204
    assert (await api.get("/api/contact", headers=mine)).json() == body
    other = {"authorization": "Bearer customer/xu/c-xu"}
    assert (await api.get("/api/contact", headers=other)).json()["email"] == ""
    assert (await api.put("/api/contact", json=body)).status_code == 403
    assert (await api.get("/api/notices/outgoing", headers=mine)).status_code == 403


@pytest.mark.parametrize(
    "address", ["li", "li@", "@example.com", "li@example", "a b@example.com", "li@example.com\r\nBcc: x@y.example",
                "li@example.com,x@y.example", "<li@example.com>", "li@.com", f"{'l' * 250}@example.com", "李@example.com"],
)  # fmt: skip
async def test_what_is_no_address_is_refused(out, address) -> None:
    with pytest.raises(Refused, match="no e-mail address"):
        await out.context.get(Sales).set_contact("t", "c-li", Contact(address, "en"))
