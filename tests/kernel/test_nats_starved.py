from pathlib import Path

from batchone.kernel.engines.nats import Nats

FULL = "[ERR] JetStream failed to store a msg on stream '$G > SAMPLES': write /x/8.blk: no space left on device\n"


def test_a_server_that_says_it_has_no_room_while_there_is_some_is_starved_and_each_word_counts_once(tmp_path: Path) -> None:
    server = Nats(tmp_path)
    assert not server.starved()
    log = tmp_path / "nats.log"
    log.write_text("[INF] Server is ready\n")
    assert not server.starved()
    log.write_text(log.read_text() + FULL)
    assert server.starved()
    assert not server.starved()
    log.write_text(log.read_text() + "[INF] Server is ready\n")
    assert not server.starved()


def test_what_it_said_before_a_restart_of_ours_is_found_but_no_more_than_the_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "nats.log").write_text(FULL + "[INF] nothing\n" * 20_000)
    assert not Nats(tmp_path).starved()
