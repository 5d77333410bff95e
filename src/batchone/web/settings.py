"""What can be set about the pages."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from batchone.kernel.settings import Seconds, Settings


class WebSettings(Settings):
    """Where the pages are served, in which time zone, and how lively.

    `cookie_secure` is for pages behind TLS. `host` stays on the loopback address unless somebody decides otherwise.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    name: str = "Batchone"
    time_zone: str = "UTC"
    cookie_secure: bool = False
    board_every_s: Seconds = 1.0
    signals_every_s: Seconds = 0.5
    trend_s: Seconds = 60.0
    assets: Path | None = None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{name}' is not a time zone; write one such as Asia/Shanghai") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that times are shown in."""
        return ZoneInfo(self.time_zone)
