"""`batchone configure` as a person or another program uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIKES = """features
\tbike
\t\tmandatory
\t\t\tframe
\t\t\t\talternative
\t\t\t\t\tsteel
\t\t\t\t\tcarbon
\t\toptional
\t\t\tbell
\t\t\track
\t\t\tgold
constraints
\track => steel
\tgold => carbon & steel
"""


@pytest.fixture
def bikes(tmp_path: Path) -> Path:
    file = tmp_path / "bikes.uvl"
    file.write_text(BIKES)
    return file


def batchone(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batchone.cli", *map(str, words)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ, timeout=120,
    )  # fmt: skip


def test_check_tells_what_a_model_has(bikes: Path) -> None:
    done = batchone("configure", "check", bikes, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["load_s"] < 5
    assert {key: found[key] for key in ("features", "groups", "constraints", "core", "dead", "satisfiable")} == {
        "features": 7, "groups": 3, "constraints": 2, "core": 2, "dead": 1, "satisfiable": True,
    }  # fmt: skip
    assert found["dead_features"] == ["gold"]
    assert found["core_features"] == ["bike", "frame"]
    # Bell or not; rack or not with steel, none with carbon.
    assert (found["configurations"]["exact"], found["configurations"]["number"]) == (True, "6")
    told = batchone("configure", "check", bikes)
    assert "dead            1" in told.stdout
    assert "bikes.uvl:11: no configuration has gold" in told.stderr


def test_check_names_the_least_that_contradicts_with_exit_code_1(bikes: Path) -> None:
    bikes.write_text(BIKES + "\tbell\n\tbell => carbon\n\track\n")
    done = batchone("configure", "check", bikes, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert not found["satisfiable"]
    assert [said["line"] for said in found["contradiction"]] == [5, 13, 15, 16, 17]
    told = batchone("configure", "check", bikes)
    assert told.returncode == 1
    assert "bikes.uvl:16: bell => carbon" in told.stdout


def test_a_fault_is_told_with_line_column_and_what_was_expected(bikes: Path) -> None:
    bikes.write_text(BIKES + "\tbell => (rack\n")
    done = batchone("configure", "check", bikes, "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "design.uvl"
    assert f"bikes.uvl:{error['line']}:{error['column']}" in done.stderr
    assert error["expected"] in done.stderr
    assert batchone("configure", "check", bikes).stdout == ""
    assert "bikes.uvl:16:1: The line ends here." in done.stderr
    assert "')' for the '(' of 15:10" in done.stderr


def test_click_tells_every_state_and_explains_what_is_excluded(bikes: Path) -> None:
    done = batchone("configure", "click", bikes, "--choose", "rack,!bell", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    states = {option["option"]: option["state"] for option in found["options"]}
    assert states == {
        "bike": "forced", "frame": "forced", "steel": "forced", "carbon": "excluded", "bell": "excluded", "rack": "forced",
        "gold": "excluded",
    }  # fmt: skip
    by_name = {option["option"]: option for option in found["options"]}
    assert by_name["rack"]["chosen"] is True
    assert by_name["bell"]["chosen"] is False
    assert by_name["steel"]["chosen"] is None
    carbon = by_name["carbon"]["explanation"]
    assert carbon["choices"] == {"rack": True}
    assert [said["line"] for said in carbon["statements"]] == [5, 13]
    assert by_name["gold"]["explanation"]["choices"] == {}
    assert by_name["gold"]["always"] is True
    assert all(("explanation" in option) is (option["state"] == "excluded") for option in found["options"])
    told = batchone("configure", "click", bikes, "--choose", "rack")
    assert "excluded   carbon" in told.stdout
    assert "chosen: rack" in told.stdout


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        ("rak", ("no option 'rak'", "rack")),
        ("rack,carbon", ("exclude one another", "Give up rack")),
        ("rack,!rack", ("both chosen and left out",)),
        ("gold", ("exclude one another: gold", "line 14")),
    ],
)
def test_choices_that_cannot_be_are_refused_with_a_cure(bikes: Path, choose: str, words: tuple[str, ...]) -> None:
    done = batchone("configure", "click", bikes, "--choose", choose, "--json")
    assert done.returncode == 1
    assert set(json.loads(done.stdout)) == {"error"}
    for word in words:
        assert word in done.stderr


def test_bench_tells_percentiles_and_memory(bikes: Path) -> None:
    done = batchone("configure", "bench", bikes, "--clicks", "20", "--seed", "3", "--page", "4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["clicks"] == 20
    assert 0 < found["page_p50_ms"] <= found["page_p99_ms"]
    assert 0 < found["whole_p50_ms"] <= found["whole_p99_ms"]
    assert found["explanation_p99_ms"] > 0
    assert 0 < found["session_bytes"] < 2_000_000


def test_wrong_usage_is_exit_code_2(bikes: Path) -> None:
    for words in (["configure", "clik", bikes], ["configure", "check"], ["configure", "bench", bikes, "--clicks", "0"]):
        done = batchone(*words)
        assert done.returncode == 2, (words, done.stderr)
        assert done.stdout == ""


def test_a_packs_folder_stands_for_a_file_and_a_pack_goes_out_as_uvl(tmp_path: Path) -> None:
    found = json.loads(batchone("configure", "check", "packs/refrigerator", "--json").stdout)
    out = tmp_path / "pack.uvl"
    done = batchone("pack", "export", "packs/refrigerator", "--uvl", "--out", out)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    again = json.loads(batchone("configure", "check", out, "--json").stdout)
    assert again["configurations"] == found["configurations"]
    assert found["configurations"]["exact"]
    assert batchone("pack", "export", "packs/refrigerator").returncode == 1


def test_a_model_comes_in_as_options_and_rules_and_nothing_is_written_over(bikes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    done = batchone("pack", "import", bikes, folder, "--json")
    assert done.returncode == 0, done.stderr
    # Gold is dead: it is left out.
    assert json.loads(done.stdout)["options"] == 3
    before = (folder / "rules.yaml").read_text()
    assert "frame = steel" in before
    again = batchone("pack", "import", bikes, folder)
    assert again.returncode == 1
    assert "--replace" in again.stderr
    bikes.write_text(BIKES.replace("\track => steel\n", ""))
    assert batchone("pack", "import", bikes, folder, "--replace").returncode == 0
    assert (folder / "rules.yaml").read_text() != before
