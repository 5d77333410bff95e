"""The guide's code runs as it stands, one block after another, and so do its commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[3] / "docs/guides/planning.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.slow
def test_the_blocks_and_commands_of_the_guide_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert len(blocks("python")) == 5
    for block in blocks("python"):
        exec(block, names)
    assert "A turn" in capsys.readouterr().out
    commands = blocks("sh")[0].splitlines()
    assert len(commands) == 5
    for command in commands:
        words = shlex.split(command)[1:]
        done = subprocess.run([sys.executable, "-m", "batchone.cli", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_guide_names_every_key_of_the_answer() -> None:
    source = (Path(__file__).parents[3] / "src/batchone/cli/solving.py").read_text()
    told = source[source.index("told = {") : source.index("}\n    if json")]
    keys = re.findall(r'^        "(\w+)":', told, re.MULTILINE)
    assert len(keys) == 21
    assert not [key for key in keys if f"`{key}`" not in GUIDE]
