"""The deploy file is read whole or refused whole."""

from pathlib import Path

import pytest

from batchone.kernel.deploy import Deploy, Engines, read_deploy
from batchone.kernel.deployment import Deployment
from batchone.kernel.errors import Refused
from batchone.main import MODULES

KNOWN = frozenset(MODULES)
ROOT = Path(__file__).parents[2]
_EDGE = "name = 'x'\ntenant = 't'\nprocesses.p = ['connect']\n[engines]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "deploy.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["laptop", "plant"])
def test_the_deploy_files_that_we_ship_are_valid_and_place_every_module_once(name: str) -> None:
    deploy = read_deploy(ROOT / "deploy" / f"{name}.toml", KNOWN)
    assert set(deploy.placed) == set(MODULES)


def test_the_edge_that_we_ship_is_a_deployment_of_connect_alone() -> None:
    deploy = read_deploy(ROOT / "deploy/edge.toml", KNOWN)
    assert set(deploy.placed) == {"connect"}
    assert deploy.engines.at_edge


def test_a_module_at_an_edge_is_placed_there(tmp_path: Path) -> None:
    """So that the process which serves the web serves its routes too."""
    text = "name = 'x'\ntenant = 't'\n[processes]\np = ['web']\n[edges]\nedge-1 = ['connect']"
    assert read_deploy(written(tmp_path, text), KNOWN).placed == {"web": "p", "connect": "edge-1"}


def test_an_edge_that_was_not_given_the_secret_of_its_hub_is_refused_with_a_cure(tmp_path: Path) -> None:
    deploy = read_deploy(ROOT / "deploy/edge.toml", KNOWN)
    with pytest.raises(Refused, match="secret") as refused:
        Deployment(deploy, tmp_path)
    assert "leaf.secret" in refused.value.cure
    (tmp_path / "leaf.secret").write_text("known\n")
    assert Deployment(deploy, tmp_path).note.web == ""


def test_a_hub_keeps_the_secret_that_it_made_from_others(tmp_path: Path) -> None:
    engines = Engines(leaf_port=7422)
    deploy = Deploy(name="x", tenant="t", engines=engines, processes={"p": ["web"]})
    Deployment(deploy, tmp_path)
    secret = (tmp_path / "leaf.secret").read_text()
    Deployment(deploy, tmp_path)
    assert (tmp_path / "leaf.secret").read_text() == secret
    assert len(secret) > 30
    assert (tmp_path / "leaf.secret").stat().st_mode & 0o077 == 0


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
        ("name = 'x'\ntenant = 't'\n[processes]\np = ['web']\n[edges]\ne = ['web']", "deploy.module_twice"),
        ("name = 'x'\ntenant = 't'\n[processes]\np = ['web']\n[edges]\ne = ['nonsense']", "deploy.unknown_module"),
        (f"{_EDGE}leaf_of = 'nats-leaf://h:7422'", "settings.invalid"),
        (f"{_EDGE}domain = 'e'", "settings.invalid"),
        (f"{_EDGE}leaf_of = 'nats-leaf://h:7422'\ndomain = 'hub'", "settings.invalid"),
        (f"{_EDGE}leaf_of = 'nats-leaf://h:7422'\ndomain = 'e.1'", "settings.invalid"),
        (f"{_EDGE}leaf_of = 'nats://h:7422'\ndomain = 'e'", "settings.invalid"),
        (f"{_EDGE}leaf_of = 'nats-leaf://h:7422'\ndomain = 'e'\nleaf_port = 7422", "settings.invalid"),
        (f"{_EDGE}leaf_of = 'nats-leaf://h:7422'\ndomain = 'e'\nnats = 'nats://h:4222'", "settings.invalid"),
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
