import json
import logging
import os
from pathlib import Path

import pytest

from plantsim.state import FileJournal, NoJournal, Readings


def started(job: str, setup: str = "") -> dict[str, object]:
    return {"did": "start", "job": job, "setup": setup}


def test_records_come_back_per_equipment_in_order(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.jsonl"
    journal = FileJournal(file)
    journal.record("press", started("J-1"))
    journal.record("kiln", started("J-2"))
    journal.record("press", started("J-3"))
    journal.close()
    again = FileJournal(file)
    assert [told["job"] for told in again.records("press")] == ["J-1", "J-3"]
    assert [told["job"] for told in again.records("kiln")] == ["J-2"]
    again.close()


def test_opening_keeps_only_what_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    journal = FileJournal(file)
    for job in ("J-1", "J-2"):
        journal.record("press", started(job, setup=job))
        journal.record("press", {"did": "end", "job": job, "ended": {}})
    journal.record("press", {"did": "clear", "job": "J-1"})
    journal.close()
    again = FileJournal(file)
    assert [(told["did"], told["job"]) for told in again.records("press")] == [
        ("start", "J-2"),
        ("end", "J-2"),
        ("clear", "J-1"),
    ]
    again.close()
    assert len(file.read_text().splitlines()) == 3


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"equipment": "press", **started("J-1")}) + '\n{"equipment": "pr')
    with caplog.at_level(logging.WARNING):
        journal = FileJournal(file)
    journal.record("press", started("J-2"))
    journal.close()
    assert "incomplete" in caplog.text
    again = FileJournal(file)
    assert [told["job"] for told in again.records("press")] == ["J-1", "J-2"]
    again.close()


def test_without_a_folder_nothing_is_kept() -> None:
    journal = NoJournal()
    journal.record("press", started("J-1"))
    assert list(journal.records("press")) == []
    Readings(None).write("shaping", {"press": (1.0, 2.0)})
    assert Readings(None).read("shaping") == {}


def test_readings_pass_from_one_process_to_another(tmp_path: Path) -> None:
    writer, reader = Readings(tmp_path), Readings(tmp_path)
    assert reader.read("shaping") == {}
    writer.write("shaping", {"press": (1.0, 2.0)})
    assert reader.read("shaping") == {"press": (1.0, 2.0)}
    writer.write("shaping", {"press": (3.0, 4.0)})
    os.utime(tmp_path / "shaping.power.json", ns=(0, 1))
    assert reader.read("shaping") == {"press": (3.0, 4.0)}
