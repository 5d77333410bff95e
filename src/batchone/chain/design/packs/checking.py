"""From the files of a pack to the pack, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from batchone.chain.design.model import vocabulary_of
from batchone.chain.design.packs import making, measuring, ordering, plant, showing
from batchone.chain.design.packs.consistency import check_consistency
from batchone.chain.design.packs.faults import Fault, PackRefused, PackReport, Place
from batchone.chain.design.packs.nodes import Node, Table, read_yaml
from batchone.chain.design.packs.proofs import prove
from batchone.chain.design.packs.reading import Reading
from batchone.chain.design.rules import Expression, RuleFault, Vocabulary, parse
from batchone.chain.design.solver import Space
from batchone.contracts.pack import Pack

R = TypeVar("R")

YAML_FILES = (
    "pack.yaml", "options.yaml", "rules.yaml", "modules.yaml", "bom.yaml", "routing.yaml", "resources.yaml", "signals.yaml",
    "checks.yaml", "energy.yaml", "demo.yaml",
)  # fmt: skip
DRAWING = "drawing.svg"
FILES = (*YAML_FILES, DRAWING)
_LARGEST = 2_000_000


def check_pack(path: Path) -> PackReport:
    """Read the pack in a folder: all its faults, and the pack itself when there are none."""
    files, faults = _read_folder(path)
    report = check_files(files)
    found = tuple(sorted({*faults, *report.faults}))
    return PackReport(found, None if found else report.pack)


def load_pack(path: Path) -> Pack:
    """The pack in a folder; `PackRefused` with all faults when it has any."""
    return _whole(check_pack(path))


def load_files(files: Mapping[str, str]) -> Pack:
    """The pack in these texts by file name; `PackRefused` with all faults when it has any."""
    return _whole(check_files(files))


def read_pack_files(path: Path) -> dict[str, str]:
    """The texts of a pack's folder by file name, as `install` takes them; `PackRefused` when they cannot be read."""
    files, faults = _read_folder(path)
    if faults:
        raise PackRefused(tuple(sorted(faults)))
    return files


def check_files(files: Mapping[str, str]) -> PackReport:
    """Read a pack from texts by file name."""
    reading = Reading()
    nodes = {file: node for file in YAML_FILES if file in files and (node := read_yaml(file, files[file], reading.fault))}
    for file in FILES:
        if file not in files:
            reading.fault(Place(file, 1), f"{file} is missing.", "Add it, as the guide to packs describes.")
        if file not in nodes:
            reading.unread.add(file)
            nodes[file] = Table({}, {}, Place(file, 1))
    for file in sorted(set(files) - set(FILES)):
        reading.fault(Place(file, 1), f"{file} is no file of a pack.", f"Take it out; a pack has {', '.join(FILES)}.")
    pack = _assembled(reading, nodes, files)
    _check_whole(reading, pack)
    faults = tuple(sorted({fault for fault in reading.faults if not _follows(fault, reading)}))
    return PackReport(faults, None if faults else pack)


def _assembled(reading: Reading, nodes: Mapping[str, Node], files: Mapping[str, str]) -> Pack:
    def read(reader: Callable[[Reading, Node], R], file: str) -> R:
        return reader(reading, nodes[file])

    header = read(ordering.read_header, "pack.yaml")
    options, derived = read(ordering.read_options, "options.yaml")
    rules, prices = read(ordering.read_rules, "rules.yaml")
    resources = read(plant.read_resources, "resources.yaml")
    return Pack(
        id=header.id, version=header.version, hash=_hash(files), sector=header.sector, licence=header.licence,
        languages=header.languages, currency=header.currency, name=header.name, product=header.product, place=header.place,
        options=options, derived=derived, rules=rules, prices=prices,
        modules=read(making.read_modules, "modules.yaml"),
        bom=read(making.read_bom, "bom.yaml"),
        routing=read(making.read_routing, "routing.yaml"),
        calendars=resources.calendars, classes=resources.classes, connections=resources.connections,
        equipment=resources.equipment, meters=resources.meters,
        signals=read(measuring.read_signals, "signals.yaml"),
        checks=read(measuring.read_checks, "checks.yaml"),
        energy=read(measuring.read_energy, "energy.yaml"),
        demo=read(showing.read_demo, "demo.yaml"),
        drawing=showing.read_drawing(reading, DRAWING, files[DRAWING]) if DRAWING in files else "",
    )  # fmt: skip


def _check_whole(reading: Reading, pack: Pack) -> None:
    reading.resolve()
    vocabulary = vocabulary_of(pack.options, pack.derived)
    if "options.yaml" in reading.unread or any(fault.file == "options.yaml" for fault in reading.faults):
        return  # every word of a rule would be a fault that only follows from the first one
    conditions = _conditions(reading, vocabulary)
    check_consistency(reading, pack, vocabulary)
    files = {fault.file for fault in reading.faults}
    if files.isdisjoint({"rules.yaml", "bom.yaml", "routing.yaml"}):
        space = Space(vocabulary, {rule.id: conditions[rule.rule] for rule in pack.rules})
        prove(reading, pack, space, conditions)
        space.close()


def _conditions(reading: Reading, vocabulary: Vocabulary) -> dict[str, Expression]:
    bound: dict[str, Expression] = {}
    for text, place in reading.conditions:
        if not text:
            continue
        try:
            bound[text] = parse(text, vocabulary)
        except RuleFault as fault:
            reading.fault(place, fault.what, fault.cure)
    return bound


def _follows(fault: Fault, reading: Reading) -> bool:
    """Whether a fault only repeats that a file is missing or cannot be read."""
    return fault.file in reading.unread and fault.what.endswith("' is missing.")


def _whole(report: PackReport) -> Pack:
    if report.pack is None:
        raise PackRefused(report.faults)
    return report.pack


def _hash(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            data = part.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _read_folder(path: Path) -> tuple[dict[str, str], list[Fault]]:
    if not path.is_dir():
        return {}, [Fault(str(path), 1, "There is no such folder.", "Name the folder of a pack.")]
    files: dict[str, str] = {}
    faults: list[Fault] = []
    for file in sorted(path.iterdir()):
        if file.name == "README.md" or file.name.startswith("."):
            continue
        try:
            if file.stat().st_size > _LARGEST:
                faults.append(Fault(file.name, 1, "The file is too large.", f"Keep it below {_LARGEST} bytes."))
            else:
                files[file.name] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(Fault(file.name, 1, f"The file cannot be read: {error}.", "Write it as UTF-8 text."))
    return files, faults
