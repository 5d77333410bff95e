from __future__ import annotations

from defusedxml import ElementTree
from tests.support_universe import Universe

from batchone.chain.design.completion import complete
from batchone.chain.design.drawing import draw
from batchone.chain.design.model import Blueprint

SVG = "{http://www.w3.org/2000/svg}"


def test_the_drawing_follows_the_choices(lamp: Blueprint) -> None:
    square = ElementTree.fromstring(draw(lamp, {"foot": "square", "height_cm": "30", "light": "halogen"}))
    assert [child.tag.removeprefix(SVG) for child in square] == ["title", "rect"]
    assert square[1].get("fill") == "#222222"
    clamp = ElementTree.fromstring(draw(lamp, {"foot": "clamp", "height_cm": "30", "light": "led"}))
    assert [child.tag.removeprefix(SVG) for child in clamp] == ["title", "circle"]


def test_no_condition_is_left_in_what_is_handed_out(lamp: Blueprint) -> None:
    assert "urn:batchone" not in draw(lamp, complete(lamp, {}))
    assert "b:" not in draw(lamp, complete(lamp, {}))


def test_every_refrigerator_value_can_be_drawn_and_shows(refrigerator: Blueprint, universe: Universe) -> None:
    seen: dict[str, set[str]] = {}
    for option, values in universe.vocabulary.options.items():
        for value in values:
            svg = draw(refrigerator, complete(refrigerator, {option: value}))
            ElementTree.fromstring(svg)
            seen.setdefault(option, set()).add(svg)
    for option in ("layout", "volume_l", "panel", "smart", "freshness", "dispenser", "hinge", "grade"):
        assert len(seen[option]) == len(universe.vocabulary.options[option]), option
