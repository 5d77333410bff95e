"""What can be set about the pages."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator, model_validator

from batchone.kernel.settings import Seconds, Settings


class WebSettings(Settings):
    """Where the pages are served, in which time zone, and how lively.

    `host` stays on the loopback address unless somebody decides otherwise; then the pages are served with TLS
    (`tls_certificate` and `tls_key`, PEM files) or stand behind a proxy that does that (`behind_proxy`), else nothing starts.
    `embed_origins` are the other sites that may show the configurator (`https://shop.example`); none unless they are named.
    Boards are drawn every `board_every_s`; the line board also when a machine changes, at most every `board_least_s`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    name: str = "Batchone"
    time_zone: str = "UTC"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    board_every_s: Seconds = 0.5
    board_least_s: Seconds = 0.1
    signals_every_s: Seconds = 0.5
    trend_s: Seconds = 60.0
    assets: Path | None = None
    embed_origins: tuple[str, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{name}' is not a time zone; write one such as Asia/Shanghai") from error
        return name

    @field_validator("embed_origins")
    @classmethod
    def _whole_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
            if not safe or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}" or "@" in origin or "*" in origin:
                raise ValueError(f"'{origin}' is no origin of another site; write one such as https://shop.example")
        return origins

    @model_validator(mode="after")
    def _safe_beyond_this_machine(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together; name both or neither")
        if not self.loopback and self.tls_certificate is None and not self.behind_proxy:
            raise ValueError(
                f"{self.host} can be reached from other machines: "
                "name tls_certificate and tls_key, or state behind_proxy = true"
            )
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the pages."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def cookie_secure(self) -> bool:
        """Whether browsers must send the session's cookie over TLS only."""
        return self.tls_certificate is not None or self.behind_proxy

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that times are shown in."""
        return ZoneInfo(self.time_zone)
