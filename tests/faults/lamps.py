"""A small plant for faults that need no large one: three operations, one on each protocol, two lathes that do the same."""

from __future__ import annotations

from pathlib import Path

from tests.support_pack import SMALL, edited, written

_SECOND_LATHE = """\
  - id: lathe-2
    name: {en: Second lathe, zh: 车床二}
    class: turning
    cell: metal
    positions: 1
    connection: shop
    power: {idle: 0.1 kW, run: 2.5 kW}
    mtbf: 60 h
    mttr: 15 min
  - id: fitter-1
"""


def lamps(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """The pack of lamps, made at any hour, turning ten times as long, never by chance wrong, with a full store; and
    whatever else is edited (file, old, new)."""
    files = dict(SMALL)
    files["modules.yaml"] = files["modules.yaml"].replace("stock: 9,", "stock: 99,")
    files["resources.yaml"] = files["resources.yaml"].replace("calendar: days", "calendar: always")
    for file, old, new in (
        ("resources.yaml", "  - id: fitter-1\n", _SECOND_LATHE),
        ("resources.yaml", "run: 24.1 kW", "run: 2.5 kW"),
        ("resources.yaml", "of: [lathe-1, tester-1]", "of: [lathe-1, lathe-2, tester-1]"),
        ("routing.yaml", "cycle: {base: 30 s, add", "cycle: {base: 300 s, add"),
        ("checks.yaml", ", fault: {rate: 0.01, mean: 11}", ""),
        ("checks.yaml", "    unit: lm\n", "    unit: lm\n    limit: {min: 700}\n"),
        *edits,
    ):
        files = edited(files, file, old, new)
    return written(files, folder)
