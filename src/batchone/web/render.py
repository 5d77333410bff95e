"""Renders templates: one Jinja environment a language, so that a stream renders once per language without any context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from batchone.web.formats import Formats, decimals_of
from batchone.web.static_files import Assets
from batchone.web.translations import LANGUAGES, translations
from batchone.web.visit import Visit

_TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Templates with their filters and globals."""

    def __init__(self, assets: Assets, zone: tzinfo, name: str) -> None:
        self._environments = {language: _environment(language, assets, zone, name) for language in LANGUAGES}
        self._zone = zone

    def formats(self, language: str) -> Formats:
        """The writers of a language, for view models that must write a text themselves."""
        return Formats(language, self._zone)

    def fragment(self, template: str, language: str, **values: Any) -> str:
        """A template as text, for a stream or a partial answer."""
        return self._environments[language].get_template(template).render(**values)

    def page(
        self, visit: Visit, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> HTMLResponse:
        """A whole page or, for an htmx request, whatever `template` holds."""
        text = self.fragment(template, visit.language, visit=visit, **values)
        return HTMLResponse(
            text, status_code=status, headers={"Vary": "Cookie, HX-Request", "Cache-Control": "no-store", **(headers or {})}
        )


def _environment(language: str, assets: Assets, zone: tzinfo, name: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # by ext.i18n
    formats = Formats(language, zone)
    for filter_name in ("text", "money", "change", "number", "unit", "date", "day", "when", "clock", "duration", "iso"):
        environment.filters[filter_name] = getattr(formats, filter_name)
    environment.globals.update(asset=assets, product_name=name, language=language, decimals_of=decimals_of, zone_name=str(zone))
    return environment
