"""The guide's code reads our files, and its settings are settings."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date
from pathlib import Path

from batchone.kernel.settings import read
from batchone.machines import columns
from batchone.machines.history.module import HistorySettings
from batchone.machines.history.segments import SegmentFiles

GUIDE = (Path(__file__).parents[3] / "docs/guides/history.md").read_text()


def block(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[number])


def test_another_program_reads_a_packed_file_as_the_guide_says(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path, lambda: "S1", lambda: 0.0)
    values = [0.1, -7.25, math.pi, 1e300]
    source, received = [1_000_000, 2_000_001, 3_000_000, 4_000_000], [1_007_000, 2_007_000, 2_999_999, 5_000_000]
    batch = columns.to_batch(("m/x", "m/y"), (0, 0, 1, 1), source, received, values, (0, 1, 2, 0))
    segment = files.write("t", date(1970, 1, 1), batch, packed=True)
    namespace: dict[str, object] = {}
    exec(block("python"), namespace)
    rows = namespace["samples"](str(tmp_path / segment.file)).fetchall()  # type: ignore[operator]
    assert rows == [
        (path, *rest) for path, *rest in zip(("m/x", "m/x", "m/y", "m/y"), source, received, values, (0, 1, 2, 0), strict=True)
    ]


def test_the_guides_settings_are_settings() -> None:
    settings = read(HistorySettings, tomllib.loads(block("toml"))["modules"]["history"], "history")
    assert (settings.keep_short, settings.keep_long, settings.drop_every) == (30 * 86400, None, 3600)
    moved = read(HistorySettings, tomllib.loads(block("toml", 1))["modules"]["history"], "history").objects
    assert (moved.at, moved.move_after, moved.cache) == ("s3://plant-samples/batchone", 30 * 86400, 20e9)
