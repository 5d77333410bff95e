"""The text that a probe proposes, before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batchone.cli.connect import certificate_rows, proposal, settings_of
from batchone.contracts.certificates import PlatformCertificate, ServerCertificate
from batchone.contracts.sources import Found, Probed
from batchone.kernel.errors import Refused
from batchone.machines.connect.sources.text import kept

FOUND = (
    Found("ns=2;s=Air.'P'", "Air P", "Double", "kPa", "612", "comp-1/pressure", "the names are 90% alike"),
    Found("ns=2;s=Odd\nName", "Odd", "Int32", "", "4"),
)  # fmt: skip


def test_what_is_proposed_can_be_declared_as_it_stands_and_nothing_else_is_in_it() -> None:
    text = proposal(Probed("opc.tcp://10.0.0.5:4840/", "opcua", "A server", "none", FOUND), "air", {"security": "none"})
    (connection,) = kept(text).connections
    assert (connection.id, connection.url, connection.settings) == ("air", "opc.tcp://10.0.0.5:4840/", {"security": "none"})
    assert [(each.path, each.address, each.unit) for each in connection.signals] == [
        ("comp-1/pressure", "ns=2;s=Air.'P'", "kPa"),
    ]
    assert "# Air P Double 612 kPa; the names are 90% alike" in text
    assert "# - {path: ?, address: 'ns=2;s=Odd Name'}  Odd Int32 4" in text


def test_guesses_stand_as_comments_with_their_evidence_and_settings_of_the_probe_are_left_out() -> None:
    guess = Found("holding:10:float32", "", "float32, a guess", "", "21.5", why="a guess: its 32 bits make a plain real number")
    told = Probed("modbus://10.0.0.7:502", "modbus", "A unit", "none", (guess,))
    text = proposal(told, "air", {"unit": "3", "probe_count": "50"})
    (connection,) = kept(text).connections
    assert (connection.settings, connection.signals) == ({"unit": "3"}, ())
    assert "'holding:10:float32'}  float32, a guess 21.5; a guess: its 32 bits make a plain real number" in text


def test_a_machine_that_offers_nothing_known_is_still_a_text() -> None:
    assert kept(proposal(Probed("s7://plc", "s7", "A PLC", "none", FOUND[1:]), "plc", {})).connections[0].signals == ()


def test_settings_are_words_of_key_and_value() -> None:
    assert settings_of(("unit=3", "note=a=b")) == {"unit": "3", "note": "a=b"}
    for wrong in ("unit", "=3", "unit="):
        with pytest.raises(Refused, match="no setting"):
            settings_of((wrong,))


def test_certificates_are_lines_with_whose_they_are_and_until_when() -> None:
    times = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
    own = PlatformCertificate("AB", "CN=us", "urn:us", *times, in_use=False, pem="")
    seen = ServerCertificate("10.0.0.5:4840", "CD", "CN=plc", "urn:plc", *times, "waiting", *times)
    assert [tuple(row.values()) for row in certificate_rows([own], [seen])] == [
        ("ours, next", "", "2031-01-01", "CN=us", "AB"), ("waiting", "10.0.0.5:4840", "2031-01-01", "CN=plc", "CD"),
    ]  # fmt: skip
