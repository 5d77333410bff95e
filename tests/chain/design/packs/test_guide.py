from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support_pack import SMALL

from batchone.chain.design.packs import check_files

GUIDE = Path(__file__).parents[4] / "docs/guides/packs.md"
EXAMPLES = dict(
    re.findall(r"^## (\w+\.yaml)$.*?^```yaml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


def test_the_guide_has_an_example_of_every_file() -> None:
    assert set(EXAMPLES) == {name for name in SMALL if name.endswith(".yaml")}


@pytest.mark.parametrize("file", sorted(EXAMPLES))
def test_the_examples_of_the_guide_are_written_as_packs_are_read(file: str) -> None:
    """Examples name things of other files, which are not there; but every key, quantity and condition can be read."""
    allowed = (
        "There is no",
        "is no option",
        "is no value",
        "No equipment",
        "The shares",
        "The weights",
        "The nominal",
        "for foot",
    )
    faults = [fault for fault in check_files({**SMALL, file: EXAMPLES[file]}).faults if fault.file == file]
    left = [str(fault) for fault in faults if not any(word in fault.what for word in allowed)]
    assert left == []
