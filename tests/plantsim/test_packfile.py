import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from plantsim.pack import Pack
from plantsim.packfile import PackFault, read_pack


def test_the_plant_is_read_with_its_quantities(mugs: Pack) -> None:
    press = mugs.equipment["press-1"]
    assert (press.positions, press.idle_kw, press.run_kw, press.mtbf_s, press.mttr_s) == (1, 1.0, 10.0, 7200.0, 360.0)
    assert mugs.equipment["doser-1"].unit == 3
    assert mugs.connections["glaze-cell"].group == "potters"
    assert mugs.meters[0].of == ("press-1", "kiln-1")


def test_signals_keep_the_order_of_the_file(mugs: Pack) -> None:
    assert [signal.id for signal in mugs.signals_of(mugs.equipment["press-1"])] == ["power", "pieces", "force"]


def test_the_cycle_follows_the_configuration(mugs: Pack) -> None:
    cycle = mugs.operations["10"].cycle_s
    assert cycle is not None
    assert cycle.of({"size_ml": 300.0}) == 20
    assert cycle.of({"size_ml": 500.0}) == 30


def test_facts_are_completed_by_defaults_and_derived_attributes(mugs: Pack) -> None:
    assert mugs.complete({"glaze": "gold"}) == {"glaze": "gold", "size_ml": 300.0, "firing": "twice"}


def test_setup_costs_the_pair_or_the_change(mugs: Pack) -> None:
    law = mugs.setups["pressing"]
    assert [law.seconds("300", "500"), law.seconds("500", "300"), law.seconds("300", "300")] == [25, 40, 0]


def test_a_measurement_without_physics_stays_inside_its_limit(mugs: Pack) -> None:
    hue = mugs.checks["30"][1]
    assert hue.mean + 6 * hue.sd < 2


@pytest.fixture
def spoil(mugs_folder: Path, tmp_path: Path) -> Callable[[str, str, str], Path]:
    def make(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "mugs"
        shutil.copytree(mugs_folder, folder)
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
        return folder

    return make


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("resources.yaml", "protocol: opcua", "protocol: pigeon", "connections shaping: protocol must be one of"),
        ("resources.yaml", "connection: shaping", "connection: nowhere", "equipment press-1: connection 'nowhere'"),
        ("resources.yaml", "idle: 1 kW", "idle: 1", "equipment press-1, power: `idle`: 1 is not a number followed by"),
        ("resources.yaml", "unit: 4", "unit: 3", "doser-2: `unit` must be 1 to 247, and its own"),
        ("resources.yaml", "positions: 4", "positions: 0", "kiln-1: `positions` must be at least 1"),
        ("resources.yaml", "of: [press-1, kiln-1]", "of: [ghost]", "there is no equipment 'ghost'"),
        ("signals.yaml", "law: ramp", "law: wobble", "signals force, physics: law must be one of"),
        ("signals.yaml", "scope: position", "scope: room", "scope must be equipment or position"),
        ("signals.yaml", "every: 5 s,", "", "signals power: `every` is missing"),
        ("routing.yaml", "size_ml > 300", "size_ml >", "routing 10, cycle, add 1: `when`: 'size_ml >' ends too early"),
        ("checks.yaml", "measure: warp", "measured: warp", "checks warp: `measure` is missing"),
        ("pack.yaml", "pack: mugs", "pack: [", "is not YAML"),
    ],
)
def test_a_fault_in_a_pack_is_refused_with_its_place(
    spoil: Callable[[str, str, str], Path], name: str, old: str, new: str, says: str
) -> None:
    with pytest.raises(PackFault, match=r".") as fault:
        read_pack(spoil(name, old, new))
    assert says in str(fault.value)


def test_a_folder_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackFault, match=r"pack\.yaml is missing"):
        read_pack(tmp_path)


def test_an_operation_of_a_part_takes_as_long_as_its_own_part_needs() -> None:
    pack = read_pack(Path(__file__).parents[2] / "packs/wardrobe")
    facts = {
        "bays": 2.0,
        "bay.1.span_cm": 100.0,
        "bay.2.span_cm": 50.0,
        "bay.2.tray.1.tray_lock": "key-lock",
        "timber": "beech",
    }

    def seconds(op: str) -> float:
        cycle = pack.operations[op.partition(".")[0]].cycle_s
        assert cycle is not None
        return cycle.of(pack.complete(facts, op))

    assert [seconds("10.1"), seconds("10.2")] == [240 + 80, 240 + 40]
    assert [seconds("20.1.1"), seconds("20.2.1")] == [150, 150 + 60]
    assert seconds("50") == 300 + 2 * 120
