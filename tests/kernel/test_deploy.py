"""The deploy file is read whole or refused whole."""

from pathlib import Path

import pytest

from batchone.kernel.deploy import read_deploy
from batchone.kernel.errors import Refused
from batchone.main import MODULES

KNOWN = frozenset(MODULES)
ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    path = folder / "deploy.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["laptop", "plant"])
def test_the_deploy_files_that_we_ship_are_valid_and_place_every_module_once(name: str) -> None:
    deploy = read_deploy(ROOT / "deploy" / f"{name}.toml", KNOWN)
    assert set(deploy.placed) == set(MODULES)


def test_the_laptop_is_one_process_and_the_plant_at_least_four() -> None:
    assert len(read_deploy(ROOT / "deploy/laptop.toml", KNOWN).processes) == 1
    assert len(read_deploy(ROOT / "deploy/plant.toml", KNOWN).processes) >= 4


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name = 'x'\ntenant = 't'\n[processes]\np = ['nonsense']", "deploy.unknown_module"),
        ("name = 'x'\ntenant = 't'\n[processes]\np = ['web']\nq = ['web']", "deploy.module_twice"),
        ("name = 'x'\ntenant = 't'\nspeed = 3\n[processes]\np = ['web']", "settings.invalid"),
        ("name = 'x'\ntenant = 't'\n[processes]\np = ['web']\n[clock]\nspeed = 501", "settings.invalid"),
        ("name = ", "deploy.unreadable"),
    ],
)
def test_a_wrong_deploy_file_is_refused_with_a_cure(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_deploy(written(tmp_path, text), KNOWN)
    assert refused.value.code == code
    assert refused.value.cure


def test_a_missing_deploy_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no deploy file"):
        read_deploy(tmp_path / "none.toml", KNOWN)


def test_an_external_engine_is_named_by_its_url(tmp_path: Path) -> None:
    text = (
        "name = 'x'\ntenant = 't'\n[engines]\npostgres = 'postgresql://h/d'\nnats = 'nats://h:4222'\n"
        "mqtt = 'mqtt://h:1883'\n[processes]\np = ['web']"
    )
    deploy = read_deploy(written(tmp_path, text), KNOWN)
    assert (deploy.engines.postgres, deploy.engines.nats) == ("postgresql://h/d", "nats://h:4222")
