# ruff: noqa: E501 - a table of faults reads best with one on a line
from __future__ import annotations

from pathlib import Path

import pytest
from tests.support_nested import RACK
from tests.support_pack import AIDED, REFRIGERATOR, SMALL, edited, rename_pack, written

from batchone.chain.design.completion import complete
from batchone.chain.design.configure import configure
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import compile_pack
from batchone.chain.design.packs import Fault, PackRefused, check_files, check_pack, load_files, load_pack
from batchone.contracts.sharing import Aim, Wait
from batchone.kernel.money import Money

LATHE = "connection: shop\n    power: {idle: 0.1 kW, run: 24.1 kW}"
RULES = "rules.yaml"
CASES = [
    # name, file, what is exchanged, by what, how many lines below that the fault stands, what it says
    # the files themselves
    ("yaml", "energy.yaml", "energy: {nominal", "energy: [nominal", 0, "no YAML"),
    ("key twice", "pack.yaml", "sector: lighting", "sector: lighting\nsector: lighting", 1, "'sector' stands here twice"),
    ("alias", "pack.yaml", "name: {en: Desk lamps, zh: 台灯}", "name: &n {en: a, zh: b}\nx: *n", 1, "Aliases"),
    ("unknown key", "pack.yaml", "sector: lighting", "sector: lighting\ncolour: red", 1, "'colour' is not known here"),
    ("missing key", "checks.yaml", "    unit: lm\n", "", -4, "'unit' is missing"),
    ("empty value", "pack.yaml", "sector: lighting", "sector:", 0, "A single value should stand here"),
    ("list for a mapping", "pack.yaml", "{enterprise: lumen, site: brno, area: hall, line: one}", "[a]", 0, "should be a mapping"),
    ("word for a list", "routing.yaml", 'after: ["20"]', "after: no", 0, "after should be a list"),
    # single values
    ("bad id", "modules.yaml", "id: bulb\n", "id: Bulb!\n", 0, "'Bulb!' is no id"),
    ("reserved id", "modules.yaml", "id: bulb\n", "id: not\n", 0, "'not' is no id"),
    ("version", "pack.yaml", "version: 1.0.0", "version: one", 0, "'one' is no version"),
    ("currency", "pack.yaml", "currency: EUR", "currency: euro", 0, "'euro' is no currency"),
    ("serial", "pack.yaml", "serial: LP", "serial: lp", 0, "'lp' is no prefix"),
    ("money as a number", "pack.yaml", 'base_price: "20.00"', "base_price: 20.00", 0, "'20.00' is no amount of money"),
    ("money with three decimals", "options.yaml", '"2.00"', '"2.005"', 0, "no amount of money"),
    ("negative cost", "modules.yaml", '"2.50"', '"-2.50"', 0, "no amount of money"),
    ("no unit", "signals.yaml", "    every: 5 s\n", "    every: 5\n", 0, "'5' has no unit"),
    ("bad unit of a quantity", "demo.yaml", "every: 60 s", "every: 60 sm", 0, "'60 sm' is not a quantity in s"),
    ("another dimension", "routing.yaml", "energy: 0.09 kWh", "energy: 9 kg", 0, "'9 kg' is not a quantity in kWh"),
    ("bad unit of a signal", "signals.yaml", "unit: rpm", "unit: spins", 0, "'spins' is no unit"),
    ("bad unit of a check", "checks.yaml", "unit: lm", "unit: candles!", 0, "is no unit"),
    ("no duration", "resources.yaml", "connection: air\n    power: {idle: 0 kW, run: 7.2 kW}\n    mtbf: 60 h",
     "connection: air\n    power: {idle: 0 kW, run: 7.2 kW}\n    mtbf: 0 h", 2, "'0 h' is too little"),
    ("no whole number", "resources.yaml", "positions: 2", "positions: 2.5", 0, "positions is '2.5'"),
    ("share above one", "modules.yaml", "lead: 2 d, moq: 5, on_time: 0.95", "lead: 2 d, moq: 5, on_time: 95", 0, "on_time is 95"),
    ("one of some words", "signals.yaml", "    scope: equipment\n", "    scope: machine\n", 0, "scope is 'machine'"),
    ("missing language", "options.yaml", "name: {en: Foot, zh: 底座}", "name: {en: Foot}", 0, "'zh' is missing"),
    ("another language", "options.yaml", "name: {en: Foot, zh: 底座}", "name: {en: F, zh: 底, de: F}", 0, "'de' is not known here"),
    ("empty text", RULES, "{en: Halogen gets hot., zh: 卤素很热。}", '{en: "", zh: 卤素}', 0, "The en text is empty"),
    ("value without a number", "options.yaml", "- {id: 45,", "- {id: tall,", 0, "'tall' is no number"),
    ("look", "options.yaml", 'look: "#222222"', 'look: "url(http://x/y)"', 0, "is no look"),
    ("operation without quotes", "bom.yaml", 'at: "30"', "at: 30", 0, "'30' is no operation"),
    ("time of day", "resources.yaml", 'to: "18:00"', 'to: "25:00"', 0, "'25:00' is no time of day"),
    ("backward time", "resources.yaml", 'to: "12:30"', 'to: "11:30"', 0, "ends before it begins"),
    ("no day", "resources.yaml", "week: [{days: [mon,", "week: [{days: [monday,", 0, "'monday' is no day"),
    # words of rules
    ("unknown option in a rule", RULES, "rule: light = halogen", "rule: lamp = halogen", 0, "'lamp' is no option"),
    ("unknown value in a rule", RULES, "rule: light = halogen", "rule: light = neon", 0, "'neon' is no value of light"),
    ("size of words", RULES, "rule: light = halogen", "rule: light < 5", 0, "light has no numbers"),
    ("no rule", RULES, "height_cm <= 45", "height_cm <= ", 0, "cannot be read at its end"),
    ("word in a price rule", RULES, "when: height_cm = 60 and", "when: height = 60 and", 0, "'height' is no option"),
    ("word in the bill", "bom.yaml", "{when: light = led", "{when: light = lead", 0, "'lead' is no value of light"),
    ("word in a cycle", "routing.yaml", "add: [{when: height_cm > 45, by", "add: [{when: tall, by", 0, "cannot be read"),
    ("word in a template", "routing.yaml", 'program: "fit-{light}"', 'program: "fit-{lamp}"', 0, "'{lamp}' is no option"),
    ("word in a setup", "routing.yaml", 'setup: "{stands}"', 'setup: "{stand}"', 0, "'{stand}' is no option"),
    ("word in the drawing", "drawing.svg", "light = led", "light = lead", 0, "'lead' is no value of light"),
    ("option of the drawing", "drawing.svg", 'b:fill="foot"', 'b:fill="feet"', 0, "no option 'feet'"),
    ("script in the drawing", "drawing.svg", "<title>Lamp</title>", "<script/>", 0, "<script> may not stand"),
    # references
    ("default", "options.yaml", "default: led", "default: lead", 0, "no value of light 'lead'"),
    ("derived of nothing", "options.yaml", "of: foot", "of: feet", 0, "no option 'feet'"),
    ("table with a gap", "options.yaml", "{round: free, square: free, clamp", "{round: free, clamp", 0, "nothing for foot = square"),
    ("table with too much", "options.yaml", "{round: free,", "{oval: free, round: free,", 0, "no value of foot 'oval'"),
    ("derived named like an option", "options.yaml", "- {id: stands,", "- {id: light,", 0, "There is an option 'light' too"),
    ("class", "routing.yaml", "class: fitting", "class: gluing", 0, "no class 'gluing'"),
    ("operation before", "routing.yaml", 'after: ["20"]', 'after: ["25"]', 0, "no operation '25'"),
    ("operation of the bill", "bom.yaml", 'at: "30"', 'at: "35"', 0, "no operation '35'"),
    ("module", "bom.yaml", "module: bulb", "module: tube", 0, "no module 'tube'"),
    ("variant", "bom.yaml", "variant: bulb-led", "variant: bulb-neon", 0, "no variant 'bulb-neon'"),
    ("variant of another module", "bom.yaml", "variant: bulb-led", "variant: base-plate", 0, "'base-plate' is no variant of bulb"),
    ("no supplier", "modules.yaml", "\n      - {id: glassworks, name: {en: Glassworks, zh: 玻璃厂}, town: Jablonec, lead: 2 d, moq: 5, on_time: 0.95}", " []", 0, "suppliers has too few entries"),
    ("calendar", "resources.yaml", "calendar: always", "calendar: nights", 0, "no calendar 'nights'"),
    ("connection", "resources.yaml", "connection: air", "connection: ether", 0, "no connection 'ether'"),
    ("metered equipment", "resources.yaml", "of: [lathe-1,", "of: [lathe-2,", 0, "no equipment 'lathe-2'"),
    ("class of a signal", "signals.yaml", "    class: turning\n", "    class: milling\n", 0, "no class 'milling'"),
    ("operation of a check", "checks.yaml", 'op: "30"', 'op: "31"', 0, "no operation '31'"),
    ("redo of an unknown operation", "checks.yaml", 'redo: ["10"]', 'redo: ["11"]', 0, "no operation '11'"),
    ("cell of a share", "energy.yaml", "{metal:", "{wood:", 0, "no cell 'wood'"),
    ("weight of an unknown option", "demo.yaml", "{foot: {", "{feet: {", 0, "no option 'feet'"),
    ("weight of an unknown value", "demo.yaml", "{30: 1, 45: 1}", "{30: 1, 46: 1}", 0, "'46' is not known here"),
    # ids twice
    ("option twice", "options.yaml", "  - id: light\n", "  - id: foot\n", 0, "The option 'foot' is declared already in options.yaml:2"),
    ("value twice", "options.yaml", "- {id: square,", "- {id: round,", 0, "The value of foot 'round' is declared already"),
    ("rule twice", RULES, "id: tall-lamps-are-clamped", "id: hot-lamps-stay-low", 0, "The rule 'hot-lamps-stay-low'"),
    ("variant twice", "modules.yaml", "{id: bulb-halogen,", "{id: base-plate,", 0, "declared already in modules.yaml:5"),
    ("operation twice", "routing.yaml", 'op: "20"', 'op: "10"', 0, "The operation '10'"),
    ("equipment twice", "resources.yaml", "id: fitter-1", "id: lathe-1", 0, "The equipment 'lathe-1'"),
    ("check twice", "checks.yaml", "id: brightness", "id: diameter", 0, "The check 'diameter'"),
    ("signal twice in a class", "signals.yaml", "- {id: power, class: testing", "- {id: spindle_speed, class: turning", 0,
     "declared already in signals.yaml:2"),
    ("supplier with two towns", "modules.yaml", "town: Brno, lead: 6 h", "town: Praha, lead: 6 h", 0, "another name or town"),
    # what must fit together
    ("ring", "routing.yaml", "after: []", 'after: ["30"]', 0, "wait for one another"),
    ("operation after itself", "routing.yaml", 'after: ["20"]', 'after: ["30"]', 0, "30 → 30 wait for one another"),
    ("setup without times", "routing.yaml", '    program: "glue"\n', '    program: "glue"\n    setup: "{foot}"\n', 1, "no setup times"),
    ("setup key of nothing", "resources.yaml", "from: free, to: fixed", "from: free, to: fix", 0, "has the setup key 'fix'"),
    ("long program", "routing.yaml", '"fit-{light}"', '"fit-{light}-and-then-look-whether-it-shines"', 0, "at most 32"),
    ("port twice", "resources.yaml", "port: 5900", "port: 4900", 0, "Port 4900 is used by shop already"),
    ("port missing", "resources.yaml", "protocol: opcua, port: 4900", "protocol: opcua", 0, "needs a port"),
    ("group of opcua", "resources.yaml", "port: 4900}", "port: 4900, group: x}", 0, "has no group"),
    ("unit of Modbus twice", "resources.yaml", "connection: bench, unit: 9", "connection: bench, unit: 1", 0, "Unit 1 of bench is used by tester-1"),
    ("unit of Modbus missing", "resources.yaml", "    unit: 1\n", "", -6, "tester-1 has no unit id"),
    ("unit elsewhere", "resources.yaml", LATHE, LATHE.replace("\n", "\n    unit: 3\n"), 1, "has no unit id"),
    ("meter elsewhere", "resources.yaml", "connection: bench, unit: 9", "connection: shop, unit: 9", 0, "not on a Modbus connection"),
    ("read by two meters", "resources.yaml", "unit: 9, of: [lathe-1, tester-1]}",
     "unit: 9, of: [lathe-1]}\n  - {id: meter-2, name: {en: M, zh: 表}, connection: bench, unit: 8, of: [lathe-1]}", 1, "read by meter-1 already"),
    ("Modbus with positions", "resources.yaml", "cell: assembly\n    positions: 1", "cell: assembly\n    positions: 3", 1, "Modbus equipment has one"),
    ("more power idle", "resources.yaml", "{idle: 0.1 kW, run: 24.1 kW}", "{idle: 30 kW, run: 24.1 kW}", 0, "more power idle"),
    ("limits in wrong order", "signals.yaml", "low: 800, high: 1000", "low: 1000, high: 800", 0, "low is 1000 and high is 800"),
    ("law of physics", "signals.yaml", "law: hold", "law: hover", 0, "law is 'hover'"),
    ("physics without a number", "signals.yaml", "at: 900, ", "", 0, "'at' is missing"),
    ("check bounds in wrong order", "checks.yaml", "{min: 9.9, max: 10.1}", "{min: 10.1, max: 9.9}", 0, "min is 10.1 and max is 9.9"),
    ("check without a bound", "checks.yaml", "limit: {min: 9.9, max: 10.1}", "limit: {}", 0, "The limit has no bound"),
    ("rework of nothing", "checks.yaml", '    redo: ["10"]\n', "", -7, "needs operations to do again"),
    ("redo of what comes later", "checks.yaml", 'redo: ["10"]', 'redo: ["30"]', 0, "Operation 30 does not come before operation 10"),
    ("redo of a held item", "checks.yaml", "reaction: hold", 'reaction: hold\n    redo: ["10"]', 1, "nothing to redo by rule"),
    ("shares", "energy.yaml", "metal: 0.667", "metal: 0.5", 0, "The shares sum to 0.833"),
    ("nominal energy", "energy.yaml", "nominal: 0.3 kWh", "nominal: 0.5 kWh", 0, "take 0.3 kWh together"),
    ("weights", "demo.yaml", "{round: 2, square: 1}", "{round: 0, square: 0}", 0, "draw nothing"),
]  # fmt: skip


RACK_CASES = [
    # as above, for the rack
    ("another currency", "options.yaml", '"8.00"}', '"8.00 USD"}', 0, "'8.00 USD' is in USD, and the pack in EUR"),
    ("list in another currency", RULES, "    groups: [dealer]", "    groups: [dealer]\n    currency: USD", 1, "The list is in USD"),
    ("no date", RULES, "since: 2026-05-01", "since: May", 0, "'May' is no date"),
    ("dates the wrong way", RULES, "until: 2026-08-31", "until: 2026-05-31", 0, "It ends before it begins"),
    ("quantity the wrong way", "options.yaml", "{from: 100, to: 200", "{from: 300, to: 200", 0, "It ends before it begins"),
    ("quantity too fine", "options.yaml", "to: 200, step: 50", "to: 2000, step: 1", 0, "a quantity may have 500"),
    ("default off the step", "options.yaml", "    default: 150", "    default: 160", 0, "no value of height '160'"),
    ("several of too many", "options.yaml", "{least: 0, most: 2}", "{least: 0, most: 4}", 0, "extras takes 0 to 4 of 3 values"),
    ("count of nothing", "options.yaml", "count: shelves", "count: steel", 0, "'steel' is no quantity of what holds shelf"),
    ("part of nothing", "options.yaml", "of: shelf\n", "of: shelve\n", 0, "There is no part 'shelve'"),
    ("rule of no part", RULES, "    part: box\n    rule", "    part: bag\n    rule", 0, "There is no part 'bag'"),
    ("word of a part outside", RULES, "steel = painted => shelves", "load = 50 => shelves", 0, "'load' is no option"),
    ("table with a gap inside", "options.yaml", "100: {0: heavy, 1: full}", "100: {0: heavy}", 0, "nothing for boxes = 1"),
    ("formula in another unit", "options.yaml", "height * 10 kg/m +", "height * 10 +", 0, "A number in kg cannot be compared"),
    ("row too short", RULES, "[100, 1]", "[100]", 0, "The row does not fit the table"),
    ("cell of nonsense", RULES, '">= 200"', '"~ 200"', 0, "'~ 200' is no cell"),
    ("allow and forbid", RULES, "    allow:\n", "    forbid: [[100, 1]]\n    allow:\n", -3, "A table allows rows, or forbids them"),
    ("breaks out of order", RULES, "{from: 50,", "{from: 5,", 0, "The breaks are not in order"),
    ("more than all off", RULES, "percent: -6.5", "percent: -100", 0, "percent is -100"),
    ("line at another part's operation", "bom.yaml", 'part: shelf\n    at: "10"', 'part: shelf\n    at: "20"', 1, "makes another part"),
    ("addition of a word", "bom.yaml", "{of: height, by: 0.02}", "{of: steel, by: 0.02}", 0, "steel has no numbers"),
    ("what is brought, in a program", "routing.yaml", '"rack-{height}-{ends}"', '"rack-{steel.own}"', 0, "in parameters only"),
    ("own of what", "options.yaml", "kind: text", "kind: song", 0, "kind is 'song'"),
]  # fmt: skip


JIG = "classes: [clamping], count: 2, calendar: always"
AIDED_CASES = [
    # as above
    ("need that nobody serves", "routing.yaml", "[gluing, clamping]", "[gluing, welding]", 0, "There is no tool class or skill 'welding'"),
    ("need twice", "routing.yaml", "[gluing, clamping]", "[gluing, gluing]", 0, "'gluing' stands here twice"),
    ("crew that is not there", "resources.yaml", "crew: setting", "crew: setters", 0, "no tool class or skill 'setters'"),
    ("tool that serves nothing", "resources.yaml", JIG, JIG.replace("clamping", ""), 0, "classes has too few entries"),
    ("no tools of a kind", "resources.yaml", JIG, JIG.replace("2", "0"), 0, "count is '0'"),
    ("calendar of a tool", "resources.yaml", JIG, JIG.replace("always", "nights"), 0, "no calendar 'nights'"),
    ("tool named like equipment", "resources.yaml", "- {id: jig,", "- {id: lathe-1,", 0, "'lathe-1' is the name of equipment already"),
    ("skill named like a class", "resources.yaml", "[gluing, setting]", "[fitting, gluing, setting]", 0, "'fitting' is the name of a class of equipment"),
    ("people named like a tool", "resources.yaml", "- {id: fitters,", "- {id: jig,", 0, "'jig' is the name of a tool already"),
    ("tool named like what it serves", "resources.yaml", "- {id: jig,", "- {id: clamping,", 0, "'clamping' is the name of what tools or people serve"),
    ("people who never meet the machine", "resources.yaml", "count: 1, calendar: days}\n",
     "count: 1, calendar: rest}\n", 0, "no calendar 'rest'"),
    ("wait after what is not before", "routing.yaml", '{after: "20", least', '{after: "10", least', 0, "waits after 10, which is not in its 'after'"),
    ("wait after nothing", "routing.yaml", '{after: "20", least', '{after: "25", least', 0, "no operation '25'"),
    ("wait twice", "routing.yaml", "most: 2 d}]", 'most: 2 d}, {after: "20", least: 1 h}]', 0, "waits after 20 twice"),
    ("wait the wrong way", "routing.yaml", "most: 2 d", "most: 2 min", 0, "At most 120 s is less than at least 3600 s"),
    ("wait without a bound", "routing.yaml", ", least: 1 h, most: 2 d", "", 0, "The wait has no bound"),
    ("aim of no measure", "pack.yaml", "[tardiness, energy]", "[tardiness, beauty]", 0, "'beauty' is no measure"),
    ("aim twice", "pack.yaml", "[tardiness, energy]", "[tardiness, tardiness]", 0, "The aim names tardiness twice"),
    ("empty aim", "pack.yaml", "[tardiness, energy]", "[]", 0, "aim has too few entries"),
    ("weight of no measure", "pack.yaml", "[tardiness, energy]", "{tardiness: 1, beauty: 3}", 0, "'beauty' is not known here"),
    ("weight that is no number", "pack.yaml", "[tardiness, energy]", "{tardiness: much}", 0, "tardiness is 'much'"),
    ("gap in the tariff", "energy.yaml", '- {from: "06:00"', '- {from: "07:00"', 0, "The tariff says nothing between 06:00 and 07:00"),
    ("hours of the tariff twice", "energy.yaml", '- {from: "06:00"', '- {from: "05:00"', 0, "says two prices between 05:00 and 06:00"),
    ("tariff of half a day", "energy.yaml", 'to: "24:00"', 'to: "22:00"', 0, "The tariff ends at 22:00"),
    ("price without coins", "energy.yaml", '"190.50"', "190.5", 0, "'190.5' is no amount of money"),
    ("price in another currency", "energy.yaml", '"190.50"', '"190.50 CNY"', 0, "and the pack in EUR"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "below", "what"), [case[1:] for case in AIDED_CASES], ids=[case[0] for case in AIDED_CASES]
)
def test_each_fault_of_tools_people_waits_and_aims_has_file_line_and_cure(
    file: str, old: str, new: str, below: int, what: str
) -> None:
    line = AIDED[file][: AIDED[file].index(old)].count("\n") + 1 + below
    report = check_files(edited(AIDED, file, old, new))
    told = [fault for fault in report.faults if what in fault.what]
    assert told, f"not among {[str(fault) for fault in report.faults]}"
    assert all(fault.cure.endswith((".", "?")) for fault in report.faults)
    assert (told[0].file, told[0].line) == (file, line)


@pytest.mark.parametrize(
    ("hours", "what"),
    [
        ('[{days: [sat, sun], from: "06:00", to: "18:00"}]', "No gluing ever works when the machine does for operation 20 on fitting."),
        ('[{days: [mon], from: "00:00", to: "06:01"}]', "No gluing works long enough in one go for operation 20 on fitting."),
        ('[{days: [mon], from: "05:00", to: "08:00"}]', None),
    ],
)  # fmt: skip
def test_hours_of_people_and_of_the_machine_must_meet_for_as_long_as_the_work_takes(hours: str, what: str | None) -> None:
    files = edited(AIDED, "resources.yaml", "  - {id: always}\n", f"  - {{id: always}}\n  - {{id: rare, week: {hours}}}\n")
    files = edited(files, "resources.yaml", "count: 1, calendar: days", "count: 1, calendar: rare")
    files = edited(files, "routing.yaml", "cycle: {base: 10 s}", "cycle: {base: 90 s}")
    told = [str(fault) for fault in check_files(files).faults]
    if what is None:
        assert told == []
    else:
        assert [each for each in told if each.startswith("routing.yaml:17:") and what in each]


def test_a_crew_that_is_never_there_is_told_at_the_setup() -> None:
    rest = '  - {id: rest, week: [{days: [sun], from: "06:00", to: "18:00"}]}\n'
    files = edited(AIDED, "resources.yaml", "  - {id: always}\n", f"  - {{id: always}}\n{rest}")
    files = edited(files, "resources.yaml", "count: 1, calendar: days", "count: 1, calendar: rest")
    told = [(fault.line, fault.what) for fault in check_files(files).faults if fault.file == "resources.yaml"]
    assert told == [(10, "No setting ever works when the machine does to set turning up.")]


def test_a_setup_must_fit_into_the_longest_wait() -> None:
    files = edited(
        AIDED, "routing.yaml", 'after: ["10"]', 'after: ["10"]\n    waits: [{after: "10", least: 1 min, most: 70 s}]'
    )
    files = edited(files, "routing.yaml", "    class: fitting\n", '    class: turning\n    setup: "{foot}"\n')
    told = [fault.what for fault in check_files(files).faults]
    assert told == ["A setup of turning takes longer than the wait leaves room for."]


def test_energy_is_no_aim_without_a_price() -> None:
    files = {**AIDED, "energy.yaml": SMALL["energy.yaml"]}
    assert [(f.file, f.line, f.what) for f in check_files(files).faults] == [
        ("pack.yaml", 10, "The aim names energy, and energy has no price.")
    ]


def test_tools_people_waits_tariff_and_aim_are_read_as_they_are_written() -> None:
    pack = load_files(AIDED)
    assert [(each.kind, each.id, each.serves, each.count, each.calendar) for each in pack.auxiliaries] == [
        ("tool", "jig", ("clamping",), 2, "always"),
        ("person", "fitters", ("gluing", "setting"), 1, "days"),
    ]
    setup = pack.equipment_class("turning").setup
    assert setup is not None
    assert setup.crew == "setting"
    assert pack.operation("20").needs == ("gluing", "clamping")
    assert pack.operation("30").waits == (Wait("20", 3600, 172_800),)
    assert pack.aim == Aim(("tardiness", "energy"))
    assert [(each.from_s, each.to_s, each.per_mwh) for each in pack.energy.tariff] == [
        (0, 21_600, Money.of("80.00", "EUR")), (21_600, 86_400, Money.of("190.50", "EUR"))
    ]  # fmt: skip
    weighed = load_files(edited(AIDED, "pack.yaml", "[tardiness, energy]", "{energy: 20, tardiness: 1}"))
    assert weighed.aim == Aim(("tardiness", "energy"), (1, 20))


def test_what_a_configuration_skips_needs_no_time_to_cure() -> None:
    shop = compile_pack(load_files(AIDED))
    cured, plain = (
        {op.op: op for op in explode(shop, "C", complete(shop, {"foot": foot})).operations} for foot in ("round", "clamp")
    )
    assert (cured["20"].needs, cured["30"].waits) == (("gluing", "clamping"), (Wait("20", 3600, 172_800),))
    assert ("20" in plain, plain["30"].after, plain["30"].waits) == (False, ("10",), ())


@pytest.mark.parametrize(
    ("file", "old", "new", "below", "what"), [case[1:] for case in RACK_CASES], ids=[case[0] for case in RACK_CASES]
)
def test_each_fault_of_the_grown_language_has_file_line_and_cure(file: str, old: str, new: str, below: int, what: str) -> None:
    line = RACK[file][: RACK[file].index(old)].count("\n") + 1 + below
    report = check_files(edited(RACK, file, old, new))
    told = [fault for fault in report.faults if what in fault.what]
    assert told, f"not among {[str(fault) for fault in report.faults]}"
    assert all(fault.cure.endswith((".", "?")) for fault in report.faults)
    assert (told[0].file, told[0].line) == (file, line)
    assert told[0].column > 0


def test_a_fault_in_a_rule_names_the_column() -> None:
    [fault] = check_files(
        edited(RACK, "rules.yaml", "steel = painted => shelves <= 2", "steel = painted => shelves <= two")
    ).faults
    place = "    rule: steel = painted => shelves <= two"
    assert (fault.column, str(fault).split(":")[2]) == (place.index("shelves") + 1, str(place.index("shelves") + 1))


@pytest.mark.parametrize(("file", "old", "new", "below", "what"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_fault_has_file_line_and_cure(file: str, old: str, new: str, below: int, what: str) -> None:
    line = SMALL[file][: SMALL[file].index(old)].count("\n") + 1 + below
    report = check_files(edited(SMALL, file, old, new))
    assert report.pack is None
    told = [fault for fault in report.faults if what in fault.what]
    assert told, f"not among {[str(fault) for fault in report.faults]}"
    assert all(fault.cure.endswith((".", "?")) for fault in report.faults)
    assert (told[0].file, told[0].line) == (file, line)


def test_a_class_without_equipment_is_told_where_the_routing_uses_it() -> None:
    report = check_files(edited(SMALL, "resources.yaml", "class: testing\n    cell", "class: fitting\n    cell"))
    assert [(fault.file, fault.line, fault.what) for fault in report.faults] == [
        ("routing.yaml", 21, "No equipment is of class testing.")
    ]


def test_what_modbus_has_no_room_for_is_told_at_the_equipment() -> None:
    report = check_files(edited(SMALL, "signals.yaml", "class: testing, scope: equipment", "class: testing, scope: position"))
    assert [(fault.file, fault.line) for fault in report.faults] == [("resources.yaml", 42)]
    checks = "".join(
        f'  - {{id: c{n}, op: "30", name: {{en: c, zh: c}}, measure: m{n}, unit: lm, reaction: hold, physics: {{mean: 1, sd: 0}}}}\n'
        for n in range(7)
    )
    report = check_files({**SMALL, "checks.yaml": SMALL["checks.yaml"] + checks})
    assert [fault.what for fault in report.faults] == [
        "tester-1 would report 8 measurements of an operation, and Modbus has room for 7."
    ]


def test_a_measure_is_made_once_in_an_operation() -> None:
    files = edited(SMALL, "checks.yaml", 'op: "30"', 'op: "10"')
    [fault] = check_files(
        {**files, "checks.yaml": files["checks.yaml"].replace("measure: brightness", "measure: diameter")}
    ).faults
    assert (fault.line, fault.what) == (14, "diameter of operation 10 is measured by diameter already.")


def test_the_small_pack_and_the_refrigerator_have_no_fault() -> None:
    assert check_files(SMALL).faults == ()
    assert check_pack(REFRIGERATOR).faults == ()


def test_all_faults_are_told_at_once_by_file_and_line() -> None:
    files = edited(SMALL, "pack.yaml", "currency: EUR", "currency: euro")
    files = edited(files, "options.yaml", "default: led", "default: lead")
    files = edited(files, "signals.yaml", "unit: rpm", "unit: spins")
    files = edited(files, "options.yaml", '"2.00"', "2")
    report = check_files(files)
    assert [(fault.file, fault.line) for fault in report.faults] == [
        ("options.yaml", 7),
        ("options.yaml", 19),
        ("pack.yaml", 6),
        ("signals.yaml", 6),
    ]
    with pytest.raises(PackRefused) as caught:
        load_files(files)
    assert caught.value.faults == report.faults
    assert "4 faults" in caught.value.what
    assert caught.value.where["faults"].count("\n") == 3


def test_a_fault_in_the_options_does_not_make_faults_of_every_rule() -> None:
    report = check_files(edited(SMALL, "options.yaml", "  - id: foot\n", "  - id: Foot\n"))
    assert [fault.what for fault in report.faults if fault.file == "rules.yaml"] == []


@pytest.mark.parametrize("file", sorted(SMALL))
def test_a_missing_file_is_one_fault(file: str) -> None:
    files = {name: text for name, text in SMALL.items() if name != file}
    told = [fault for fault in check_files(files).faults if fault.file == file]
    assert told == [Fault(file, 1, f"{file} is missing.", "Add it, as the guide to packs describes.")]


@pytest.mark.parametrize("file", sorted(SMALL))
@pytest.mark.parametrize(
    "text", ["", "[", "- a\n- b\n", "just text", "{a: 1}\n---\n{b: 2}", "a: !!python/name:os.system x", "[" * 5000]
)
def test_nonsense_in_any_file_is_a_fault_and_nothing_worse(file: str, text: str) -> None:
    report = check_files({**SMALL, file: text})
    assert report.pack is None
    assert file in {fault.file for fault in report.faults}


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    folder = written({**SMALL, "README.md": "# Lamps"}, tmp_path / "lamps")
    assert load_pack(folder).id == "lamps"
    (folder / "notes.txt").write_text("x")
    (folder / "demo.yaml").write_bytes(b"\xff\xfe")
    told = {(fault.file, fault.what.split(":")[0]) for fault in check_pack(folder).faults}
    assert ("notes.txt", "notes.txt is no file of a pack.") in told
    assert ("demo.yaml", "The file cannot be read") in told
    with pytest.raises(PackRefused, match="There is no such folder"):
        load_pack(tmp_path / "nothing")


def test_the_hash_follows_the_content() -> None:
    pack = load_files(SMALL)
    assert load_files(dict(reversed(SMALL.items()))).hash == pack.hash
    assert load_files(edited(SMALL, "demo.yaml", "seed: 1", "seed: 2")).hash != pack.hash


def test_a_pack_with_every_word_exchanged_is_configured_alike(tmp_path: Path) -> None:
    words = rename_pack(REFRIGERATOR, tmp_path / "renamed")
    renamed, known = compile_pack(load_pack(tmp_path / "renamed")), compile_pack(load_pack(REFRIGERATOR))
    assert len({*words.values()}) == len(words)
    assert not {"layout", "french4", "compressor", "refrigerator", "brazing"} & {*words.values()}
    picks = {"dispenser": "ice", "panel": "print"}
    mine, theirs = configure(known, picks), configure(renamed, {words[o]: words[v] for o, v in picks.items()})
    assert {words[o]: words[v] for o, v in mine.completion.items()} == theirs.completion
    assert (mine.price, mine.lead_s) == (theirs.price, theirs.lead_s)
    assert [[v.standing for v in o.values] for o in mine.options] == [[v.standing for v in o.values] for o in theirs.options]
    one, other = explode(known, "C", complete(known, picks)), explode(renamed, "C", theirs.completion)
    assert [words[line.variant] for line in one.bom] == [line.variant for line in other.bom]
    assert [op.duration_s for op in one.operations] == [op.duration_s for op in other.operations]


def test_a_mapping_chooses_the_new_words(tmp_path: Path) -> None:
    words = rename_pack(REFRIGERATOR, tmp_path / "renamed", {"layout": "shape", "refrigerator": "cupboard"})
    pack = load_pack(tmp_path / "renamed")
    assert (words["layout"], pack.options[0].id, pack.product.id) == ("shape", "shape", "cupboard")
