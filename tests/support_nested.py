"""A small pack with everything the language of packs has: a rack that holds shelves, which hold boxes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support_pack import SMALL

RACK: Mapping[str, str] = {
    **SMALL,
    "pack.yaml": """\
pack: racks
version: 1.0.0
sector: storage
licence: Apache-2.0
languages: [en, zh]
currency: EUR
name: {en: Racks, zh: 货架}
product: {id: rack, name: {en: Rack, zh: 货架}, serial: RK, base_price: "50.00"}
place: {enterprise: lumen, site: brno, area: hall, line: one}
""",
    "options.yaml": """\
options:
  - id: height
    name: {en: Height, zh: 高}
    unit: cm
    quantity: {from: 100, to: 200, step: 50}
    price_each: "0.10"
    default: 150
    defaults: [{when: shelves = 3, value: 200}]
  - id: steel
    name: {en: Steel, zh: 钢}
    default: plain
    values:
      - {id: plain, name: {en: Plain, zh: 普通}}
      - {id: inox, name: {en: Stainless, zh: 不锈}, price: "30.00", until: 2026-06-30}
      - {id: painted, name: {en: Painted, zh: 喷漆}, price: "5.00", since: 2026-03-01, own: {kind: text, most: 12}}
  - id: shelves
    name: {en: Shelves, zh: 层数}
    quantity: {from: 1, to: 3}
    default: 1
  - id: extras
    name: {en: Extras, zh: 附件}
    several: {least: 0, most: 2}
    values:
      - {id: wheels, name: {en: Wheels, zh: 轮}, price: "8.00"}
      - {id: hooks, name: {en: Hooks, zh: 钩}, price: "2.00"}
      - {id: cover, name: {en: Cover, zh: 罩}, price: "12.00", lead: 1 d}
parts:
  - id: shelf
    name: {en: Shelf, zh: 层板}
    count: shelves
    options:
      - id: load
        name: {en: Load, zh: 载重}
        unit: kg
        default: 50
        values: [{id: 50}, {id: 100, price: "6.00"}]
      - id: boxes
        name: {en: Boxes, zh: 箱数}
        quantity: {from: 0, to: 1}
        default: 0
    derived:
      - {id: class, of: [load, boxes], table: {50: light, 100: {0: heavy, 1: full}}}
  - id: box
    name: {en: Box, zh: 箱}
    count: boxes
    of: shelf
    options:
      - id: lid
        name: {en: Lid, zh: 盖}
        default: no
        values: [{id: no, name: {en: No, zh: 无}}, {id: yes, name: {en: Yes, zh: 有}, price: "1.50"}]
derived:
  - {id: ends, of: steel, table: {plain: grey, inox: shiny, painted: grey}}
  - {id: weight, formula: "height * 10 kg/m + sum(shelf: load) * 0.1", unit: kg}
""",
    "rules.yaml": """\
rules:
  - id: light-enough
    rule: "sum(shelf: load) <= 0.2 t"
    message: {en: A rack bears 200 kg., zh: 货架承重 200 公斤。}
  - id: tall-racks-roll-not
    rule: extras has wheels => height <= 1.5 m and count(shelf) <= 2
    message: {en: Racks on wheels stay low., zh: 带轮货架须低矮。}
  - id: heavy-shelves-bear-boxes
    part: shelf
    rule: boxes = 1 => load = 100
    message: {en: Boxes need a strong shelf., zh: 箱子需要强层板。}
  - id: lids-need-low-racks
    part: box
    rule: lid = yes => height < 200
    message: {en: Lids cannot be reached above 2 m., zh: 两米以上够不到盖子。}
  - id: not-all-heavy
    rule: "at most 1 of {some(shelf: class = full), extras has cover, steel = inox}"
    message: {en: That would be too heavy., zh: 那样太重。}
  - id: painted-from-may
    rule: steel = painted => shelves <= 2
    message: {en: Painted racks have two shelves., zh: 喷漆货架最多两层。}
    since: 2026-05-01
tables:
  - id: sizes
    of: [height, shelves]
    message: {en: This height does not take so many shelves., zh: 该高度放不下这么多层。}
    allow:
      - [100, 1]
      - [150, [1, 2]]
      - [">= 200", any]
prices:
  - {id: full-rack, when: count(shelf) = 3, price: "-4.00"}
  - {id: strong-box, part: shelf, when: load = 100 and boxes = 1, price: "-1.00"}
  - {id: summer, when: steel = painted, price: "-2.00", since: 2026-06-01, until: 2026-08-31}
lists:
  - id: dealers
    name: {en: Dealers, zh: 经销商}
    groups: [dealer]
    base_price: "45.00"
    values: {steel: {inox: "25.00"}}
    rules: {full-rack: "-6.00"}
  - id: spring
    name: {en: Spring, zh: 春季}
    since: 2026-03-01
    until: 2026-05-31
    base_price: "47.50"
breaks:
  - {from: 10, percent: -3}
  - {from: 50, percent: -6.5}
""",
    "bom.yaml": """\
bom:
  - module: base
    at: "90"
    quantity: {base: 0, add: [{of: height, by: 0.02}, {of: shelves, by: 1}]}
    choose:
      - {when: ends = grey, variant: base-plate}
      - {when: ends = shiny, variant: base-clamp}
  - module: bulb
    part: shelf
    at: "10"
    quantity: {base: 1, add: [{when: load = 100, by: 1}]}
    choose:
      - {when: class = light, variant: bulb-led}
      - {when: class != light, variant: bulb-halogen}
  - module: feet
    part: box
    at: "20"
    quantity: 4
    choose: [{when: true, variant: feet-felt}]
  - module: feet
    at: "90"
    when: extras has wheels
    quantity: 4
    choose: [{when: true, variant: feet-felt}]
""",
    "routing.yaml": """\
routing:
  - op: "10"
    part: shelf
    name: {en: Cut, zh: 切}
    class: turning
    after: []
    cycle: {base: 30 s, add: [{of: load, by: 0.1 s}]}
    setup: "{class}"
    program: "cut-{load}-{height}"
    energy: 0.05 kWh
  - op: "20"
    part: box
    name: {en: Fold, zh: 折}
    class: fitting
    after: ["10"]
    cycle: {base: 10 s}
    program: "fold-{lid}-{load}"
    energy: 0.01 kWh
  - op: "90"
    name: {en: Assemble, zh: 装配}
    class: testing
    after: ["10", "20"]
    cycle: {base: 20 s, add: [{of: shelves, by: 15 s}]}
    program: "rack-{height}-{ends}"
    parameters: {label: "{steel.own}", weight: "{weight}"}
    energy: 0.14 kWh
""",
    "resources.yaml": SMALL["resources.yaml"].replace("from: free, to: fixed", "from: light, to: heavy"),
    "checks.yaml": """\
checks:
  - id: width
    op: "10"
    name: {en: Width, zh: 宽}
    measure: width
    unit: mm
    limit: {min: 9.9, max: 10.1}
    reaction: rework
    redo: ["10"]
    physics: {mean: 10, sd: 0.02}
  - id: stands
    op: "90"
    name: {en: Stands, zh: 站稳}
    measure: tilt
    unit: mm
    reaction: rework
    redo: ["10", "90"]
    physics: {mean: 0, sd: 1}
""",
    "demo.yaml": SMALL["demo.yaml"].replace(
        "{foot: {round: 2, square: 1}, height_cm: {30: 1, 45: 1}}", "{steel: {plain: 2, inox: 1}, height: {150: 1, 200: 1}}"
    ),
    "drawing.svg": """\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:b="urn:batchone:drawing" viewBox="0 0 10 10">
  <rect b:when="height >= 150" x="1" y="8" width="8" height="1"/>
  <circle b:when="count(shelf) &gt; 1" cx="5" cy="2" r="1" fill="#ffffff"/>
</svg>
""",
}
"""A rack with 1 to 3 shelves; a shelf may hold a box. It uses quantities, sums, tables, dates, lists and breaks."""
