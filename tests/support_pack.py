"""Packs for tests: a small one as texts, edits of it, and any pack with every word exchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PACKS = Path(__file__).parent.parent / "packs"
REFRIGERATOR = PACKS / "refrigerator"

SMALL: Mapping[str, str] = {
    "pack.yaml": """\
pack: lamps
version: 1.0.0
sector: lighting
licence: Apache-2.0
languages: [en, zh]
currency: EUR
name: {en: Desk lamps, zh: 台灯}
product: {id: lamp, name: {en: Lamp, zh: 灯}, serial: LP, base_price: "20.00"}
place: {enterprise: lumen, site: brno, area: hall, line: one}
""",
    "options.yaml": """\
options:
  - id: foot
    name: {en: Foot, zh: 底座}
    default: round
    values:
      - {id: round, name: {en: Round, zh: 圆}, look: "#111111"}
      - {id: square, name: {en: Square, zh: 方}, price: "2.00", look: "#222222"}
      - {id: clamp, name: {en: Clamp, zh: 夹}, price: "1.50", lead: 1 d, own: {kind: picture, most: 9 kB, most_px: 400}}
  - id: height_cm
    name: {en: Height, zh: 高}
    unit: cm
    default: 30
    values:
      - {id: 30}
      - {id: 45, price: "3.00"}
      - {id: 60, price: "5.00"}
  - id: light
    name: {en: Light, zh: 光源}
    default: led
    values:
      - {id: led, name: {en: LED, zh: 发光二极管}}
      - {id: halogen, name: {en: Halogen, zh: 卤素}, price: "4.00"}
derived:
  - {id: stands, of: foot, table: {round: free, square: free, clamp: fixed}}
""",
    "rules.yaml": """\
rules:
  - id: hot-lamps-stay-low
    rule: light = halogen => height_cm <= 45
    message: {en: Halogen gets hot., zh: 卤素很热。}
  - id: tall-lamps-are-clamped
    rule: height_cm > 45 => stands = fixed
    message: {en: Tall lamps are clamped., zh: 高灯须夹。}
prices:
  - {id: tall-clamp, when: height_cm = 60 and foot = clamp, price: "-0.50", lead: 2 h}
""",
    "modules.yaml": """\
modules:
  - id: base
    name: {en: Base, zh: 底座}
    variants:
      - {id: base-plate, name: {en: Plate, zh: 板}, cost: "3.00", stock: 9, reorder_at: 3, lot: 6}
      - {id: base-clamp, name: {en: Clamp, zh: 夹}, cost: "2.50", stock: 9, reorder_at: 3, lot: 6}
    suppliers:
      - {id: foundry, name: {en: Foundry, zh: 铸造}, town: Brno, lead: 4 h, moq: 5, on_time: 0.9}
  - id: bulb
    name: {en: Bulb, zh: 灯泡}
    variants:
      - {id: bulb-led, name: {en: LED, zh: 发光二极管}, cost: "1.00", stock: 9, reorder_at: 3, lot: 6}
      - {id: bulb-halogen, name: {en: Halogen, zh: 卤素}, cost: "1.20", stock: 9, reorder_at: 3, lot: 6}
    suppliers:
      - {id: glassworks, name: {en: Glassworks, zh: 玻璃厂}, town: Jablonec, lead: 2 d, moq: 5, on_time: 0.95}
  - id: feet
    name: {en: Feet, zh: 脚垫}
    variants:
      - {id: feet-felt, name: {en: Felt, zh: 毡}, cost: "0.10", stock: 90, reorder_at: 30, lot: 60}
    suppliers:
      - {id: foundry, name: {en: Foundry, zh: 铸造}, town: Brno, lead: 6 h, moq: 50, on_time: 0.9}
""",
    "bom.yaml": """\
bom:
  - module: base
    at: "10"
    quantity: 1
    choose:
      - {when: stands = free, variant: base-plate}
      - {when: foot = clamp, variant: base-clamp}
  - module: bulb
    at: "30"
    quantity: 1
    choose:
      - {when: light = led, variant: bulb-led}
      - {when: light = halogen, variant: bulb-halogen}
  - module: feet
    at: "20"
    when: stands = free
    quantity: {base: 3, add: [{when: foot = square, by: 1}]}
    choose:
      - {when: true, variant: feet-felt}
""",
    "routing.yaml": """\
routing:
  - op: "10"
    name: {en: Turn, zh: 车}
    class: turning
    after: []
    cycle: {base: 30 s, add: [{when: height_cm > 45, by: 0.5 min}]}
    setup: "{stands}"
    program: "turn-{foot}-{height_cm}"
    parameters: {height: {base: 300, add: [{when: height_cm >= 45, by: 150}]}, kind: "{stands}", speed: 900}
    energy: 0.2 kWh
  - op: "20"
    name: {en: Glue feet, zh: 粘脚}
    class: fitting
    after: ["10"]
    cycle: {base: 10 s}
    program: "glue"
    energy: 0.01 kWh
    when: stands = free
  - op: "30"
    name: {en: Fit bulb, zh: 装灯泡}
    class: testing
    after: ["20"]
    cycle: {base: 20 s}
    program: "fit-{light}"
    energy: 0.09 kWh
""",
    "resources.yaml": """\
calendars:
  - {id: always}
  - id: days
    week: [{days: [mon, tue, wed, thu, fri], from: "06:00", to: "18:00"}]
    breaks: [{days: [mon, tue, wed, thu, fri], from: "12:00", to: "12:30"}]
classes:
  - id: turning
    name: {en: Turning, zh: 车削}
    setup: {change: 30 s, pairs: [{from: free, to: fixed, time: 12 s}]}
    calendar: days
    attended: true
  - {id: fitting, name: {en: Fitting, zh: 装配}, calendar: days, attended: true}
  - {id: testing, name: {en: Testing, zh: 测试}, calendar: always, attended: false}
connections:
  - {id: shop, protocol: opcua, port: 4900}
  - {id: bench, protocol: modbus, port: 5900}
  - {id: air, protocol: sparkplug, group: lumen}
equipment:
  - id: lathe-1
    name: {en: Lathe, zh: 车床}
    class: turning
    cell: metal
    positions: 1
    connection: shop
    power: {idle: 0.1 kW, run: 24.1 kW}
    mtbf: 60 h
    mttr: 15 min
  - id: fitter-1
    name: {en: Fitting bench, zh: 装配台}
    class: fitting
    cell: assembly
    positions: 2
    connection: air
    power: {idle: 0 kW, run: 7.2 kW}
    mtbf: 60 h
    mttr: 15 min
  - id: tester-1
    name: {en: Tester, zh: 测试台}
    class: testing
    cell: assembly
    positions: 1
    connection: bench
    unit: 1
    power: {idle: 0 kW, run: 16.2 kW}
    mtbf: 60 h
    mttr: 15 min
meters:
  - {id: meter-1, name: {en: Meter, zh: 电表}, connection: bench, unit: 9, of: [lathe-1, tester-1]}
""",
    "signals.yaml": """\
signals:
  - id: spindle_speed
    class: turning
    scope: equipment
    name: {en: Spindle speed, zh: 转速}
    unit: rpm
    every: 5 s
    limits: {low: 800, high: 1000, low_low: 700, high_high: 1100}
    physics: {law: hold, at: 900, noise: 5}
  - {id: power, class: testing, scope: equipment, name: {en: Power, zh: 功率}, unit: kW, every: 5 s, physics: {law: power}}
""",
    "checks.yaml": """\
checks:
  - id: diameter
    op: "10"
    name: {en: Diameter, zh: 直径}
    measure: diameter
    unit: mm
    limit: {min: 9.9, max: 10.1}
    reaction: rework
    redo: ["10"]
    physics: {mean: 10, sd: 0.02, fault: {rate: 0.01, mean: 11}}
  - id: brightness
    op: "30"
    name: {en: Brightness, zh: 亮度}
    measure: brightness
    unit: lm
    reaction: hold
    physics: {mean: 800, sd: 10}
""",
    "energy.yaml": """\
energy: {nominal: 0.3 kWh, shares: {metal: 0.667, assembly: 0.333}, tolerance: 0.1, carbon_g_per_kwh: 400}
""",
    "demo.yaml": """\
demo:
  seed: 1
  every: 60 s
  express: 0.1
  customers: [{name: Jan, town: Brno}]
  weights: {foot: {round: 2, square: 1}, height_cm: {30: 1, 45: 1}}
  carriers: [{id: post, name: {en: Post, zh: 邮政}, transit: 20 h}]
""",
    "drawing.svg": """\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:b="urn:batchone:drawing" viewBox="0 0 10 10">
  <title>Lamp</title>
  <rect b:when="stands = free" b:fill="foot" x="1" y="8" width="8" height="1"/>
  <circle b:when="light = led" cx="5" cy="2" r="1" fill="#ffffff"/>
</svg>
""",
}
"""A lamp: three options, three operations, one of them skipped by clamped lamps."""

AIDED: Mapping[str, str] = {
    **SMALL,
    "pack.yaml": SMALL["pack.yaml"] + "aim: [tardiness, energy]\n",
    "resources.yaml": SMALL["resources.yaml"].replace("change: 30 s, pairs", "change: 30 s, crew: setting, pairs") + """\
tools:
  - {id: jig, name: {en: Jig, zh: 夹具}, classes: [clamping], count: 2, calendar: always}
people:
  - {id: fitters, name: {en: Fitters, zh: 装配工}, skills: [gluing, setting], count: 1, calendar: days}
""",
    "routing.yaml": SMALL["routing.yaml"].replace(
        '    program: "glue"\n', '    program: "glue"\n    needs: [gluing, clamping]\n'
    ) + '    waits: [{after: "20", least: 1 h, most: 2 d}]\n',
    "energy.yaml": """\
energy:
  nominal: 0.3 kWh
  shares: {metal: 0.667, assembly: 0.333}
  tolerance: 0.1
  carbon_g_per_kwh: 400
  tariff:
    - {from: "00:00", to: "06:00", per_mwh: "80.00"}
    - {from: "06:00", to: "24:00", per_mwh: "190.50"}
""",
}  # fmt: skip
"""The lamp with tools and people that it is glued and its lathe set up with, a wait for the glue, a tariff and an aim."""


def written(files: Mapping[str, str], folder: Path) -> Path:
    """The files written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def edited(files: Mapping[str, str], file: str, old: str, new: str) -> dict[str, str]:
    """The files with one text exchanged, which must stand in that file exactly once."""
    assert files[file].count(old) == 1, f"{old!r} stands {files[file].count(old)} times in {file}"
    return {**files, file: files[file].replace(old, new)}


def pack_texts(folder: Path) -> dict[str, str]:
    """The files of a pack by name."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".svg")
    }


def rename_pack(src: Path, dst: Path, mapping: Mapping[str, str] | None = None) -> dict[str, str]:
    """Write `src` to `dst` with every word exchanged: ids by `mapping` or by new ones, every text by an invented one.

    Values of options with a unit stay, being numbers; operations get new numbers. Returns which word became which.
    """
    renamer = _Renamer(dict(mapping or {}))
    files = {name: renamer.file(name, text) for name, text in pack_texts(src).items()}
    written(files, dst)
    return renamer.words


_WORD = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_KEPT = {"in", "not", "and", "or", "true", "false"}


class _Renamer:
    """Knows of each file which places hold ids, rules, templates and texts."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self._texts = 0

    def file(self, name: str, text: str) -> str:
        if name.endswith(".svg"):
            return self._svg(text)
        yaml = YAML(typ="rt")
        yaml.width = 10_000
        data = yaml.load(text)
        getattr(self, f"_{name.removesuffix('.yaml')}")(data)
        out: list[str] = []
        yaml.dump(data, _Lines(out))
        return "".join(out)

    def id(self, word: Any) -> Any:
        text = str(word)
        if text not in self.words:
            self.words[text] = text if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else f"w{len(self.words)}"
        new = self.words[text]
        return new if not isinstance(word, int) or new != text else word

    def op(self, op: str) -> str:
        return str(int(op) * 7 + 3)

    def rule(self, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        return _WORD.sub(lambda match: match[0] if match[0] in _KEPT else str(self.id(match[0])), text)

    def cell(self, cell: Any) -> Any:
        if isinstance(cell, list):
            return [self.id(value) for value in cell]
        return cell if str(cell) == "any" or str(cell)[0] in "<>" else self.id(cell)

    def template(self, text: str) -> str:
        parts = re.split(r"(\{[^{}]*\})", text)
        return "".join(f"{{{self.word(part[1:-1])}}}" if part.startswith("{") else self.rule(part) for part in parts)

    def word(self, word: str) -> str:
        own = word.endswith(".own")
        return f"{self.id(word.removesuffix('.own'))}{'.own' if own else ''}"

    def names(self, entry: Any) -> None:
        for key in ("name", "message"):
            if key in entry:
                self._texts += 1
                entry[key] = {"en": f"Text {self._texts}", "zh": f"文字{self._texts}"}

    def keys(self, entry: Any, *keys: str, by: Callable[[Any], Any] | None = None) -> None:
        for key in keys:
            if key in entry:
                entry[key] = (by or self.id)(entry[key])

    def law(self, law: Any) -> None:
        for each in law.get("add", []) if isinstance(law, dict) else []:
            self.keys(each, "when", "of", by=self.rule)

    def _pack(self, data: Any) -> None:
        self.keys(data, "pack", "sector")
        self.names(data)
        self.keys(data["product"], "id")
        self.names(data["product"])
        self.keys(data["place"], "enterprise", "site", "area", "line")

    def _options(self, data: Any) -> None:
        for option in data["options"]:
            self.keys(option, "id", "default")
            self.names(option)
            for value in option.get("values", []):
                self.keys(value, "id")
                self.names(value)
        for derived in data.get("derived", []):
            self.keys(derived, "id", "of")
            derived["table"] = {self.id(key): self.id(value) for key, value in derived["table"].items()}

    def _rules(self, data: Any) -> None:
        for rule in [*data["rules"], *data.get("prices", []), *data.get("tables", []), *data.get("lists", [])]:
            self.keys(rule, "id")
            self.names(rule)
            self.keys(rule, "rule", "when", by=self.rule)
        for table in data.get("tables", []):
            table["of"] = [self.id(word) for word in table["of"]]
            table["allow"] = [[self.cell(cell) for cell in row] for row in table["allow"]]
        for each in data.get("lists", []):
            each["values"] = {
                self.id(option): {self.id(value): price for value, price in prices.items()}
                for option, prices in each.get("values", {}).items()
            }
            each["rules"] = {self.id(rule): price for rule, price in each.get("rules", {}).items()}

    def _modules(self, data: Any) -> None:
        firms: dict[str, Any] = {}
        for module in data["modules"]:
            for entry in (module, *module["variants"], *module["suppliers"]):
                self.keys(entry, "id")
                self.names(entry)
            for supplier in module["suppliers"]:
                supplier["name"] = dict(firms.setdefault(supplier["id"], supplier["name"]))
                supplier["town"] = f"Town {supplier['town'][:2]}"

    def _bom(self, data: Any) -> None:
        for line in data["bom"]:
            self.keys(line, "module")
            self.keys(line, "at", by=self.op)
            self.keys(line, "when", by=self.rule)
            self.law(line["quantity"])
            for choice in line["choose"]:
                self.keys(choice, "variant")
                self.keys(choice, "when", by=self.rule)

    def _routing(self, data: Any) -> None:
        for operation in data["routing"]:
            self.names(operation)
            self.keys(operation, "class")
            self.keys(operation, "op", "group", by=self.op)
            operation["after"] = [self.op(op) for op in operation["after"]]
            self.law(operation["cycle"])
            self.keys(operation, "setup", "program", by=self.template)
            self.keys(operation, "when", by=self.rule)
            for law in operation.get("parameters", {}).values():
                self.law(law)
            operation["parameters"] = {
                str(self.id(key)): self.template(value) if isinstance(value, str) else value
                for key, value in operation.get("parameters", {}).items()
            }

    def _resources(self, data: Any) -> None:
        for entry in self._all(data, "calendars", "classes", "connections", "equipment", "meters"):
            self.keys(entry, "id", "class", "cell", "connection", "group", "calendar")
            self.names(entry)
            if "of" in entry:
                entry["of"] = [self.id(machine) for machine in entry["of"]]
            for pair in entry.get("setup", {}).get("pairs", []):
                self.keys(pair, "from", "to")

    def _signals(self, data: Any) -> None:
        for signal in data["signals"]:
            self.keys(signal, "id", "class")
            self.names(signal)

    def _checks(self, data: Any) -> None:
        for check in data["checks"]:
            self.keys(check, "id", "measure")
            self.names(check)
            self.keys(check, "op", by=self.op)
            if "redo" in check:
                check["redo"] = [self.op(op) for op in check["redo"]]

    def _energy(self, data: Any) -> None:
        energy = data["energy"]
        energy["shares"] = {self.id(cell): share for cell, share in energy["shares"].items()}

    def _demo(self, data: Any) -> None:
        demo = data["demo"]
        for number, customer in enumerate(demo["customers"]):
            customer.update(name=f"Person {number}", town=f"Place {number}")
        demo["weights"] = {
            self.id(option): {self.id(value): weight for value, weight in weights.items()}
            for option, weights in demo["weights"].items()
        }
        for carrier in demo["carriers"]:
            self.keys(carrier, "id")
            self.names(carrier)

    def _svg(self, text: str) -> str:
        when = re.compile(r'(b:when=")([^"]*)(")')
        fill = re.compile(r'(b:fill=")([^"]*)(")')
        text = when.sub(lambda match: match[1] + self._in_xml(match[2]) + match[3], text)
        text = fill.sub(lambda match: match[1] + str(self.id(match[2])) + match[3], text)
        return re.sub(r"<title>.*?</title>", "<title>Thing</title>", text)

    def _in_xml(self, condition: str) -> str:
        plain = condition.replace("&lt;", "<").replace("&gt;", ">")
        return str(self.rule(plain)).replace("<", "&lt;").replace(">", "&gt;")

    def _all(self, data: Any, *kinds: str) -> Iterator[Any]:
        for kind in kinds:
            yield from data.get(kind, [])


class _Lines:
    def __init__(self, out: list[str]) -> None:
        self._out = out

    def write(self, data: bytes | str) -> None:
        self._out.append(data.decode() if isinstance(data, bytes) else data)
