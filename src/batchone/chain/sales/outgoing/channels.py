"""The two ways out: an SMTP server and a webhook, both named by an administrator in the deploy file and nowhere else."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from pydantic import Field, field_validator, model_validator

from batchone.chain.sales.outgoing.model import Letter, body, key_of, signed
from batchone.kernel.clock import Clock
from batchone.kernel.errors import BatchoneError, Refused, TryLater
from batchone.kernel.settings import Seconds, Settings


class Undeliverable(BatchoneError):
    """The receiver will never take it: do not try again."""


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class EmailSettings(Settings):
    """Through which server e-mails leave, and in whose name.

    `tls` is `starttls`, `tls` (from the first byte) or `none`; a password, which stands alone in a file, is never sent without
    TLS, except to this machine. `pages` is where customers reach the pages, for the link to their order; `time_zone` is that in
    which dates are written.
    """

    server: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str
    user: str = ""
    password: Path | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    pages: str = ""
    time_zone: str = "UTC"
    timeout_s: Seconds = 30.0

    @field_validator("sender")
    @classmethod
    def _an_address(cls, sender: str) -> str:
        if "@" not in sender or not sender.isprintable():
            raise ValueError("the sender is an address such as orders@example.com")
        return sender

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{name}' is not a time zone; write one such as Asia/Shanghai") from error
        return name

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together; name both or neither")
        if self.user and self.tls == "none" and not _loopback(self.server):
            raise ValueError("a password would be sent in the open; set tls")
        return self


class WebhookSettings(Settings):
    """Where notices are posted, and the file with the secret that signs them. `url` is https, except on this machine."""

    url: str
    secret: Path
    timeout_s: Seconds = 10.0

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname or "")):
            raise ValueError(f"'{url}' is no https address")
        if not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError(f"'{url}' is no plain address; leave out user, password and fragment")
        return url


def secret_in(path: Path) -> str:
    """What a secret's file holds; `Refused` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            "sales.secret", f"The secret in {path} cannot be read: {error}.", "Put it there, for us alone."
        ) from error


@dataclass(frozen=True)
class Mailer:
    """Hands e-mails to a server. Blocking: smtplib is; call it in a thread."""

    settings: EmailSettings

    def __post_init__(self) -> None:
        if self.settings.password is not None:
            secret_in(self.settings.password)

    def send(self, made: EmailMessage) -> None:
        """Hand one over; `Undeliverable` if the server will never take it, `TryLater` if it might."""
        try:
            self._send(made)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _refused(code, said) from error
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("sales.mail_away", f"The mail server does not take it: {error}.") from error

    def _send(self, made: EmailMessage) -> None:
        wish = self.settings
        secure = ssl.create_default_context() if wish.tls != "none" else None
        server: smtplib.SMTP
        if wish.tls == "tls":
            server = smtplib.SMTP_SSL(wish.server, wish.port, timeout=wish.timeout_s, context=secure)
        else:
            server = smtplib.SMTP(wish.server, wish.port, timeout=wish.timeout_s)
        with server:
            if wish.tls == "starttls":
                server.starttls(context=secure)
            if wish.password is not None:
                server.login(wish.user, secret_in(wish.password))
            server.send_message(made)


def _refused(code: int, said: bytes | str) -> BatchoneError:
    what = f"The mail server said {code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    # RFC 5321: 5yz is for good; but to be let in at all (53z) is a matter of the settings, and they can be put right.
    if 500 <= code < 600 and not 530 <= code < 540:
        return Undeliverable("sales.mail_refused", what, "Ask the customer for another address.")
    return TryLater("sales.mail_waits", what)


@dataclass(frozen=True)
class Webhook:
    """Posts notices to one address, which leads nowhere else: redirects are not followed, answers not read."""

    settings: WebhookSettings
    people: Clock

    def __post_init__(self) -> None:
        self._key()

    def _key(self) -> bytes:
        return key_of(secret_in(self.settings.secret))

    async def send(self, letter: Letter) -> None:
        """Post one; `TryLater` unless the receiver says that it has it (2xx)."""
        content = body(letter)
        headers = signed(letter.id, content, self._key(), self.people.now()) | {"content-type": "application/json"}
        try:
            async with (
                httpx.AsyncClient(timeout=self.settings.timeout_s, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", self.settings.url, content=content, headers=headers) as answer,
            ):
                status = answer.status_code
        except httpx.HTTPError as error:
            raise TryLater("sales.webhook_away", f"The webhook does not answer: {error!r}.") from error
        if not 200 <= status < 300:
            raise TryLater("sales.webhook_refused", f"The webhook answered {status}.")
