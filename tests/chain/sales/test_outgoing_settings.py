"""Where notices may go is said by an administrator, safely or not at all."""

import base64

import pytest
from pydantic import ValidationError

from batchone.chain.sales.outgoing.channels import EmailSettings, Mailer, Webhook, WebhookSettings
from batchone.chain.sales.outgoing.model import key_of
from batchone.kernel.clock import SystemClock
from batchone.kernel.errors import Refused


@pytest.mark.parametrize(
    "url", ["http://hooks.example/x", "ftp://hooks.example", "https://", "file:///etc/passwd", "https://me:pw@hooks.example/",
            "http://169.254.169.254/latest", "https://hooks.example/#x"],
)  # fmt: skip
def test_a_webhook_in_the_open_or_elsewhere_is_refused(url, tmp_path) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings(url=url, secret=tmp_path / "s")


@pytest.mark.parametrize(
    "url", ["https://hooks.example/x?y=1", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9/"]
)
def test_https_and_this_machine_are_taken(url, tmp_path) -> None:
    assert WebhookSettings(url=url, secret=tmp_path / "s").url == url


@pytest.mark.parametrize(
    "text", ["", "secret", "whsec_", "whsec_short", f"whsec_{base64.b64encode(b'x' * 23).decode()}", "whsec_ä"]
)
def test_a_secret_that_is_none_is_refused_at_the_start(text, tmp_path) -> None:
    (tmp_path / "s").write_text(text)
    with pytest.raises(Refused, match="whsec_"):
        Webhook(WebhookSettings(url="https://hooks.example/", secret=tmp_path / "s"), SystemClock())
    with pytest.raises(Refused, match="cannot be read"):
        Webhook(WebhookSettings(url="https://hooks.example/", secret=tmp_path / "none"), SystemClock())


def test_the_key_is_what_the_secret_stands_for() -> None:
    assert key_of(f" whsec_{base64.b64encode(b'x' * 24).decode()}\n") == b"x" * 24


def test_a_password_never_goes_in_the_open_and_must_be_readable(tmp_path) -> None:
    whole = {"server": "mail.example", "sender": "a@b.example", "user": "u", "password": tmp_path / "p"}
    for wrong in ({"tls": "none"}, {"user": ""}, {"sender": "nobody"}, {"time_zone": "Mars/Olympus"}, {"port": 0}):
        with pytest.raises(ValidationError):
            EmailSettings.model_validate(whole | wrong)
    with pytest.raises(Refused, match="cannot be read"):
        Mailer(EmailSettings.model_validate(whole))
    (tmp_path / "p").write_text("secret")
    assert Mailer(EmailSettings.model_validate(whole)).settings.tls == "starttls"
