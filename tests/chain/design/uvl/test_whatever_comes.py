"""An uploaded feature model may be any text: it is a model or refused."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.chain.design.uvl import read
from batchone.kernel.errors import Refused

SOUND = """namespace Shop.Bikes

features
\tBike {price 900.50}
\t\tmandatory
\t\t\tFrame {abstract}
\t\t\t\talternative
\t\t\t\t\tSteel
\t\t\t\t\t"Carbon fibre"
\t\t[1..2]
\t\t\tInteger Gears
\t\t\tBell cardinality [1..3]

constraints
\tBell => !"Carbon fibre"
\tsum(price) > 3.5 & (Steel | Bell)
"""
PIECES = st.sampled_from([
    "\t", "\n", " ", "features", "constraints", "mandatory", "[1..*]", "[9..1]", "{", "}", '"', "(", ")", "=>", "!", "&", "|",
    "<", "sum(", "1e999", "-", ".", "//", "/*", "*/", "Steel", "cardinality", "imports", "namespace", "'", "\u2028", "\0",
])  # fmt: skip
TEXTS = st.text(max_size=30) | st.lists(PIECES, max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SOUND)), TEXTS, st.integers(0, 40))
def test_no_text_breaks_it(at: int, put: str, cut: int) -> None:
    for text in (put, SOUND[:at] + put + SOUND[at + cut :]):
        with suppress(Refused):
            assert read(text).features


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["(", "!", "Bell => ", "[", "\t"]), st.integers(100, 5000))
def test_no_depth_breaks_it(piece: str, times: int) -> None:
    with suppress(Refused):
        read(SOUND + "\t" + piece * times + "Bell\n")
