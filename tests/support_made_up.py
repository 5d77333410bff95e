# ruff: noqa: E501 - texts of packs read best with one entry on a line
"""Packs made up by chance: a few options, a quantity, a part with options of its own, rules of every kind, and dates."""

from __future__ import annotations

import random

from tests.support_nested import RACK

NAME = "name: {en: n, zh: n}"


def made_up(chance: random.Random) -> dict[str, str]:
    """A pack with two to three named options, a quantity, and a part that holds options of its own."""
    named = [f"o{n}" for n in range(chance.randint(2, 3))]
    options = [option(chance, name) for name in named]
    options.append(f'  - {{id: q, {NAME}, quantity: {{from: 0, to: {chance.randint(3, 4)}}}, price_each: "1.10", default: 0}}')
    options.append(f"  - {{id: n, {NAME}, quantity: {{from: {chance.randint(0, 1)}, to: 2}}, default: 1}}")
    inner = [option(chance, name).replace("\n", "\n    ").replace("  - ", "      - ", 1) for name in ("p", "r")]
    part = f"parts:\n  - id: box\n    {NAME}\n    count: n\n    options:\n" + "\n".join(inner)
    rules = [
        f'  - id: r{n}\n    rule: "{rule(chance, named)}"\n    message: {{en: R{n}., zh: R{n}。}}'
        for n in range(chance.randint(0, 3))
    ]
    rules += [
        f"  - id: in{n}\n    part: box\n    rule: \"{condition(chance, ['p', 'r'])} => {condition(chance, [*named, 'p'])}\"\n"
        f"    message: {{en: In{n}., zh: In{n}。}}" for n in range(chance.randint(0, 1))
    ]  # fmt: skip
    prices = [
        f"  - {{id: x{n}, when: \"{condition(chance, named)}\", price: \"{chance.randint(-9, 9)}.50\"}}" for n in range(2)
    ] + [f"  - {{id: y, part: box, when: \"{condition(chance, ['p', 'r'])}\", price: \"{chance.randint(-3, 3)}.00\"}}"]  # fmt: skip
    bom = (
        f'bom:\n  - module: base\n    at: "90"\n    quantity: {{base: 1, add: [{{of: q, by: 2}}, {{when: {condition(chance, named)}, by: 1}}]}}\n'
        f"    choose: [{{when: {named[0]} = a, variant: base-plate}}, {{when: {named[0]} != a, variant: base-clamp}}]\n"
        '  - module: bulb\n    part: box\n    at: "10"\n    quantity: {base: 1, add: [{of: q, by: 1}]}\n'
        "    choose: [{when: p = a, variant: bulb-led}, {when: p != a, variant: bulb-halogen}]\n"
    )
    routing = RACK["routing.yaml"].split('  - op: "20"')[0] + '  - op: "90"' + RACK["routing.yaml"].split('  - op: "90"')[1]
    routing = routing.replace("part: shelf", "part: box").replace("{of: load, by: 0.1 s}", "{of: q, by: 1 s}")
    routing = routing.replace("{class}", "{p}").replace("cut-{load}-{height}", "cut-{p}-{q}").replace('["10", "20"]', '["10"]')
    routing = routing.replace("{of: shelves, by: 15 s}", "{of: n, by: 15 s}").replace("rack-{height}-{ends}", "all-{n}")
    routing = routing.replace('{label: "{steel.own}", weight: "{weight}"}', '{what: "{q}"}')
    return {
        **RACK,
        "options.yaml": "options:\n" + "\n".join(options) + "\n" + part + "\n",
        "rules.yaml": "rules:\n" + ("\n".join(rules) or "  []") + "\nprices:\n" + "\n".join(prices) + "\n",
        "bom.yaml": bom,
        "routing.yaml": routing,
        "resources.yaml": RACK["resources.yaml"].replace(", pairs: [{from: light, to: heavy, time: 12 s}]", ""),
        "energy.yaml": "energy: {nominal: 0.2 kWh, shares: {metal: 0.667, assembly: 0.333}, tolerance: 0.5, carbon_g_per_kwh: 400}\n",
        "demo.yaml": RACK["demo.yaml"].replace("{steel: {plain: 2, inox: 1}, height: {150: 1, 200: 1}}", "{q: {0: 1}}"),
        "drawing.svg": RACK["drawing.svg"].replace("height >= 150", "q >= 1").replace("count(shelf)", "count(box)"),
    }


def option(chance: random.Random, name: str) -> str:
    values = "abc"[: chance.randint(2, 3)]
    told = ", ".join(
        f"{{id: {v}, {NAME}, price: \"{chance.randint(0, 9)}.00\""
        f"{chance.choice(['', '', ', until: 2026-03-31', ', since: 2026-04-01'])}}}" for v in values
    )  # fmt: skip
    return f"  - {{id: {name}, {NAME}, default: {chance.choice(values)}, values: [{told}]}}"


def condition(chance: random.Random, named: list[str]) -> str:
    return f"{chance.choice(named)} {chance.choice(['=', '!='])} {chance.choice('ab')}"


def rule(chance: random.Random, named: list[str]) -> str:
    one, two = condition(chance, named), condition(chance, named)
    number = chance.randint(0, 3)
    return chance.choice(
        [
            f"{one} => {two}",
            f"{one} <=> q >= {number}",
            f"q * 2 + n <= {number + 3}",
            f"count(box: p = a) <= {chance.randint(0, 1)} or {one}",
            f"exactly {chance.randint(0, 2)} of {{{one}, {two}, q = {number}}}",
            f"every(box: r = a or {one})",
            f"some(box: p = b) => {two}",
            f"sum(box: q + 1) < {number + 2}",
            f"n * q != {number}",
        ]
    )
