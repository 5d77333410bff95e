"""What stands in the files of an edge may have been spoilt by anything: what is whole is used, and nothing stops a start."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines.connect.known import Memory
from batchone.machines.connect.spool import Entry, Spool, _record

ENTRIES = [Entry(f"c-{number}", bytes(range(10 * number)), number, 1e9 + number) for number in range(1, 6)]
WHOLE = b"".join(_record(entry) for entry in ENTRIES)
ENDS = [sum(len(_record(entry)) for entry in ENTRIES[:count]) for count in range(len(ENTRIES) + 1)]
KNOWN = b'{"wirings":[],"conflicts":{},"said":{"m1":"idle"},"sent":[]}'


def _all_of(spool: Spool) -> list[str]:
    found = []
    while (entry := spool.first()) is not None:
        found.append(entry.id)
        spool.done()
    return found


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=40), st.integers(0, 60))
def test_records_before_a_spoilt_place_are_read_and_the_next_ones_are_taken(at: int, data: bytes, cut: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "000000000001.log").write_bytes(WHOLE[:at] + data + WHOLE[at + cut :])
        spool = Spool(folder)
        before = [entry.id for entry, end in zip(ENTRIES, ENDS[1:], strict=True) if end <= at]
        spool.append([Entry("next", b"n", 1, 2e9)])
        found = _all_of(spool)
        assert found[: len(before)] == before
        assert found[-1] == "next"
        assert set(found) <= {*(entry.id for entry in ENTRIES), "next"}
        assert (spool.waiting_records, spool.waiting_rows, spool.waiting_bytes) == (0, 0, 0)
        spool.close()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(KNOWN)), st.integers(0, 40), st.binary(max_size=60))
def test_no_bytes_in_what_was_known_or_lost_stop_a_start(data: bytes, at: int, cut: int, losses: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "known.json").write_bytes(KNOWN[:at] + data + KNOWN[at + cut :])
        Memory(folder / "known.json").read()
        (folder / "losses.json").write_bytes(losses)
        assert Spool(folder).losses.samples >= 0
        (folder / "losses.json").write_bytes(b'{"samples":3,"last_s":1e9,"why":"full"}'[: at % 40] + losses)
        Spool(folder)
