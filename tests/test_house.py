"""The house keeps its own rules: who imports whom, what a domain consists of, and whose words stand in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
PLATFORM = SRC / "batchone"
SOURCES = sorted(path for path in SRC.rglob("*.py") if not path.name.endswith("_pb2.py"))
PACKAGES = sorted(path.parent for path in SRC.rglob("__init__.py"))
DOMAINS = sorted(
    folder
    for floor in ("chain", "machines", "network")
    for folder in (PLATFORM / floor).iterdir()
    if (folder / "__init__.py").exists()
)
LINES_MAX = 600

# English words that packs use as ids, and that mean something else in a program.
ENGLISH = {"cross", "direct", "display", "double", "fixed", "layout", "panel", "print", "right", "single"}
# Words of a pack in a place where somebody has to choose a pack.
CHOSEN = {("batchone/cli/running.py", "refrigerator"): "the demo's pack, unless another is named"}
# What a domain goes without, and what stands in its place.
WITHOUT = {("connect", "model"): "its pure parts are attach, jobs, recent and the drivers' decoders"}


def name(path: Path) -> str:
    return str(path.relative_to(SRC))


def test_imports_keep_to_the_contracts() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_driver_is_named_in_the_contract_of_drivers() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    named = {word.rsplit(".", 1)[1] for word in contracts["importlinter:contract:drivers"]["modules"].split()}
    there = {path.parent.name for path in (PLATFORM / "machines/connect").glob("*/driver.py")}
    assert named == there


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_every_domain_has_the_same_files(domain: Path) -> None:
    def there(part: str) -> bool:
        return (domain / f"{part}.py").exists() or (domain / part / "__init__.py").exists()

    missing = [part for part in ("model", "service", "api", "module") if not there(part) and (domain.name, part) not in WITHOUT]
    if (domain / "migrations").exists():
        missing += [part for part in ("store.py", "queries.sql") if not (domain / part).exists()]
        assert sorted((domain / "migrations").glob("0001_*.sql")), "the first migration is 0001"
    assert not missing


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_every_domains_door_says_what_it_is_for(domain: Path) -> None:
    told = ast.get_docstring(ast.parse((domain / "__init__.py").read_text())) or ""
    assert 4 <= len(told.splitlines()) <= 14


def test_a_domain_without_a_file_is_excused_only_while_it_has_none() -> None:
    for (domain, part), reason in WITHOUT.items():
        (folder,) = (each for each in DOMAINS if each.name == domain)
        assert not (folder / f"{part}.py").exists(), f"{domain} has a {part} now; take the excuse away: {reason}"


def test_no_file_outgrows_its_story() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > LINES_MAX} == {}


def test_no_package_is_laid_out_ahead() -> None:
    empty = [name(package) for package in PACKAGES if len({*package.glob("*.py"), *package.glob("*/__init__.py")}) < 2]
    assert empty == []


def test_every_folder_of_modules_is_a_package() -> None:
    assert [name(folder) for folder in {path.parent for path in SOURCES} if not (folder / "__init__.py").exists()] == []


def catch_alls(tree: ast.AST) -> Iterator[int]:
    """Lines that catch whatever comes and do not let it go on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            everything = any(each is None or ast.unparse(each) in {"Exception", "BaseException"} for each in caught)
            last = node.body[-1]
            if everything and not (isinstance(last, ast.Raise) and last.exc is None):
                yield node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            suppressed = {ast.unparse(each) for each in node.args}
            if suppressed & {"Exception", "BaseException"}:
                yield node.lineno


def test_only_the_supervisor_catches_everything() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        if path != PLATFORM / "kernel/supervise.py"
        for line in catch_alls(ast.parse(path.read_text()))
    ]
    assert found == []


def test_catching_everything_is_recognized_in_every_form() -> None:
    for line in ("except:", "except Exception:", "except (ValueError, Exception) as e:", "except BaseException:"):
        assert list(catch_alls(ast.parse(f"try:\n    x()\n{line}\n    pass"))) == [3], line
    assert list(catch_alls(ast.parse("with contextlib.suppress(Exception):\n    x()"))) == [1]
    for line in ("except ValueError:\n    pass", "except Exception:\n    log()\n    raise"):
        assert list(catch_alls(ast.parse(f"try:\n    x()\n{line}"))) == []


def words_of(pack: Path) -> set[str]:
    """The product's id, and the ids of its options, values, derived attributes, modules and variants."""
    yaml = YAML(typ="safe")
    options, modules = yaml.load(pack / "options.yaml"), yaml.load(pack / "modules.yaml")["modules"]
    words = {yaml.load(pack / "pack.yaml")["product"]["id"]}
    for scope in (options, *options.get("parts", [])):
        for option in scope["options"]:
            words |= {option["id"], *(value["id"] for value in option.get("values", []))}
        for derived in scope.get("derived", []):
            words |= {derived["id"], *(each for each in derived.get("table", {}).values() if isinstance(each, str))}
    words |= {part["id"] for part in options.get("parts", [])}
    for module in modules:
        words |= {module["id"], *(variant["id"] for variant in module["variants"])}
    return {word for word in map(str, words) if len(word) > 4 and not word.isdigit()} - ENGLISH


def test_no_python_names_a_product() -> None:
    packs = sorted(path.parent for path in (ROOT / "packs").glob("*/pack.yaml"))
    assert packs
    words = set().union(*(words_of(pack) for pack in packs))
    assert len(words) > 30
    spellings = [re.escape(word).replace(r"\-", "[-_ ]") for word in sorted(words, key=len, reverse=True)]
    pattern = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(spellings)})(?![a-z0-9])", re.IGNORECASE)
    found = [
        f"{name(path)}:{number}: {hit.group()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for hit in pattern.finditer(line)
        if (name(path), hit.group().lower()) not in CHOSEN
    ]
    assert found == []
