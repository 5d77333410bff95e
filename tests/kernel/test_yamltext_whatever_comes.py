"""A declaration may be any text: it is read whole or refused with the lines of its faults."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel import yamltext
from batchone.kernel.errors import Refused
from batchone.machines.connect.sources.text import SourcesText
from batchone.machines.twin.things.text import ThingsText

CONNECTIONS = """connections:
  - id: air
    url: influx://air
    settings: {every: 1 s}
    signals: [{path: pump-1/pressure, address: pump pressure, factor: 0.5}]
"""
THINGS = """types:
  - id: pump
    name: {en: Pump}
    signals: [{id: pressure, unit: bar, limits: {low: 1, high: 9}}]
equipment:
  - {id: pump-1, type: pump, place: works/s/a/l/c}
"""
PIECES = st.sampled_from([
    "\n", "  ", "\t", "- ", ": ", "{", "}", "[", "]", "&a", "*a", "<<: ", "!!python/object:os.system ", "!!binary ", "? ", "| ",
    "'", "null", ".inf", "1e999", "9" * 400, "\u2028", "\0", "---", "%YAML 9.9", "#",
])  # fmt: skip
TEXTS = st.text(max_size=30) | st.lists(PIECES, max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(THINGS)), TEXTS, st.integers(0, 60), st.sampled_from([SourcesText, ThingsText]))
def test_no_text_breaks_it(at: int, put: str, cut: int, kind) -> None:
    sound = CONNECTIONS if kind is SourcesText else THINGS
    for text in (put, sound[:at] + put + sound[at + cut :]):
        with suppress(Refused):
            told = yamltext.read(text, kind, "connections")
            yamltext.read(yamltext.write(told), kind, "connections")
