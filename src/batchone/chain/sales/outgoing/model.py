"""What is sent of a notice, in which words, how it is signed, and when it is tried again. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from batchone.contracts.sales import Channel, Contact, Customer, Notice, Reason
from batchone.kernel.errors import Refused
from batchone.kernel.facts import adapter

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 6 * 3600.0
GIVEN_UP_AFTER_S = 3 * 86400.0
LEASE_S = 300.0
"""How long whoever sends has for it; then another may take it up."""
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Letter:
    """A notice to be sent: whose order it is about, where the customer wants to be told (if they said so), how often it was
    tried with this try, and whether a newer notice has taken its place."""

    tenant: str
    order: str
    number: str
    plan: int
    channel: Channel
    customer: Customer
    contact: Contact | None
    notice: Notice
    since: datetime
    attempts: int
    replaced: bool

    @property
    def wanted(self) -> bool:
        """Whether it is still news, and somebody still wants it."""
        return not self.replaced and (self.channel == "webhook" or self.contact is not None)

    @property
    def id(self) -> str:
        """The same for every try, so that a receiver knows what it has."""
        return f"{self.order}.{self.plan}"


def again_at(letter: Letter, now: datetime) -> datetime | None:
    """When to try again after one failure more; None once it has been tried for long enough."""
    if now - letter.since >= timedelta(seconds=GIVEN_UP_AFTER_S):
        return None
    return now + timedelta(seconds=min(FIRST_PAUSE_S * 2.0 ** min(letter.attempts - 1, 30), LONGEST_PAUSE_S))


def mail(letter: Letter, contact: Contact, sender: str, zone: ZoneInfo, pages: str, sent: datetime) -> EmailMessage:
    """The notice as an e-mail in the customer's language."""
    words = _WORDS[contact.language if contact.language in _WORDS else "en"]
    notice = letter.notice
    new, old = (_day(at, zone) for at in (notice.p90, notice.old_p90))
    lines = [words["greeting"].format(name=letter.customer.name), ""]
    lines += [words[notice.kind].format(number=letter.number, new=new, old=old)]
    reasons = [each.text.get(contact.language) or each.text.get("en", "") for each in notice.reasons]
    lines += ["", words["why"], *(f"- {text}" for text in reasons)] if reasons else []
    lines += ["", words["look"].format(address=f"{pages.rstrip('/')}/orders/{letter.number}")] if pages else []
    lines += ["", words["stop"]]
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"] = sender, contact.email
    made["Subject"] = words["subject_" + notice.kind].format(number=letter.number, new=new)
    made["Date"] = format_datetime(sent)
    made["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2].rstrip('>') or 'localhost'}>"
    made["Auto-Submitted"] = "auto-generated"
    made["Content-Language"] = contact.language
    made.set_content("\n".join(lines) + "\n")
    return made


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "greeting": "Dear {name},",
        "subject_later": "Your order {number} comes later: by {new}",
        "subject_earlier": "Your order {number} comes earlier: by {new}",
        "later": "your order {number} comes later than we told you: by {new} instead of {old}.",
        "earlier": "your order {number} comes earlier than we told you: by {new} instead of {old}.",
        "why": "The reasons:",
        "look": "How it stands: {address}",
        "stop": "You get this because you asked to be told by e-mail; take your address out under 'My orders' to stop it.",
    },
    "zh": {
        "greeting": "{name}，您好：",
        "subject_later": "您的订单 {number} 将推迟：预计不晚于 {new}",
        "subject_earlier": "您的订单 {number} 将提前：预计不晚于 {new}",
        "later": "您的订单 {number} 将比先前告知的推迟：不晚于 {new}，原为 {old}。",
        "earlier": "您的订单 {number} 将比先前告知的提前：不晚于 {new}，原为 {old}。",
        "why": "原因：",
        "look": "订单进展：{address}",
        "stop": "您选择了邮件通知，因此收到本邮件；如需停止，请在“我的订单”中删除邮箱地址。",
    },
}


def body(letter: Letter) -> bytes:
    """The notice as JSON, as a webhook posts it."""
    notice, contact = letter.notice, letter.contact
    told = {
        "type": "notice.given",
        "timestamp": notice.at.isoformat(),
        "data": {
            "notice": letter.id, "tenant": letter.tenant, "order": letter.order, "number": letter.number, "plan": letter.plan,
            "customer": letter.customer.id, "language": contact.language if contact else "", "kind": notice.kind,
            "old_p50": notice.old_p50.isoformat(), "old_p90": notice.old_p90.isoformat(), "p50": notice.p50.isoformat(),
            "p90": notice.p90.isoformat(),
            "reasons": adapter(tuple[Reason, ...]).dump_python(notice.reasons, mode="json"),
        },
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def signed(letter_id: str, content: bytes, secret: bytes, sent: datetime) -> dict[str, str]:
    """The headers by which a receiver knows sender, time and content (Standard Webhooks 1.0: HMAC-SHA256)."""
    stamp = f"{int(sent.timestamp())}"
    digest = hmac.new(secret, b".".join((letter_id.encode(), stamp.encode(), content)), hashlib.sha256).digest()
    return {
        "webhook-id": letter_id, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }  # fmt: skip


def key_of(text: str) -> bytes:
    """The key in a secret's text, `whsec_` and base64 of 24 to 64 bytes."""
    try:
        key = base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not text.strip().startswith("whsec_") or not 24 <= len(key) <= 64:
        raise Refused(
            "sales.webhook_secret", "The webhook's secret is not `whsec_` and base64 of 24 to 64 bytes.",
            "Make one: `echo whsec_$(head -c 32 /dev/urandom | base64)`.",
        )  # fmt: skip
    return key


def check_contact(email: str, language: str) -> None:
    """Refuse an address that is none (RFC 5321 has 254 characters at most), or a language that nobody writes."""
    local, at, host = email.partition("@")
    plain = email.isascii() and email.isprintable() and len(email) <= 254 and not any(c in ' <>,;:"()[]\\' for c in email)
    if email and not (local and at and "." in host and "@" not in host and plain and not host.startswith(".")):
        raise Refused("sales.email", "That is no e-mail address.", "Write one such as name@example.com, or nothing.")
    if language not in LANGUAGES:
        raise Refused("sales.language", f"No notices are written in '{language}'.", f"Choose one of {', '.join(LANGUAGES)}.")
