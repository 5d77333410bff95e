"""The terminal beside an object store."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from tests.cli.test_history import SELECT, Terminal, terminal  # noqa: F401

from batchone.cli import checks
from batchone.machines.history.caching import Cache
from batchone.machines.history.keeping import Keeper
from batchone.machines.history.model import MergeRules
from batchone.machines.history.objects import FolderObjects
from batchone.machines.history.offload import Mover
from batchone.machines.history.places import segments_in
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.store import Catalogue
from batchone.machines.history.store_objects import MovedSegments

pytestmark = pytest.mark.engine


@pytest.fixture
async def moved(terminal: Terminal, database, clock) -> Terminal:  # noqa: F811
    """All files have moved to a folder, and none is in the cache."""
    place = terminal.home / "store"
    place.mkdir()
    deploy = json.loads((terminal.home / "deploy.json").read_text())
    deploy["modules"] = {"history": {"objects": {"at": str(place)}}}
    (terminal.home / "deploy.json").write_text(json.dumps(deploy))
    moved, store, root = MovedSegments(database), segments_in(FolderObjects(place)), terminal.home / "history"
    cache = Cache(moved, root, store, bytes_max=0, grace_s=-1, real_s=time.time)
    catalogue, rules = Catalogue(database), MergeRules(8, -1, 1000)
    await Keeper(
        catalogue, SegmentFiles(root, lambda: "SEG-packed", time.time), rules, grace_s=-1, stray_s=0
    ).tidy()  # fmt: skip
    mover = Mover(catalogue, moved, root, store, cache, rules, after_s=0, clock=clock)
    assert await mover.move_all() == 1
    assert not list(root.rglob("*.parquet"))
    return terminal


async def test_a_select_reads_what_has_moved_and_says_so_when_it_is_away(moved: Terminal) -> None:
    assert len(json.loads((await moved.run("sql", SELECT, "--json"))[1])) == 3
    (moved.home / "store").rename(moved.home / "elsewhere")
    for file in (moved.home / "history").rglob("*.parquet"):
        file.unlink()
    code, out, err = await moved.run("sql", SELECT, "--json")
    assert (code, json.loads(out), "in the object store, which is away" in err) == (0, [], True)


async def test_objects_are_compared_with_the_catalogue(moved: Terminal) -> None:
    segments = moved.home / "store" / "segments"
    (segments / "t" / "stray.parquet").write_bytes(b"1")
    code, out, _ = await moved.run("history", "objects", "--json")
    told = json.loads(out)
    assert (code, told["objects"], told["strays"], told["missing"]) == (0, 1, ["t/stray.parquet"], [])
    _, out, _ = await moved.run("history", "objects", "--remove-strays")
    assert "removed t/stray.parquet" in out.decode()
    assert not (segments / "t" / "stray.parquet").exists()
    shutil.rmtree(segments / "t")
    code, out, _ = await moved.run("history", "objects")
    assert (code, "missing t/standard" in out.decode()) == (1, True)


def deploy(folder: Path, objects: str) -> Path:
    file = folder / "deploy.toml"
    file.write_text(f'name = "d"\ntenant = "t"\n[processes]\np = ["history"]\n[modules.history.objects]\n{objects}\n')
    return file


def test_the_doctor_tells_whether_the_store_answers_and_never_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHONE_HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert checks._objects(deploy(tmp_path, "")).what == "all samples stay in the data folder"
    (tmp_path / "there").mkdir()
    assert checks._objects(deploy(tmp_path, f'at = "{tmp_path}/there"')).verdict == "ok"
    found = checks._objects(deploy(tmp_path, f'at = "{tmp_path}/not-there"'))
    assert (found.verdict, "cannot be reached" in found.what) == ("warn", True)
    nobody = 'at = "s3://plant-samples/x"\nendpoint = "http://127.0.0.1:9"'
    assert "no keys" in checks._objects(deploy(tmp_path, nobody)).what
    (tmp_path / "objects.keys").write_text("[default]\naws_access_key_id = me\naws_secret_access_key = hush-hush\n")
    found = checks._objects(deploy(tmp_path, nobody))
    assert (found.verdict, "cannot be reached" in found.what, "hush" in str(found)) == ("warn", True, False)
