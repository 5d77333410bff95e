"""The pages' languages: English is the source, Chinese a gettext catalogue that is read straight from its text form.

Texts of templates and pages are marked `_("...")` (or `N_("...")` where they are only named); texts of the domain (machines,
options, checks) are `{"en": ..., "zh": ...}` in the data and never pass through here.
`python -m batchone.web.translations` brings the catalogue up to date with the source and says what is still to be translated.
"""

from __future__ import annotations

import gettext
import io
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

LANGUAGES = ("en", "zh")
SOURCE = "en"
_WEB = Path(__file__).parent
_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def po_file(language: str) -> Path:
    """Where a language's catalogue lies."""
    return _WEB / "locale" / language / "LC_MESSAGES" / "batchone.po"


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The translations into a language; the source language needs none."""
    if language == SOURCE:
        return gettext.NullTranslations()
    with po_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def best_language(wished: Iterable[str | None]) -> str:
    """The first of the wishes that we speak (`zh-CN` counts as `zh`), else the source language."""
    for wish in wished:
        short = (wish or "").strip().lower().split("-")[0].split("_")[0]
        if short in LANGUAGES:
            return short
    return SOURCE


def accepted(header: str) -> list[str]:
    """The languages of an `Accept-Language` header, best first; what cannot be read counts least."""
    weighted: list[tuple[float, str]] = []
    for part in header.split(","):
        language, _, weight = part.partition(";q=")
        try:
            weighted.append((float(weight) if weight else 1.0, language.strip()))
        except ValueError:
            weighted.append((0.0, language.strip()))
    return [language for _, language in sorted(weighted, key=lambda pair: -pair[0])]


def extracted() -> Catalog:
    """Every text of the source that wants translation."""
    catalogue = Catalog(project="batchone", charset="utf-8")
    options = {"**/templates/**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
    found = extract_from_dir(str(_WEB), _METHODS, options, keywords=_KEYWORDS)
    for name, _line, message, _comments, _context in found:
        catalogue.add(message, None, [(f"batchone/web/{name}", 1)])
    return catalogue


def untranslated(language: str) -> list[str]:
    """Texts of the source that the catalogue lacks, has empty or marks as fuzzy, and texts that the source no longer has."""
    with po_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    wanted = {_key(message.id) for message in extracted() if message.id}
    have = {
        _key(message.id)
        for message in catalogue
        if message.id and not message.fuzzy and all(message.string if isinstance(message.string, tuple) else (message.string,))
    }
    gone = {_key(message.id) for message in catalogue if message.id} - wanted
    return sorted(wanted - have) + [f"no longer in the source: {text}" for text in sorted(gone)]


def _key(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def update(language: str) -> None:
    """Bring a catalogue up to date: new texts empty, old ones out, translations kept; without a change nothing is written."""
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue = Catalog(locale=language)
    if path.is_file():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    before = {_key(message.id) for message in catalogue if message.id}
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    if before == {_key(message.id) for message in catalogue if message.id}:
        return
    catalogue.header_comment = "# Texts of Batchone's pages; brought up to date by python -m batchone.web.translations."
    catalogue.project, catalogue.version, catalogue.fuzzy = "batchone", "0", False
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = "batchone"
    catalogue.revision_date = catalogue.creation_date
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, no_location=True, sort_output=True, omit_header=False)


if __name__ == "__main__":
    for each in LANGUAGES[1:]:
        update(each)
        for text in untranslated(each):
            sys.stderr.write(f"{each}: {text}\n")
