"""The command reads what is asked of it, and writes what it found as JSON too."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.figures import Options, Report, Table

from benchmarks import __main__ as command


def test_an_unknown_benchmark_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments(["clack"])
    told = capsys.readouterr().err
    assert "clack" in told
    assert ", ".join(command.NAMES) in told


def test_tables_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, Options]] = []

    def module(name: str) -> SimpleNamespace:
        async def run(options: Options) -> Report:
            asked.append((name, options))
            return Report("click", [Table("Clicks", ("way", "ms"), (("ours", 1.5),))], {"all of it": "lines"})

        return SimpleNamespace(run=run)

    monkeypatch.setattr(command, "import_module", module)
    file = tmp_path / "found.json"
    command.main(["click", "--quick", "--profile", "--json", str(file)])
    assert asked == [("benchmarks.click", Options(quick=True, profile=True))]
    told = capsys.readouterr().out
    assert "cores" in told
    assert "Clicks" in told
    assert "profile: all of it" in told
    found = json.loads(file.read_text())
    assert found["quick"] is True
    assert found["machine"]["cores"] >= 1
    assert found["benchmarks"][0]["tables"][0]["rows"] == [["ours", 1.5]]
