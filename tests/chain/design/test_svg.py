from __future__ import annotations

import pytest

from batchone.chain.design.svg import SvgFault, parse_svg, read_svg, write_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:b="urn:batchone:drawing" xmlns:xlink="http://www.w3.org/1999/xlink">\n'


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<script>alert(1)</script>", "<script> may not stand"),
        ('<rect onclick="alert(1)"/>', "onclick may not stand"),
        ('<rect style="fill:red"/>', "style may not stand"),
        ('<rect fill="url(http://elsewhere/x)"/>', "fill refers outside"),
        ('<rect fill="url( #ok ) url(other.svg#x)"/>', "fill refers outside"),
        ('<rect fill="\\75rl(x)"/>', "fill refers outside"),
        ('<image href="data:image/png;base64,AA"/>', "<image> may not stand"),
        ('<a href="javascript:alert(1)"/>', "<a> may not stand"),
        ('<g xlink:href="#x"/>', "href may not stand"),
        ("<foreignObject/>", "<foreignObject> may not stand"),
        ('<rect xmlns="urn:other"/>', "<rect> may not stand"),
        ("<g>", "no XML"),
    ],
)
def test_what_could_run_or_load_is_a_fault_with_its_line(inside: str, what: str) -> None:
    _, faults = read_svg(f"{HEAD}<title>t</title>\n{inside}\n</svg>")
    assert what in faults[0].what
    assert faults[0].line >= 3
    assert faults[0].cure


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        "<g xmlns='http://www.w3.org/2000/svg'/>",
        "",
    ],
)
def test_entities_and_other_documents_are_refused(text: str) -> None:
    with pytest.raises(SvgFault):
        parse_svg(text)


def test_text_and_attributes_are_escaped_when_written() -> None:
    root = parse_svg(f'{HEAD}<text class="&quot;&lt;">1 &lt; 2 &amp; 3</text></svg>')
    again = parse_svg(write_svg(root))
    assert write_svg(again) == write_svg(root)
    assert "1 &lt; 2 &amp; 3" in write_svg(root)
