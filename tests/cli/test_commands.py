"""The command line as a person or another program uses it: results on stdout, the rest on stderr, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def batchone(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"BATCHONE_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "batchone.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=120,
    )


def test_a_valid_pack_is_said_to_be_valid(tmp_path: Path) -> None:
    done = batchone("pack", "check", "packs/refrigerator", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faults"] == []


def test_a_broken_pack_is_told_file_line_and_cure_with_exit_code_1(tmp_path: Path) -> None:
    broken = tmp_path / "pack"
    broken.mkdir()
    for path in (ROOT / "packs/refrigerator").iterdir():
        (broken / path.name).write_text(path.read_text())
    rules = broken / "rules.yaml"
    rules.write_text(rules.read_text().replace("layout", "lay_out", 1))
    done = batchone("pack", "check", str(broken), home=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("rules.yaml:")
    assert "Cure:" in done.stdout
    as_json = batchone("pack", "check", str(broken), "--json", home=tmp_path)
    fault = json.loads(as_json.stdout)["faults"][0]
    assert fault["file"] == "rules.yaml"
    assert fault["line"] > 0
    assert fault["cure"]


def test_wrong_usage_is_exit_code_2_and_stays_off_stdout(tmp_path: Path) -> None:
    for words in (["pack", "chek"], ["order", "new", "--quantity", "many"], ["nonsense"], ["up"]):
        done = batchone(*words, home=tmp_path)
        assert done.returncode == 2, (words, done.stderr)
        assert done.stdout == ""
        assert done.stderr


def test_a_command_without_a_running_platform_says_how_to_start_one(tmp_path: Path) -> None:
    done = batchone("order", "list", home=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "batchone up" in done.stderr


def test_the_doctor_gives_a_cure_with_every_check_that_is_not_ok(tmp_path: Path) -> None:
    done = batchone("doctor", "--json", home=tmp_path)
    findings = json.loads(done.stdout)
    assert {f["check"] for f in findings} >= {
        "python",
        "packages",
        "postgres",
        "nats",
        "assets",
        "home",
        "disk",
        "deploy",
        "port",
    }
    assert all(f["cure"] for f in findings if f["verdict"] != "ok")
    assert done.returncode == (1 if any(f["verdict"] == "fail" for f in findings) else 0)


def test_the_doctor_fails_on_a_wrong_deploy_file(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("name = 'x'")
    done = batchone("doctor", "--deploy", str(wrong), "--json", home=tmp_path)
    assert done.returncode == 1


@pytest.mark.parametrize("words", [["--help"], ["order", "--help"], ["pack", "check", "--help"]])
def test_help_answers(tmp_path: Path, words: list[str]) -> None:
    done = batchone(*words, home=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_a_deployment_that_others_could_reach_without_tls_does_not_start(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open.toml"
    open_to_all.write_text((ROOT / "deploy/laptop.toml").read_text().replace('host = "127.0.0.1"', 'host = "0.0.0.0"'))
    done = batchone("up", str(open_to_all), home=tmp_path / "home")
    assert done.returncode == 1
    assert "tls_certificate" in done.stderr
    assert not (tmp_path / "home/postgres").exists()


def test_whoever_reads_only_the_first_line_is_shown_no_traceback(tmp_path: Path) -> None:
    # The reader is gone before anything is written, as `head` is after its first line.
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "batchone.cli", "pack", "check", "packs/refrigerator", "--json"],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT,
        env=os.environ | {"BATCHONE_HOME": str(tmp_path)}, timeout=120,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
