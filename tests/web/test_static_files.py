"""Static files: versioned addresses, a year's cache, compressed copies, and nothing from elsewhere."""

import re
from pathlib import Path

import httpx
import pytest
from tests.web.conftest import As

from batchone.kernel.errors import Broken
from batchone.web import static_files
from batchone.web.assets import ENTRIES
from batchone.web.static_files import Assets, vendored

WEB = Path(static_files.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))


async def get(as_: As, path: str, **headers: str) -> httpx.Response:
    return await as_("").get(path, headers=headers)


async def test_a_vendored_file_comes_compressed_to_those_who_take_it_and_is_kept_for_a_year(as_: As, static: Path) -> None:
    raw = as_("").build_request("GET", "/static/vendor/0123456789abcdef/ix.js", headers={"Accept-Encoding": "gzip"})
    answer = await as_("").send(raw, stream=True)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert b"".join([part async for part in answer.aiter_raw()]) == b"\x1f\x8b compressed"
    plain = await get(as_, "/static/vendor/0123456789abcdef/ix.js", **{"Accept-Encoding": "identity"})
    assert plain.text == "plain"
    assert "content-encoding" not in plain.headers


async def test_our_own_files_answer_under_any_version_and_nothing_else_does(as_: As) -> None:
    assert (await get(as_, "/static/own/whatever/app.css")).status_code == 200
    for path in ("vendor/0123456789abcdef/ix.js", "nothing.css", "..%2f..%2fapp.py", "app.py"):
        assert (await get(as_, f"/static/own/v/{path}")).status_code == 404


def test_the_version_of_our_own_files_follows_their_content(static: Path, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("one")
    first = Assets(tmp_path).own("a.css")
    assert Assets(tmp_path).own("a.css") == first
    (tmp_path / "a.css").write_text("two")
    assert Assets(tmp_path).own("a.css") != first


def test_without_a_build_the_error_says_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"python -m batchone\.web\.assets"):
        vendored(tmp_path)


@pytest.mark.parametrize("path", [*TEMPLATES, *static_files.own_files()], ids=lambda path: path.name)
def test_no_page_and_no_file_of_ours_names_another_origin(path: Path) -> None:
    found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"']*", path.read_text())
    assert [each for each in found if not each.startswith("http://www.w3.org/")] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_neither_script_nor_style_so_that_the_policy_can_forbid_both(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"<script(?![^>]*\bsrc=)", text) is None
    assert re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|js:", text) is None


def test_every_element_and_icon_that_a_template_uses_is_in_the_bundle() -> None:
    text = "\n".join(path.read_text() for path in TEMPLATES)
    bundle = (ENTRIES / "ix.js").read_text()
    elements = set(re.findall(r"<(ix-[a-z-]+)", text))
    icons = set(re.findall(r'icon="([a-z-]+)"', text)) | set(re.findall(r'<ix-icon name="([a-z-]+)"', text))
    icons |= set(re.findall(r'Entry\("[^"]+", "[^"]+", "([a-z-]+)"', (WEB / "menu.py").read_text()))
    assert elements == set(re.findall(r"components/(ix-[a-z-]+)\.js", bundle))
    wanted = {"icon" + "".join(word.capitalize() for word in icon.split("-")) for icon in icons}
    assert wanted <= set(re.findall(r"\bicon[A-Z]\w+", bundle))
