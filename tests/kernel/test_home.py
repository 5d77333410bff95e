"""The note of what runs over a home folder."""

import os
from pathlib import Path

import pytest

from batchone.kernel.errors import TryLater
from batchone.kernel.home import Running, home_folder, running_in


def note(pid: int) -> Running:
    return Running("laptop", "postgresql://x", "nats://x", "mqtt://x", "http://x", "", pid)


def test_the_note_of_a_living_deployment_is_found(tmp_path: Path) -> None:
    note(os.getpid()).write(tmp_path)
    assert running_in(tmp_path) == note(os.getpid())


def test_the_note_of_a_dead_deployment_does_not_count(tmp_path: Path) -> None:
    note(2**22 - 1).write(tmp_path)
    with pytest.raises(TryLater):
        running_in(tmp_path)


def test_the_note_is_for_its_owner_only(tmp_path: Path) -> None:
    note(os.getpid()).write(tmp_path)
    assert (tmp_path / "running.json").stat().st_mode & 0o077 == 0


def test_the_environment_moves_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHONE_HOME", str(tmp_path / "elsewhere"))
    assert home_folder() == tmp_path / "elsewhere"
