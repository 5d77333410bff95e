"""Every parser that faces a wire, a disk or an upload has a test that feeds it whatever comes; this is the list of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batchone.machines.connect import quality
from batchone.machines.connect.quality import Done

ROOT = Path(__file__).parent.parent
MACHINES, TESTS = "src/batchone/machines", "tests/machines"
PARSERS = {
    f"{MACHINES}/columns.py::from_bytes": f"{TESTS}/test_columns_whatever_comes.py::test_a_spoilt_batch_is_a_batch_or_refused",
    f"{MACHINES}/history/ingest.py::decode": (
        f"{TESTS}/history/test_ingest.py::test_a_damaged_message_is_a_batch_or_refused_and_nothing_else"
    ),
    f"{MACHINES}/connect/spool.py::_entries": (
        f"{TESTS}/connect/test_files_whatever_comes.py::test_records_before_a_spoilt_place_are_read_and_the_next_ones_are_taken"
    ),
    f"{MACHINES}/connect/known.py::read": (
        f"{TESTS}/connect/test_files_whatever_comes.py::test_no_bytes_in_what_was_known_or_lost_stop_a_start"
    ),
    f"{MACHINES}/connect/broker.py::_cut": f"{TESTS}/connect/test_broker_whatever_comes.py::test_no_bytes_break_it",
    f"{MACHINES}/history/journal.py::scan": f"{TESTS}/history/test_journal.py::test_any_bytes_are_frames_or_none",
    f"{MACHINES}/connect/modbus/registers.py::status": (
        f"{TESTS}/connect/modbus/test_whatever_comes.py::test_no_registers_break_it"
    ),
    f"{MACHINES}/connect/modbus/driver.py::_unspoilt": (
        f"{TESTS}/connect/modbus/test_whatever_comes.py::test_no_frame_breaks_it_and_none_grows"
    ),
    f"{MACHINES}/connect/mqtt/payloads.py::place_of": (
        f"{TESTS}/connect/mqtt/test_payloads.py::test_any_text_is_a_place_or_refused"
    ),
    f"{MACHINES}/connect/s7/points.py::place_of": f"{TESTS}/connect/s7/test_points.py::test_any_text_is_a_place_or_refused",
    f"{MACHINES}/aas/package.py::read": f"{TESTS}/aas/test_package_whatever_comes.py::test_no_part_breaks_it",
    f"{MACHINES}/connect/proposing.py::propose": (
        f"{TESTS}/connect/test_proposing.py::test_whatever_a_machine_calls_its_signals_each_is_listed_as_it_was_found"
    ),
    "src/batchone/chain/design/choosing/pictures.py::look_at": (
        "tests/chain/design/choosing/test_pictures_whatever_comes.py::test_no_bytes_break_it"
    ),
    "src/batchone/kernel/yamltext.py::read": "tests/kernel/test_yamltext_whatever_comes.py::test_no_text_breaks_it",
    "src/batchone/chain/design/uvl/reading.py::read": "tests/chain/design/uvl/test_whatever_comes.py::test_no_text_breaks_it",
}
"""Parsers that are no connector's, or a connector's second one; the first one of each stands in its `quality.yaml`."""
DRIVERS = sorted(path.parent for path in (ROOT / MACHINES / "connect").glob("*/driver.py"))


def _is_fed_anything(test: str) -> bool:
    path, _, name = test.partition("::")
    above = re.search(rf"\n\n(@(?:[^\n]|\n(?!\n))*?\n)(?:async )?def {name}\(", (ROOT / path).read_text())
    return above is not None and "@given(" in above[1]


@pytest.mark.parametrize("parser", PARSERS)
def test_a_parser_is_fed_whatever_comes(parser: str) -> None:
    path, _, name = parser.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()
    assert _is_fed_anything(PARSERS[parser])


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda path: path.name)
def test_a_connector_is_fed_whatever_comes(driver: Path) -> None:
    answer = quality.read(driver).rules["fuzzed"].root
    assert isinstance(answer, Done), f"{driver.name}: nobody feeds its parsers whatever comes"
    assert _is_fed_anything(answer.done), answer.done
