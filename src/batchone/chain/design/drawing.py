"""The product as it is configured: what of the drawing is kept, and in which look."""

from __future__ import annotations

from batchone.chain.design.model import Blueprint
from batchone.chain.design.svg import Element, write_svg
from batchone.contracts.design import Choices


def draw(blueprint: Blueprint, choices: Choices) -> str:
    """SVG text for complete choices."""
    root = _kept(blueprint, blueprint.drawing, choices)
    return write_svg(root) if root is not None else write_svg(Element("svg", {}, None, None, 1))


def _kept(blueprint: Blueprint, element: Element, choices: Choices) -> Element | None:
    if element.when is not None and not blueprint.holds(element.when, choices):
        return None
    attributes = dict(element.attributes)
    if element.fill is not None:
        look = blueprint.pack.option(element.fill).value(choices[element.fill]).look
        attributes["fill"] = look or attributes.get("fill", "none")
    content: list[Element | str] = []
    for child in element.content:
        kept = child if isinstance(child, str) else _kept(blueprint, child, choices)
        if kept is not None:
            content.append(kept)
    return Element(element.name, attributes, None, None, element.line, content)
