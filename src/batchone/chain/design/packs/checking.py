"""From the files of a pack to the pack, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from batchone.chain.design.expressions import All, Compare, Expression, parts_of
from batchone.chain.design.model import Words, rule_of, vocabulary_of
from batchone.chain.design.numbers import Number
from batchone.chain.design.packs import making, measuring, ordering, plant, selling, showing
from batchone.chain.design.packs.consistency import check_consistency
from batchone.chain.design.packs.faults import Fault, PackRefused, PackReport, Place
from batchone.chain.design.packs.nodes import Node, Table, read_yaml
from batchone.chain.design.packs.proofs import Origins, prove
from batchone.chain.design.packs.reading import Reading, Said
from batchone.chain.design.packs.sharing import check_sharing
from batchone.chain.design.parts import VALUES_MAX, lay_out, size_of
from batchone.chain.design.rules import RuleFault, Vocabulary, parse, parse_number
from batchone.chain.design.solver import NODES_MAX, nodes_of
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
    return PackReport(found, None if found else report.pack, report.warnings)


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
    pack = _check_whole(reading, _assembled(reading, nodes, files))
    faults = tuple(sorted({fault for fault in reading.faults if not _follows(fault, reading)}))
    return PackReport(faults, None if faults else pack, tuple(sorted(set(reading.warnings))))


def _assembled(reading: Reading, nodes: Mapping[str, Node], files: Mapping[str, str]) -> Pack:
    def read(reader: Callable[[Reading, Node], R], file: str) -> R:
        return reader(reading, nodes[file])

    header = read(ordering.read_header, "pack.yaml")
    choosing = read(ordering.read_options, "options.yaml")
    sold = read(selling.read_rules, "rules.yaml")
    resources = read(plant.read_resources, "resources.yaml")
    return Pack(
        id=header.id, version=header.version, hash=_hash(files), sector=header.sector, licence=header.licence,
        languages=header.languages, currency=header.currency, name=header.name, product=header.product, place=header.place,
        options=tuple(choosing.options), derived=tuple(choosing.derived), rules=sold.rules, prices=sold.prices,
        parts=choosing.parts, several=tuple(choosing.several), lists=sold.lists, breaks=sold.breaks,
        modules=read(making.read_modules, "modules.yaml"),
        bom=read(making.read_bom, "bom.yaml"),
        routing=read(making.read_routing, "routing.yaml"),
        calendars=resources.calendars, classes=resources.classes, connections=resources.connections,
        equipment=resources.equipment, meters=resources.meters,
        auxiliaries=resources.auxiliaries, aim=header.aim,
        signals=read(measuring.read_signals, "signals.yaml"),
        checks=read(measuring.read_checks, "checks.yaml"),
        energy=read(measuring.read_energy, "energy.yaml"),
        demo=read(showing.read_demo, "demo.yaml"),
        drawing=showing.read_drawing(reading, DRAWING, files[DRAWING]) if DRAWING in files else "",
    )  # fmt: skip


def _check_whole(reading: Reading, raw: Pack) -> Pack:
    """Look at the pack as a whole; it comes back with its parts laid out."""
    reading.resolve()
    if "options.yaml" in reading.unread or any(fault.file == "options.yaml" for fault in reading.faults):
        return raw  # every word of a rule would be a fault that only follows from the first one
    if (size := size_of(raw.parts, raw.options)) > VALUES_MAX:
        what = f"With all its parts the product has {size} values, and {VALUES_MAX} are allowed."
        reading.fault(Place("options.yaml", 1), what, "Let the parts be fewer, or give them fewer values.")
        return raw
    bare = replace(raw, bom=(), routing=(), checks=())
    vocabulary = vocabulary_of(lay_out(bare))
    texts = _Texts(reading, vocabulary)
    texts.read()
    check_consistency(reading, raw, vocabulary)
    check_sharing(reading, raw)
    if not {fault.file for fault in reading.faults}.isdisjoint({"options.yaml", "rules.yaml", "bom.yaml", "routing.yaml"}):
        return raw
    pack = lay_out(raw)
    rules = {rule.id: rule_of(rule, vocabulary) for rule in pack.rules}
    texts.weigh(raw, rules)
    if not any(fault.file == "rules.yaml" for fault in reading.faults):
        held = Counter(slot.part for slot in vocabulary.slots.values())
        part_of = {operation.op: operation.slot for operation in raw.routing}

        def laid_out(parts: Iterable[str]) -> tuple[int, ...]:
            return tuple(index for index, part in enumerate(parts) for _ in range(held[part] if part else 1))

        origins = Origins(
            laid_out(line.slot for line in raw.bom),
            laid_out(operation.slot for operation in raw.routing),
            laid_out(part_of.get(check.op, "") for check in raw.checks),
        )
        words = Words(vocabulary, texts.conditions, texts.numbers, rules)
        prove(reading, pack, words, origins)
    return pack


class _Texts:
    """Every text in the language of rules, bound in each slot that it is read in; what cannot be bound is a fault once."""

    def __init__(self, reading: Reading, vocabulary: Vocabulary) -> None:
        self._reading = reading
        self._vocabulary = vocabulary
        self.conditions: dict[tuple[str, str], Expression] = {}
        self.numbers: dict[tuple[str, str], Number] = {}

    def read(self) -> None:
        """Bind all of them."""
        for said in self._reading.said:
            if said.text and said.kind != "template":
                try:
                    self._bind(said)
                except RuleFault as fault:
                    if said.kind != "repeated":
                        column = said.column + fault.at - 1 if said.column and fault.at else said.place.column
                        self._reading.fault(replace(said.place, column=column), fault.what, fault.cure)

    def weigh(self, pack: Pack, rules: Mapping[str, Expression]) -> None:
        """Comparisons that would need too much memory are refused."""
        for index, rule in enumerate(pack.rules):
            self._refuse_heavy(rules[rule.id], self._reading.at("rule", index, "rule"))
        for said in self._reading.said:
            if said.kind == "truth":
                for slot in self._slots(said.part):
                    if (slot, said.text) in self.conditions:
                        self._refuse_heavy(self.conditions[slot, said.text], said.place)

    def _refuse_heavy(self, expression: Expression, place: Place) -> None:
        if any(nodes_of(each) > NODES_MAX for each in parts_of(expression) if isinstance(each, Compare)):
            what = f"A sum in this rule can come to more than {NODES_MAX} different amounts on its way."
            self._reading.fault(place, what, "Compare fewer options, or give them larger steps.")

    def _slots(self, part: str) -> list[str]:
        return [name for name, slot in self._vocabulary.slots.items() if slot.part == part] if part else [""]

    def _bind(self, said: Said) -> None:
        for slot in self._slots(said.part):
            scope = self._vocabulary.scoped(slot)
            if said.kind == "word":
                scope.resolve(said.text)
            elif said.kind == "number":
                self.numbers[slot, said.text] = parse_number(said.text, scope)
            else:
                found = parse(said.text, scope)
                self.conditions[slot, said.text] = All((scope.presence(slot), found)) if slot else found


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
