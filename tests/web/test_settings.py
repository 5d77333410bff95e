"""Where pages may be served."""

from pathlib import Path

import pytest

from batchone.kernel.errors import Refused
from batchone.kernel.settings import read
from batchone.web.settings import WebSettings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_pages_for_this_machine_need_no_tls(host: str) -> None:
    settings = WebSettings(host=host)
    assert settings.loopback
    assert not settings.cookie_secure


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "plant.example"])
def test_pages_for_other_machines_are_refused_without_tls_or_a_stated_proxy(host: str) -> None:
    with pytest.raises(Refused, match="tls_certificate"):
        read(WebSettings, {"host": host}, "module web")
    assert WebSettings(host=host, behind_proxy=True).cookie_secure
    assert WebSettings(host=host, tls_certificate=Path("c.pem"), tls_key=Path("k.pem")).cookie_secure


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(Refused, match="belong together"):
        read(WebSettings, {"tls_certificate": "c.pem"}, "module web")
