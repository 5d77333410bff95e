"""Declarations that name no machine."""

from __future__ import annotations

import pytest

from batchone.contracts.things import ThingModel
from batchone.kernel.errors import Refused
from batchone.machines.connect.sources import text as texts


@pytest.mark.parametrize("url", ["modbus://10.0.0.5:99999", "modbus://10.0.0.5:port", "modbus://[::1", "modbus://h:0", "plc"])
def test_a_url_that_is_none_is_a_fault_of_the_text(url: str) -> None:
    text = f"connections:\n  - id: air\n    url: '{url}'\n"
    with pytest.raises(Refused, match="air: nobody speaks"):
        texts.read(text, ThingModel(), {"modbus"}, ())
    assert texts.scheme_of(url) == ""


def test_a_url_of_a_scheme_that_is_spoken_is_taken() -> None:
    text = "connections:\n  - id: air\n    url: modbus://[::1]:502\n"
    assert texts.read(text, ThingModel(), {"modbus"}, ()).connections[0].url == "modbus://[::1]:502"
