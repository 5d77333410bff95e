"""What the documents say is there is there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"(?:^|`)(batchone [a-z][^`\n]*)", re.MULTILINE)
_TARGET = re.compile(r"`make ([a-z-]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing


def test_every_recipe_that_a_page_names_is_in_the_makefile() -> None:
    recipes = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES for target in _TARGET.findall(page.read_text())}
    assert named
    assert named <= recipes


def test_every_command_that_a_page_names_exists() -> None:
    words = {tuple(_verbs(command)) for page in PAGES for command in _COMMAND.findall(page.read_text())}
    assert ("pack", "check") in words
    for verbs in sorted(words):
        done = subprocess.run(
            [sys.executable, "-m", "batchone.cli", *verbs, "--help"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, (verbs, done.stderr)


def _verbs(command: str) -> list[str]:
    """The words before the first that is a path, an option or an argument."""
    verbs = []
    for word in shlex.split(command.replace("...", "").rstrip(":;,."), posix=False)[1:]:
        if not re.fullmatch(r"[a-z]+", word) or len(verbs) == 2:
            break
        verbs.append(word)
    return verbs


def test_every_direct_dependency_has_its_line() -> None:
    lines = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    project = (ROOT / "pyproject.toml").read_text().split("dependencies = [", 1)[1].split("]\n", 1)[0]
    names = re.findall(r'"([a-zA-Z0-9-]+)', project)
    assert not [name for name in names if name not in lines]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
