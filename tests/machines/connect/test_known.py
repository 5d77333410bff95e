"""What connect last knew outlives it."""

from pathlib import Path

import pytest
from tests.support_plant import Ports, pack_of

from batchone.contracts.sources import Point
from batchone.machines.connect.jobs import Sent
from batchone.machines.connect.known import Known, Memory
from batchone.machines.connect.wiring import Wired, Wiring, wire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connect" / "known.json"


def test_all_of_it_comes_back(path: Path) -> None:
    points = (Point("pump-1/pressure", "holding:1", "kPa"),)
    declared = Wiring("air", "modbus", 502, equipment=(Wired("pump-1", ("pressure",)),), url="modbus://h:502",
                      settings={"unit": "3"}, points=points, scales={"pump-1/pressure": (0.01, 0.0)})  # fmt: skip
    ports = Ports(1, 2)
    known = Known(
        (*wire(pack_of(ports)), declared), {"air": "Two say other things."}, {"press-1": "alarm", "oven-1": "idle"},
        (("press-1", "J-1", Sent("p7", '{"force":3.5}')),),
    )  # fmt: skip
    Memory(path).write(known)
    assert Memory(path).read() == known


def test_the_last_word_holds(path: Path) -> None:
    memory = Memory(path)
    memory.write(Known(said={"press-1": "alarm"}))
    memory.write(Known(said={"press-1": "idle"}))
    assert Memory(path).read() == Known(said={"press-1": "idle"})
    assert [file.name for file in path.parent.iterdir()] == ["known.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"wirings": [{"lines": 3}]}', '{"said": {"press-1": "asleep"}}'])
def test_what_cannot_be_read_is_as_if_nothing_was_known(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    assert Memory(path).read() is None


def test_a_first_start_knows_nothing(path: Path) -> None:
    assert Memory(path).read() is None
