import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from batchone.chain.planning import validate
from batchone.chain.planning.eventlog import Sharing, import_log
from batchone.kernel.errors import Refused

HEAD = "case_id,activity,resource,start_timestamp,timestamp"
REAL = Path(__file__).parents[5] / "shared" / "data" / "machine-shop" / "Production.csv"


def small_log(path: Path, orders: int = 8) -> Path:
    """Orders that went through three steps with waiting between, some rows of no use among them."""
    chance = random.Random(3)
    rows = [HEAD]
    for n in range(orders):
        at = datetime(2012, 1, 2 + n % 5, 7)  # noqa: DTZ001 - the file carries no zone
        for step, workers in (("Turning", "WV"), ("Grinding", "VX"), ("Checking", "Q")):
            end = at + timedelta(minutes=chance.choice([30, 60, 90]))
            rows.append(f"O{n},{step},{chance.choice(workers)},{at:%Y/%m/%d %H:%M:%S},{end:%Y/%m/%d %H:%M:%S}")
            at = end + timedelta(minutes=chance.choice([0, 30, 200]))
    rows += [rows[1], "O1,Turning,W,2012/01/02 07:00:00,2012/01/02 07:00:00", 'O2,"<b>",W,x,y']
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_log_becomes_a_plan_and_a_report(tmp_path: Path) -> None:
    report = import_log(small_log(tmp_path / "log.csv"), budget_s=0, seed=1, out_dir=tmp_path / "out")
    assert report.rows == 27
    assert [(issue.line, issue.kind) for issue in report.left_out] == [(26, "repeat"), (27, "zero"), (28, "time")]
    assert [view.sharing for view in report.views] == [Sharing.ONE_JOB, Sharing.AS_REPORTED]
    for view in report.views:
        assert validate(view.problem, view.plan) == []
    assert all(path.stat().st_size > 0 for path in report.files.values())


def test_the_plan_keeps_the_real_release_and_the_files_agree(tmp_path: Path) -> None:
    report = import_log(small_log(tmp_path / "log.csv"), budget_s=0, seed=1, out_dir=tmp_path / "out")
    rows = read(report.files["orders.csv"])
    assert [row["order"] for row in rows] == [order.order for order in report.orders]
    first_start = {}
    for step in read(report.files["plan.csv"]):
        first_start[step["order"]] = min(step["planned_start"], first_start.get(step["order"], "9"))
    assert all(first_start[row["order"]] >= row["release"] for row in rows)
    document = json.loads(report.files["report.json"].read_bytes())
    assert document["rows_left_out"] == 3
    assert [order["later_h"] for order in document["orders"]] == [round(order.later_s / 3600, 2) for order in report.orders]
    assert document["readings"][0]["orders_sooner"] == sum(order.later_s < 0 for order in report.orders)


def test_the_page_says_what_it_shows_and_what_not_and_trusts_no_name(tmp_path: Path) -> None:
    log = small_log(tmp_path / "<i>log.csv")
    report = import_log(log, budget_s=0, seed=1, out_dir=tmp_path / "out")
    html, text = (report.files[name].read_text(encoding="utf-8") for name in ("summary.html", "summary.md"))
    for page in (html, text):
        assert "The log has no due dates" in page
        assert "What it does not show" in page
        assert "1 left out: a row repeats line 2" in page
    assert "<svg" in html
    assert "<i>log" not in html


def test_the_same_log_and_seed_give_the_same_files(tmp_path: Path) -> None:
    log = small_log(tmp_path / "log.csv")
    first = import_log(log, budget_s=0, seed=1, out_dir=tmp_path / "one")
    second = import_log(log, budget_s=0, seed=1, out_dir=tmp_path / "two")
    for name, path in first.files.items():
        assert path.read_bytes() == second.files[name].read_bytes(), name


def test_a_log_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEAD + "\nO,T,W,x,y\n", encoding="utf-8")
    with pytest.raises(Refused, match="no usable row"):
        import_log(path, budget_s=0, seed=1, out_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the machine-shop log is not beside this repository (../shared/data)")
def test_the_log_of_a_real_machine_shop_is_planned(tmp_path: Path) -> None:
    report = import_log(REAL, budget_s=2, seed=1, out_dir=tmp_path)
    kinds = {kind: sum(issue.kind == kind for issue in report.issues) for kind in ("zero", "repeat", "negative", "time")}
    assert (report.rows, len(report.orders)) == (4503, 225)
    assert kinds == {"zero": 9, "repeat": 51, "negative": 0, "time": 0}
    for view in report.views:
        assert validate(view.problem, view.plan) == []
    busy_h = sum(worker.busy_s for worker in report.learnt.workers) / 3600
    assert report.views[0].figures()["work_h"] == pytest.approx(busy_h, rel=1e-3)
    assert all(order.planned_lead_s > 0 for order in report.orders)
    assert sum(order.later_s < 0 for order in report.orders) > len(report.orders) // 2
