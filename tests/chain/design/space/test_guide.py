"""The guide to feature models says what is so: its model and its code run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from batchone.chain.design.exchange.inward import SUBSETS_MAX
from batchone.chain.design.exchange.sums import COPIES_MAX
from batchone.chain.design.uvl import FEATURES_MAX, read
from batchone.chain.design.uvl.formulas import BRACKETS_MAX
from batchone.chain.design.uvl.reading import BYTES_MAX, LINES_MAX

ROOT = Path(__file__).parents[4]
GUIDE = (ROOT / "docs/guides/configure.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))


def test_the_model_and_the_code_of_the_guide_run() -> None:
    named: dict[str, Any] = {"TEXT": BLOCKS["uvl"]}
    exec(compile(BLOCKS["python"], "configure.md", "exec"), named)
    assert named["session"].number == 2
    assert len(read(BLOCKS["uvl"]).constraints) == 3


def test_the_commands_of_the_guide_run(tmp_path: Path) -> None:
    (tmp_path / "bikes.uvl").write_text(BLOCKS["uvl"])
    (tmp_path / "packs").symlink_to(ROOT / "packs")
    for command in BLOCKS["sh"].splitlines():
        words = shlex.split(command)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "batchone.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=120,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or "--out" in words
    rules = (tmp_path / "my-pack/rules.yaml").read_text()
    assert rules.startswith("rules:")
    assert "50 * count{" in rules


def test_limits_are_those_that_the_guide_names() -> None:
    text = " ".join(GUIDE.split())
    limits = f"{FEATURES_MAX:,} features, {LINES_MAX:,} lines, {BYTES_MAX // 1_000_000} MB, {BRACKETS_MAX} brackets"
    assert limits in text
    assert f"more than {SUBSETS_MAX:,} rules" in text
    assert f"than {COPIES_MAX} cases tell apart" in text
