from __future__ import annotations

import socket
from pathlib import Path

from batchone.demo.claims import Claims
from batchone.kernel.engines.child import free_port


def test_a_port_is_claimed_once_until_it_is_released(tmp_path: Path) -> None:
    first, second, port = Claims(tmp_path), Claims(tmp_path), free_port()
    assert first.take([port])
    assert not second.take([port])
    first.release()
    assert second.take([port])
    second.release()


def test_of_several_ports_all_are_claimed_or_none(tmp_path: Path) -> None:
    first, second, port, other = Claims(tmp_path), Claims(tmp_path), free_port(), free_port()
    assert first.take([port])
    assert not second.take([other, port])
    assert first.take([other])
    first.release()


def test_a_port_on_which_somebody_listens_is_not_claimed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not Claims(tmp_path).take([server.getsockname()[1]])
