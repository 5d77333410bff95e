"""Languages: complete catalogues, and the best language for a wish."""

from pathlib import Path

import pytest

from batchone.web import translations
from batchone.web.translations import LANGUAGES, SOURCE, accepted, best_language, untranslated


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != SOURCE])
def test_every_text_of_the_source_is_translated_and_no_other(language: str) -> None:
    assert untranslated(language) == [], "run python -m batchone.web.translations and fill in what it names"


def test_a_missing_a_fuzzy_and_a_superfluous_text_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = translations.po_file("zh").read_text()
    broken = tmp_path / "zh.po"
    start = text.index('msgid "Acknowledge"\n')
    end = text.index("\n\n", start)
    fuzzy = text.index('msgid "Sign in"\n')
    broken.write_text(text[:start].rstrip() + text[end:fuzzy] + "#, fuzzy\n" + text[fuzzy:] + '\nmsgid "gone"\nmsgstr "x"\n')
    monkeypatch.setattr(translations, "po_file", lambda _: broken)
    assert untranslated("zh") == ["Acknowledge", "Sign in", "no longer in the source: gone"]


@pytest.mark.parametrize(
    ("wishes", "language"),
    [(["zh"], "zh"), ([None, "", "zh-CN"], "zh"), (["fr", "zh_TW"], "zh"), (["fr"], "en"), ([], "en"), (["en", "zh"], "en")],
)
def test_the_first_wish_that_we_speak_counts(wishes: list[str | None], language: str) -> None:
    assert best_language(wishes) == language


def test_the_browsers_languages_are_weighed() -> None:
    assert accepted("fr;q=0.9, zh-CN;q=0.8, en;q=0.1, de") == ["de", "fr", "zh-CN", "en"]
    assert accepted("zh;q=x, en;q=0.5") == ["en", "zh"]


def test_a_translated_text_keeps_its_places() -> None:
    assert translations.translations("zh").ngettext("%(num)s alarm", "%(num)s alarms", 3) == "%(num)s 个报警"
    assert translations.translations("en").gettext("Acknowledge") == "Acknowledge"
