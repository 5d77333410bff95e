"""SVG as a small tree of what is allowed in a drawing, with the line of each element.

Only shapes, gradients, clips and text pass; anything that could run, load or restyle is a fault. What is written out again
is built from the tree, so nothing unknown can travel through.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.saxutils import escape, quoteattr
from xml.sax.xmlreader import AttributesNSImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.sax import make_parser

SVG = "http://www.w3.org/2000/svg"
DRAWING = "urn:batchone:drawing"

_ELEMENTS = (
    "svg g defs title desc rect circle ellipse line polyline polygon path text tspan linearGradient radialGradient stop "
    "clipPath mask pattern"
)
_ATTRIBUTES = (
    "id class role viewBox preserveAspectRatio width height x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy d points transform "
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-dasharray "
    "stroke-dashoffset stroke-miterlimit opacity offset stop-color stop-opacity gradientUnits gradientTransform "
    "spreadMethod clip-path clip-rule clipPathUnits mask maskUnits maskContentUnits patternUnits patternContentUnits "
    "patternTransform font-family font-size font-weight text-anchor dominant-baseline letter-spacing vector-effect "
    "aria-label aria-hidden"
)
ELEMENTS = frozenset(_ELEMENTS.split())
ATTRIBUTES = frozenset(_ATTRIBUTES.split())


class SvgFault(ValueError):
    """Something in a drawing that may not be there: the line, what it is, and the cure."""

    def __init__(self, line: int, what: str, cure: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what
        self.cure = cure


@dataclass
class Element:
    """An element: its name and attributes in the SVG namespace, its condition, the option its fill follows, its content."""

    name: str
    attributes: Mapping[str, str]
    when: str | None
    fill: str | None
    line: int
    content: list[Element | str] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        """This element and all below it."""
        yield self
        for child in self.content:
            if isinstance(child, Element):
                yield from child.elements()

    def conditions(self) -> Iterator[str]:
        """Every condition in the drawing."""
        return (each.when for each in self.elements() if each.when is not None)


class _Builder(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.root: Element | None = None
        self.faults: list[SvgFault] = []
        self._open: list[Element] = []
        self._locator: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - the name is SAX's
        self._locator = locator

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl) -> None:  # noqa: N802, ARG002 - SAX's
        line = (self._locator.getLineNumber() if self._locator else None) or 1
        space, local = name
        if space != SVG or local not in ELEMENTS:
            self.faults.append(SvgFault(line, f"<{local}> may not stand in a drawing.", "Draw with shapes and text."))
        element = self._element(local, attrs, line)
        if self._open:
            self._open[-1].content.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802, ARG002 - SAX's
        self._open.pop()

    def characters(self, content: str) -> None:
        if self._open:
            self._open[-1].content.append(content)

    def _element(self, local: str, attrs: AttributesNSImpl, line: int) -> Element:
        own: dict[str, str] = {}
        ours: dict[str, str] = {}
        for (space, key), value in attrs.items():
            if space == DRAWING and key in ("when", "fill"):
                ours[key] = value
            elif space is not None or key not in ATTRIBUTES:
                self.faults.append(SvgFault(line, f"The attribute {key} may not stand in a drawing.", "Take it out."))
            elif not _local(value):
                self.faults.append(SvgFault(line, f"{key} refers outside the drawing.", "Refer to ids in it, as in url(#id)."))
            else:
                own[key] = value
        return Element(local, own, ours.get("when"), ours.get("fill"), line)


def _local(value: str) -> bool:
    compact = "".join(value.split()).lower()
    return compact.count("url(") == compact.count("url(#") and not any(
        danger in compact for danger in ("javascript:", "data:", "http:", "https:", "\\")
    )


def read_svg(text: str) -> tuple[Element | None, list[SvgFault]]:
    """The tree of a drawing and everything that is wrong with it; no tree when it is no XML."""
    builder = _Builder()
    parser = make_parser()
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(builder)
    try:
        parser.parse(io.StringIO(text))
    except SAXParseException as error:
        what = f"This is no XML: {error.getMessage()}."
        return None, [SvgFault(error.getLineNumber() or 1, what, "Close every element and quote every attribute.")]
    except DefusedXmlException:
        return None, [SvgFault(1, "The drawing declares entities or a document type.", "Take the <!DOCTYPE> out.")]
    if builder.root is not None and builder.root.name != "svg":
        builder.faults.append(SvgFault(builder.root.line, "The drawing is no <svg>.", "Make <svg> its outermost element."))
    return builder.root, builder.faults


def parse_svg(text: str) -> Element:
    """The tree of a drawing that was checked; the first fault is raised."""
    root, faults = read_svg(text)
    if faults or root is None:
        raise faults[0] if faults else SvgFault(1, "The drawing is empty.", "Draw something.")
    return root


def write_svg(element: Element) -> str:
    """The tree as text; conditions and option fills are left out, the drawing's caller has applied them."""
    space = f' xmlns="{SVG}"' if element.name == "svg" else ""
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attributes.items())
    content = "".join(child if isinstance(child, str) else write_svg(child) for child in _escaped(element))
    opening = f"<{element.name}{space}{attributes}"
    return f"{opening}>{content}</{element.name}>" if content else f"{opening}/>"


def _escaped(element: Element) -> Iterator[Element | str]:
    return (escape(child) if isinstance(child, str) else child for child in element.content)
