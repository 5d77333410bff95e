"""The planning engine at the terminal."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.chain.planning.files.instances import FJSP, FOLDER, JSP, SDST, needs_instances
from tests.chain.planning.problems import op, plant, problem
from tests.cli.test_commands import batchone

from batchone.chain.planning import Job, Resource, solve
from batchone.chain.planning.files import load, native

pytestmark = pytest.mark.slow
"""Each command starts a process, and a search of its own compiled code in it."""

KEYS = [
    "instance", "format", "jobs", "operations", "resources", "objective", "makespan", "weighted_tardiness", "setup",
    "lower_bound", "gap", "first_feasible_s", "elapsed_s", "seed", "workers", "method", "steps", "valid", "violations", "plan",
]  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text(FJSP)
    return path


def test_a_problem_is_planned_judged_and_written(instance: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"plan.{name}" for name in ("json", "csv", "ics", "xml")}
    words = ["--out", files["json"], "--csv", files["csv"], "--ical", f"m3:{files['ics']}", "--b2mml", files["xml"]]
    done = batchone(
        "plan", "solve", str(instance), "--seconds", "0.2", "--seed", "3", *map(str, words), "--json", home=tmp_path
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told)[: len(KEYS)] == KEYS
    assert (told["instance"], told["format"], told["jobs"], told["operations"], told["resources"]) == ("small", "fjsp", 2, 3, 3)
    assert told["objective"] == told["makespan"] == told["measures"]["makespan"]
    assert told["valid"] is True
    assert told["violations"] == []
    assert told["seed"] == 3
    assert 0 <= told["first_feasible_s"] <= told["elapsed_s"]
    assert 0 <= told["gap"] <= 1
    assert "objective" in done.stderr
    assert native.read_plan(files["json"].read_bytes()).objective.makespan_s == told["objective"]
    assert files["csv"].read_text().startswith("operation,job,")
    assert files["ics"].read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert "OperationsSchedule" in files["xml"].read_text()
    for kind in ("json", "csv"):
        judged = batchone("plan", "validate", str(instance), str(files[kind]), home=tmp_path)
        assert (judged.returncode, judged.stdout) == (0, "valid: 3 operations\n")


def test_a_broken_plan_is_judged_with_exit_code_1(tmp_path: Path) -> None:
    of = plant(2)
    paths = tmp_path / "p.json", tmp_path / "plan.json"
    paths[0].write_bytes(native.write_problem(of))
    assert batchone("plan", "solve", str(paths[0]), "--seconds", "0", "--out", str(paths[1]), home=tmp_path).returncode == 0
    plan = native.read_plan(paths[1].read_bytes())
    paths[1].write_bytes(native.write_plan(replace(plan, assignments=plan.assignments[1:])))
    done = batchone("plan", "validate", *map(str, paths), home=tmp_path)
    assert done.returncode == 1
    assert "completeness: operation" in done.stdout
    told = json.loads(batchone("plan", "validate", *map(str, paths), "--json", home=tmp_path).stdout)
    assert told["valid"] is False
    assert {"rule", "operation", "job", "what"} == set(told["violations"][0])


def test_the_result_is_text_for_a_person(instance: Path, tmp_path: Path) -> None:
    done = batchone("plan", "solve", str(instance), "--seconds", "0", home=tmp_path)
    assert done.returncode == 0
    assert "small (fjsp): 2 jobs, 3 operations, 3 resources" in done.stdout
    assert "(makespan)" in done.stdout


def test_a_target_ends_the_search(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = [" ".join(f"{m} {chance.randint(1, 99)}" for m in chance.sample(range(8), 8)) for _ in range(8)]
    path = tmp_path / "shop.jsp"
    path.write_text("\n".join(["8 8", *rows]))
    at_once = solve(load(path)[0], 0, 1).objective.makespan_s
    words = ["--seconds", "80000", "--target", str(at_once - 1), "--json"]
    done = batchone("plan", "solve", str(path), *words, home=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["lower_bound"] < told["objective"] < at_once


def test_a_problem_is_written_in_another_format(tmp_path: Path) -> None:
    given, out = tmp_path / "p.txt", tmp_path / "p.jsp"
    given.write_text(JSP)
    done = batchone("plan", "convert", str(given), str(tmp_path / "p.json"), home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'p.json'} (json): 2 jobs, 4 operations\n")
    told = json.loads(batchone("plan", "convert", str(tmp_path / "p.json"), str(out), "--json", home=tmp_path).stdout)
    assert told == {"instance": "p", "format": "json", "written": str(out), "as": "jsp"}
    assert out.read_text() == JSP.partition("\n")[2]
    named = batchone("plan", "convert", str(out), str(tmp_path / "flexible.txt"), "--to", "fjsp", home=tmp_path)
    assert named.returncode == 0, named.stderr
    assert (tmp_path / "flexible.txt").read_text() == "2 2\n2 1 1 3 1 2 2\n2 1 2 4 1 1 1\n"


def test_what_cannot_be_written_is_refused_and_nothing_is(instance: Path, tmp_path: Path) -> None:
    for words, code, said in [
        ([str(instance), str(tmp_path / "x.jsp")], 1, "does not fit a job shop: job 'j1' has 2 operations"),
        ([str(instance), str(tmp_path / "x.txt")], 1, "--to"),
        ([str(instance), str(tmp_path / "x"), "--to", "hfsp"], 2, "--to"),
    ]:
        done = batchone("plan", "convert", *words, home=tmp_path)
        assert done.returncode == code, (words, done.stderr)
        assert said in done.stderr
        assert done.stdout == ""
    assert not list(tmp_path.glob("x*"))


def test_a_format_may_be_named_where_it_cannot_be_told(tmp_path: Path) -> None:
    square = tmp_path / "square.txt"
    square.write_text("2\n2\n1 1\n1 2\n3 4\n")
    assert "--format" in batchone("plan", "solve", str(square), home=tmp_path).stderr
    done = batchone("plan", "solve", str(square), "--format", "hfsp", "--seconds", "0", "--json", home=tmp_path)
    assert json.loads(done.stdout)["format"] == "hfsp"


def test_bad_input_is_exit_code_1_and_bad_usage_2(instance: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_text(SDST.replace("6", "x"))
    for words, code, said in [
        ([str(broken), "--format", "sdst-pfsp"], 1, "line 4, column 5 (field 3): 'x' stands there"),
        ([str(tmp_path / "ghost.txt")], 1, "cannot be read"),
        ([str(instance), "--out", str(tmp_path / "no/plan.json")], 1, "no folder"),
        ([str(instance), "--seconds", "0", "--ical", f"ghost:{tmp_path / 'x.ics'}"], 1, "ghost"),
        ([str(instance), "--ical", "m1"], 2, "RESOURCE:FILE"),
        ([str(instance), "--seconds", "-1"], 2, "--seconds"),
        ([str(instance), "--workers", "0"], 2, "--workers"),
        ([str(instance), "--target", "-1"], 2, "--target"),
        ([str(instance), "--format", "excel"], 2, "--format"),
    ]:
        done = batchone("plan", "solve", *words, home=tmp_path)
        assert done.returncode == code, (words, done.stderr)
        assert said in done.stderr
        assert done.stdout == ""


def test_jobs_at_fault_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    of = problem([Resource("r")], [Job("a"), Job("b")], [op("a.0", "r"), op("b.0", "r", after=("b.0",))])
    path.write_bytes(native.write_problem(of))
    refused = batchone("plan", "solve", str(path), "--seconds", "0", home=tmp_path)
    assert refused.returncode == 1
    assert "in a ring: 'b.0' -> 'b.0'" in refused.stderr
    done = batchone("plan", "solve", str(path), "--seconds", "0", "--leave-out", "--json", home=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["jobs"] == 1
    assert "job 'b' is left out" in done.stderr


@needs_instances
def test_a_published_instance_is_planned(tmp_path: Path) -> None:
    done = batchone("plan", "solve", str(FOLDER / "jsp/ft06.txt"), "--seconds", "60", "--json", home=tmp_path)
    assert json.loads(done.stdout)["objective"] == 55


def test_two_plans_are_compared(tmp_path: Path) -> None:
    of = problem([Resource("r")], [Job("A", 100), Job("B", 100)], [op("A.1", "r", 60), op("B.1", "r", 60)])
    first = solve(of, 0, 1)
    late = {a.operation: a for a in first.assignments}
    order = sorted(late, key=lambda name: late[name].start_s)
    at = {
        name: replace(late[name], setup_start_s=60 * n, start_s=60 * n, end_s=60 * n + 60) for n, name in enumerate(order[::-1])
    }
    ends = {a.job: a.end_s for a in at.values()}
    jobs = tuple(replace(j, end_s=ends[j.job], lateness_s=ends[j.job] - 100) for j in first.jobs)
    second = replace(first, assignments=tuple(sorted(at.values(), key=lambda a: a.start_s)), jobs=jobs)
    paths = tmp_path / "one.json", tmp_path / "two.json"
    for path, plan in zip(paths, (first, second), strict=True):
        path.write_bytes(native.write_plan(plan))
    done = batchone("plan", "diff", *map(str, paths), "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(each["job"], each["by_s"], each["becomes_late"]) for each in told["jobs"]] == [
        (order[0][0], 60, True),
        (order[1][0], -60, False),
    ]
    assert {each["operation"] for each in told["moved"]} == {"A.1", "B.1"}
    assert told["measures"]["makespan"] == {"before": 120, "after": 120}
    words = batchone("plan", "diff", *map(str, paths), home=tmp_path).stdout
    assert "+0:01:00  now late" in words
    assert "2 operations moved, 0 of them to another place; 0 added, 0 removed" in words
    missing = batchone("plan", "diff", str(paths[0]), str(tmp_path / "none.json"), home=tmp_path)
    assert missing.returncode == 1
