"""The benchmark of feature models: its plain peer agrees, and a peer that is not there is said to be not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from benchmarks.figures import Options

from batchone.chain.design.space import OptionSpace
from batchone.chain.design.uvl import read
from benchmarks import configure

TREE = "features\n\tbike\n\t\talternative\n\t\t\tcity\n\t\t\trace\n\t\toptional\n\t\t\tbell\n\t\t\track\n"
BIKES = read(TREE + "constraints\n\trace => !bell\n")


def test_the_plain_peer_finds_the_same_states() -> None:
    pages, wholes = configure.plain(OptionSpace(BIKES), 20)
    assert len(pages) == 20
    assert wholes
    states = configure.Plain(BIKES).states({BIKES.numbers["race"]: True}, [BIKES.numbers["bell"], BIKES.numbers["rack"]])
    assert [str(state) for state in states.values()] == ["excluded", "selectable"]


async def test_without_data_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BATCHONE_DATA", str(tmp_path))
    report = await configure.run(Options(quick=True))
    assert "BATCHONE_DATA" in report.tables[0].notes[0]


async def test_without_flamapy_it_says_so_and_measures_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    models = tmp_path / "product-models"
    models.mkdir()
    from batchone.chain.design.uvl import write

    for name in configure.QUICK:
        (models / f"{name}.uvl").write_text(write(BIKES))

    def refused(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setenv("BATCHONE_DATA", str(tmp_path))
    monkeypatch.setenv("BATCHONE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(configure.subprocess, "run", refused)
    report = await configure.run(Options(quick=True, profile=True))
    loads, clicks = report.tables
    assert "flamapy is not here" in loads.notes[1]
    assert [row[9] for row in loads.rows] == [None, None]
    assert all(len(row) == len(table.columns) for table in (loads, clicks) for row in table.rows)
    assert set(report.profiles) == {"load financialservices01", "clicks, financialservices01"}
